"""Jobs to order for tests of the ledger, and what they come to."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import connection

from config.dev.sandbox import samples
from imports.customers import drafts
from imports.engine import queue, runner
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.ledger.totals import job_totals
from imports.models import Attempt, ImportBatch, ImportJob, ImportResult
from imports.policy import Outcome, RecordOutcome, Verdict
from imports.sealing import working
from imports.states import ENDED_JOBS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imports.job_types import Work
    from imports.models import CustomerApi

OK = Outcome(Verdict.SUCCESS, http_status=201)
REFUSED = Outcome(Verdict.REJECTED, "HTTP_422", "The API refused the data.", 422)
BUSY = Outcome(Verdict.RETRY, "CONNECT_REFUSED", "Nobody listens there.")
LOST = Outcome(Verdict.UNKNOWN, "READ_TIMEOUT", "No answer came in time.")
REPEAT = Outcome(Verdict.REPEATABLE, "READ_TIMEOUT", "No answer came in time.")
LATER = Outcome(Verdict.DEFERRED, "HTTP_429", "Not now.", 429, retry_after=60)
HALVE = Outcome(Verdict.SPLIT, "HTTP_400", "Something in it is wrong.", 400)
STOP = Outcome(Verdict.PAUSE, "CREDENTIAL_REFUSED", "The API refused the token (HTTP 401).", 401)
LEASE = 60.0


def mixed(*verdicts: Verdict) -> Outcome:
    """An answer with a verdict for each record."""
    records = tuple(RecordOutcome(v, f"CODE_{v.upper()}", f"Said {v}.") for v in verdicts)
    return Outcome(Verdict.MIXED, "SOME_FAILED", "Some failed.", 201, records=records)


class JobMaker:
    """Makes customer files and jobs of them; later calls use other customers."""

    def __init__(self, api: CustomerApi, folder: Path) -> None:
        self.api, self.folder, self.made, self.customers = api, folder, 0, 0

    def honour_keys(self) -> None:
        """From now on the API promises not to carry out the same key twice."""
        self.api.idempotency_header = "Idempotency-Key"
        self.api.save()

    def files(self, customers: int, **overrides: Any) -> list[Path]:
        """One file of the next so many sample customers."""
        self.made += 1
        folder = self.folder / f"input_{self.made}"
        paths = samples.write_files(
            folder, customers, max(customers, 1), self.customers, **overrides
        )
        self.customers += customers
        return paths

    def draft(self, customers: int = 6, **settings: Any) -> ImportJob:
        """A draft with one file."""
        job = drafts.new_draft(self.api, f"import {self.made + 1}", "tester", **settings)
        for path in self.files(customers):
            drafts.add_path(job, path)
        return job

    def queued(self, customers: int = 6, **settings: Any) -> ImportJob:
        """Started, not read yet."""
        job = self.draft(customers, **settings)
        lifecycle.start(job, "tester")
        return job

    def __call__(self, customers: int = 6, **settings: Any) -> ImportJob:
        """Running: its batches (of 3, unless batch_size says otherwise) are due."""
        job = self.queued(customers, **settings)
        assert runner.read_input(job)
        return job

    def of(self, *records: dict[str, Any], **settings: Any) -> ImportJob:
        """Running, with just these customers."""
        self.made += 1
        path = self.folder / f"input_{self.made}.json"
        path.write_text(json.dumps({"data": records}, ensure_ascii=False))
        job = drafts.new_draft(self.api, path.name, "tester", **settings)
        drafts.add_path(job, path)
        lifecycle.start(job, "tester")
        assert runner.read_input(job)
        return job


def send(job: ImportJob, room: int = 1, worker: str = "worker") -> list[Work]:
    """Claim and intend up to `room` batches, as a job runner does before it sends."""
    return claims.intend(claims.claim(job, worker, room, LEASE).works, LEASE)


def answer(job: ImportJob, *answers: Outcome, worker: str = "worker") -> list[Work]:
    """Send as many batches as there are answers, and record these in order."""
    works = []
    for outcome in answers:
        (work,) = send(job, worker=worker)
        outcomes.record(job, [Finding(work, outcome)])
        works.append(work)
    return works


def run(job: ImportJob, pass_time: Callable[[float], None] | None = None) -> ImportJob:
    """Run the job until it has ended and is closed, or is stuck; time passes in between."""
    for _ in range(60):
        with working.task():
            queue.run_job(job.pk)
        job.refresh_from_db()
        if job.status in ENDED_JOBS and job.closed_at:
            break
        if pass_time is None:
            break
        pass_time(400.0)
    return job


def batches(job: ImportJob) -> list[ImportBatch]:
    return list(job.batches.order_by("number", "part"))


def keys(job: ImportJob, status: str) -> list[str]:
    """The customers of a job that stand there, in order."""
    rows = job.results.filter(status=status).order_by("file_id", "position", "pk")
    return list(rows.values_list("key", flat=True))


def assert_totals_hold(job: ImportJob) -> None:
    """The equation, from the batches' counts, equals a plain count of the results."""
    job.refresh_from_db()
    with connection.cursor() as sql:
        sql.execute(
            "SELECT status, count(*) FROM import_results WHERE job_id = %s GROUP BY status",
            [job.pk],
        )
        plain = Counter(dict(sql.fetchall()))
        sql.execute(
            "SELECT b.id FROM imports_importbatch b"
            " LEFT JOIN import_results r ON r.batch_id = b.id"
            " WHERE b.job_id = %s GROUP BY b.id HAVING b.size <> count(r.id)"
            " OR b.success_count <> count(*) FILTER (WHERE r.status = 'success')"
            " OR b.error_count <> count(*) FILTER (WHERE r.status = 'error')"
            " OR b.unknown_count <> count(*) FILTER (WHERE r.status = 'unknown')"
            " OR b.excluded_count <> count(*) FILTER (WHERE r.status = 'excluded')",
            [job.pk],
        )
        assert sql.fetchall() == [], "batches whose counts differ from their results"
    one = job_totals(job)
    counted = (one.success, one.error, one.unknown, one.excluded, one.pending)
    names = ("success", "error", "unknown", "excluded", "pending")
    assert counted == tuple(plain[name] for name in names)
    assert one.total == sum(counted) == plain.total()


def attempts_of(job: ImportJob) -> list[Attempt]:
    return list(Attempt.objects.filter(job=job).order_by("pk"))


def result_of(job: ImportJob, key: str) -> ImportResult:
    return ImportResult.objects.get(job=job, key=key)


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Run them in threads of their own, released together; their results, in order.

    Each thread has its own database connection. The first exception is raised here.
    """
    barrier = threading.Barrier(len(functions))
    outcomes_: list[Any] = [None] * len(functions)

    def one(index: int, function: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            outcomes_[index] = function()
        except BaseException as error:
            outcomes_[index] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=one, args=(index, function), daemon=True)
        for index, function in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(170)
        assert not thread.is_alive(), "a thread hangs: a deadlock?"
    for outcome in outcomes_:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes_
