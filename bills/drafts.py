"""Creates a job of bills from a CSV, which is not stored because it holds passwords."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from bills.accounts import passwords
from bills.csv.credentials import CredentialRow, RefusedRow, account_of, read_credentials
from bills.csv.reader import UnreadableCsv, key
from bills.error_codes import row_code
from bills.models import BillRun, Credential, CredentialUse
from imports.ledger.batches import Intake, NewRecord, Refused
from imports.ledger.lifecycle import NotAllowed, note
from imports.ledger.retries import DUPLICATED_AS, NOT_A_FIRST_JOB
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportJob, RateLimit
from imports.states import EventCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bills.models import Portal

FROM_CSV = sentence("FROM_CSV", gettext_noop("{n} credentials from {file}"))
STORED = sentence("FROM_STORED", gettext_noop("{n} stored credentials"))
ROWS_AT_ONCE = 500
ONE = (b"", 0, 0)  # a credential is not in its batch's bytes


@dataclass(slots=True)
class Draft:
    """A job that can be started, and the sentences about rows that are not in it."""

    job: ImportJob
    accepted: int = 0
    refused: list[str] = field(default_factory=list)


def rate_limit_of(portal: Portal) -> RateLimit:
    """The row at which this portal's limits hold for all its jobs."""
    rate_limit, _ = RateLimit.objects.update_or_create(
        key=portal.rate_limit_key, defaults={"concurrency": portal.concurrency}
    )
    return rate_limit


def new_job(portal: Portal, name: str) -> ImportJob:
    """A job for this portal, at its pace, without any credential yet."""
    return ImportJob.objects.create(
        kind="bills",
        name=name[:200],
        rate_limit=rate_limit_of(portal),
        batch_size=1,
        concurrency=portal.concurrency,
        delay_seconds=0.0,
        timeout_seconds=portal.attempt_timeout_seconds,
        max_attempts=portal.max_attempts,
        retry_delay_seconds=portal.retry_delay_seconds,
        repeatable=True,
    )


def new_draft(portal: Portal, path: Path, csv_name: str, name: str = "", actor: str = "") -> Draft:
    """Read the CSV's credentials into a draft, all of it or nothing.

    Refused rows are in the ledger as excluded, without their values. Raises UnreadableCsv for a
    file that cannot be used, or has no row that can.
    """
    with transaction.atomic():
        job = new_job(portal, name or csv_name)
        draft = _Filling(portal, job).take(path, csv_name)
        note(job, EventCode.CREATED, FROM_CSV.format(n=draft.accepted, file=csv_name), actor)
    return draft


def new_draft_of_content(
    portal: Portal, content: bytes, csv_name: str, name: str = "", actor: str = ""
) -> Draft:
    """As `new_draft`, from an upload's bytes."""
    with on_disk(content) as path:
        return new_draft(portal, path, csv_name, name, actor)


@contextlib.contextmanager
def on_disk(content: bytes) -> Iterator[Path]:
    """The bytes as a file of mode 600 while the block runs: the reader wants a path."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="csv-", dir=settings.HOME) as folder:
        path = Path(folder) / "upload.csv"
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield path


def of_credentials(
    portal: Portal, credentials: Sequence[Credential], name: str, actor: str = ""
) -> ImportJob:
    """A draft of stored credentials, for which no CSV is needed."""
    with transaction.atomic():
        job = new_job(portal, name)
        add_stored(job, [(each.pk, each.email) for each in credentials])
        BillRun.objects.create(job=job, portal=portal, csv_name="")
        note(job, EventCode.CREATED, STORED.format(n=len(credentials)), actor)
    return job


DUPLICATE_OF = sentence(
    "BILLS_DUPLICATE_OF", gettext_noop("With {n} accounts and the settings of job {job}.")
)
NO_ACCOUNTS = sentence(
    "NO_ACCOUNTS_LEFT", gettext_noop("The accounts of this job have been deleted.")
)
KEPT = (
    "concurrency", "delay_seconds", "timeout_seconds", "max_attempts", "retry_delay_seconds",
    "rollout",
)  # fmt: skip


def duplicate(job: ImportJob, name: str, actor: str) -> ImportJob:
    """A draft of the job's accounts as they are stored now, with its settings.

    Raises NotAllowed for a retry, and where no account is left.
    """
    if job.retry_of_id is not None:
        raise NotAllowed(NOT_A_FIRST_JOB)
    run = BillRun.objects.select_related("portal").get(job=job)
    uses = CredentialUse.objects.filter(batch__job=job).values("credential")
    accounts = Credential.objects.in_use().filter(pk__in=uses).order_by("account")
    found = list(accounts.values_list("pk", "email"))
    if not found:
        raise NotAllowed(NO_ACCOUNTS)
    with transaction.atomic():
        new = new_job(run.portal, name)
        for field_name in KEPT:
            setattr(new, field_name, getattr(job, field_name))
        new.save(update_fields=KEPT)
        add_stored(new, found)
        BillRun.objects.create(
            job=new, portal=run.portal, csv_name=run.csv_name, extra_columns=run.extra_columns
        )
        note(new, EventCode.CREATED, actor=actor)
        message = DUPLICATE_OF.format(n=len(found), job=job.pk)
        note(new, EventCode.DUPLICATED, message, actor)
        note(job, EventCode.DUPLICATED, DUPLICATED_AS.format(job=new.pk), actor)
    return new


def add_stored(job: ImportJob, accounts: Sequence[tuple[int, str]]) -> list[int]:
    """A batch for each stored credential (its id and e-mail); the batches' ids, in that order."""
    intake = Intake(job)
    batches = [
        intake.add_batch(number, 0, ONE, [NewRecord(number, "", email)], None)
        for number, (_, email) in enumerate(accounts, start=1)
    ]
    intake.finish()
    CredentialUse.objects.bulk_create(
        CredentialUse(batch_id=batch_id, credential_id=pk)
        for batch_id, (pk, _) in zip(batches, accounts, strict=True)
    )
    return batches


class _Filling:
    """Puts the rows of one CSV into one job's ledger."""

    def __init__(self, portal: Portal, job: ImportJob) -> None:
        self.portal, self.job = portal, job
        self.intake = Intake(job)
        self.draft = Draft(job)

    def take(self, path: Path, csv_name: str) -> Draft:
        rows: list[CredentialRow] = []
        columns: dict[str, None] = {}
        for row in read_credentials(path, csv_name):
            if isinstance(row, RefusedRow):
                self._refuse(row)
                continue
            columns.update(dict.fromkeys(row.extras))
            rows.append(row)
            if len(rows) >= ROWS_AT_ONCE:
                self._add(rows)
                rows.clear()
        self._add(rows)
        self.intake.finish()
        if not self.draft.accepted:
            reasons = "\n".join(self.draft.refused[:3])
            raise UnreadableCsv(f"{csv_name}: no row of it can be used.\n{reasons}")
        BillRun.objects.create(
            job=self.job, portal=self.portal, csv_name=csv_name, extra_columns=list(columns)
        )
        return self.draft

    def _refuse(self, row: RefusedRow) -> None:
        self.draft.refused.append(row.message)
        code = row_code(row.code)
        self.intake.add_refused(Refused(row.row, "", "", code, row.refusal, b""), None)

    def _add(self, rows: list[CredentialRow]) -> None:
        credentials = store(self.portal, rows)
        uses = []
        for row in rows:
            self.draft.accepted += 1
            record = NewRecord(row.row, "", row.email)
            batch_id = self.intake.add_batch(self.draft.accepted, 0, ONE, [record], None)
            credential = credentials[account_of(row.email)]
            uses.append(CredentialUse(batch_id=batch_id, credential=credential))
        CredentialUse.objects.bulk_create(uses)  # their foreign keys are checked at the commit


DESCRIBED = ("extra", "customer", "group", "totp_secret", "deleted_at")
CUSTOMER_KEYS = ("customer", "customername", "client", "kund", "kunde", "asiakas")
GROUP_KEYS = ("group", "grupp", "gruppe", "ryhmä")


def _describe(credential: Credential, row: CredentialRow) -> None:
    """What the row says of the account besides its password. An empty cell changes no word."""
    credential.extra, credential.deleted_at = row.extras, None
    credential.totp_secret = row.totp or credential.totp_secret
    for name, value in row.extras.items():
        if value.strip() and key(name) in CUSTOMER_KEYS:
            credential.customer = value.strip()[:200]
        elif value.strip() and key(name) in GROUP_KEYS:
            credential.group = value.strip()[:100]


def store(portal: Portal, rows: list[CredentialRow]) -> dict[str, Credential]:
    """{account: credential} of these rows, created or updated unless the password is equal."""
    accounts = [account_of(row.email) for row in rows]
    known = {
        each.account: each
        for each in Credential.objects.select_for_update().filter(
            portal=portal, account__in=accounts
        )
    }
    made = []
    for row, account in zip(rows, accounts, strict=True):
        if (credential := known.get(account)) is not None:
            if row.password:
                passwords.change(credential, row.password)
        else:
            credential = Credential(
                portal=portal, email=row.email, account=account, password=row.password
            )
            made.append(credential)
        _describe(credential, row)
    Credential.objects.bulk_update(known.values(), DESCRIBED)
    known |= {each.account: each for each in Credential.objects.bulk_create(made)}
    return known
