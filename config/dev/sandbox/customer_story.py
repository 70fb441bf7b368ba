"""The customer seed's story with every real part: 1,000 customers, two batches fail, retry.

Each step says what was seen and holds it against what must be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from config.dev.sandbox.samples import customer_id, write_files
from imports.commands import wait_for
from imports.customers import drafts, sample
from imports.engine import queue
from imports.ledger import bulk_actions, lifecycle, totals
from imports.models.bulk_actions import ActionType

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.customer_api import SandboxApi
    from imports.models import ImportJob

CUSTOMERS, BATCH_SIZE = 1000, 50


class Disagreement(AssertionError):
    """A number is not what it should be."""


class CustomerStory:
    """Plays the story against a sandbox whose outage lasts as long as the job's attempts."""

    def __init__(
        self, api: SandboxApi, url: str, workplace: Path, say: Callable[[str], object]
    ) -> None:
        self.api, self.say, self.workplace = api, say, workplace
        self.target = sample.sandbox_api(url, delay_seconds=0.02, retry_delay_seconds=0.2)

    def play(self) -> None:
        """Raises Disagreement at the first number that is wrong."""
        first = self._import()
        directory = self._look_at_retry_files(first)
        second = self._load_and_start(first, directory)
        self._add_up(first, second)

    def _import(self) -> ImportJob:
        files = write_files(self.workplace / "customers", CUSTOMERS)
        job = drafts.new_draft(self.target, "Demo: 1,000 customers", batch_size=BATCH_SIZE)
        for file in files:
            drafts.add_path(job, file)
        self.say(
            f"Importing {CUSTOMERS:,} customers from {len(files)} files, {BATCH_SIZE} a batch …"
        )
        self._run(job)
        summary = totals.describe(job)
        self._expect("batches that succeeded", summary["batches"]["done"], 18)  # type: ignore[index]
        self._expect("batches that failed", summary["batches"]["failed"], 2)  # type: ignore[index]
        self._expect("customers imported", summary["success"], 900)
        self._expect("customers failed", summary["error"], 100)
        return job

    def _look_at_retry_files(self, job: ImportJob) -> Path:
        directory = Path(job.retry_directory)
        summary = json.loads((directory / "retry_summary.json").read_text())
        self.say(f"Retry files were written: {directory}")
        self._expect("customers in them", summary["total_failed_customers"], 100)
        files = [directory / name for name in summary["retry_files"]]
        ids = [
            one["person"]["customerId"]
            for file in files
            for one in json.loads(file.read_bytes())["data"]
        ]
        hit = [customer_id(n) for first in (300, 700) for n in range(first, first + 50)]
        self._expect("the failed ones, and no others", ids, hit, quiet=True)
        return directory

    def _load_and_start(self, first: ImportJob, directory: Path) -> ImportJob:
        self.say(
            "“Retry files created. Load them now?” Yes: the outage is over, and they are sent."
        )
        draft = drafts.load_retry_files(first)
        self._expect("files loaded", draft.files.count(), 2)
        self._run(draft)
        self._expect("customers imported now", totals.job_totals(draft).success, 100)
        return draft

    def _add_up(self, first: ImportJob, second: ImportJob) -> None:
        story = totals.family_totals(first)
        self.say(f"{story.success:,} of {story.total:,} imported, after {story.retries} retry.")
        self._expect(
            "imported in all",
            (story.success, story.total, story.retries),
            (CUSTOMERS, CUSTOMERS, 1),
            quiet=True,
        )
        wanted = {customer_id(n): 1 for n in range(CUSTOMERS)}
        self._expect(
            "each customer exactly once in the receiving system's account",
            self.api.account.effects_by_customer == wanted, True,
        )  # fmt: skip
        try:
            bulk_actions.carry_out(first, ActionType.RETRY)
        except lifecycle.NotAllowed as refusal:
            self.say(f"“Retry failed” now says: {refusal}")
        else:
            raise Disagreement("A retry was made though nothing is left to retry.")

    def _run(self, job: ImportJob) -> None:
        lifecycle.start(job, actor="demo")
        queue.enqueue_on_commit(job.pk)
        wait_for(job, self.say)
        job.refresh_from_db()
        self._expect("the job's status", job.status, "finished", quiet=True)

    def _expect(self, what: str, seen: object, wanted: object, *, quiet: bool = False) -> None:
        if seen != wanted:
            raise Disagreement(f"{what}: {seen!r}, and should be {wanted!r}")
        if not quiet:
            self.say(f"  {what}: {'yes' if seen is True else seen}")
