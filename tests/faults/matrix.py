"""Every fault at a seeded moment of a running import, and what it cost: the rows of the table."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from tests.config.commands import PROJECT, kill

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.faults.crew import Crew
    from tests.faults.installation import Installation, Job

CUSTOMERS = 32
TIMEOUT_SECONDS, MARGIN_SECONDS = 2.0, 1.0
LEASE_SECONDS = TIMEOUT_SECONDS + MARGIN_SECONDS
FROZEN_SECONDS = LEASE_SECONDS + 1.0
API_FAULTS = (
    "http_500", "http_500_after_effect", "reset_before_effect", "reset_after_effect",
    "unreadable_2xx", "empty_2xx", "missing_entry", "doubled_entry", "result_error", "http_408",
)  # fmt: skip
# A worker that kills itself the n-th time it is at a boundary.
AT_BOUNDARY = """
import os, signal, sys, django
django.setup()
from importlib import import_module
module, name, where, times = sys.argv[1:5]
owner = import_module(module)
*path, last = name.split(".")
for each in path:
    owner = getattr(owner, each)
real, left = getattr(owner, last), [int(times)]
def boundary(*args, **kwargs):
    if where == "before":
        count()
    result = real(*args, **kwargs)
    if where == "after" and (not hasattr(result, "works") or result.works):
        count()
    return result
def count():
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, last, boundary)
from django.core.management import call_command
call_command("rqworker", "default")
"""
# A worker whose own clock is wrong by so many seconds.
WRONG_CLOCK = """
import sys, time, django
real, by = time.time, float(sys.argv[1])
time.time = lambda: real() + by
django.setup()
from django.core.management import call_command
call_command("rqworker", "default")
"""
FEW_HANDLES = """
import resource, django
django.setup()
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
from django.core.management import call_command
call_command("rqworker", "default")
"""
BOUNDARIES = {
    "killed after the intent": ("imports.ledger.claims", "claim_and_intend", "after"),
    "killed after the answer": ("imports.customers.api.client", "Client.post", "after"),
    "killed before the outcome": ("imports.ledger.outcomes", "record", "before"),
    "killed after the outcome": ("imports.ledger.outcomes", "record", "after"),
    "killed while reading": ("imports.ledger.lifecycle", "begin", "before"),
}


@dataclass(slots=True)
class Run:
    """What one fault did to one job."""

    fault: str
    seed: int
    records: int = 0
    lost: int = 0
    twice: int = 0
    unproven: int = 0  # successes that the API did not store, and failures that it did
    unknown: int = 0
    unknown_stored: int = 0
    recovery_seconds: float = 0.0


@dataclass(slots=True)
class Stage:
    """One job under one fault. Workers and the sweeper are kept by process guards."""

    redrive: Installation
    api: SandboxApi
    draw: random.Random
    job: Job
    guards: list[subprocess.Popen[bytes]]
    sweepers: list[subprocess.Popen[bytes]]
    odd: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def process(self, guard: subprocess.Popen[bytes]) -> psutil.Process | None:
        children = psutil.Process(guard.pid).children()
        return children[0] if children else None

    def worker(self) -> psutil.Process | None:
        return self.process(self.draw.choice(self.guards))

    def run(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A worker of another kind beside the others."""
        with self.redrive.new_log("odd") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                cwd=PROJECT, env=self.redrive.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.redrive.started.append(process)
        self.odd.append(process)
        return process


def freeze(*processes: psutil.Process | None, seconds: float = FROZEN_SECONDS) -> None:
    """Stop these as a suspended machine does, longer than a lease; that is what is tested."""
    some = [each for each in processes if each is not None]
    for each in some:
        with suppress(psutil.NoSuchProcess):
            each.suspend()
    time.sleep(seconds)
    for each in some:
        with suppress(psutil.NoSuchProcess):
            each.resume()


def kill_worker(stage: Stage) -> None:
    if process := stage.worker():
        process.kill()


def deploy(stage: Stage) -> None:
    """Every worker is asked to stop, and begins again."""
    for guard in stage.guards:
        if process := stage.process(guard):
            process.terminate()


def kill_sweeper(stage: Stage) -> None:
    if process := stage.process(stage.sweepers[0]):
        process.kill()


def no_sweeper_then_three(stage: Stage) -> None:
    kill_worker(stage)
    stage.redrive.end(*stage.sweepers)
    time.sleep(1.0)  # nobody sweeps: what is tested
    stage.sweepers[:] = [stage.redrive.start("sweep", kept=True) for _ in range(3)]


def kill_redis(stage: Stage) -> None:
    kill(stage.redrive.holder.ensure()[1])


def flush_redis(stage: Stage) -> None:
    stage.redrive.holder.ensure()
    stage.redrive.redis().flushall()


def freeze_redis(stage: Stage) -> None:
    freeze(psutil.Process(stage.redrive.holder.ensure()[1]))


def crash_postgres(stage: Stage) -> None:
    os.kill(stage.redrive.holder.ensure()[0], signal.SIGQUIT)
    stage.redrive.holder.ensure()


def freeze_postgres(stage: Stage) -> None:
    postmaster = psutil.Process(stage.redrive.holder.ensure()[0])
    freeze(postmaster, *postmaster.children())


def cut_connections(stage: Stage) -> None:
    stage.redrive.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


def wrong_clock(stage: Stage) -> None:
    """Two more workers, an hour behind and an hour ahead; the first ones are killed."""
    stage.run(WRONG_CLOCK, "-3600")
    stage.run(WRONG_CLOCK, "3600")
    kill_worker(stage)


def few_handles(stage: Stage) -> None:
    """A worker that can open hardly any file is killed in the end."""
    stage.run(FEW_HANDLES)
    kill_worker(stage)


# Those that begin without a worker come last: one after the other they need none in between.
FAULTS: dict[str, Callable[[Stage], object]] = {
    "worker killed": kill_worker,
    "worker frozen": lambda stage: freeze(stage.worker()),
    "workers deployed anew": deploy,
    "sweeper killed": kill_sweeper,
    "sweeper frozen": lambda stage: freeze(stage.process(stage.sweepers[0])),
    "worker killed, no sweeper, then three": no_sweeper_then_three,
    "Redis killed": kill_redis,
    "Redis frozen": freeze_redis,
    "queue emptied": flush_redis,
    "PostgreSQL crashed": crash_postgres,
    "PostgreSQL frozen": freeze_postgres,
    "connections cut": cut_connections,
    "clocks an hour apart": wrong_clock,
    "few file handles": few_handles,
    "API faults": lambda stage: None,  # ordered before the job begins
    **{name: lambda stage: None for name in BOUNDARIES},
}


def play(crew: Crew, api: SandboxApi, url: str, fault: str, seed: int) -> Run:
    """One job from its start to its end, struck once at a moment that the seed chooses."""
    redrive = crew.redrive
    crew.be(workers=0 if fault in BOUNDARIES else 2)
    draw = random.Random(f"{fault} {seed}")
    api.faults.clear()
    if fault == "API faults":
        for name in draw.sample(API_FAULTS, 4):
            api.order({"match": {"rate": 0.15}, "fault": name})
    api.order({"match": {"every": 1}, "fault": "slow_after_effect", "seconds": 0.2})
    stage = Stage(redrive, api, draw, begin(redrive, url), crew.workers, crew.sweepers)
    if fault in BOUNDARIES:
        times = 1 if fault == "killed while reading" else draw.randint(1, 3)
        first = stage.run(AT_BOUNDARY, *BOUNDARIES[fault], str(times))
        first.wait(60)
        crew.be(workers=1)
    else:
        stage.job.wait_until_decided(draw.randint(1, CUSTOMERS // 2))
    struck = time.monotonic()
    in_flight = {row["id"] for row in redrive.rows(IN_FLIGHT, stage.job.pk)}
    FAULTS[fault](stage)
    stage.job.wait_until("recovered", lambda: not _still_open(redrive, in_flight))
    recovery = time.monotonic() - struck
    stage.job.wait_for_the_end()
    redrive.end(*stage.odd)
    return judged(stage, Run(fault, seed, recovery_seconds=recovery))


IN_FLIGHT = """
SELECT id FROM imports_importbatch WHERE job_id = %s AND status IN ('claimed', 'sending')
"""


def _still_open(redrive: Installation, batches: set[int]) -> bool:
    query = (
        "SELECT id FROM imports_importbatch WHERE id = ANY(%s) AND status NOT IN (%s, %s, %s, %s)"
    )
    ended = ("done", "failed", "unknown", "split")
    return bool(batches) and bool(redrive.rows(query, list(batches), *ended))


def begin(redrive: Installation, url: str) -> Job:
    return redrive.begin_here(url, CUSTOMERS, timeout_seconds=TIMEOUT_SECONDS, max_attempts=30)


def judged(stage: Stage, run: Run) -> Run:
    """The ledger against the API's own account."""
    rows = stage.redrive.rows(
        "SELECT key, status FROM import_results WHERE job_id = %s", stage.job.pk
    )
    run.records = CUSTOMERS
    run.lost = CUSTOMERS - sum(row["status"] in ("success", "error", "unknown") for row in rows)
    for row in rows:
        effects = stage.api.account.effects(row["key"])
        run.twice += effects > 1
        run.unproven += (row["status"] == "success" and effects != 1) or (
            row["status"] == "error" and effects > 0
        )
        if row["status"] == "unknown":
            run.unknown += 1
            run.unknown_stored += effects > 0
    return run
