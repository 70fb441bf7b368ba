"""Creates a job of bills from a CSV, which is not stored because it holds passwords."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from bills import passwords
from bills.csv.credentials import CredentialRow, RefusedRow, UnreadableCsv, read_credentials
from bills.error_codes import row_code
from bills.models import BillRun, Credential, CredentialUse
from bills.models.credentials import account_of
from imports.event_codes import EventCode
from imports.ledger.batches import Intake, NewRecord, Refused
from imports.ledger.lifecycle import note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportJob, RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.models import Portal

FROM_CSV = sentence("FROM_CSV", gettext_noop("{n} credentials from {file}"))
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


def new_draft(portal: Portal, path: Path, csv_name: str, name: str = "", actor: str = "") -> Draft:
    """Read the CSV's credentials into a draft, all of it or nothing.

    Refused rows are in the ledger as excluded, without their values. Raises UnreadableCsv for a
    file that cannot be used, or has no row that can.
    """
    with transaction.atomic():
        job = ImportJob.objects.create(
            kind="bills",
            name=(name or csv_name)[:200],
            rate_limit=rate_limit_of(portal),
            batch_size=1,
            concurrency=portal.concurrency,
            delay_seconds=0.0,
            timeout_seconds=portal.attempt_timeout_seconds,
            max_attempts=portal.max_attempts,
            retry_delay_seconds=portal.retry_delay_seconds,
            repeatable=True,
        )
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
            passwords.change(credential, row.password)
            credential.extra = row.extras
            continue
        credential = Credential(
            portal=portal,
            email=row.email,
            account=account,
            password=row.password,
            extra=row.extras,
        )
        made.append(credential)
    Credential.objects.bulk_update(known.values(), ["extra"])
    known |= {each.account: each for each in Credential.objects.bulk_create(made)}
    return known
