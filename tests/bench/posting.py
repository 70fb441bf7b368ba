"""How fast batches are posted with every outcome recorded, beside two peers in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django_rq
from django.conf import settings
from rq import Worker

from config.dev.sandbox.samples import write_files
from imports.customers import drafts
from imports.engine import queue as engine_queue
from imports.ledger import lifecycle, totals
from imports.models import CustomerApi, ImportJob
from imports.states import OPEN
from tests.bench import one_job_each, sink
from tests.bench.cutting import cut
from tests.bench.results import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCHES, BATCH, ONE_EACH = 3000, 50, 200
WORKERS, IN_FLIGHT = 2, 32
LOOK_SECONDS = 0.05


class Broken(Exception):
    """What was measured did not do its work: its time would say nothing."""


def run() -> Section:
    """Ours and the bare script twice in turn, of which the better counts; then one job each."""
    files = write_files(settings.HOME / "posting", BATCHES * BATCH, BATCHES * BATCH)
    few = write_files(settings.HOME / "posting" / "few", ONE_EACH * BATCH, ONE_EACH * BATCH)
    with sink.running() as url:
        turns = [(_bare(url, files[0]), _ours(url, files[0])) for _ in range(2)]
        bare, ours = (max(speeds) for speeds in zip(*turns, strict=True))
        unrecorded = each_as_a_job(url, few[0], one_job_each.post)
        each = each_as_a_job(url, few[0], one_job_each.post_and_record)
    section = Section(f"Posting {BATCHES:,} batches of {BATCH} to a local nginx")
    section.add(
        f"Redrive, {WORKERS} workers, {IN_FLIGHT} in flight, every outcome recorded",
        f"{ours:,.0f} batches/s",
    )
    section.add("bare script, 8 threads, nothing recorded", f"{bare:,.0f} batches/s")
    section.add(
        f"an RQ job for each batch, {WORKERS} default workers, every outcome recorded",
        f"{each:,.1f} batches/s",
    )
    section.add("the same, nothing recorded", f"{unrecorded:,.1f} batches/s")
    section.ratio("Redrive : bare script", ours / bare, at_least=0.8)
    section.ratio("Redrive : an RQ job for each batch", ours / each, at_least=20)
    return section


def _bare(url: str, path: Path) -> float:
    script = Path(__file__).with_name("bare_script.py")
    command = [sys.executable, str(script), url, str(path), str(BATCHES)]
    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return BATCHES / seconds


def _ours(url: str, path: Path) -> float:
    """Seconds from the queue message to the last outcome in the ledger."""
    job = prepared_job(url, path)
    with workers("rqworker", "--verbosity", "0"):
        started = time.perf_counter()
        engine_queue.enqueue(job.pk, WORKERS)
        while job.batches.filter(status__in=OPEN).exists():
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - started
    check(job, BATCHES)
    return BATCHES / seconds


def check(job: ImportJob, batches: int) -> None:
    """Every customer's outcome is in the ledger, and an attempt for every batch."""
    found = totals.job_totals(job).success, job.attempts.count()
    if found != (batches * BATCH, batches):
        raise Broken(f"{found} customers and attempts are recorded of {batches} batches.")


def prepared_job(url: str, path: Path) -> ImportJob:
    api, _ = CustomerApi.objects.update_or_create(
        name="sink",
        defaults={
            "url": url, "secret": "bench-token", "mapping": {"proof": "status", "results": []},
            "batch_size": BATCH, "concurrency": IN_FLIGHT, "delay_seconds": 0.0,
        },
    )  # fmt: skip
    job = drafts.new_draft(api, "bench")
    job.force = True  # the same customers each time
    job.save(update_fields=["force"])
    drafts.add_path(job, path)
    lifecycle.start(job)
    job = ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk)
    cut(job)
    return job


def each_as_a_job(url: str, path: Path, post: Callable[[str, int], None]) -> float:
    """From the first job in the queue to the end of the last."""
    job = prepared_job(url, path)
    ids = list(job.batches.values_list("pk", flat=True))
    records = post is one_job_each.post_and_record

    def is_open() -> bool:
        return records and job.batches.filter(status__in=OPEN).exists()

    queue = django_rq.get_queue("default")
    with workers("rqworker", "--verbosity", "0", "--worker-class", "rq.worker.Worker"):
        started = time.perf_counter()
        for batch_id in ids:
            queue.enqueue(post, url, batch_id, result_ttl=0)
        while queue.count or queue.started_job_registry.count or is_open():
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - started
    if records:
        check(job, len(ids))
    else:
        lifecycle.cancel(job)
    return len(ids) / seconds


def each_as_a_task(url: str, path: Path) -> float:
    """The same with Celery, every outcome recorded."""
    from tests.bench import one_task_each

    job = prepared_job(url, path)
    ids = list(job.batches.values_list("pk", flat=True))
    with one_task_each.working(WORKERS):
        started = time.perf_counter()
        for batch_id in ids:
            one_task_each.post_and_record.delay(url, batch_id)
        while job.batches.filter(status__in=OPEN).exists():
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - started
    check(job, len(ids))
    return len(ids) / seconds


@contextmanager
def workers(*command: str) -> Iterator[None]:
    """Two real worker processes, listening."""
    manage = [sys.executable, "manage.py", *command]
    quiet = os.environ | {"LOG_LEVEL": "WARNING"}
    running = [subprocess.Popen(manage, cwd=settings.BASE_DIR, env=quiet) for _ in range(WORKERS)]
    try:
        while Worker.count(queue=django_rq.get_queue("default")) < WORKERS:
            time.sleep(0.1)
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)
