"""A job that fails for a cause that is nobody's record stops itself, and burns nothing further."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from imports.ledger import lifecycle, outcomes, stops
from imports.ledger.outcomes import Finding
from imports.models import Attempt, Channel, ImportBatch, Notification, RateLimit
from imports.policy import DOWN, Outcome, RecordOutcome, Verdict
from tests.jobs import (
    BUSY,
    HALVE,
    LOST,
    OK,
    REFUSED,
    REPEAT,
    STOP,
    answer,
    assert_totals_hold,
    attempts_of,
    batches,
    keys,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.models import ImportJob
    from tests.jobs import JobMaker

PAST = 1_000.0  # seconds: longer than any pause of a test
AWAY = replace(BUSY, cause=DOWN)
SILENT = replace(REPEAT, cause=DOWN)
BROKEN = replace(LOST, cause=DOWN)
ALIKE = replace(HALVE, cause="HTTP_400-alike")
REDIRECTED = Outcome(Verdict.UNKNOWN, "REDIRECTED", "It was redirected.", 303, pauses=True)
NOT_NOW = Outcome(Verdict.DEFERRED, "HTTP_429", "Not now.", 429)


def now(job: ImportJob) -> tuple[str, str]:
    job.refresh_from_db()
    return job.status, job.pause_code


def each_error(code: str, size: int = 3) -> Outcome:
    records = (RecordOutcome(Verdict.REJECTED, code, f"Said {code}."),) * size
    return Outcome(Verdict.MIXED, "SOME_FAILED", "All failed.", 201, records=records)


def halve_all(job: ImportJob, pass_time: Callable[[float], None], most: int = 500) -> int:
    """Refuse whatever is sent, one after the other, until the job stops; how many posts."""
    for count in range(most):
        work = next(iter(send(job)), None)
        if work is None:
            return count
        outcomes.record(job, [Finding(work, ALIKE)])
    raise AssertionError("it never stops")


# --- Halving ----------------------------------------------------------------------------------


def test_halving_stops_when_both_halves_of_both_halves_are_refused_alike(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(64, batch_size=32)
    assert halve_all(job, pass_time) == 7
    assert now(job) == ("paused", stops.ALL_REFUSED)
    assert HALVE.error in str(job.pause_message)
    assert keys(job, "error") == []
    assert_totals_hold(job)


def test_halves_go_before_the_batches_that_wait(make_job: JobMaker) -> None:
    job = make_job(12, batch_size=4)
    sent = answer(job, ALIKE, OK, OK, OK)
    assert [work.number for work in sent] == [1, 1, 1, 2]


def test_a_resume_halves_that_batch_to_its_end_and_the_next_one_stops_again(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(24, batch_size=8)
    halve_all(job, pass_time)
    lifecycle.resume(job)
    halve_all(job, pass_time)
    assert now(job) == ("paused", stops.ALL_REFUSED)
    assert len(keys(job, "error")) == 8
    assert set(job.results.filter(status="error").values_list("batch__number", flat=True)) == {1}


def test_halving_goes_on_where_one_quarter_says_something_else(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(16, batch_size=16)
    other = replace(ALIKE, cause="HTTP_400-else")
    answer(job, ALIKE, ALIKE, ALIKE, ALIKE, ALIKE, ALIKE, other)
    assert now(job) == ("running", "")


# --- Whatever comes again and again -------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome", [BROKEN, replace(LOST, code="NOT_IN_ANSWER"), each_error("ERROR", 5), REFUSED]
)
def test_batches_in_a_row_that_fail_for_one_cause_stop_the_job(
    outcome: Outcome, make_job: JobMaker
) -> None:
    job = make_job(50, batch_size=5)
    answer(job, *[outcome] * 3)
    status, code = now(job)
    assert status == "paused"
    assert code == (stops.API_DOWN if outcome.cause == DOWN else stops.ONE_CAUSE)
    error = outcome.records[0].error if outcome.records else outcome.error
    assert error in str(job.pause_message)
    assert send(job) == []
    assert job.batches.filter(status="pending").count() == 7


def test_customers_that_are_not_taken_just_now_have_a_few_tries_more(make_job: JobMaker) -> None:
    job = make_job(60, batch_size=5)
    busy = each_error("FAILED", 5)
    later = tuple(replace(record, verdict=Verdict.RETRY) for record in busy.records)
    answer(job, *[replace(busy, records=later)] * 6)
    assert now(job) == ("running", "")
    answer(job, replace(busy, records=later))
    assert now(job) == ("paused", stops.ONE_CAUSE)
    assert keys(job, "error") == []


def test_a_success_in_between_begins_the_count_anew(make_job: JobMaker) -> None:
    job = make_job(60, batch_size=5)
    some = each_error("ERROR", 5)
    mixed = replace(some, records=(*some.records[:4], RecordOutcome(Verdict.SUCCESS)))
    answer(job, LOST, LOST, OK, LOST, LOST, mixed, some, some)
    assert now(job) == ("running", "")
    answer(job, some)
    assert now(job) == ("paused", stops.ONE_CAUSE)


def test_other_causes_begin_the_count_anew(make_job: JobMaker) -> None:
    job = make_job(60, batch_size=5)
    answer(job, LOST, LOST, REFUSED, REFUSED, each_error("A", 5), each_error("B", 5))
    assert now(job) == ("running", "")


def test_a_few_customers_that_stand_alone_and_are_refused_stop_nothing(make_job: JobMaker) -> None:
    job = make_job(20, batch_size=1)
    answer(job, *[REFUSED] * 9)
    assert now(job) == ("running", "")
    answer(job, REFUSED)
    assert now(job) == ("paused", stops.ONE_CAUSE)


def test_with_nothing_left_to_send_there_is_nothing_to_stop(make_job: JobMaker) -> None:
    job = make_job(15, batch_size=5)
    answer(job, *[LOST] * 3)
    lifecycle.finish_if_done([job.pk])
    assert now(job) == ("finished", "")


def test_after_a_resume_it_stops_again_after_a_few(make_job: JobMaker) -> None:
    job = make_job(60, batch_size=5)
    answer(job, *[LOST] * 3)
    lifecycle.resume(job)
    answer(job, *[LOST] * 2)
    assert now(job) == ("running", "")
    answer(job, LOST)
    assert now(job) == ("paused", stops.ONE_CAUSE)


def test_patience_can_be_switched_off(make_job: JobMaker, settings: Any) -> None:
    settings.STOP_AFTER_BATCHES = 0
    job = make_job(50, batch_size=5)
    answer(job, *[LOST] * 8)
    assert now(job) == ("running", "")


def test_workers_that_die_say_nothing_of_the_api(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(30, batch_size=5)
    for _ in range(4):
        send(job)
        pass_time(PAST)
        outcomes.expire()
    assert now(job) == ("running", "")


# --- An API that is out of service ------------------------------------------------------------


@pytest.mark.parametrize("outcome", [AWAY, SILENT])
def test_an_api_that_is_down_is_probed_at_growing_pauses_then_the_job_stops_with_nothing_burnt(
    outcome: Outcome, make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(50, batch_size=5, max_attempts=3)
    answer(job, *[outcome] * 3)
    pauses = []
    while now(job)[0] == "running":
        rate_limit = RateLimit.objects.get()
        assert rate_limit.paused_until is not None
        pauses.append(rate_limit.not_now_count)
        pass_time(PAST)
        (probe,) = send(job, room=5)
        outcomes.record(job, [Finding(probe, outcome)])
    assert pauses == [1, 2, 3, 4]
    assert now(job) == ("paused", stops.API_DOWN)
    assert {batch.status for batch in batches(job)} == {"pending"}
    assert max(batch.attempts for batch in batches(job)) == 1
    assert_totals_hold(job)


def test_an_api_that_is_back_gets_all_at_once_again(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(50, batch_size=5)
    answer(job, *[AWAY] * 3)
    pass_time(PAST)
    answer(job, OK)
    assert len(send(job, room=3)) == 3


def test_a_job_of_few_batches_has_its_attempts_as_the_operator_set_them(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(6, batch_size=3, max_attempts=3)
    for _ in range(6):
        pass_time(PAST)
        answer(job, AWAY)
    assert {(batch.status, batch.attempts) for batch in batches(job)} == {("failed", 3)}


# --- "Not now" --------------------------------------------------------------------------------


def rest_seconds() -> float:
    """From the last answer on: both times are of one transaction, however slow the machine is."""
    until, answered = RateLimit.objects.get().paused_until, Attempt.objects.latest("pk").ended_at
    assert until is not None
    assert answered is not None
    return (until - answered).total_seconds()


def test_pauses_grow_while_nothing_else_comes_back_and_cost_no_attempt(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(15, retry_delay_seconds=2.0)
    waits = []
    for _ in range(10):
        answer(job, replace(NOT_NOW, retry_after=0.0))
        waits.append(rest_seconds())
        pass_time(400.0)
    assert waits[0] >= 0.9
    assert waits[1:6] == pytest.approx([4.2, 8.4, 16.8, 33.6, 67.2], rel=0.08)
    assert waits[-1] <= 330.0
    assert {attempt.counted for attempt in attempts_of(job)} == {False}
    answer(job, OK, NOT_NOW)
    assert rest_seconds() < 3


def test_answers_to_requests_that_were_under_way_count_once(make_job: JobMaker) -> None:
    job = make_job(15, concurrency=3)
    works = send(job, room=3)
    outcomes.record(job, [Finding(work, NOT_NOW) for work in works])
    assert RateLimit.objects.get().not_now_count == 1


def test_one_request_at_a_time_asks_whether_it_is_over(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job, other = make_job(15, concurrency=3), make_job(15, concurrency=3)
    answer(job, NOT_NOW)
    pass_time(PAST)
    assert len(send(job, room=3)) == 1
    assert send(other, room=3) == []


def test_a_shorter_retry_after_never_shortens_a_longer_one(make_job: JobMaker) -> None:
    job = make_job(15, concurrency=3)
    first, second = send(job, room=2)
    outcomes.record(job, [Finding(first, replace(NOT_NOW, retry_after=600.0))])
    outcomes.record(job, [Finding(second, replace(NOT_NOW, retry_after=1.0))])
    assert rest_seconds() > 590


def test_hours_of_not_now_pause_the_job_and_tell_people(
    make_job: JobMaker, pass_time: Callable[[float], None], settings: Any
) -> None:
    Channel.objects.create(name="ops", recipients="ops@example.test")
    settings.NOT_NOW_HOURS = 2.0
    job = make_job(15)
    answer(job, NOT_NOW)
    pass_time(3600.0)
    answer(job, NOT_NOW)
    assert now(job) == ("running", "")
    pass_time(3700.0)
    answer(job, NOT_NOW)
    assert now(job) == ("paused", "NOT_NOW_TOO_LONG")
    assert Notification.objects.get(job=job).cause == "NOT_NOW_TOO_LONG"
    lifecycle.resume(job)
    answer(job, NOT_NOW)
    assert now(job) == ("running", "")


def test_a_record_that_is_not_taken_now_comes_again_and_pays_nothing(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3, max_attempts=1)
    records = (
        RecordOutcome(Verdict.SUCCESS),
        RecordOutcome(Verdict.DEFERRED, "BUSY", "Later."),
        RecordOutcome(Verdict.REJECTED, "BAD", "Bad."),
    )
    answer(job, Outcome(Verdict.MIXED, "SOME_FAILED", "Some.", 200, records=records))
    assert send(job) == []
    pass_time(PAST)
    (again,) = answer(job, OK)
    assert (again.size, again.attempt) == (1, 1)
    assert (len(keys(job, "success")), len(keys(job, "error"))) == (2, 1)
    assert_totals_hold(job)


# --- Redirects and refusals of nobody -----------------------------------------------------------


def test_after_a_303_the_batch_is_unknown_and_the_job_pauses(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, REDIRECTED)
    assert now(job) == ("paused", "REDIRECTED")
    assert len(keys(job, "unknown")) == 3


def test_with_a_key_a_303_goes_out_again_after_a_resume_under_the_same_key(
    make_job: JobMaker,
) -> None:
    job = make_job(3, max_attempts=1)
    (first,) = answer(job, replace(REDIRECTED, verdict=Verdict.REPEATABLE))
    assert now(job) == ("paused", "REDIRECTED")
    lifecycle.resume(job)
    (second,) = answer(job, OK)
    assert first.idempotency_key == second.idempotency_key


def test_a_refused_credential_is_never_taken_for_the_batchs_own_fault(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, OK)
    for _ in range(3):
        answer(job, STOP)
        assert now(job) == ("paused", "CREDENTIAL_REFUSED")
        lifecycle.resume(job)
    assert keys(job, "error") == []


def test_resume_waits_for_nothing(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, replace(NOT_NOW, retry_after=3000.0))
    lifecycle.pause(job)
    lifecycle.resume(job)
    assert len(send(job)) == 1


@pytest.mark.parametrize("bad", ["\x00", "\ud800"])
def test_nul_and_half_characters_stop_no_worker(bad: str, make_job: JobMaker) -> None:
    job = make_job(6)
    details: dict[str, object] = {"stage": [bad, {bad: bad}]}
    answer(
        job,
        Outcome(
            Verdict.REJECTED, f"A{bad}", f"B{bad}", 400, answer=bad, details=details, cause=bad
        ),
        Outcome(Verdict.PAUSE, f"C{bad}", f"D{bad}", 401, answer=bad),
    )
    assert now(job)[0] == "paused"
    assert ImportBatch.objects.filter(status="failed").count() == 1
