"""Whoever vanished with a batch: it is judged when the lease is over, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import ImportBatch
from tests.jobs import LEASE, OK, answer, assert_totals_hold, at_once, attempts_of, batches, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker


def test_a_lease_that_is_not_over_is_respected(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(6)
    claims.claim(job, "worker", 1, LEASE)
    send(job)
    pass_time(LEASE - 15)
    assert outcomes.expire() == set()
    assert [batch.status for batch in batches(job)] == ["claimed", "sending"]


def test_what_was_only_claimed_is_pending_again_and_cost_nothing(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    claims.claim(job, "lost", 1, LEASE)
    pass_time(LEASE + 1)
    assert outcomes.expire() == {job.pk}
    (batch,) = batches(job)
    assert (batch.status, batch.attempts, batch.tries, batch.token) == ("pending", 0, 0, None)
    assert attempts_of(job) == []


def test_what_may_have_been_sent_is_unknown_and_says_that_the_worker_was_lost(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    send(job, worker="host:9")
    pass_time(LEASE + 1)
    assert outcomes.expire() == {job.pk}
    assert batches(job)[0].status == "unknown"
    (attempt,) = attempts_of(job)
    assert (attempt.verdict, attempt.error_code, attempt.worker) == (
        "unknown", "WORKER_LOST", "host:9",
    )  # fmt: skip
    assert set(job.results.values_list("status", "error_code", "retry_attempts")) == {
        ("unknown", "WORKER_LOST", 1)
    }
    assert_totals_hold(job)


def test_under_an_idempotency_key_a_lost_try_goes_out_again_with_the_same_bytes_and_key(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    make_job.honour_keys()
    job = make_job(3)
    (lost,) = send(job)
    pass_time(LEASE + 1)
    outcomes.expire()
    (again,) = send(job)
    assert (again.body, again.idempotency_key) == (lost.body, lost.idempotency_key)
    assert again.attempt == 2
    outcomes.record(job, [Finding(lost, OK)])  # the lost worker is not its owner any more
    assert batches(job)[0].status == "sending"


def test_a_worker_lost_on_the_last_attempt_leaves_it_unknown_even_under_a_key(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    make_job.honour_keys()
    job = make_job(3, max_attempts=2)
    for _ in range(2):
        send(job)
        pass_time(LEASE + 1)
        outcomes.expire()
    assert (batches(job)[0].status, batches(job)[0].attempts) == ("unknown", 2)


def test_a_lease_that_ran_out_in_a_cancelled_job_is_judged_all_the_same(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    send(job)
    lifecycle.cancel(job)
    pass_time(LEASE + 1)
    outcomes.expire()
    assert batches(job)[0].status == "unknown"


@pytest.mark.django_db(transaction=True)
def test_several_sweepers_at_once_judge_each_batch_once(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(12, batch_size=1, concurrency=50)
    ImportBatch.objects.update(next_attempt_at="2000-01-01T00:00Z")
    send(job, room=4)
    pass_time(LEASE + 1)
    at_once(outcomes.expire, outcomes.expire, outcomes.expire)
    assert len(attempts_of(job)) == 4
    assert job.batches.filter(status="unknown").count() == 4
    assert_totals_hold(job)


def test_one_sweep_judges_the_batches_of_all_jobs(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    jobs = [make_job(3), make_job(3)]
    for job in jobs:
        send(job)
    pass_time(LEASE + 1)
    assert outcomes.expire() == {job.pk for job in jobs}
    answer(make_job(3), OK)
    assert outcomes.expire() == set()
