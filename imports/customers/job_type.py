"""The job type `customers`: how its batches are sent and what the engine needs to know of it."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from django.db.models import Q

from imports import retry_directory
from imports.customers import (
    background,
    corrections,
    drafts,
    dry_run,
    portions,
    retry_files,
    watched_files,
)
from imports.customers.api.adapters import ADAPTERS
from imports.customers.api.adapters.base import Batch
from imports.customers.api.adapters.follow_ups import ask_for_result, look_up
from imports.customers.api.answers.sentences import SAME_KEY
from imports.customers.api.requests import records_in
from imports.customers.api.setup import (
    can_look_up,
    client_of,
    first_step_stores_nothing,
    is_asynchronous,
)
from imports.customers.files.batching import indexes
from imports.customers.files.check_index import remove_old
from imports.customers.quick_answers import SentRecords
from imports.fields import WrongKey
from imports.job_types import InputOutOfSight
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import DryRun, ImportJob
from imports.policy import Budget, Outcome, Patience, Verdict
from imports.sealing import keys, working
from imports.sealing.keys import Unreadable
from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from django.db.models import QuerySet

    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Mapping
    from imports.job_types import Trace, Work
    from imports.models import CustomerApi
    from imports.policy import LookedUp

MAPPING_CHANGED = sentence(
    "MAPPING_CHANGED",
    _(
        "The API's mapping now puts a different envelope around customers than when this "
        "job's batches were made. Nothing was sent. Restore the mapping and resume, or cancel"
        " and import the files again."
    ),
)


class CustomerRunner:
    """Posts batches from a pool of threads that share one client."""

    def __init__(self, client: Client, pool: ThreadPoolExecutor) -> None:
        self.client, self.pool = client, pool
        self.must_renew = False  # a person must act: what they change must not meet an old token

    def submit(self, work: Work) -> Future[Outcome]:
        return self.pool.submit(self._post_and_disconnect, work)

    def _post_and_disconnect(self, work: Work) -> Outcome:
        """A thread that had to read the shared token gives its database connection back."""
        try:
            return self._post(work)
        finally:
            connections.close_all()

    def _post(self, work: Work) -> Outcome:
        if work.unreadable is not None:
            return Outcome(
                Verdict.PAUSE, "RECORDS_KEY", work.unreadable, submission=work.submission
            )
        mapping = self.client.endpoint.mapping
        if not (work.body.startswith(mapping.opening) and work.body.endswith(mapping.closing)):
            self.must_renew = True
            return Outcome(
                Verdict.PAUSE, "MAPPING_CHANGED", MAPPING_CHANGED, submission=work.submission
            )
        outcome = self._sent(work, mapping)
        if outcome.verdict == Verdict.PAUSE:
            self.must_renew = True
        return outcome

    def _sent(self, work: Work, mapping: Mapping) -> Outcome:
        """Send the batch, or ask for the result if the API took it on before."""
        keys, key = SentRecords(work.body, work.size, mapping), work.idempotency_key
        if mapping.adapter:
            records = records_in(work.body, mapping)
            batch = Batch(records, keys, key, work.submission)
            return ADAPTERS[mapping.adapter].step(self.client, batch)
        if work.submission is not None:
            return ask_for_result(self.client, work.submission, keys)
        return self.client.post(work.body, key, keys)


class Clients:
    """One client per API in this process: connections and tokens outlive a runner's turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[str, Client]] = {}

    def take(self, api: CustomerApi, timeout: float, pool_size: int) -> Client:
        """The cached client, or a new one if the API has changed."""
        settings_hash = _fingerprint(api, timeout, pool_size)
        with self._lock:
            kept = self._kept.get(api.pk)
            if kept is None or kept[0] != settings_hash:
                if kept is not None:
                    kept[1].close()
                kept = (settings_hash, client_of(api, timeout, pool_size))
                self._kept[api.pk] = kept
            return kept[1]

    def forget(self, api: CustomerApi) -> None:
        with self._lock:
            if kept := self._kept.pop(api.pk, None):
                kept[1].close()


def _fingerprint(api: CustomerApi, timeout: float, pool_size: int) -> str:
    """A hash of everything a client is made from; of secrets, too, so never the values."""
    values = {field.attname: getattr(api, field.attname) for field in api._meta.fields}
    text = repr((sorted(values.items(), key=lambda item: item[0]), timeout, pool_size))
    return hashlib.sha256(text.encode()).hexdigest()


clients = Clients()


MOST_REQUESTS = 10  # of one attempt, by the lease: to ask a state and read its pages
LOST = sentence("BATCH_LOST", _("The worker that sent this batch died before the answer came."))
LOOK_UP = sentence(
    "LOOK_CUSTOMERS_UP", _("Look its customers up before sending them again: they may be stored.")
)


class CustomerJobType:
    """JSON files in, batches of customers out, one POST each."""

    name = "customers"
    record_noun = "customer"
    record_done = "imported"
    needs_person: frozenset[str] = frozenset()

    def budget(self, job: ImportJob) -> Budget:
        return Budget(job.max_attempts, job.retry_delay_seconds)

    def patience(self) -> Patience:
        return Patience(
            settings.STOP_AFTER_BATCHES, settings.STOP_AFTER_RECORDS, settings.STOP_AFTER_PROBES
        )

    def lease_seconds(self, job: ImportJob) -> float:
        margin: float = settings.LEASE_MARGIN_SECONDS
        requests = MOST_REQUESTS if is_asynchronous(job.api) else 1
        return job.timeout_seconds * requests + margin

    def rests_until(self, job: ImportJob) -> datetime | None:
        """Imports have no quiet hours."""
        return None

    def bring_input(self, job: ImportJob) -> None:
        drafts.bring_files(job)

    def read(self, job: ImportJob) -> None:
        try:
            portions.read(job)
        except (Unreadable, WrongKey) as error:  # a worker with the key can
            raise InputOutOfSight(error.message) from None

    def reading(self, job: ImportJob) -> AbstractContextManager[Callable[[], bool]]:
        return portions.reading(job)

    def read_rest(self, job: ImportJob) -> None:
        portions.cut_rest(job)

    def prepare_draft(self, job: ImportJob) -> None:
        background.carry_out(job)
        dry_run.carry_out(job)

    def unprepared_drafts(self) -> QuerySet[ImportJob]:
        """Those whose dry run or member file was asked for, or left by a worker that died."""
        waiting = DryRun.objects.filter(dry_run.NOBODY_IS_AT_IT).order_by().values("job")
        unread = background.drafts_that_wait().values("pk")
        return ImportJob.objects.filter(
            Q(pk__in=waiting) | Q(pk__in=unread), status=JobStatus.DRAFT
        )

    @contextmanager
    def runner(self, job: ImportJob, in_flight: int) -> Iterator[CustomerRunner]:
        if job.api is None:
            raise TypeError("only customer imports have a customer API")
        keys.check(job.pk)
        with ThreadPoolExecutor(in_flight, thread_name_prefix="sender") as pool:
            client = clients.take(job.api, job.timeout_seconds, in_flight)
            runner = CustomerRunner(client, pool)
            try:
                yield runner
            finally:
                if runner.must_renew:
                    clients.forget(job.api)

    def can_look_up(self, job: ImportJob) -> bool:
        return can_look_up(job.api)

    def looker(self, job: ImportJob) -> Callable[[bytes], LookedUp]:
        if job.api is None:
            raise TypeError("only customer imports have a customer API")
        client = clients.take(job.api, job.timeout_seconds, 1)
        return partial(look_up, client)

    def lost(self, job: ImportJob) -> Outcome:
        if job.repeatable:
            return Outcome(Verdict.REPEATABLE, "WORKER_LOST", LOST + SAME_KEY)
        if first_step_stores_nothing(job.api):
            return Outcome(Verdict.RETRY, "WORKER_LOST", LOST)
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
        """Files that came into watched folders."""
        watched_files.sweep()

    def tidy(self) -> int:
        """Corrected files that nobody has confirmed, and indexes that nobody cut from."""
        corrections.expire()
        remove_old(indexes())
        working.remove_abandoned()
        return 0

    def erase(self, person: str, *, look_only: bool) -> list[Trace]:
        """A job of customers is all in the ledger."""
        return []
