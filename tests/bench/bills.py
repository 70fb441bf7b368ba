"""How fast bills are fetched with every attempt recorded, beside two peers in the same run.

`BENCH_CREDENTIALS=8` tries it with fewer than the 60 that the ratios are stated for.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django_rq
import psutil
import requests
from django.conf import settings
from rq import Worker

from bills.drafts import new_draft
from bills.models import Bill, Portal
from bills.portal_setup import BILLING_PATH, LOGIN_PATH, save_portal
from config.dev.browser import REMEDY, find_browser
from config.dev.sandbox.samples import write_csv
from imports.engine import queue
from imports.ledger import lifecycle, totals
from tests.bench.results import Section
from tests.bench.sink import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import ImportJob

CREDENTIALS = int(os.environ.get("BENCH_CREDENTIALS", "60"))
IN_SEQUENCE = min(12, CREDENTIALS)  # of the slow peer; its time is taken for each credential
FOR_MEMORY = min(16, CREDENTIALS)
AT_ONCE, BILLS_EACH = 4, 3
LINE_SECONDS = 0.1  # before each of the portal's answers: a portal is not on this machine
LOOK_SECONDS, LONGEST_SECONDS = 0.2, 900
MEMORY_LOOK_SECONDS = 0.2


class Broken(Exception):
    """What was measured did not do its work: its time would say nothing."""


def run() -> Section:
    """Ours between two runs of the fast peer, of which the better counts; memory by itself."""
    chromium = find_browser()
    if chromium is None:
        raise Broken(REMEDY)
    section = Section(f"Bills of {CREDENTIALS} credentials, {BILLS_EACH} each, {AT_ONCE} at once")
    with _sandbox() as url:
        _compare(section, chromium, url, "")
        requests.post(
            f"{url}/portal/control", json={"answer_seconds": LINE_SECONDS}, timeout=10
        ).raise_for_status()
        _compare(section, chromium, url, f", a portal {LINE_SECONDS * 1000:.0f} ms away")
        one, four = (_peak_megabytes(url, at_once) for at_once in (1, AT_ONCE))
    section.add(
        f"memory (PSS) of worker and browser, 1 and {AT_ONCE} at once",
        f"{one:,.0f} MB, {four:,.0f} MB",
    )
    section.add("for each further attempt at once", f"{(four - one) / (AT_ONCE - 1):,.0f} MB")
    return section


def _compare(section: Section, chromium: str, url: str, where: str) -> None:
    """All three with the portal as it is now."""
    sequence = _bare("bare_browser.py", chromium, url, IN_SEQUENCE)
    contexts = _bare("bare_contexts.py", chromium, url, CREDENTIALS)
    ours = _ours(url, CREDENTIALS, AT_ONCE)
    contexts = min(contexts, _bare("bare_contexts.py", chromium, url, CREDENTIALS))
    section.add(
        f"Redrive, one worker, every attempt recorded{where}", f"{ours:.2f} s a credential"
    )
    section.add(
        f"one fresh browser each, in sequence (measured with {IN_SEQUENCE}){where}",
        f"{sequence:.2f} s a credential",
    )
    section.add(
        f"bare script, {AT_ONCE} contexts, nothing recorded{where}",
        f"{contexts:.2f} s a credential",
    )
    section.ratio(f"fresh browsers in sequence : Redrive{where}", sequence / ours, at_least=2)
    section.ratio(f"Redrive's time : bare script's{where}", ours / contexts, at_most=1.3)


def _bare(script: str, chromium: str, url: str, count: int) -> float:
    """Seconds for each credential."""
    with tempfile.TemporaryDirectory(prefix="redrive-bench-") as folder:
        bills = Path(folder, "bills")
        bills.mkdir()
        path = _credentials(Path(folder), count)
        command = [sys.executable, str(Path(__file__).with_name(script)), chromium, url]
        done = subprocess.run(
            [*command, str(path), str(bills)], check=True, capture_output=True, text=True
        )
        if len(list(bills.glob("*.pdf"))) != count * BILLS_EACH:
            raise Broken(f"{script} did not fetch {BILLS_EACH} bills for each credential.")
    return float(done.stdout) / count


def _credentials(folder: Path, count: int) -> Path:
    """Accounts that were never used before: their bills are all new."""
    run_name = secrets.token_hex(4)
    return write_csv(folder / "credentials.csv", [f"good{n}+{run_name}" for n in range(count)])


def _ours(url: str, count: int, at_once: int) -> float:
    """Seconds for each credential, from the queue message to the last outcome in the ledger."""
    job = _prepared_job(url, count, at_once)
    with _worker():
        started = time.perf_counter()
        queue.enqueue(job.pk)
        _await_end(job)
        seconds = time.perf_counter() - started
    _check(job, count)
    return seconds / count


def _prepared_job(url: str, count: int, at_once: int) -> ImportJob:
    portal = Portal.objects.filter(name="bench").first() or Portal(name="bench")
    portal.login_url, portal.billing_url = url + LOGIN_PATH, url + BILLING_PATH
    portal.concurrency = at_once
    save_portal(portal)
    with tempfile.TemporaryDirectory(prefix="redrive-bench-") as folder:
        job = new_draft(portal, _credentials(Path(folder), count), "credentials.csv", "bench").job
    lifecycle.start(job)
    return job


def _await_end(job: ImportJob) -> None:
    give_up_at = time.monotonic() + LONGEST_SECONDS
    while totals.job_totals(job).pending:
        if time.monotonic() > give_up_at:
            raise Broken(f"Job {job.pk} did not end within {LONGEST_SECONDS} s.")
        time.sleep(LOOK_SECONDS)


def _check(job: ImportJob, count: int) -> None:
    summary, kept = totals.job_totals(job), Bill.objects.filter(batch__job=job).count()
    if (summary.success, kept) != (count, count * BILLS_EACH):
        raise Broken(f"{summary.success} of {count} succeeded, with {kept} bills.")


def _peak_megabytes(url: str, at_once: int) -> float:
    """The most that the worker, its browser and its driver held together. Not while timing."""
    job = _prepared_job(url, FOR_MEMORY, at_once)
    peak = 0.0
    with _worker() as worker:
        queue.enqueue(job.pk)
        give_up_at = time.monotonic() + LONGEST_SECONDS
        while totals.job_totals(job).pending and time.monotonic() < give_up_at:
            peak = max(peak, _pss_megabytes(psutil.Process(worker.pid)))
            time.sleep(MEMORY_LOOK_SECONDS)
    _check(job, FOR_MEMORY)
    return peak


def _pss_megabytes(root: psutil.Process) -> float:
    """Pages that processes share are counted once: each has its part of them."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue  # it has ended meanwhile
    return total / 1e6


@contextmanager
def _sandbox() -> Iterator[str]:
    """The fake portal in a process of its own, so that it takes nothing of our interpreter."""
    port = free_port()
    command = [sys.executable, "manage.py", "sandbox", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it says that it listens
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    """One real, listening worker process."""
    command = [sys.executable, "manage.py", "rqworker", "--verbosity", "0"]
    quiet = os.environ | {"LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=quiet)
    try:
        while not Worker.count(queue=django_rq.get_queue("default")):
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(60)
