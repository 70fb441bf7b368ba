"""A million customers into batches: private memory, and time beside `json.load` of the file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.conf import settings

from config.dev.sandbox.samples import write_files
from imports.customers import drafts
from imports.customers.sample import sandbox_api
from imports.engine import runner
from imports.ledger import lifecycle
from imports.models import ImportJob
from tests.bench.results import Section

CUSTOMERS = 1_000_000
LOOK_SECONDS = 0.05


def run() -> Section:
    """Each in a process of its own, so that neither's memory is counted for the other."""
    path = settings.HOME / "reading" / "customers_01.json"
    if not path.exists():
        write_files(path.parent, CUSTOMERS, CUSTOMERS)
    ours, peer = _measure("ours", path), _measure("json.load", path)
    section = Section(f"Reading {CUSTOMERS:,} customers ({path.stat().st_size / 1e6:,.0f} MB)")
    section.add("checking the file", f"{ours['check']:.0f} s")
    section.add("cutting it into batches in the ledger", f"{ours['read']:.0f} s")
    section.add("private memory at its peak", f"{ours['private_mb']:.0f} MB")
    section.add(
        "json.load: time and private memory", f"{peer['read']:.0f} s, {peer['private_mb']:,.0f} MB"
    )
    section.ratio("private MB : 300 MB", ours["private_mb"] / 300, at_most=1.0)
    return section


def _measure(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench", "--measure", what, str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=settings.BASE_DIR
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(what: str, path: Path) -> dict[str, float]:
    """In this process: seconds, and the peak of private memory in MB."""
    peak = _Peak()
    peak.start()
    found = _ours(path) if what == "ours" else _json_load(path)
    peak.stop()
    return found | {"private_mb": peak.megabytes}


def _ours(path: Path) -> dict[str, float]:
    started = time.perf_counter()
    job = drafts.new_draft(sandbox_api(), "bench: reading")
    drafts.add_path(job, path)
    checked = time.perf_counter()
    lifecycle.start(job)
    runner.read_input(ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk))
    done = time.perf_counter()
    lifecycle.cancel(ImportJob.objects.get(pk=job.pk))
    return {"check": checked - started, "read": done - checked}


def _json_load(path: Path) -> dict[str, float]:
    started = time.perf_counter()
    with path.open() as file:
        count = len(json.load(file)["data"])
    return {"read": time.perf_counter() - started, "count": count}


class _Peak(threading.Thread):
    """Looks at this process's private memory now and then."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.megabytes = max(self.megabytes, private_megabytes(os.getpid()))

    def stop(self) -> None:
        self._over.set()
        self.join()


def private_megabytes(pid: int) -> float:
    """What a process has of memory that is no other's, and that no file backs."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = sum(int(n) for n in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE))
    return kilobytes / 1024
