""" "Test this portal": one attempt, with a picture of every stage and no bill stored."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import django_rq
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now

from bills import keeping
from bills.accounts.codes import LONGEST_HINT, use_window
from bills.accounts.passwords import Password
from bills.accounts.states import login_of
from bills.batch_sender import DatabaseThread
from bills.browser.plan import Login, Watch
from bills.browser.report import outcome_of
from bills.job_type import NO_BROWSER
from bills.models import Portal, PortalTest
from bills.portal_setup import browsers_folder, plan_of
from bills.portals.recipe_schema import RecipeError
from bills.portals.scripts import ScriptError
from config.dev.browser import find_browser
from imports.engine.queue import QUEUE
from imports.fields import WrongKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from bills.browser.plan import PortalPlan
    from bills.browser.report import AttemptReport
    from bills.models import Credential
    from imports.messages import Text

logger = logging.getLogger(__name__)
LONGEST_SECONDS = 120.0  # somebody is watching
CODE_SECONDS = 180.0  # for a one-time code: they look for it on a phone; the clock stands still
MOST_CODES = 3  # that the queue's time limit leaves room for
TRIED = ("login_url", "billing_url", "recipe", "script", "attempt_timeout_seconds")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a test does. `password` counts refusals of a stored account; a typed one has none."""

    plan: PortalPlan
    login: Login
    password: Password | None
    totp_secret: str


def ask(portal: Portal, credential: Credential, asked_by: User | None) -> PortalTest:
    """Enqueue a test for a worker. Raises RedisError if Redis is down."""
    test = PortalTest.objects.create(portal=portal, credential=credential, asked_by=asked_by)
    transaction.on_commit(lambda: _enqueue(test.pk))
    return test


def ask_unsaved(portal: Portal, email: str, password: str, asked_by: User | None) -> PortalTest:
    """Enqueue a test of settings as they stand in a form. Raises RedisError if Redis is down.

    The password is typed for it: a stored one goes only where its portal was saved to lead.
    """
    trial = {"portal": {name: getattr(portal, name) for name in TRIED}, "password": password}
    test = PortalTest.objects.create(account=email, trial=json.dumps(trial), asked_by=asked_by)
    transaction.on_commit(lambda: _enqueue(test.pk))
    return test


def _enqueue(test_id: int) -> None:
    from bills.browser.browser import LONGEST_OVERTIME_SECONDS  # Playwright: not for every page

    limit = int(LONGEST_SECONDS + LONGEST_OVERTIME_SECONDS + 60 + MOST_CODES * CODE_SECONDS)
    # By keyword: the first positional argument of a queue message is a job's id.
    django_rq.get_queue(QUEUE).enqueue(
        run, kwargs={"test_id": test_id}, at_front=True, result_ttl=0, failure_ttl=3600,
        job_timeout=limit, description=f"portal test {test_id}",
    )  # fmt: skip


def run(test_id: int) -> None:
    """Run the test, unless another worker has begun it."""
    begun = PortalTest.objects.filter(pk=test_id, began_at=None).update(began_at=Now())
    if not begun:
        return
    test = PortalTest.objects.defer("credential__password").get(pk=test_id)
    executable = find_browser()
    if executable is None:
        end(test, "NO_BROWSER", NO_BROWSER)
        return
    try:
        visit = _unsaved(test) if test.credential is None else _saved(test.credential)
    except RecipeError as error:
        end(test, "BAD_RECIPE", str(error))
        return
    except ScriptError as error:
        end(test, error.code, str(error))
        return
    except WrongKey as error:
        end(test, "WRONG_KEY", error.message)
        return
    _make(test, executable, visit)


def _saved(credential: Credential) -> Visit:
    portal = credential.portal
    login = replace(login_of(credential), known_bills=(), session="")
    password = Password(credential.pk, credential.password_changed_at, portal.password_limit)
    return Visit(_plan(portal), login, password, credential.totp_secret)


def _unsaved(test: PortalTest) -> Visit:
    """What was typed is read once, and erased."""
    trial = json.loads(test.trial)
    PortalTest.objects.filter(pk=test.pk).update(trial="")
    login = Login(test.account, trial["password"])
    return Visit(_plan(Portal(**trial["portal"])), login, None, "")


def _plan(portal: Portal) -> PortalPlan:
    limit = min(portal.attempt_timeout_seconds, LONGEST_SECONDS)
    return plan_of(portal, limit, with_pictures=True)


def _make(test: PortalTest, executable: str, visit: Visit) -> None:
    from bills.browser.browser import Browser

    password = visit.password
    with DatabaseThread() as database, Browser(executable, browsers_folder()) as browser:

        def note(stage: str, done: int, total: int) -> None:
            database.do(PortalTest.objects.filter(pk=test.pk).update, stage=stage)

        def count() -> None:
            if password is not None:
                database.do(password.count_before_typing).result()

        watch = Watch(note, count, CodesOfTest(database, test.pk, visit.totp_secret))
        report = browser.submit(visit.login, visit.plan, fresh=True, watch=watch).result()
        try:
            if password is not None:
                password.settle(report, report.password_submissions)
            keeping.keep_test(test, report)
            _tell(test, report)
        finally:
            report.discard()


@dataclass(frozen=True, slots=True)
class CodesOfTest:
    """The codes of a test: those of a TOTP secret; for others, whoever watches it is asked."""

    database: DatabaseThread
    test_id: int
    secret: str

    def may_use(self, window: int) -> bool:
        return self.database.do(use_window, self.secret, window).result()

    def ask(self, hint: str) -> float:
        waits = {
            "code": "", "code_hint": hint[:LONGEST_HINT],
            "code_until": Now() + Value(timedelta(seconds=CODE_SECONDS)),
        }  # fmt: skip
        mine = PortalTest.objects.filter(pk=self.test_id)
        self.database.do(mine.update, **waits).result()
        return CODE_SECONDS

    def answer(self) -> str:
        return self.database.do(self._take).result()

    def _take(self) -> str:
        """The code, erased from the row that it is read from."""
        mine = PortalTest.objects.filter(pk=self.test_id)
        with transaction.atomic():
            code = mine.select_for_update().values_list("code", flat=True).get()
            if code:
                mine.update(code="", code_until=None)
        return code


def waiting_for_code() -> QuerySet[PortalTest]:
    """The tests whose browsers wait for a code that nobody has typed yet."""
    return PortalTest.objects.filter(ended_at=None, code="", code_until__gt=Now())


def give_code(test_id: int, code: str) -> bool:
    """Hand a code to the test that waits for it; False if it waits no more."""
    return bool(waiting_for_code().filter(pk=test_id).update(code=code))


def _tell(test: PortalTest, report: AttemptReport) -> None:
    outcome = outcome_of(report)
    bills = [
        {"number": bill.number, "date": str(bill.date or ""), "size": bill.size}
        for bill in report.bills[:50]
    ]
    test.details = {**(outcome.details or {}), "bills": bills}
    test.stage = str(report.stage)
    end(test, outcome.code, outcome.message)


def end(test: PortalTest, code: str, message: Text) -> None:
    """Record the result."""
    test.error_code, test.message = code, message or None
    test.save(update_fields=["error_code", "message", "details", "stage"])
    PortalTest.objects.filter(pk=test.pk).update(ended_at=Now(), code="", code_until=None)
