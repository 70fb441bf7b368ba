"""Customer imports, as the engine sees them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings

from imports import retry_directory, retry_files
from imports.customers import corrected_files, files
from imports.customers.answer_words import SAME_KEY
from imports.customers.sending import CustomerRunner, clients
from imports.customers.setup import probe
from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import Budget, Outcome, Patience, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.models import ImportJob

__all__ = ["CustomerKind", "probe"]

LOST = sentence("BATCH_LOST", _("The worker that sent this batch died before the answer came."))
LOOK_UP = sentence(
    "LOOK_CUSTOMERS_UP", _("Look its customers up before sending them again: they may be stored.")
)


class CustomerKind:
    """JSON files in, batches of customers out, one POST each."""

    name = "customers"
    record_noun = "customer"
    record_done = "imported"

    def budget(self, job: ImportJob) -> Budget:
        return Budget(job.max_attempts, job.retry_delay_seconds)

    def patience(self) -> Patience:
        return Patience(
            settings.STOP_AFTER_BATCHES, settings.STOP_AFTER_RECORDS, settings.STOP_AFTER_PROBES
        )

    def lease_seconds(self, job: ImportJob) -> float:
        margin: float = settings.LEASE_MARGIN_SECONDS
        return job.timeout_seconds + margin

    def read(self, job: ImportJob) -> None:
        files.read(job)

    @contextmanager
    def runner(self, job: ImportJob, in_flight: int) -> Iterator[CustomerRunner]:
        if job.api is None:
            raise TypeError("only customer imports have a customer API")
        with ThreadPoolExecutor(in_flight, thread_name_prefix="sender") as pool:
            client = clients.take(job.api, job.timeout_seconds, in_flight)
            runner = CustomerRunner(client, pool)
            try:
                yield runner
            finally:
                if runner.must_renew:
                    clients.forget(job.api)

    def lost(self, job: ImportJob) -> Outcome:
        if job.repeatable:
            return Outcome(Verdict.REPEATABLE, "WORKER_LOST", LOST + SAME_KEY)
        return Outcome(Verdict.UNKNOWN, "WORKER_LOST", LOST + LOOK_UP)

    def close(self, job: ImportJob) -> None:
        retry_directory.write_at_end(job, retry_files.write)

    def write_retry_files(self, job: ImportJob, parent: Path) -> Path | None:
        return retry_files.write(job, parent)

    def prepare_retry(self, retry: ImportJob) -> None:
        """A job of customers is all in the ledger."""

    def copy_records(self, retry: ImportJob) -> None:
        """A customer is all in its batch's bytes."""

    def retryable(self, job: ImportJob) -> None:
        """Whatever failed may be sent again."""

    def sweep(self) -> None:
        """Corrected files that nobody has confirmed."""
        corrected_files.expire()
