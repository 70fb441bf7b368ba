"""Kills in mid-run, with real processes: the job ends by itself, nothing lost, nothing twice.

What cannot be known is unknown and says so. The long version is test_chaos.py.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.config.commands import kill

if TYPE_CHECKING:
    from config.dev.sandbox.customer_api import SandboxApi
    from tests.faults.installation import Installation

CUSTOMERS = 48
# Holds what every claim of the job waits for, and stops as a suspended machine does.
FREEZE_WITH_A_LOCK = """
import os, signal, sys, django
django.setup()
from django.db import transaction
from imports.models import ImportJob, RateLimit
with transaction.atomic():
    RateLimit.objects.select_for_update().get(jobs=sys.argv[1])
    ImportJob.objects.select_for_update().get(pk=sys.argv[1])
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize("encrypted", ["false", "true"])
def test_a_worker_that_is_killed_leaves_unknown_only_what_it_was_sending(
    redrive: Installation, slow_api: SandboxApi, slow_url: str, encrypted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(redrive.environment, "ENCRYPT_RECORDS", encrypted)
    job = redrive.begin(slow_url, CUSTOMERS)
    workers = redrive.workers(2)
    job.frozen_sender(workers).kill()
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    unknown = job.customers("unknown")
    assert 0 < len(unknown) <= 8  # what one worker had in flight: four batches of two at most
    assert job.codes() == {"WORKER_LOST"}
    assert slow_api.account.distinct >= CUSTOMERS - len(unknown)
    rows = redrive.rows(
        "SELECT DISTINCT sealed_with IS NOT NULL AS sealed FROM imports_importbatch"
        " WHERE job_id = %s",
        job.pk,
    )
    assert rows == [{"sealed": encrypted == "true"}]


def test_under_an_idempotency_key_a_killed_worker_leaves_nothing_unknown(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS, idempotency_header="Idempotency-Key")

    def has_arrived() -> bool:
        """More requests than ended batches: one of the only worker's is at the API."""
        return slow_api.account.requests > job.ended_batches()

    job.frozen_sender(redrive.workers(1), has_arrived).kill()
    redrive.start("rqworker")
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert job.summary() == {"success": CUSTOMERS}
    assert slow_api.account.replays > 0  # it was sent again, and the API knew the key


def test_a_worker_asked_to_stop_finishes_what_is_in_flight(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS)
    workers = redrive.workers(2)
    summary = job.frozen_sender(workers)
    summary.terminate()
    summary.send_signal(signal.SIGCONT)
    assert summary.wait(20) == 0
    assert job.sending(summary) == 0
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert job.summary() == {"success": CUSTOMERS}


def test_a_redis_that_forgets_everything_costs_a_sweep(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS)
    redrive.workers(2)
    for least in (2, 16, 30):
        job.wait_until_decided(least)
        redrive.redis().flushall()
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert job.summary() == {"success": CUSTOMERS}


def test_a_redis_that_is_killed_comes_back_and_the_job_ends(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS)
    redrive.workers(2, kept=True)
    job.wait_until_decided(2)
    _, redis = redrive.holder.ensure()
    kill(redis)
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert job.summary() == {"success": CUSTOMERS}


def test_a_worker_that_was_frozen_beyond_its_lease_sends_nothing_twice_when_it_wakes(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS, timeout_seconds=1.0)
    workers = redrive.workers(2)
    frozen = job.frozen_sender(workers)
    job.wait_until("judged", lambda: job.sending(frozen) == 0)
    judged = set(job.customers("unknown"))
    os.kill(frozen.pid, signal.SIGCONT)
    job.wait_for_the_end()
    frozen.terminate()
    assert frozen.wait(20) == 0  # whatever it still held is recorded by now
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert set(job.customers("unknown")) <= judged
    assert job.codes() <= {"WORKER_LOST", "READ_TIMEOUT"}


def test_a_host_that_is_frozen_in_the_middle_of_a_transaction_holds_nobody_up_for_long(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, 24)
    redrive.run_until_stopped(FREEZE_WITH_A_LOCK, str(job.pk))
    redrive.workers(1)
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, 24)
    assert job.summary() == {"success": 24}


def test_connections_that_the_database_cuts_lose_no_answer(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS)
    redrive.workers(2, kept=True)
    for least in (2, 16):
        job.wait_until_decided(least)
        with psycopg.connect(redrive.urls.database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    assert len(job.customers("unknown")) <= 8  # intent that was committed, and nobody heard of it


def test_a_database_that_crashes_and_comes_back_does_not_stop_the_job(
    redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    job = redrive.begin(slow_url, CUSTOMERS)
    redrive.workers(2, kept=True)
    job.wait_until_decided(2)
    postgres, _ = redrive.holder.ensure()
    os.kill(postgres, signal.SIGQUIT)  # at once, without a checkpoint: as a power cut
    redrive.holder.ensure()
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_guard_replaces_the_only_worker(
    how: signal.Signals, redrive: Installation, slow_api: SandboxApi, slow_url: str
) -> None:
    import psutil

    job = redrive.begin(slow_url, 24)
    (database,) = redrive.workers(1, kept=True)
    job.wait_until("in flight", lambda: job.sending() > 0)
    (worker,) = psutil.Process(database.pid).children()
    worker.send_signal(how)
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, 24)
    if how == signal.SIGTERM:
        assert job.summary() == {"success": 24}
