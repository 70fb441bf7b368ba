"""Sends a bill batch: one browser login. A database thread counts passwords and stores bills."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import DatabaseError, close_old_connections, connection

from bills import keeping, log_lines
from bills.accounts import states
from bills.accounts.codes import AttemptCodes
from bills.accounts.passwords import UNJUDGED, Password, was_spent, why_spent
from bills.accounts.states import login_of
from bills.browser.plan import Watch
from bills.browser.report import Stage, outcome_of
from bills.models import CredentialUse
from bills.portals.failures import SAID, Code
from imports.fields import WrongKey
from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bills.browser.browser import Browser
    from bills.browser.plan import PortalPlan
    from bills.browser.report import AttemptReport
    from bills.models import Credential
    from imports.job_types import Work

CHECKED_AFTER_SECONDS = 5.0  # a connection that was in use just now is not asked whether it lives
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """What it is given is done in order. Playwright's thread must never touch the database."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._used_at = 0.0

    def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start it as soon as what came before is done; returns at once."""

        def fresh() -> T:
            now = time.monotonic()
            if now - self._used_at > CHECKED_AFTER_SECONDS:
                close_old_connections()
            self._used_at = now
            return work(*args, **kwargs)

        return self._pool.submit(fresh)

    def __enter__(self) -> DatabaseThread:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish what was given, then close the connection."""
        self._pool.submit(lambda: connection.close())  # a lambda: that thread's own connection
        self._pool.shutdown(wait=True)


WRITTEN_AFTER_SECONDS = 0.25  # a page looks less often than this

WRITE = """
UPDATE bills_credentialuse u SET stage = n.stage, stage_done = n.done, stage_total = n.total
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[]) AS n(batch_id, stage, done, total)
WHERE u.batch_id = n.batch_id
"""


class StageBoard:
    """Collects the stages of running attempts briefly and stores the latest of each in one query.

    An attempt has five or more stages, often within a second.
    """

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._latest: dict[int, tuple[str, int, int]] = {}

    def note(self, batch_id: int, stage: str, done: int, total: int) -> None:
        """Returns at once. To be called in the browser's event loop."""
        if not self._latest:
            asyncio.get_running_loop().call_later(WRITTEN_AFTER_SECONDS, self._hand_over)
        self._latest[batch_id] = (stage, done, total)

    def _hand_over(self) -> None:
        latest, self._latest = self._latest, {}
        self._database.do(write, latest)


def write(latest: dict[int, tuple[str, int, int]]) -> None:
    """Write down stage, done and total by batch id."""
    columns = zip(*((pk, *values) for pk, values in latest.items()), strict=True)
    with connection.cursor() as sql:
        sql.execute(WRITE, [list(column) for column in columns])


logger = logging.getLogger("bills")

NOT_STORED = "NOT_STORED"
WRONG_KEY = "WRONG_KEY"
KEEP_KEY = sentence(
    "KEEP_KEY",
    _("Put the key back that it was stored with, or enter the password again, then resume."),
)
NO_PASSWORD = "NO_PASSWORD"  # noqa: S105 - a code
NO_PASSWORD_STORED = sentence(
    "NO_PASSWORD_STORED", _("No password is stored for this account. Enter it, then retry.")
)
NOT_KEPT = sentence("NOT_KEPT", _("What was fetched could not be stored: {error}."))


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one refused password is sent, how long a code is waited for, and the lease.

    Both times are in seconds.
    """

    passwords: int
    code_seconds: int
    lease: float


class BillRunner:
    """Submits claimed credentials to the browser.

    Tracing costs a fifth of an attempt, and nearly every first one succeeds: unless all are to
    be `traced`, only an attempt is that follows a failed one, or that none will follow.
    """

    def __init__(
        self,
        browser: Browser,
        database: DatabaseThread,
        plan: PortalPlan,
        limits: Limits,
        *,
        traced: bool,
    ) -> None:
        self.browser, self.database = browser, database
        self.plan, self.limits, self.traced = plan, limits, traced
        self.stages = StageBoard(database)

    def plan_for(self, work: Work) -> PortalPlan:
        """How the portal is visited in this attempt."""
        is_last = work.attempt >= work.max_attempts
        return replace(self.plan, keep_trace=self.traced or work.tries > 1 or is_last)

    def submit(self, work: Work) -> Future[Outcome]:
        """Start one attempt. Called on the job runner's thread, which may read the ledger."""
        try:
            use = CredentialUse.objects.select_related("credential").get(batch_id=work.batch_id)
        except WrongKey as error:
            return settled(Outcome(Verdict.PAUSE, WRONG_KEY, error.message + KEEP_KEY))
        bill_attempt = BillAttempt(self, work, use.credential)
        logger.info(
            log_lines.started(use.credential.email, work.attempt, work.max_attempts),
            extra=work.log_ids,
        )
        return bill_attempt.start()


class BillAttempt:
    """One attempt for one credential."""

    def __init__(self, runner: BillRunner, work: Work, credential: Credential) -> None:
        self.runner, self.work, self.credential = runner, work, credential
        self.password = Password(
            credential.pk, credential.password_changed_at, runner.limits.passwords
        )
        self.codes = AttemptCodes(
            runner.database, work, credential, runner.limits.code_seconds, runner.limits.lease
        )
        self.times_sent = 0
        self.is_refused_by_us = False
        self.outcome: Future[Outcome] = Future()

    def start(self) -> Future[Outcome]:
        """Hand it to the browser, unless its password may not be sent any more."""
        refusal = self._refusal()
        if refusal is not None:
            self._log(refusal)
            states.note_outcome(self.work.job_id, self.credential, refusal)
            return settled(refusal)
        login = login_of(self.credential, is_first=self.work.tries == 1)
        watch = Watch(
            stage=self._note_stage, before_password=self._count_password, codes=self.codes
        )
        report = self.runner.browser.submit(
            login, self.runner.plan_for(self.work), fresh=self.work.tries > 1, watch=watch
        )
        report.add_done_callback(lambda done: self.runner.database.do(self._finish, done))
        return self.outcome

    def _refusal(self) -> Outcome | None:
        """Why it is not sent at all."""
        credential, limit = self.credential, self.runner.limits.passwords
        if not credential.password:
            return Outcome(Verdict.REJECTED, NO_PASSWORD, NO_PASSWORD_STORED)
        if not was_spent(credential, limit):
            return None
        code, why = why_spent(credential.refused_count, limit)
        return Outcome(
            Verdict.REJECTED, code, SAID[code] + why, details={"password_submissions": 0}
        )

    # Called by the browser: the first in its event loop, the second in a thread of its own

    def _note_stage(self, stage: str, done: int, total: int) -> None:
        self.runner.stages.note(self.work.batch_id, stage, done, total)
        if stage == Stage.LIST and self.times_sent:
            self.runner.database.do(self.password.note_accepted)

    def _count_password(self) -> None:
        """Before it is typed. Raises PortalError where it must not be."""
        try:
            self.runner.database.do(self.password.count_before_typing).result()
        except Exception:
            self.is_refused_by_us = True
            raise
        self.times_sent += 1

    # On the database thread

    def _finish(self, done: Future[AttemptReport]) -> None:
        """Store the report, then hand the outcome to the job runner, which records it last."""
        try:
            report = done.result()
            try:
                outcome = self._keep(report)
            finally:
                report.discard()
            self._log(outcome)
            self.outcome.set_result(outcome)
        except BaseException as error:
            self.outcome.set_exception(error)

    def _keep(self, report: AttemptReport) -> Outcome:
        batch_id, number = self.work.batch_id, self.work.tries
        outcome = outcome_of(report)
        try:
            self.codes.close()
            self.password.settle(report, self.times_sent)
            states.keep_session(self.credential, report)
            bills = keeping.keep_bills(self.credential, report, batch_id, number)
            evidence = keeping.keep_evidence(report, batch_id, number)
        except (OSError, DatabaseError) as error:
            named = isinstance(error, OSError) and error.strerror
            text = NOT_KEPT.format(error=named or type(error).__name__)
            return Outcome(Verdict.RETRY, NOT_STORED, text, details=outcome.details)
        details = {**(outcome.details or {}), "bills": bills, "evidence": evidence}
        outcome = self._stop_if_spent(replace(outcome, details=details))
        states.note_outcome(self.work.job_id, self.credential, self._at_last(outcome))
        return outcome

    def _at_last(self, outcome: Outcome) -> Outcome:
        """The outcome as the account sees it: after the last try nothing will be tried again."""
        is_last = self.work.attempt >= self.work.max_attempts
        if outcome.verdict == Verdict.RETRY and is_last:
            return replace(outcome, verdict=Verdict.REJECTED)
        return outcome

    def _stop_if_spent(self, outcome: Outcome) -> Outcome:
        """A password that was sent for the last time allowed needs no further attempt."""
        if outcome.code not in (Code.LOGIN_FAILED, *UNJUDGED) or outcome.verdict != Verdict.RETRY:
            return outcome
        if self.work.attempt >= self.work.max_attempts or not self.password.is_spent():
            return outcome
        if self.is_refused_by_us:
            return replace(outcome, verdict=Verdict.REJECTED)
        _, why = why_spent(outcome.code == Code.LOGIN_FAILED, self.runner.limits.passwords)
        return replace(outcome, verdict=Verdict.REJECTED, message=outcome.message + why)

    def _log(self, outcome: Outcome) -> None:
        """The seed's lines. A deferred attempt was none of those that it counts."""
        work, is_good = self.work, outcome.verdict == Verdict.SUCCESS
        line = log_lines.ended(
            self.credential.email, outcome.verdict, work.attempt, work.max_attempts
        )
        if line:
            level = logging.INFO if is_good else logging.WARNING
            logger.log(level, line, extra=work.log_ids)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A runner where nothing can be run: every credential waits until a person has acted."""

    why: Outcome

    def submit(self, work: Work) -> Future[Outcome]:
        """The same answer for all."""
        return settled(self.why)


def settled(outcome: Outcome) -> Future[Outcome]:
    """A future that is done already."""
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future
