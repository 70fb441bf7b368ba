"""Sending, all batches cut before: its speed at an API's latency, and where the time goes."""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psutil
from django.db.models import Max, Min

from config.dev import postgres, server_processes
from imports.customers import drafts
from imports.engine import queue, runner
from imports.ledger import lifecycle, totals
from imports.models import CustomerApi, ImportJob
from tests.bench import importing
from tests.bench.cutting import cut
from tests.bench.posting import Broken, workers
from tests.bench.results import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY_SECONDS = 0.05
TURNS = {8: 100, 32: 60, 128: 30}  # in flight: how often; few would be all start and end
FREE_RUN = 100_000  # customers, to an API that answers at once
FOR_PROFILE = 20_000
PLACES = 12  # that a profile names
WAITING = "<method 'acquire' of '_thread.lock' objects>"  # no work, whatever the clock says
LOOK_SECONDS = 0.05
WANTED = 0.95


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor that our workers, PostgreSQL and the bench's API have used."""

    python: float
    postgresql: float
    api: float

    def since(self, before: Cpu, records: int) -> str:
        """Microseconds for each record."""
        used = (
            self.python - before.python,
            self.postgresql - before.postgresql,
            self.api - before.api,
        )
        each = [seconds / records * 1e6 for seconds in used]
        return f"{each[0]:.1f} µs, {each[1]:.1f} µs, {each[2]:.1f} µs; {sum(each):.1f} µs in all"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of sending came to. `cpu` is what it took for each record."""

    batches_a_second: float
    cpu: str


def run() -> Section:
    """As fast as it goes, and at a latency."""
    section = Section(f"Sending, all batches of {importing.BATCH} cut before")
    with importing.api() as url:
        free = _ours(url, FREE_RUN, importing.IN_FLIGHT)
        places = _profile(url)
    section.add(
        f"sending alone, the API answers at once, {importing.IN_FLIGHT} in flight",
        f"{free.batches_a_second:,.0f} batches/s",
    )
    section.add("processor for each record: our workers, PostgreSQL, the bench's API", free.cpu)
    for in_flight, turns in TURNS.items():
        _at_latency(section, in_flight, turns)
    section.notes.append(f"Where a worker that sends takes its processor time: {places}.")
    return section


def _at_latency(section: Section, in_flight: int, turns: int) -> None:
    """Batches a second against concurrency ÷ latency, ours and those of bare threads."""
    size = turns * in_flight * importing.BATCH
    most = in_flight / LATENCY_SECONDS
    with importing.api(LATENCY_SECONDS) as url:
        bare = _bare(url, size, in_flight)
        ours = _ours(url, size, in_flight)
    what = f"{in_flight} in flight at {LATENCY_SECONDS * 1000:.0f} ms"
    section.add(
        f"{what}: the script with {in_flight} threads, nothing recorded, : {most:,.0f} batches/s",
        f"{bare / most:.2f}",
    )
    section.add(f"{what}: processor for each record, as above", ours.cpu)
    section.ratio(
        f"{what}: batches a second : {most:,.0f}", ours.batches_a_second / most, at_least=WANTED
    )


def _bare(url: str, size: int, threads: int) -> float:
    """Batches a second of the script, from its first request on."""
    script = Path(__file__).with_name("import_script.py")
    command = [sys.executable, str(script), url, str(importing.customers(size)), str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return size / importing.BATCH / float(done.stdout.split()[1])


def _ours(url: str, size: int, in_flight: int) -> Sent:
    importing.api_row(url, in_flight)
    job = _cut(size)
    with workers("rqworker", "--verbosity", "0"):
        before = _cpu()
        queue.enqueue(job.pk, 2)
        while ImportJob.objects.filter(pk=job.pk, finished_at=None).exists():
            time.sleep(LOOK_SECONDS)
        cpu = _cpu().since(before, size)
    if totals.job_totals(job).success != size:
        raise Broken(f"Of {size} customers: {totals.job_totals(job)}")
    found = job.attempts.aggregate(first=Min("sent_at"), last=Max("ended_at"))
    seconds = (found["last"] - found["first"]).total_seconds()
    return Sent(size / importing.BATCH / seconds, cpu)


def _profile(url: str) -> str:
    """The modules and libraries that take the most of sending in one process, all its threads."""
    importing.api_row(url, importing.IN_FLIGHT)
    job = _cut(FOR_PROFILE)
    of_threads: list[cProfile.Profile] = []
    run_thread = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        with cProfile.Profile(time.thread_time) as profile:
            of_threads.append(profile)
            run_thread(thread)

    with (
        patch.object(threading.Thread, "run", profiled),
        cProfile.Profile(time.thread_time) as of_this,
    ):
        while runner.run(job):
            pass
    spent: Counter[str] = Counter()
    for profile in (of_this, *of_threads):
        spent.update(_by_place(pstats.Stats(profile).stats))  # type: ignore[attr-defined]
    whole = sum(spent.values())
    return ", ".join(f"{place} {own / whole:.0%}" for place, own in spent.most_common(PLACES))


def _by_place(calls: dict[Any, Any]) -> Counter[str]:
    """Own seconds by module or library; those of what is written in C count for who called it."""
    spent: Counter[str] = Counter()
    for (file, _line, name), (_, _, own, _, callers) in calls.items():
        if file != "~":
            spent[_place(file)] += own
            continue
        if name == WAITING:
            continue
        for (caller, _line_of_it, _name_of_it), (_, _, own_for_it, _) in callers.items():
            spent[_place(caller)] += own_for_it
    return spent


def _place(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(server_processes.PROJECT) and "site-packages" not in path.parts:
        return str(path.relative_to(server_processes.PROJECT).with_suffix(""))
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1]
    return "Python's library"


def _cut(size: int) -> ImportJob:
    """A running job, all of it in batches."""
    job = drafts.new_draft(CustomerApi.objects.get(name="naming"), "sending")
    drafts.add_path(job, importing.customers(size))
    lifecycle.start(job)
    job = ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk)
    cut(job)
    return job


def _cpu() -> Cpu:
    """What has been used until now. A PostgreSQL that is not ours counts as nothing."""
    server = postgres.running()
    return Cpu(
        python=sum(map(_seconds, _children("rqworker"))),
        postgresql=sum(map(_seconds, [server, *server.children()])) if server else 0.0,
        api=sum(map(_seconds, _children("naming_api.py"))),
    )


def _children(named: str) -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        if any(part.endswith(named) for part in child.cmdline()):
            yield child


def _seconds(process: psutil.Process) -> float:
    """With those of its children that have ended."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.Error:
        return 0.0
