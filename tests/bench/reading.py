"""A million customers into batches: private memory, and time beside `json.load` of the file.

`BENCH_READING=10000000` reads as many; `json.load` of a million takes 3 GB.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self
from unittest.mock import patch

from django.conf import settings

from config.dev.sandbox.samples import write_files
from config.dev.sandbox.stories import sandbox_api
from imports.customers import drafts
from imports.customers.files import quick_check
from imports.customers.files.limits import GK_CHECKS
from imports.customers.files.reader import check_file
from imports.ledger import lifecycle
from imports.models import ImportJob
from tests.bench.cutting import cut
from tests.bench.results import Section

CUSTOMERS = int(os.environ.get("BENCH_READING", "1000000"))
FOR_JSON_LOAD = 1_000_000  # at most
FOR_PROFILE, CALLS = 20_000, 6
LOOK_SECONDS = 0.05


def run() -> Section:
    """Each in a process of its own, so that neither's memory is counted for the other."""
    path = _file(CUSTOMERS)
    with path.open("a") as file:  # a file that an earlier run has imported is looked up
        file.write(f"{time.time_ns():b}\n".replace("0", " ").replace("1", "\t"))
    ours = _measure("ours", path)
    section = Section(f"Reading {CUSTOMERS:,} customers ({path.stat().st_size / 1e6:,.0f} MB)")
    for step, name in (("check", "checking the file"), ("read", "cutting it into batches")):
        each = ours[f"{step}_cpu"] / CUSTOMERS * 1e6
        section.add(name, f"{ours[step]:.0f} s; {each:.1f} µs of CPU for each customer")
    section.add("private memory at its peak", f"{ours['private_mb']:.0f} MB")
    if CUSTOMERS <= FOR_JSON_LOAD:
        peer = _measure("json.load", path)
        section.add(
            "json.load: time and private memory",
            f"{peer['read']:.0f} s, {peer['private_mb']:,.0f} MB",
        )
    section.ratio("private MB : 200 MB", ours["private_mb"] / 200, at_most=1.0)
    section.notes.append(f"Where checking takes its time: {_profile(_file(FOR_PROFILE))}.")
    return section


def _file(customers: int) -> Path:
    folder: Path = settings.HOME / "reading" / f"{customers}"
    path = folder / "customers_01.json"
    if not path.exists():
        write_files(folder, customers, customers)
    return path


def _profile(path: Path) -> str:
    """The calls that take the most of checking a file, with their shares: all in one process."""
    with (
        patch.object(quick_check, "PARALLEL_BYTES", sys.maxsize),
        tempfile.TemporaryDirectory(prefix="redrive-bench-") as folder,
        cProfile.Profile() as all_,
    ):
        check_file(path, path.name, GK_CHECKS, None, Path(folder))
    calls = pstats.Stats(all_).stats  # type: ignore[attr-defined]
    spent = {name.strip("<>{}"): own for (_file, _line, name), (_, _, own, _, _) in calls.items()}
    most = sorted(spent, key=lambda name: -spent[name])[:CALLS]
    whole = sum(spent.values())
    return ", ".join(f"{name} {spent[name] / whole:.0%}" for name in most)


def _measure(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench", "--measure", what, str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=settings.BASE_DIR
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(what: str, path: Path) -> dict[str, float]:
    """In this process: seconds, and the peak of private memory in MB."""
    with Peak() as peak:
        found = _ours(path) if what == "ours" else _json_load(path)
    return found | {"private_mb": peak.megabytes}


def _ours(path: Path) -> dict[str, float]:
    job = drafts.new_draft(sandbox_api(), "bench: reading")
    began = _now()
    drafts.add_path(job, path)
    checked = _now()
    lifecycle.start(job)
    job = ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk)
    cut(job)
    done = _now()
    lifecycle.cancel(ImportJob.objects.get(pk=job.pk))
    return {
        "check": checked[0] - began[0], "check_cpu": checked[1] - began[1],
        "read": done[0] - checked[0], "read_cpu": done[1] - checked[1],
    }  # fmt: skip


def _now() -> tuple[float, float]:
    """The time, and that of this process's CPU."""
    return time.perf_counter(), time.process_time()


def _json_load(path: Path) -> dict[str, float]:
    started = time.perf_counter()
    with path.open() as file:
        count = len(json.load(file)["data"])
    return {"read": time.perf_counter() - started, "count": count}


class Peak(threading.Thread):
    """Looks at this process's private memory now and then."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.megabytes = max(self.megabytes, private_megabytes(os.getpid()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def private_megabytes(pid: int) -> float:
    """What a process has of memory that is no other's, and that no file backs."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = sum(int(n) for n in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE))
    return kilobytes / 1024
