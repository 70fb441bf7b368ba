"""Jobs of credentials to order, and what they come to."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bills.drafts import new_draft
from bills.models import Bill, Credential
from imports.engine import queue, runner
from imports.ledger import lifecycle
from imports.models import Attempt, ImportJob, ImportResult

if TYPE_CHECKING:
    from pathlib import Path

    from bills.models import Portal

PASSWORD = 'hemligt lösen & "mer" \';'


class BillMaker:
    """Makes CSVs and jobs of them. An address without a domain gets `@example.test`."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal, self.folder, self.made = portal, folder, 0

    def csv(self, *accounts: str, password: str = PASSWORD) -> Path:
        """A CSV with a column to keep; "name:password" gives an account another password."""
        self.made += 1
        path = self.folder / f"credentials_{self.made}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, delimiter=";")
            rows.writerow(["email", "password", "cred_id"])
            for number, account in enumerate(accounts, start=1):
                name, _, own = account.partition(":")
                rows.writerow([full(name), own or password, f"{number:05}"])
        return path

    def draft(self, *accounts: str, password: str = PASSWORD, **settings: Any) -> ImportJob:
        """A draft that can be started."""
        path = self.csv(*accounts, password=password)
        job = new_draft(self.portal, path, path.name, actor="tester").job
        for name, value in settings.items():
            setattr(job, name, value)
        job.save()
        return job

    def __call__(self, *accounts: str, password: str = PASSWORD, **settings: Any) -> ImportJob:
        """Running: its credentials are due."""
        job = self.draft(*accounts, password=password, **settings)
        lifecycle.start(job, "tester")
        assert runner.read_input(job)
        return job


@dataclass(frozen=True, slots=True)
class Came:
    """What became of one credential."""

    status: str
    code: str
    attempts: int
    final_error: str | None
    bills: int
    verdicts: tuple[str, ...]


def full(name: str) -> str:
    return name if "@" in name else f"{name}@example.test"


def run(job: ImportJob) -> ImportJob:
    """Run the job with a real browser until it is closed or nothing more is due."""
    for _ in range(10):
        queue.run_job(job.pk)
        job.refresh_from_db()
        if job.closed_at:
            break
    return job


def result_of(job: ImportJob, name: str) -> ImportResult:
    return ImportResult.objects.get(job=job, email=full(name))


def credential_of(name: str) -> Credential:
    return Credential.objects.get(email=full(name))


def attempts_of(job: ImportJob, name: str) -> list[Attempt]:
    batch = result_of(job, name).batch
    return list(Attempt.objects.filter(batch=batch).order_by("number"))


def came_of(job: ImportJob, name: str) -> Came:
    """Everything that an operator would be told about one credential."""
    result = result_of(job, name)
    return Came(
        status=result.status,
        code=result.error_code,
        attempts=result.retry_attempts,
        final_error=result.final_error,
        bills=Bill.objects.filter(email=full(name)).count(),
        verdicts=tuple(each.verdict for each in attempts_of(job, name)),
    )
