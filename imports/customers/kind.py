"""Customer imports, as the engine sees them."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings

from imports import retry_files
from imports.customers import files
from imports.customers.setup import client_of, probe
from imports.ledger.moves import note
from imports.policy import Budget, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.customers.client import Client
    from imports.kinds import Work
    from imports.models import CustomerApi, ImportJob

__all__ = ["CustomerKind", "probe"]

MAPPING_CHANGED = (
    "The API's mapping puts another envelope around customers than when this job's batches were "
    "cut. Nothing was sent. Put the mapping back and resume; or cancel, and import the files anew."
)
LOST = "The worker that sent this batch died before the answer came."


class CustomerKind:
    """JSON files in, batches of customers out, one POST each."""

    name = "customers"
    record_noun = "customer"

    def budget(self, job: ImportJob) -> Budget:
        return Budget(job.max_attempts, job.retry_delay_seconds)

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
            client = _clients.take(job.api, job.timeout_seconds, in_flight)
            runner = CustomerRunner(client, pool)
            try:
                yield runner
            finally:
                if runner.must_renew:
                    _clients.forget(job.api)

    def lost(self, job: ImportJob) -> Outcome:
        if job.repeatable:
            text = f"{LOST} It is sent again with the same key, so nothing can be stored twice."
            return Outcome(Verdict.REPEATABLE, "WORKER_LOST", text)
        text = f"{LOST} Look its customers up before sending them again: they may be stored."
        return Outcome(Verdict.UNKNOWN, "WORKER_LOST", text)

    def close(self, job: ImportJob) -> None:
        parent = settings.RETRY_FILES_DIR
        try:
            retry_files.write(job, parent)
        except OSError as error:
            said = f"{parent} cannot be written to ({error.strerror}). Nothing is lost: make it "
            remedy = f"writable, or run: manage.py retry_files {job.pk} --output DIR"
            note(job, "retry files not written", said + remedy)

    def write_retry_files(self, job: ImportJob, parent: Path) -> Path | None:
        return retry_files.write(job, parent)

    def copy_records(self, retry: ImportJob) -> None:
        """A customer is all in its batch's bytes."""

    def retryable(self, job: ImportJob) -> None:
        """Whatever failed may be sent again."""

    def sweep(self) -> None:
        """Nothing is left lying about."""


class CustomerRunner:
    """Posts batches from a pool of threads that share one client."""

    def __init__(self, client: Client, pool: ThreadPoolExecutor) -> None:
        self.client, self.pool = client, pool
        self.must_renew = False  # a person must act: what they change must not meet an old token

    def submit(self, work: Work) -> Future[Outcome]:
        return self.pool.submit(self._post, work)

    def _post(self, work: Work) -> Outcome:
        mapping = self.client.endpoint.mapping
        if not (work.body.startswith(mapping.opening) and work.body.endswith(mapping.closing)):
            self.must_renew = True
            return Outcome(Verdict.PAUSE, "MAPPING_CHANGED", MAPPING_CHANGED)
        head, tail = len(mapping.opening), len(mapping.closing)
        raws = msgspec.json.decode(
            b"[" + work.body[head : len(work.body) - tail] + b"]", type=list[msgspec.Raw]
        )
        keys = [mapping.key_of(msgspec.json.decode(raw)) for raw in raws]
        body = work.body
        if mapping.request.trace_field:
            wrapped = (mapping.wrap(bytes(raw), index) for index, raw in enumerate(raws))
            body = mapping.opening + b",".join(wrapped) + mapping.closing
        outcome = self.client.post(body, work.idempotency_key, keys)
        if outcome.verdict == Verdict.PAUSE:
            self.must_renew = True
        return outcome


class _Clients:
    """One client for each API of this process: its connections and token outlive a lane's turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[str, Client]] = {}

    def take(self, api: CustomerApi, timeout: float, pool_size: int) -> Client:
        """The kept client, or a new one where anything about the API has changed."""
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


_clients = _Clients()
