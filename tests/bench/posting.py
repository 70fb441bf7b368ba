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

from imports import drafts, jobs, lanes
from imports.ledger import moves, sums
from imports.models import CustomerApi, ImportJob
from tests.bench import one_job_each, sink
from tests.bench.results import Section
from tests.sandbox.samples import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCHES, BATCH, ONE_EACH = 3000, 50, 100
WORKERS, IN_FLIGHT = 2, 32


def run() -> Section:
    """Ours, the bare script, and one RQ job for each batch, in turn against one sink."""
    files = write_files(settings.HOME / "posting", BATCHES * BATCH, BATCHES * BATCH)
    with sink.running() as url:
        bare = _bare(url, files[0])
        ours = _ours(url, files[0])
        bare = max(bare, _bare(url, files[0]))
        each = _one_job_each(url)
    section = Section("Posting batches of 50 to a local nginx")
    section.add("Redrive, 2 workers, every outcome recorded", f"{ours:,.0f} batches/s")
    section.add("bare script, 8 threads, nothing recorded", f"{bare:,.0f} batches/s")
    section.add("one RQ job for each batch, 2 default workers", f"{each:,.1f} batches/s")
    section.ratio("Redrive : bare script", ours / bare, at_least=0.8)
    section.ratio("Redrive : one RQ job each", ours / each, at_least=20)
    return section


def _bare(url: str, path: Path) -> float:
    script = Path(__file__).with_name("bare_script.py")
    command = [sys.executable, str(script), url, str(path), str(BATCHES)]
    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return BATCHES / seconds


def _ours(url: str, path: Path) -> float:
    job = _prepared_job(url, path)
    with _workers("rqworker", "--verbosity", "0"):
        started = time.perf_counter()
        jobs.ring(job.pk, WORKERS)
        while sums.sums(job).pending:
            time.sleep(0.2)
        return BATCHES / (time.perf_counter() - started)


def _prepared_job(url: str, path: Path) -> ImportJob:
    api, _ = CustomerApi.objects.update_or_create(
        name="sink",
        defaults={
            "url": url, "secret": "bench-token", "mapping": {"proof": "status", "results": []},
            "batch_size": BATCH, "concurrency": IN_FLIGHT, "delay_seconds": 0.0,
        },
    )  # fmt: skip
    job = drafts.new_draft(api, "bench")
    drafts.add_path(job, path)
    moves.start(job)
    lanes.read_input(ImportJob.objects.select_related("api", "gate").get(pk=job.pk))
    return job


def _one_job_each(url: str) -> float:
    path = write_files(settings.HOME / "posting" / "one", BATCH, BATCH)[0]
    queue = django_rq.get_queue("default")
    with _workers("rqworker", "--verbosity", "0", "--worker-class", "rq.worker.Worker"):
        started = time.perf_counter()
        last = [queue.enqueue(one_job_each.post, url, str(path)) for _ in range(ONE_EACH)]
        while not all(job.get_status(refresh=True) == "finished" for job in last):
            time.sleep(0.1)
        return ONE_EACH / (time.perf_counter() - started)


@contextmanager
def _workers(*command: str) -> Iterator[None]:
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
