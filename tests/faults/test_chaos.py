"""Minutes of random kills (`make faults`). CHAOS_SECONDS: how long; CHAOS_SEED: which."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.config.commands import kill

if TYPE_CHECKING:
    import subprocess

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.faults.installation import Installation, Job

SECONDS = float(os.environ.get("CHAOS_SECONDS", "120"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


class Chaos:
    """Kills, freezes and cuts off parts of an installation, at random."""

    def __init__(self, redrive: Installation, guards: list[subprocess.Popen[bytes]]) -> None:
        self.redrive, self.guards = redrive, guards
        self.draw = random.Random(SEED)
        self.done: list[str] = []

    def strike(self) -> None:
        harms = (
            self.kill_worker, self.kill_worker, self.end_worker, self.freeze_worker,
            self.flush_redis, self.kill_redis, self.cut_connections,
        )  # fmt: skip
        harm = self.draw.choice(harms)
        harm()
        self.done.append(harm.__name__)

    def worker(self) -> psutil.Process | None:
        children = psutil.Process(self.draw.choice(self.guards).pid).children()
        return children[0] if children else None

    def kill_worker(self) -> None:
        if worker := self.worker():
            worker.kill()

    def end_worker(self) -> None:
        if worker := self.worker():
            worker.terminate()

    def freeze_worker(self) -> None:
        if worker := self.worker():
            worker.send_signal(signal.SIGSTOP)
            time.sleep(4)  # longer than the leases of this installation: what is tested here
            worker.send_signal(signal.SIGCONT)

    def flush_redis(self) -> None:
        self.redrive.holder.ensure()
        self.redrive.redis().flushall()

    def kill_redis(self) -> None:
        _, redis = self.redrive.holder.ensure()
        kill(redis)

    def cut_connections(self) -> None:
        self.redrive.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@pytest.mark.faults
@pytest.mark.parametrize("header", ["", "Idempotency-Key"])
def test_whatever_is_killed_at_whatever_moment_the_account_agrees(
    header: str, redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    _, *guards = [redrive.start("sweep", kept=True), *redrive.workers(3, kept=True)]
    chaos = Chaos(redrive, guards)
    ends_at = time.monotonic() + SECONDS / 2
    played: list[Job] = []
    while time.monotonic() < ends_at:
        job = redrive.begin(
            slow_url, 120, idempotency_header=header, max_attempts=30, concurrency=6
        )
        while not job.has_ended() and time.monotonic() < ends_at:
            time.sleep(chaos.draw.uniform(0.2, 2.5))
            chaos.strike()
        job.wait_for_the_end()
        job.assert_nothing_lost_nothing_twice(slow_api, 120)
        if header:
            assert job.summary() == {"success": 120}, chaos.done
        played.append(job)
    assert chaos.done
    redrive.end_all()
    for job in played:  # and nothing that came later has changed that
        job.assert_nothing_lost_nothing_twice(slow_api, 120)
