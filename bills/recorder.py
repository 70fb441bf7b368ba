"""The recorder: somebody clicks through a portal once, and a recipe is made of it.

A recording runs in the browser of a worker: it is asked for here, and runs as a message of the
queue. What is asked and what came of it are rows; only the picture, which proves nothing, is in
Redis, encrypted and for a minute or two.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import django_rq
from cryptography.fernet import InvalidToken
from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from bills.accounts.codes import RECORDING_LASTS, use_window
from bills.accounts.passwords import Password
from bills.accounts.states import login_of
from bills.batch_sender import DatabaseThread
from bills.browser.plan import Watch
from bills.job_type import NO_BROWSER
from bills.models import Credential, RecordedAct, Recording
from bills.portal_setup import browsers_folder, plan_of
from bills.portals.failures import SAID, Code
from bills.portals.recipe_schema import RecipeError
from bills.portals.recording.acts import Act, Do, Gives, Kind, Typed
from config.dev.browser import find_browser
from imports.engine import runner
from imports.engine.queue import QUEUE
from imports.fields import WrongKey, cipher
from imports.messages import marked as _
from imports.messages import sentence, storable_json

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from bills.browser.visit import Visit
    from bills.models import Portal
    from bills.portals.recording.remote import Command, Done, View
    from imports.messages import Text


IDLE_SECONDS = 600  # after the last act
LONGEST_SECONDS = RECORDING_LASTS.total_seconds()
UNSEEN_SECONDS = 60  # after somebody has looked at the page for the last time
PICTURE_SECONDS = 120
SURELY_OVER_SECONDS = LONGEST_SECONDS + 300
LONGEST_TEXT = 1_000  # characters that are typed
MOST_ACTS = 500
NOT_WATCHED = sentence(
    "RECORDING_NOT_WATCHED",
    _("The browser was closed: nobody used the page any more. What was recorded is still here."),
)


def start(portal: Portal, credential: Credential, made_by: User | None) -> Recording | None:
    """Enqueue a recording for a worker; None while another one of this portal runs.

    Raises RedisError if Redis is down.
    """
    over = Q(made_at__lt=Now() - Value(timedelta(seconds=SURELY_OVER_SECONDS)))
    unseen = Q(seen_at__lt=Now() - Value(timedelta(seconds=2 * UNSEEN_SECONDS)))
    Recording.objects.filter(over | unseen, portal=portal, ended_at=None).update(ended_at=Now())
    try:
        with transaction.atomic():
            made = Recording.objects.create(
                portal=portal, credential=credential, made_by=made_by,
                until=Now() + Value(timedelta(seconds=IDLE_SECONDS)),
            )  # fmt: skip
    except IntegrityError:
        return None
    transaction.on_commit(lambda: _enqueue(made.pk))
    return made


def _enqueue(recording_id: int) -> None:
    from bills.browser.browser import LONGEST_OVERTIME_SECONDS  # Playwright: not for every page

    django_rq.get_queue(QUEUE).enqueue(
        run, kwargs={"recording_id": recording_id}, at_front=True, result_ttl=0, failure_ttl=3600,
        job_timeout=int(LONGEST_SECONDS + LONGEST_OVERTIME_SECONDS + 60),
        description=f"recording {recording_id}",
    )  # fmt: skip


def running() -> QuerySet[Recording]:
    """The recordings whose browsers are open or about to be."""
    return Recording.objects.filter(ended_at=None, until__gt=Now())


def ask(recording: Recording, do: str, x: int = 0, y: int = 0, text: str = "") -> bool:
    """Ask the browser for something; False where it is over."""
    more = Now() + Value(timedelta(seconds=IDLE_SECONDS))
    with transaction.atomic():
        mine = running().filter(pk=recording.pk)
        if recording.acts.count() >= MOST_ACTS or not mine.update(until=more, seen_at=Now()):
            return False
        RecordedAct.objects.create(recording=recording, do=do, x=x, y=y, text=text)
    return True


def end(recording: Recording) -> None:
    """End it: its browser closes within a moment."""
    Recording.objects.filter(pk=recording.pk, ended_at=None).update(ended_at=Now())


def undo(recording: Recording) -> None:
    """Take the last step out of the recipe. The page stays as it is."""
    for last in steps_of(recording)[-1:]:
        RecordedAct.objects.filter(pk=last.pk).update(is_undone=True)


def steps_of(recording: Recording) -> list[RecordedAct]:
    """What is recorded, in its order."""
    kept = recording.acts.filter(is_undone=False).exclude(act={})
    return list(kept.defer("text").order_by("pk"))


# What the recipe is made of


def acts_of(recording: Recording) -> list[Act]:
    """What was done, as `recipe_of` wants it: it begins with the opening of the login page."""
    login_url = recording.portal.login_url if recording.portal else ""
    acts, urls = [Act(Kind.GOTO, value=login_url)], [login_url]
    for number, row in enumerate(steps_of(recording), start=1):
        act = _act_of(row.act, number)
        at = _arrived(acts, urls, act.value) if act.kind is Kind.GOTO else len(acts)
        acts.insert(at, act)
        urls.insert(at, row.act["url"])
    return acts


def _act_of(plain: dict[str, Any], number: int) -> Act:
    """The stored act. What was pressed in a row goes by the name that it has in every row."""
    gives, target, in_row = Gives(plain["gives"]), plain["target"], plain["in_row"]
    if in_row and target != in_row:
        target, gives = in_row, gives or Gives.DETAILS
    return Act(
        Kind(plain["kind"]), target, plain["value"], Typed(plain["typed"]), gives, plain["page"],
        number,
    )  # fmt: skip


def _arrived(acts: list[Act], urls: list[str], url: str) -> int:
    """Where the opening of the list belongs: behind the act that led to its address.

    Acts that come later and leave the address as it is are steps on the list's own page. The
    list is never opened before the login is through.
    """
    at = len(urls)
    while at > 1 and urls[at - 1] == url:
        at -= 1
    secret = [n for n, act in enumerate(acts) if act.typed in (Typed.PASSWORD, Typed.CODE)]
    at = max(at, secret[-1] + 1 if secret else 0) + 1
    while at < len(acts) and acts[at].kind is Kind.SEE:
        at += 1
    return min(at, len(acts))


# Its picture


def _picture_key(recording_id: int) -> str:
    return f"redrive:recording:{recording_id}"


def picture_of(recording: Recording) -> bytes | None:
    """The page as it was last shown; None where there is no picture now."""
    stored = django_rq.get_connection(QUEUE).get(_picture_key(recording.pk))
    if stored is None:
        return None
    try:
        return cipher().decrypt(stored)
    except InvalidToken:
        return None


# In the worker


def run(recording_id: int) -> None:
    """Open the browser, unless another worker has begun it, and do what is asked for."""
    if not running().filter(pk=recording_id, began_at=None).update(began_at=Now()):
        return
    recording = Recording.objects.select_related("portal").get(pk=recording_id)
    executable = find_browser()
    if executable is None:
        _close(recording_id, "NO_BROWSER", NO_BROWSER)
        return
    credential = recording.credential
    try:
        if credential is None:
            raise RecipeError([("portal", "has no such account any more.")])
        _record(recording, credential, executable)
    except RecipeError as error:
        _close(recording_id, "BAD_RECIPE", str(error))
    except WrongKey as error:
        _close(recording_id, "WRONG_KEY", error.message)
    finally:
        django_rq.get_connection(QUEUE).delete(_picture_key(recording_id))


def _record(recording: Recording, credential: Credential, executable: str) -> None:
    from bills.browser.browser import Browser
    from bills.portals.recording.remote import Driver

    portal = credential.portal
    password = Password(credential.pk, credential.password_changed_at, portal.password_limit)
    login = replace(login_of(credential), known_bills=(), session="")
    with DatabaseThread() as database, Browser(executable, browsers_folder()) as browser:
        remote = DatabaseRemote(database, recording.pk, credential.totp_secret)

        async def drive(visit: Visit) -> None:
            await Driver(visit, remote).run()

        def count() -> None:
            database.do(password.count_before_typing).result()

        plan = replace(
            plan_of(_by_hand(portal), LONGEST_SECONDS), drive=drive, keep_trace=False,
            keeps_devices=False,
        )  # fmt: skip
        watch = Watch(before_password=count, codes=remote)
        report = browser.submit(login, plan, fresh=True, watch=watch).result()
        try:
            password.settle(report, report.password_submissions)
        finally:
            report.discard()
        why = remote.why or (report.code or Code.INTERRUPTED, report.message)
        _close(recording.pk, *why)


def _by_hand(portal: Portal) -> Portal:
    """The portal without its hand-written script: a person does what that would do."""
    portal.script = ""
    return portal


def _close(recording_id: int, code: str, message: Text) -> None:
    mine = Recording.objects.filter(pk=recording_id)
    mine.filter(ended_at=None).update(ended_at=Now())
    mine.update(error_code=code, message=message or None)
    RecordedAct.objects.filter(recording=recording_id).update(text="")


class DatabaseRemote:
    """Who drives, as rows: see `bills.portals.recording.remote.Remote`, and `CodeSource`."""

    def __init__(self, database: DatabaseThread, recording_id: int, totp_secret: str) -> None:
        self.database, self.recording_id = database, recording_id
        self.totp_secret = totp_secret
        self.why: tuple[str, Text] | None = None  # code and message, once it is over

    def next(self) -> Command | None:
        """See `Remote`."""
        return self.database.do(self._next).result()

    def done(self, command: Command, done: Done) -> None:
        """See `Remote`."""
        self.database.do(
            RecordedAct.objects.filter(pk=command.number).update,
            act=storable_json(done.act or {}), message=done.message or None,
            went_wrong=done.went_wrong, done_at=Now(),
        ).result()  # fmt: skip

    def show(self, png: bytes | None, view: View) -> None:
        """See `Remote`."""
        shown = storable_json(asdict(view)) | {"picture": ""}
        if png is not None:
            shown["picture"] = hashlib.sha256(png).hexdigest()[:16]
            redis = django_rq.get_connection(QUEUE)
            redis.set(_picture_key(self.recording_id), cipher().encrypt(png), ex=PICTURE_SECONDS)
        mine = Recording.objects.filter(pk=self.recording_id)
        self.database.do(mine.update, view=shown).result()

    def _next(self) -> Command | None:
        from bills.portals.recording.remote import Command  # Playwright: not for every page

        self.why = self._why_over()
        if self.why is not None:
            return Command(0, Do.END)
        # Nobody else takes them: one worker begins a recording.
        asked = RecordedAct.objects.filter(recording=self.recording_id, taken_at=None)
        act = asked.order_by("pk").first()
        if act is None:
            return None
        RecordedAct.objects.filter(pk=act.pk).update(taken_at=Now(), text="")
        return Command(act.pk, act.do, act.x, act.y, act.text)

    def _why_over(self) -> tuple[str, Text] | None:
        """None while it goes on; nothing to say where somebody ended it, who knows that."""
        seen = Now() - Value(timedelta(seconds=UNSEEN_SECONDS))
        if runner.stopping.is_set():
            return Code.INTERRUPTED, SAID[Code.INTERRUPTED]
        if running().filter(pk=self.recording_id, seen_at__gt=seen).exists():
            return None
        was_ended = Recording.objects.filter(pk=self.recording_id).exclude(ended_at=None).exists()
        return "", "" if was_ended else NOT_WATCHED

    def may_use(self, window: int) -> bool:
        """See `CodeSource`."""
        return self.database.do(use_window, self.totp_secret, window).result()

    def ask(self, hint: str) -> float:
        """See `CodeSource`: whoever drives types the code by himself."""
        return 0.0

    def answer(self) -> str:
        """See `CodeSource`."""
        return ""
