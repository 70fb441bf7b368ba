"""The third peer: a Celery task for each batch, by way of Redis, in a pool of processes.

`celery --app tests.bench.one_task_each worker` runs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import django
from celery import Celery
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tests.bench import one_job_each  # noqa: E402 - it needs Django

START_SECONDS = 60
app = Celery("bench", broker=settings.REDIS_URL.replace("unix://", "redis+socket://"))
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task  # type: ignore[untyped-decorator]
def post_and_record(url: str, batch_id: int) -> None:
    """Post one batch of the ledger, and write down what became of it and of its records."""
    one_job_each.post_and_record(url, batch_id)


@contextmanager
def working(processes: int) -> Iterator[None]:
    """A Celery worker with that many processes, that answers."""
    command = [sys.executable, "-m", "celery", "--app", __name__, "worker"]
    options = ["--concurrency", str(processes), "--loglevel", "ERROR"]
    process = subprocess.Popen(
        [*command, *options], cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ends = time.monotonic() + START_SECONDS
        while not app.control.ping(timeout=0.5):
            if time.monotonic() > ends:
                raise TimeoutError("The Celery worker does not answer.")
        yield
    finally:
        process.terminate()
        process.wait(60)
