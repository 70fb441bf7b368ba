"""What attempts and people make of an account, and what the browser is given of it.

An account is stopped, goes again, is deleted, and says so. The browser gets its password, what
makes its codes, and the session that an earlier login has left, where the portal allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bills import keeping
from bills.browser.plan import Login
from bills.models import BillRun, Credential, CredentialUse
from bills.portals.failures import Code
from bills.portals.logins.totp import BadSecret, read_totp
from imports.ledger import lifecycle
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob
from imports.models.notifications import What
from imports.policy import Verdict
from imports.states import OPEN

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from bills.browser.report import AttemptReport
    from bills.portals.logins.totp import Totp
    from imports.policy import Outcome


# What only a person can mend: trying again would lock the account, or changes nothing.
STOPS = (Code.LOGIN_FAILED, Code.PASSWORD_EXPIRED, Code.LOCKED)
ACCOUNT_STOPPED = sentence(
    "ACCOUNT_STOPPED",
    _("{email} at {portal} is not run any more until you have acted: {error}"),
)


@dataclass(frozen=True, slots=True)
class State:
    """An account in words, with a tone of the badges; the code where words do not say it."""

    words: _StrOrPromise
    tone: str
    code: str = ""


WORDS: dict[str, State] = {
    Code.LOGIN_FAILED: State(gettext_lazy("Needs a new password"), "danger"),
    Code.PASSWORD_EXPIRED: State(
        gettext_lazy("Must choose a new password at the portal"), "danger"
    ),
    Code.LOCKED: State(gettext_lazy("Locked by the portal"), "danger"),
    Code.OTP_NEEDED: State(gettext_lazy("Needs a one-time code"), "warning"),
    Code.ACTION_NEEDED: State(gettext_lazy("Has to do something at the portal"), "warning"),
    Code.CAPTCHA: State(gettext_lazy("Has to prove at the portal that it is human"), "warning"),
}
PAUSED = State(gettext_lazy("Paused"), "neutral")
WORKS = State(gettext_lazy("Works"), "success")
NEW = State(gettext_lazy("Not tried yet"), "info")
FAILED = State(gettext_lazy("Last run failed"), "warning")
NO_PASSWORD = State(gettext_lazy("Has no password"), "danger")


def state_of(credential: Credential) -> State:
    """What an operator has to know about it, the most urgent first. Reads no secret."""
    if credential.is_paused:
        return PAUSED
    if credential.stop_code:
        return WORDS.get(credential.stop_code, FAILED)
    if credential.last_code:
        known = WORDS.get(credential.last_code)
        return known or State(FAILED.words, FAILED.tone, credential.last_code)
    return WORKS if credential.last_success_at else NEW


def note_outcome(job_id: int, credential: Credential, outcome: Outcome) -> None:
    """What an attempt has shown of its account. One that is stopped by it says so once."""
    mine = Credential.objects.filter(pk=credential.pk)
    if outcome.verdict == Verdict.SUCCESS:
        mine.update(
            last_code="", last_tried_at=Now(), last_success_at=Now(), stop_code="",
            stopped_at=None,
        )  # fmt: skip
        return
    if outcome.verdict != Verdict.REJECTED:
        return  # it is tried again, or it is no fault of the account
    mine.update(last_code=outcome.code, last_tried_at=Now())
    if outcome.code in STOPS:
        _stop(job_id, credential, outcome)


def _stop(job_id: int, credential: Credential, outcome: Outcome) -> None:
    """A password that was corrected while the attempt ran is not stopped for the old one."""
    running = Credential.objects.filter(
        pk=credential.pk, stop_code="", password_changed_at=credential.password_changed_at
    )
    with transaction.atomic():
        if not running.update(stop_code=outcome.code, stopped_at=Now()):
            return
        if not BillRun.objects.filter(job=job_id, schedule__isnull=False).exists():
            return  # whoever started the job sees it there
        lifecycle.announce(
            ImportJob.objects.get(pk=job_id), What.ACCOUNT_STOPPED,
            f"{outcome.code} {credential.pk}",
            ACCOUNT_STOPPED.format(
                email=credential.email, portal=str(credential.portal), error=outcome.message
            ),
            reverse("admin:bills_credential_change", args=[credential.pk]),
        )  # fmt: skip


def pause(credentials: list[int]) -> int:
    """Keep accounts out of scheduled runs; how many were not paused before."""
    mine = Credential.objects.in_use().filter(pk__in=credentials, is_paused=False)
    return mine.update(is_paused=True)


def resume(credentials: list[int]) -> int:
    """Let paused and locked accounts run again; how many did not run.

    A refused password stays refused: only another one helps.
    """
    mine = Credential.objects.in_use().filter(pk__in=credentials)
    count = mine.exclude(is_paused=False, stop_code__in=("", Code.LOGIN_FAILED)).count()
    mine.update(is_paused=False)
    mine.exclude(stop_code=Code.LOGIN_FAILED).update(stop_code="", stopped_at=None)
    return count


def forget_device(credentials: list[int]) -> int:
    """Forget what browsers remember of the portal; how many accounts had something."""
    mine = Credential.objects.filter(pk__in=credentials).exclude(session="")
    return mine.update(session="", session_kept_at=None)


def delete(credentials: list[int]) -> int:
    """Erase every secret of these accounts; how many there were.

    The row goes, too, unless a job refers to it. Bills stay.
    """
    with transaction.atomic():
        mine = Credential.objects.select_for_update(of=("self",)).in_use()
        pks = list(mine.filter(pk__in=credentials).values_list("pk", flat=True))
        used = CredentialUse.objects.filter(credential__in=pks)
        kept = set(used.values_list("credential_id", flat=True))
        Credential.objects.filter(pk__in=set(pks) - kept).delete()
        Credential.objects.filter(pk__in=kept).update(
            password="", totp_secret="", session="", session_kept_at=None, extra={}, customer="",
            group="", stop_code="", deleted_at=Now(), password_changed_at=Now(),
        )  # fmt: skip
    return len(pks)


def busy(credentials: list[int]) -> set[int]:
    """Those that a job which has not ended is still to try, or is trying."""
    uses = CredentialUse.objects.filter(credential__in=credentials, batch__status__in=OPEN)
    return set(uses.values_list("credential_id", flat=True))


def login_of(credential: Credential, *, is_first: bool = True) -> Login:
    """The account as its portal is visited. Raises WrongKey.

    A try after a failed one begins a session of its own, on a device that the portal knows.
    """
    from bills.portals.logins.page import without_session  # Playwright: not for every command

    session = credential.session
    return Login(
        email=credential.email,
        password=credential.password,
        known_bills=keeping.known_bills(credential),
        extra=dict(credential.extra),
        totp=totp_of(credential),
        session=session if is_first else without_session(session),
        may_resume=is_first,
    )


def totp_of(credential: Credential) -> Totp | None:
    """What makes the codes of the account's authenticator app."""
    if not credential.totp_secret:
        return None
    try:
        return read_totp(credential.totp_secret)
    except BadSecret:  # it was checked when it was stored
        return None


def keep_session(credential: Credential, report: AttemptReport) -> None:
    """Keep what a login has left behind; nothing new leaves what is kept as it was.

    Not for an account that was deleted meanwhile.
    """
    if report.session:
        Credential.objects.in_use().filter(pk=credential.pk).update(
            session=report.session, session_kept_at=Now()
        )
