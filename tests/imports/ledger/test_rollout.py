"""Rollout: each stage has an exact size, then the job goes on or waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from config.dev.sandbox import samples
from imports.engine import queue, sweeper
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import ImportJob, RateLimit
from imports.policy import Outcome, Verdict
from tests.decisions import retry
from tests.imports.admin.conftest import ended
from tests.jobs import (
    BUSY,
    HALVE,
    LEASE,
    LOST,
    OK,
    REFUSED,
    answer,
    assert_totals_hold,
    at_once,
    batches,
    mixed,
    run,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.customer_api import SandboxApi
    from imports.job_types import Work
    from tests.jobs import JobMaker

OTHER = Outcome(Verdict.REJECTED, "HTTP_413", "The batch is too large.", 413)


def settle(job: ImportJob) -> ImportJob:
    """What a worker does when it has nothing more to send."""
    lifecycle.settle_stage(job)
    job.refresh_from_db()
    return job


def stage(job: ImportJob, outcome: Outcome = OK) -> int:
    """Send all that may leave now and answer each of it; how many batches that were."""
    works: list[Work] = []
    while more := send(job, room=10):
        works += more
        outcomes.record(job, [Finding(work, outcome) for work in more])
    return len(works)


def failed(make_job: JobMaker, count: int) -> ImportJob:
    """A job of so many batches of one customer each, all refused."""
    job = make_job(count, batch_size=1, concurrency=200)
    RateLimit.objects.update(concurrency=200)
    with override_settings(STOP_AFTER_BATCHES=0):
        stage(job, REFUSED)
    return ended(job)


def ramp(job: ImportJob) -> ImportJob:
    """Its retry, running, with the first stage in flight."""
    made = retry(job, rollout="ramp").job
    lifecycle.begin(made)
    return made


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_get_one_batch_between_them(make_job: JobMaker) -> None:
    for _ in range(5):
        job = make_job(40, batch_size=1, concurrency=50, rollout="one")
        RateLimit.objects.update(concurrency=50)

        def worker(job: ImportJob = job) -> list[int]:
            sent: list[int] = []
            for _ in range(4):
                sent += [work.number for work in send(job, room=7)]
            return sent

        assert sorted(number for each in at_once(worker, worker, worker) for number in each) == [1]


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_wait_for_a_stage_that_is_in_flight(
    make_job: JobMaker, messages: Any
) -> None:
    job = make_job(9, rollout="one")
    messages.empty()
    assert len(send(job)) == 1
    assert claims.claim(job, "second worker", 5, LEASE) == claims.Claim([], None)
    queue.run_job(job.pk)
    sweeper.sweep()
    assert messages.count == 0


@pytest.mark.django_db(transaction=True)
def test_after_its_first_batch_the_job_says_what_became_of_it_and_waits(
    make_job: JobMaker, sandbox: SandboxApi, messages: Any
) -> None:
    job = run(make_job(9, rollout="one"))
    assert (job.status, job.pause_code) == ("paused", "FIRST_BATCH")
    assert str(job.pause_message) == (
        "The first batch was sent: 3 of 3 imported. Check it, then continue."
    )
    assert [batch.status for batch in batches(job)] == ["done", "pending", "pending"]
    sent = [sandbox.account.effects(samples.customer_id(n)) for n in range(9)]
    assert sent == [1] * 3 + [0] * 6
    messages.empty()
    sweeper.sweep()
    assert messages.count == 0


def test_going_on_sends_all_the_rest_and_the_log_says_who_let_it_go(
    make_job: JobMaker,
) -> None:
    job = run(make_job(9, rollout="one"))
    lifecycle.resume(job, "anna")
    run(job)
    assert job.status == "finished"
    assert {batch.status for batch in batches(job)} == {"done"}
    event = job.events.get(code="resumed")
    assert (event.actor, str(event.message)) == ("anna", "All the rest is sent.")
    assert_totals_hold(job)


def test_cancelling_instead_keeps_the_rest_as_failed(make_job: JobMaker) -> None:
    job = run(make_job(9, rollout="one"))
    lifecycle.cancel(job, "anna")
    run(job)
    assert job.status == "cancelled"
    assert [batch.status for batch in batches(job)] == ["done", "failed", "failed"]
    assert_totals_hold(job)


def test_a_failed_first_batch_is_reported_with_its_error(make_job: JobMaker) -> None:
    job = make_job(9, rollout="one")
    answer(job, REFUSED)
    settle(job)
    assert job.pause_code == "FIRST_BATCH"
    assert "0 of 3 imported, 3 failed. The API refused the data." in str(job.pause_message)


def test_a_job_of_one_batch_asks_nobody(make_job: JobMaker) -> None:
    assert run(make_job(3, rollout="one")).status == "finished"


def test_later_attempts_and_parts_of_a_batch_belong_to_its_stage(make_job: JobMaker) -> None:
    job = make_job(9, rollout="one")
    answer(job, BUSY)
    assert settle(job).status == "running"  # it is tried again, and nothing else is
    answer(job, HALVE, OK)
    assert settle(job).status == "running"
    answer(job, REFUSED)
    assert send(job) == []
    assert settle(job).pause_code == "FIRST_BATCH"
    assert sorted(b.success_count for b in batches(job) if b.number == 1) == [0, 0, 1]
    assert_totals_hold(job)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_died_with_the_first_batch_lets_no_other_go(
    make_job: JobMaker, pass_time: Callable[[float], None], messages: Any
) -> None:
    job = make_job(9, rollout="one")
    claims.claim(job, "dies before it sends", 5, LEASE)
    pass_time(LEASE + 1)
    sweeper.sweep()
    assert [work.number for work in send(job, room=5)] == [1]  # and dies while it sends
    pass_time(LEASE + 1)
    messages.empty()
    sweeper.sweep()
    job.refresh_from_db()
    assert [batch.status for batch in batches(job)] == ["unknown", "pending", "pending"]
    assert (job.status, job.pause_code) == ("paused", "FIRST_BATCH")
    assert "0 of 3 imported, 3 unknown" in str(job.pause_message)
    assert messages.count == 0


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_opens_the_next_stage_of_a_job_whose_last_worker_died(
    make_job: JobMaker, messages: Any
) -> None:
    job = make_job(9, rollout="ramp")
    answer(job, OK)
    messages.empty()
    sweeper.sweep()
    assert messages.count == 1
    assert len(send(job, room=5)) == 2


def test_a_ramp_lets_1_5_50_and_then_all_go(make_job: JobMaker) -> None:
    job = ramp(failed(make_job, 70))
    counts = []
    while count := stage(job):
        counts.append(count)
        settle(job)
    assert counts == [1, 5, 50, 14]
    summary = job.events.filter(code="stage_ended").values_list("message", flat=True)
    assert list(map(str, summary)) == [
        "1 of 1 imported. The next stage is sent: 5 batches.",
        "5 of 5 imported. The next stage is sent: 50 batches.",
        "50 of 50 imported. All the rest is sent.",
    ]
    assert ended(job).status == "finished"


@pytest.mark.parametrize(("count", "following"), [(7, 5), (6, None), (3, None)])
def test_all_the_rest_goes_next_when_no_more_than_a_stage_is_left(
    count: int, following: int | None, make_job: JobMaker
) -> None:
    job = make_job(count, batch_size=1, rollout="ramp")
    assert lifecycle.sizes_of(job) == (1, following)


@pytest.mark.django_db(transaction=True)
def test_each_stage_is_exact_over_several_workers_at_once(make_job: JobMaker) -> None:
    job = make_job(20, batch_size=1, concurrency=50, rollout="ramp")
    sent: list[int] = []

    def worker() -> None:
        for _ in range(200):
            works = send(job, room=3)
            sent.extend(work.number for work in works)
            outcomes.record(job, [Finding(work, OK) for work in works])
            if not works and not lifecycle.settle_stage(ImportJob.objects.get(pk=job.pk)):
                return

    at_once(worker, worker, worker)
    lifecycle.settle_stage(ImportJob.objects.get(pk=job.pk))
    stage(job)
    assert sorted(job.attempts.values_list("batch__number", flat=True)) == list(range(1, 21))
    summary = job.events.filter(code="stage_ended").values_list("message", flat=True)
    assert [str(line).partition(" imported")[0] for line in summary] == ["1 of 1", "5 of 5"]


def test_a_ramp_stops_when_its_first_stage_fails_with_the_same_error(make_job: JobMaker) -> None:
    job = ramp(failed(make_job, 9))
    stage(job, REFUSED)
    settle(job)
    assert (job.status, job.pause_code) == ("paused", "STAGE_FAILED")
    assert str(job.pause_message) == (
        "The first batch failed again with the same error: The API refused the data. "
        "Nothing more was sent."
    )
    assert stage(job) == 0
    lifecycle.resume(job, "anna")
    assert stage(job, REFUSED) == 5
    assert str(settle(job).pause_message).startswith(
        "The last 5 batches failed again with the same"
    )


def test_particulars_do_not_make_another_error(make_job: JobMaker) -> None:
    def refusing(email: str) -> Outcome:
        return Outcome(Verdict.REJECTED, "HTTP_422", f"The e-mail {email} is invalid.", 422)

    first = make_job(9)
    stage(first, refusing("a@b.se"))
    job = ramp(ended(first))
    stage(job, refusing("other@example.se"))
    assert "again with the same error" in str(settle(job).pause_message)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (OTHER, "All of the first batch failed: The batch is too large."),
        (LOST, "No record of the first batch is known to have arrived: No answer"),
    ],
)
def test_a_stage_that_fails_with_another_error_or_without_an_answer_stops_it_too(
    outcome: Outcome, said: str, make_job: JobMaker
) -> None:
    job = ramp(failed(make_job, 9))
    stage(job, outcome)
    assert settle(job).pause_code == "STAGE_FAILED"
    assert str(job.pause_message).startswith(said)


def test_a_mixture_goes_on_by_itself(make_job: JobMaker) -> None:
    job = make_job(9, rollout="ramp")
    answer(job, mixed(Verdict.REJECTED, Verdict.SUCCESS, Verdict.REJECTED))
    assert settle(job).status == "running"
    assert len(send(job, room=5)) == 2


def test_a_pause_in_the_middle_of_a_stage_lets_nothing_more_go_when_it_ends(
    make_job: JobMaker,
) -> None:
    job = make_job(9, rollout="one")
    works = send(job)
    lifecycle.pause(job, "anna")
    lifecycle.resume(job, "anna")
    assert send(job) == []
    outcomes.record(job, [Finding(work, OK) for work in works])
    assert settle(job).pause_code == "FIRST_BATCH"


def test_a_first_batch_that_came_back_while_the_job_was_paused_is_asked_about_later(
    make_job: JobMaker,
) -> None:
    job = make_job(9, rollout="one")
    works = send(job)
    lifecycle.pause(job, "anna")
    outcomes.record(job, [Finding(work, OK) for work in works])
    assert settle(job).pause_code == "BY_HAND"
    lifecycle.resume(job, "anna")
    outcomes.expire()
    assert run(job).pause_code == "FIRST_BATCH"
