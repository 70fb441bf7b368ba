"""One-time codes in the ledger's database: windows that are used up, and people who are asked.

The browser's side of it is `bills/portals/logins/codes.py`. No transaction is open while somebody
is waited for; the batch's lease is renewed at every look instead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.crypto import salted_hmac

from bills.models import CodeRequest, CodeWindow
from bills.portals.failures import Code, PortalError
from imports.engine import runner
from imports.ledger import claims, lifecycle
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob
from imports.models.notifications import What
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bills.batch_sender import DatabaseThread
    from bills.models import Credential
    from imports.job_types import Work

CODE_WANTED = sentence(
    "CODE_WANTED",
    _("The portal {portal} asks for a one-time code of {email}. {minutes} minutes are left."),
)
WINDOWS_KEPT = timedelta(hours=1)  # the longest window takes two minutes
REQUESTS_KEPT = timedelta(days=30)
UPLOADS_KEPT = timedelta(hours=1)  # between a CSV's preview and its confirmation
RECORDING_LASTS = timedelta(minutes=30)  # at the most
RECORDINGS_KEPT = timedelta(days=1)  # between a recording and the portal's form
LONGEST_HINT = 300
OVERDUE = timedelta(minutes=1)  # an attempt that has ended closes its request itself
SEPARATORS = " \u00a0\u202f\t-–—."
SHORTEST_CODE, LONGEST_CODE = 3, 20


def mark_of(secret: str) -> str:
    """What tells this secret from others, and nothing of it."""
    keyed = salted_hmac("bills.accounts.codes", secret, algorithm="sha256")
    return keyed.hexdigest()


def use_window(secret: str, window: int) -> bool:
    """Use up a time window of a secret, for all workers; False if it is used up already."""
    _, is_new = CodeWindow.objects.get_or_create(secret_mark=mark_of(secret), window=window)
    return is_new


class AttemptCodes:
    """The codes of one attempt: see `bills.browser.plan.CodeSource`. Called in other threads."""

    def __init__(
        self, database: DatabaseThread, work: Work, credential: Credential, seconds: int,
        lease: float,
    ) -> None:  # fmt: skip
        self.database, self.work, self.credential = database, work, credential
        self.seconds, self.lease = seconds, lease
        self._request_id = 0

    def may_use(self, window: int) -> bool:
        """See `CodeSource`."""
        return self.database.do(use_window, self.credential.totp_secret, window).result()

    def ask(self, hint: str) -> float:
        """See `CodeSource`. Also asks by notification."""
        if not self.seconds:
            return 0.0
        self._request_id = self.database.do(self._ask, hint).result()
        return float(self.seconds)

    def answer(self) -> str:
        """See `CodeSource`. Keeps the lease alive."""
        return self.database.do(self._take).result()

    def close(self) -> None:
        """On the database thread: the attempt has ended, and asks no more."""
        waiting = CodeRequest.objects.filter(pk=self._request_id, ended_at=None)
        waiting.update(code="", ended_at=Now())

    def _ask(self, hint: str) -> int:
        credential, job = self.credential, ImportJob.objects.get(pk=self.work.job_id)
        with transaction.atomic():
            self.close()
            request = CodeRequest.objects.create(
                batch_id=self.work.batch_id,
                attempt_number=self.work.tries,
                credential=credential,
                hint=hint[:LONGEST_HINT],
                expires_at=Now() + Value(timedelta(seconds=self.seconds)),
            )
            text = CODE_WANTED.format(
                portal=str(credential.portal),
                email=credential.email,
                minutes=f"{self.seconds / 60:g}",
            )
            path = reverse("admin:bills_code", args=[request.pk])
            lifecycle.announce(job, What.CODE_WANTED, str(request.pk), text, path)
        return request.pk

    def _take(self) -> str:
        """The code, erased from the row that it is read from."""
        is_ours = not runner.stopping.is_set() and claims.keep(self.work, self.lease)
        if not is_ours or not _is_going(self.work.job_id):
            raise PortalError(Code.INTERRUPTED)
        with transaction.atomic():
            request = CodeRequest.objects.select_for_update().get(pk=self._request_id)
            code = request.code
            if code:
                CodeRequest.objects.filter(pk=request.pk).update(
                    code="", taken_at=Now(), ended_at=Now()
                )
        return code


def _is_going(job_id: int) -> bool:
    return ImportJob.objects.filter(pk=job_id).exclude(status=JobStatus.CANCELLED).exists()


def wanted() -> QuerySet[CodeRequest]:
    """The requests that can still be answered, the most urgent first. No secret is read."""
    still = Q(ended_at=None, answered_at=None, expires_at__gt=Now())
    related = CodeRequest.objects.filter(still).select_related("credential__portal", "batch")
    return related.defer(
        "code",
        "batch__body",
        "credential__password",
        "credential__totp_secret",
        "credential__session",
    ).order_by("expires_at")


def plain(entered: str) -> str:
    """A code as portals want it: people copy it with blanks and dashes. "" where it is none."""
    code = "".join(letter for letter in entered if letter not in SEPARATORS)
    return code if SHORTEST_CODE <= len(code) <= LONGEST_CODE and code.isalnum() else ""


def give(request_id: int, code: str, actor: str) -> bool:
    """Hand a code to the attempt that waits for it; False if it waits no more."""
    waiting = CodeRequest.objects.filter(
        pk=request_id, ended_at=None, answered_at=None, expires_at__gt=Now()
    )
    return bool(waiting.update(code=code, answered_at=Now(), answered_by=actor))


TIDY = """
WITH erased AS (
    UPDATE bills_coderequest SET code = '', ended_at = statement_timestamp()
    WHERE ended_at IS NULL AND expires_at < statement_timestamp() - %(overdue)s
), forgotten AS (
    DELETE FROM bills_codewindow WHERE used_at < statement_timestamp() - %(windows)s
), tested AS (
    UPDATE bills_portaltest SET code = '', code_until = NULL
    WHERE code_until < statement_timestamp() - %(overdue)s
), typed AS (
    UPDATE bills_recordedact SET text = ''
    WHERE text <> '' AND asked_at < statement_timestamp() - %(recordings)s
), acts AS (
    DELETE FROM bills_recordedact WHERE recording_id IN (
        SELECT id FROM bills_recording WHERE made_at < statement_timestamp() - %(recorded)s
    )
), recordings AS (
    DELETE FROM bills_recording WHERE made_at < statement_timestamp() - %(recorded)s
), uploads AS (
    DELETE FROM bills_csvupload WHERE uploaded_at < statement_timestamp() - %(uploads)s
)
DELETE FROM bills_coderequest
WHERE ended_at IS NOT NULL AND asked_at < statement_timestamp() - %(requests)s
"""


def sweep() -> None:
    """Erase what was entered and is not needed any more, in one statement.

    Codes that nobody took, uploads that nobody confirmed, windows and requests of long ago.
    """
    names: dict[str, Any] = {
        "overdue": OVERDUE, "windows": WINDOWS_KEPT, "uploads": UPLOADS_KEPT,
        "requests": REQUESTS_KEPT, "recordings": RECORDING_LASTS, "recorded": RECORDINGS_KEPT,
    }  # fmt: skip
    with connection.cursor() as sql:
        sql.execute(TIDY, names)
