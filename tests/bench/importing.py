"""A whole import, from the command to the last outcome in the ledger, beside the script one would
write. Answers name each record by its id.

`BENCH_CUSTOMERS=10000,100000` measures with as many customers; `BENCH_TURNS` each that often.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from django.conf import settings
from django.db.models import Max, Min

from config.dev.sandbox.samples import FILE_STYLES, pieces
from imports.ledger import lifecycle
from imports.models import CustomerApi, ImportJob
from imports.states import OPEN, JobStatus
from tests.bench import one_job_each, posting
from tests.bench.posting import Broken, workers
from tests.bench.reading import private_megabytes
from tests.bench.results import Section
from tests.bench.sink import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = tuple(map(int, os.environ.get("BENCH_CUSTOMERS", "10000,100000").split(",")))
TURNS = int(os.environ.get("BENCH_TURNS", "3"))
BATCH, THREADS, IN_FLIGHT = 50, 8, 32
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one import, all of it and by step; and the peak of private memory in MB.

    `cores` is how many of the machine's were at work on average; `command` and `workers` are
    seconds of CPU. All else that was at work is PostgreSQL, Redis and the API.
    """

    whole: float
    checking: float
    first_sent: float
    posting: float
    megabytes: float
    cores: float
    command: float
    workers: float


def run() -> Section:
    """Ours and the script in turn, as many times as `BENCH_TURNS` says; medians."""
    section = Section(f"Importing, from the command to the last outcome, batches of {BATCH}")
    with api() as url:
        speeds = [_compare(section, url, size) for size in SIZES]
        _one_job_or_task_each(section, url, max(speeds))
    return section


def _one_job_or_task_each(section: Section, url: str, speed: float) -> None:
    """The peers that hand out each batch by itself, with fewer batches, since they are slow."""
    size = posting.ONE_EACH * BATCH
    jobs = BATCH * posting.each_as_a_job(url, customers(size), one_job_each.post_and_record)
    tasks = BATCH * posting.each_as_a_task(url, customers(size))
    section.add("Redrive, the whole import", f"{speed:,.0f} customers/s")
    section.add("an RQ job for each batch, cut before, recorded", f"{jobs:,.0f} customers/s")
    section.add("a Celery task for each batch, the same", f"{tasks:,.0f} customers/s")
    section.ratio("Redrive's speed : an RQ job for each batch", speed / jobs, at_least=40)
    section.add("Redrive's speed : a Celery task for each batch", f"{speed / tasks:.2f}")


def _compare(section: Section, url: str, size: int) -> float:
    """Customers a second, ours."""
    path = customers(size)
    pairs = [(_script(url, path), ours(url, customers(size), size)) for _ in range(TURNS)]
    script = statistics.median(seconds for seconds, _ in pairs)
    found = sorted((times for _, times in pairs), key=lambda times: times.whole)[TURNS // 2]
    megabytes = path.stat().st_size / 1e6
    section.add(f"{size:,} customers ({megabytes:,.0f} MB): script", f"{script:.1f} s")
    section.add(f"{size:,} customers: Redrive", f"{found.whole:.1f} s")
    section.add(
        f"{size:,} customers: checking; from Start to the first batch, to the last outcome",
        f"{found.checking:.1f} s; {found.first_sent:.1f} s, {found.posting:.1f} s",
    )
    section.add(f"{size:,} customers: private memory", f"{found.megabytes:,.0f} MB at most")
    section.add(
        f"{size:,} customers: cores at work; CPU a customer of the command, of both workers",
        f"{found.cores:.1f} of {os.cpu_count()}; {found.command / size * 1e6:.0f} µs, "
        f"{found.workers / size * 1e6:.0f} µs",
    )
    section.ratio(
        f"{size:,} customers: Redrive's speed : script's", script / found.whole, at_least=1.5
    )
    return size / found.whole


def customers(size: int) -> Path:
    """A file with that many customers whom no job knows: a file that is known is looked up."""
    path: Path = settings.HOME / "importing" / f"customers_{size}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with path.open("w", encoding="utf-8", newline="") as file:
            text = pieces(range(size), FILE_STYLES[1], {})
            file.write(next(text).rstrip() + " " * 64)
            file.writelines(text)
    with path.open("r+b") as file:
        file.seek(len('{"data": ['))
        file.write(f"{time.time_ns():064b}".replace("0", " ").replace("1", "\t").encode())
    return path


def _script(url: str, path: Path) -> float:
    script = Path(__file__).with_name("import_script.py")
    command = [sys.executable, str(script), url, str(path), str(THREADS)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def ours(url: str, path: Path, size: int) -> Times:
    """One import by the command, with two listening workers."""
    api_row(url, IN_FLIGHT)
    with workers("rqworker", "--verbosity", "0"):
        command = [sys.executable, "manage.py", "import_customers", str(path)]
        options = ["--api", "naming", "--wait", "--json"]
        began, busy = time.time(), _busy_seconds()
        process = subprocess.Popen(
            [*command, *options], cwd=settings.BASE_DIR, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        megabytes, command_seconds = _watched(process)
        whole = time.time() - began
        used = {
            "cores": (_busy_seconds() - busy) / whole, "command": command_seconds,
            "workers": sum(_cpu_of(each) for each in _ours_running()),
        }  # fmt: skip
    assert process.stdout is not None
    summary = json.loads(process.stdout.read())
    if (summary["success"], summary["total"]) != (size, size):
        raise Broken(f"Of {size} customers: {summary}")
    return _times(ImportJob.objects.get(pk=summary["job"]), began, whole, megabytes, used)


def _times(
    job: ImportJob, began: float, whole: float, megabytes: float, used: dict[str, float]
) -> Times:
    assert job.started_at is not None
    found = job.attempts.aggregate(first=Min("sent_at"), last=Max("ended_at"))
    started = job.started_at.timestamp()
    return Times(
        whole=whole,
        checking=started - began,
        first_sent=found["first"].timestamp() - started,
        posting=found["last"].timestamp() - started,
        megabytes=megabytes,
        **used,
    )


def _watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Until the process has ended: the most private memory of any of ours, in MB; its CPU."""
    peak = seconds = 0.0
    while process.poll() is None:
        for each in _ours_running():
            try:
                peak = max(peak, private_megabytes(each.pid))
            except OSError:
                continue  # it has ended meanwhile
            if each.pid == process.pid:
                seconds = max(seconds, _cpu_of(each))
        time.sleep(LOOK_SECONDS)
    return peak, seconds


def _ours_running() -> list[psutil.Process]:
    """The command and the workers."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.cmdline()[1:2] == ["manage.py"]:
                found.append(child)
        except psutil.Error:
            continue
    return found


def _cpu_of(process: psutil.Process) -> float:
    """With what its children used that have ended."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.Error:
        return 0.0


def _busy_seconds() -> float:
    """How long the machine's cores have been at work, all together."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def api_row(url: str, in_flight: int) -> None:
    for job in ImportJob.objects.filter(status__in=[JobStatus.RUNNING, JobStatus.PAUSED]):
        if job.batches.filter(status__in=OPEN).exists():
            lifecycle.cancel(job)
    CustomerApi.objects.update_or_create(
        name="naming",
        defaults={
            "url": url, "secret": "bench-token", "preset": "gk", "mapping": {},
            "batch_size": BATCH, "concurrency": in_flight, "delay_seconds": 0.0,
        },
    )  # fmt: skip


@contextmanager
def api(latency: float = 0.0) -> Iterator[str]:
    """The URL of an API that names each record as stored."""
    port = free_port()
    script = Path(__file__).with_name("naming_api.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(port), str(latency * 1000)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/customers"
    finally:
        process.terminate()
        process.wait(10)
