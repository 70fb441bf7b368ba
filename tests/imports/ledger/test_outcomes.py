"""What each class of outcome does to a batch, its records and its attempts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from imports.ledger import lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import Attempt, ImportBatch
from imports.policy import Outcome, RecordOutcome, Verdict
from tests.decisions import resolve_unknown
from tests.jobs import (
    BUSY,
    HALVE,
    LATER,
    LEASE,
    LOST,
    OK,
    REFUSED,
    REPEAT,
    STOP,
    answer,
    assert_totals_hold,
    at_once,
    attempts_of,
    batches,
    keys,
    mixed,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.models import ImportJob
    from tests.jobs import JobMaker

S, R, X, U = Verdict.SUCCESS, Verdict.RETRY, Verdict.REJECTED, Verdict.UNKNOWN


def test_a_success_finishes_the_batch_and_each_of_its_records(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    (batch,) = batches(job)
    assert (batch.status, batch.success_count, batch.attempts) == ("done", 3, 1)
    assert (batch.http_status, batch.error, batch.lease_until) == (201, "", None)
    assert set(job.results.values_list("status", "retry_attempts", "error", "final_error")) == {
        ("success", 1, "", None)
    }
    assert_totals_hold(job)


def test_a_success_after_a_failure_wipes_what_the_failure_said(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    answer(job, BUSY)
    assert set(job.results.values_list("error", "error_code", "retry_attempts")) == {
        ("Nobody listens there.", "CONNECT_REFUSED", 1)
    }
    answer(job, OK)
    assert set(job.results.values_list("error", "error_code", "retry_attempts")) == {("", "", 2)}
    assert batches(job)[0].error_code == ""


def test_what_was_proven_not_stored_goes_out_again_with_the_same_bytes_and_key(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    first, second = answer(job, BUSY, BUSY)
    assert (first.body, first.idempotency_key) == (second.body, second.idempotency_key)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.token != second.token


def test_a_batch_waits_between_attempts_as_long_as_the_job_says(make_job: JobMaker) -> None:
    job = make_job(3, retry_delay_seconds=100.0)
    answer(job, BUSY)
    wait = (batches(job)[0].next_attempt_at - timezone.now()).total_seconds()
    assert 40 < wait <= 201
    assert send(job) == []


def test_the_last_attempt_that_fails_is_the_end_and_says_why(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, BUSY, BUSY, BUSY)
    (batch,) = batches(job)
    assert (batch.status, batch.attempts, batch.tries) == ("failed", 3, 3)
    assert set(
        job.results.values_list("status", "error_code", "final_error", "retry_attempts")
    ) == {("error", "CONNECT_REFUSED", "Nobody listens there.", 3)}
    assert send(job) == []
    assert_totals_hold(job)


def test_a_refusal_for_good_is_not_tried_again(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    assert set(job.results.values_list("status", "http_status", "retry_attempts")) == {
        ("error", 422, 1)
    }
    assert send(job) == []


def test_what_nobody_can_know_is_unknown_and_stays_so(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, LOST)
    assert batches(job)[0].status == "unknown"
    assert set(job.results.values_list("status", "final_error")) == {
        ("unknown", "No answer came in time.")
    }
    assert send(job) == []
    assert_totals_hold(job)


def test_under_an_idempotency_key_it_is_repeated_until_the_budget_is_spent_then_unknown(
    make_job: JobMaker,
) -> None:
    make_job.honour_keys()
    job = make_job(3)
    works = answer(job, REPEAT, REPEAT, REPEAT)
    assert len({(work.body, work.idempotency_key) for work in works}) == 1
    assert (batches(job)[0].status, batches(job)[0].attempts) == ("unknown", 3)


def test_a_deferral_costs_no_attempt_however_often_it_comes(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3, max_attempts=1)
    for _ in range(4):
        answer(job, LATER)
        pass_time(70)
    assert (batches(job)[0].attempts, batches(job)[0].tries) == (0, 4)
    assert [attempt.counted for attempt in attempts_of(job)] == [False] * 4
    answer(job, OK)
    assert keys(job, "success") == keys(job, "success")
    assert batches(job)[0].status == "done"


def test_a_refused_credential_pauses_the_job_and_burns_no_attempt(make_job: JobMaker) -> None:
    job = make_job(6)
    first, second = send(job, room=2)
    outcomes.record(job, [Finding(first, STOP), Finding(second, OK)])
    job.refresh_from_db()
    assert (job.status, job.pause_code) == ("paused", "CREDENTIAL_REFUSED")
    assert "HTTP 401" in str(job.pause_message)
    assert [(b.status, b.attempts) for b in batches(job)] == [("pending", 0), ("done", 1)]
    lifecycle.resume(job)
    assert [work.number for work in send(job, room=5)] == [1]


def test_the_first_reason_for_a_pause_stays(make_job: JobMaker) -> None:
    job = make_job(6)
    works = send(job, room=2)
    other = Outcome(Verdict.PAUSE, "REDIRECTED", "It answers with a redirect.")
    outcomes.record(job, [Finding(works[0], STOP), Finding(works[1], other)])
    job.refresh_from_db()
    assert job.pause_code == "CREDENTIAL_REFUSED"
    assert job.events.filter(code="paused").count() == 1


def test_each_record_of_a_mixed_answer_has_its_own_outcome(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    all_keys = keys(job, "pending")
    answer(job, mixed(S, X, U, S))
    assert keys(job, "success") == [all_keys[0], all_keys[3]]
    assert keys(job, "error") == [all_keys[1]]
    assert keys(job, "unknown") == [all_keys[2]]
    (batch,) = batches(job)
    assert (batch.status, batch.success_count, batch.error_count, batch.unknown_count) == (
        "unknown", 2, 1, 1,
    )  # fmt: skip
    assert_totals_hold(job)


def test_records_that_may_still_succeed_go_on_in_a_smaller_batch_under_a_new_key(
    make_job: JobMaker,
) -> None:
    job = make_job(4, batch_size=4)
    all_keys = keys(job, "pending")
    (first,) = answer(job, mixed(S, R, X, R))
    whole, part = batches(job)
    assert (whole.status, whole.size, part.status, part.size) == ("failed", 2, "pending", 2)
    assert (part.number, part.part, part.parent_id, part.attempts) == (1, 1, whole.pk, 1)
    (again,) = send(job)
    assert again.idempotency_key != first.idempotency_key
    assert again.attempt == 2
    assert_totals_hold(job)
    outcomes.record(job, [Finding(again, OK)])
    assert keys(job, "success") == [all_keys[0], all_keys[1], all_keys[3]]
    assert keys(job, "error") == [all_keys[2]]
    assert_totals_hold(job)


def test_a_mixed_answer_on_the_last_attempt_ends_what_could_have_been_retried(
    make_job: JobMaker,
) -> None:
    job = make_job(2, batch_size=2, max_attempts=2)
    answer(job, mixed(R, R), mixed(R, S))
    assert [(b.status, b.size) for b in batches(job)] == [("split", 0), ("failed", 2)]
    assert list(
        job.results.values_list("status", "error_code", "retry_attempts").order_by("position")
    ) == [("error", "CODE_RETRY", 2), ("success", "", 2)]
    assert_totals_hold(job)


def test_a_refused_batch_is_halved_until_just_the_bad_record_is_left(make_job: JobMaker) -> None:
    job = make_job(8, batch_size=8, max_attempts=1)
    all_keys = keys(job, "pending")
    bad = {all_keys[2], all_keys[7]}
    while works := send(job):
        names = set(job.results.filter(batch_id=works[0].batch_id).values_list("key", flat=True))
        outcomes.record(job, [Finding(works[0], HALVE if names & bad else OK)])
        assert_totals_hold(job)
    assert keys(job, "error") == sorted(bad)
    assert len(keys(job, "success")) == 6
    assert max(job.batches.values_list("attempts", flat=True)) == 1
    assert set(job.results.values_list("retry_attempts", flat=True)) == {1}
    assert len(set(job.batches.values_list("idempotency_key", flat=True))) == job.batches.count()


def test_a_part_is_halved_again_and_knows_where_it_comes_from(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, HALVE)
    parts = [(b.number, b.part, b.parent and b.parent.part, b.size) for b in batches(job)]
    assert parts == [(1, 0, None, 0), (1, 1, 0, 0), (1, 2, 0, 2), (1, 3, 1, 1), (1, 4, 1, 1)]


def test_an_answer_under_another_token_changes_nothing(make_job: JobMaker) -> None:
    job = make_job(3)
    (old,) = answer(job, BUSY)
    (new,) = send(job)
    outcomes.record(job, [Finding(old, OK)])
    outcomes.record(job, [Finding(old, REFUSED)])
    assert batches(job)[0].status == "sending"
    outcomes.record(job, [Finding(new, OK)])
    assert len(attempts_of(job)) == 2


@pytest.mark.parametrize("outcome", [OK, BUSY, REFUSED, LATER, HALVE, STOP, mixed(S, R, X)])
def test_an_answer_that_is_recorded_twice_counts_once(
    outcome: Outcome, make_job: JobMaker
) -> None:
    job = make_job(3)
    (work,) = answer(job, outcome)
    seen = [(b.status, b.size, b.attempts) for b in batches(job)]
    outcomes.record(job, [Finding(work, outcome)])
    assert [(b.status, b.size, b.attempts) for b in batches(job)] == seen
    assert len(attempts_of(job)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("outcome", [OK, mixed(S, R, X), HALVE])
def test_two_connections_that_record_the_same_try_write_it_once(
    outcome: Outcome, make_job: JobMaker
) -> None:
    job = make_job(3)
    (work,) = send(job)
    at_once(*[lambda: outcomes.record(job, [Finding(work, outcome)])] * 2)
    assert len(attempts_of(job)) == 1
    assert_totals_hold(job)


@pytest.mark.django_db(transaction=True)
def test_recording_and_judging_at_once_never_both_count(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    for _ in range(6):
        job = make_job(3)
        (work,) = send(job)
        pass_time(LEASE + 1)
        at_once(partial(outcomes.record, job, [Finding(work, OK)]), outcomes.expire)
        (batch,) = batches(job)
        assert (batch.status, batch.success_count) == ("done", 3)
        assert [a.counted for a in attempts_of(job)].count(True) == 1
        assert_totals_hold(job)


def late(
    job: ImportJob, outcome: Outcome, pass_time: Callable[[float], None]
) -> tuple[str, list[Attempt]]:
    """What a batch stands at when its answer comes after its lease."""
    (work,) = send(job)
    pass_time(LEASE + 1)
    outcomes.expire()
    assert batches(job)[0].status == "unknown"
    outcomes.record(job, [Finding(work, outcome)])
    return batches(job)[0].status, attempts_of(job)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (OK, "done"),
        (REFUSED, "failed"),
        (BUSY, "failed"),
        (HALVE, "failed"),
        (mixed(S, X, S), "failed"),
        (mixed(S, U, S), "unknown"),
        (LOST, "unknown"),
    ],
)
def test_late_evidence_counts_where_it_is_proof(
    outcome: Outcome, status: str, make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    found, attempts = late(job, outcome, pass_time)
    assert found == status
    assert attempts[0].error_code == "WORKER_LOST"
    assert [attempt.counted for attempt in attempts[1:]] == [False] * (outcome != LOST)
    assert job.batches.count() == 1  # nothing is sent again on late evidence
    assert_totals_hold(job)


def test_late_evidence_wipes_what_was_said_of_the_lost_worker(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    late(job, OK, pass_time)
    assert set(job.results.values_list("error", "error_code", "final_error")) == {("", "", None)}


def test_late_evidence_does_not_touch_what_a_person_decided(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:

    job = make_job(3)
    (work,) = send(job)
    pass_time(LEASE + 1)
    outcomes.expire()
    first = job.results.order_by("pk")[:1]
    resolve_unknown(job, job.results.filter(pk__in=list(first.values_list("pk", flat=True))),
                    arrived=False, reason="looked up", actor="anna")  # fmt: skip
    outcomes.record(job, [Finding(work, OK)])
    assert list(job.results.order_by("pk").values_list("status", flat=True)) == [
        "error", "success", "success",
    ]  # fmt: skip
    assert_totals_hold(job)


def test_an_attempt_tells_the_whole_try(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    records = (RecordOutcome(S), RecordOutcome(X, "ERROR", "No."), RecordOutcome(U, "U", "?"))
    outcome = Outcome(
        Verdict.MIXED, "SOME_FAILED", "Some failed.", 201, "{answer}",
        records=(*records, records[0]), details={"stage": "answer"},
    )  # fmt: skip
    answer(job, outcome, worker="host:7")
    (attempt,) = attempts_of(job)
    summary = (
        attempt.number,
        attempt.counted,
        attempt.worker,
        attempt.verdict,
        attempt.http_status,
    )
    assert summary == (1, True, "host:7", "mixed", 201)
    assert (attempt.error_code, attempt.error, attempt.answer) == (
        "SOME_FAILED", "Some failed.", "{answer}",
    )  # fmt: skip
    assert (attempt.success_count, attempt.error_count, attempt.unknown_count) == (2, 1, 1)
    assert attempt.details == {"stage": "answer"}
    assert attempt.sent_at is not None
    assert attempt.claimed_at <= attempt.sent_at <= attempt.ended_at


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(OK, (3, 0, 0)), (REFUSED, (0, 3, 0)), (BUSY, (0, 3, 0)), (LOST, (0, 0, 3))],
)
def test_an_attempt_counts_the_records_of_a_whole_answer(
    outcome: Outcome, counts: tuple[int, int, int], make_job: JobMaker
) -> None:
    job = make_job(3)
    answer(job, outcome)
    (one,) = attempts_of(job)
    assert (one.success_count, one.error_count, one.unknown_count) == counts


def test_text_that_postgresql_cannot_hold_does_not_stop_a_worker(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=2)
    bad = "a\x00b"
    answer(job, Outcome(Verdict.REJECTED, "X" * 80, bad, 400, bad))
    entry = RecordOutcome(Verdict.REJECTED, "Y" * 80, bad)
    answer(job, Outcome(Verdict.MIXED, "M", bad, 201, bad, records=(entry, entry)))
    assert job.results.filter(status="error").count() == 4
    assert set(job.results.values_list("final_error", flat=True)) == {"a\ufffdb"}
    assert_totals_hold(job)


def test_successes_and_failures_of_one_round_are_all_recorded(make_job: JobMaker) -> None:
    job = make_job(12)
    works = send(job, room=4)
    answers = [OK, REFUSED, OK, LOST]
    outcomes.record(job, [Finding(w, o) for w, o in zip(works, answers, strict=True)])
    assert [b.status for b in batches(job)] == ["done", "failed", "done", "unknown"]
    assert len(attempts_of(job)) == 4
    assert_totals_hold(job)


def test_the_outcome_of_a_batch_in_flight_is_recorded_though_its_job_is_paused_or_cancelled(
    make_job: JobMaker,
) -> None:
    for stop, end in ((lifecycle.pause, "finished"), (lifecycle.cancel, "cancelled")):
        job = make_job(3)
        (work,) = send(job)
        stop(job)
        outcomes.record(job, [Finding(work, OK)])
        lifecycle.finish_if_done([job.pk])
        job.refresh_from_db()
        assert (job.status, batches(job)[0].status) == (end, "done")


def test_every_batch_status_that_was_reached_is_one_the_table_knows(make_job: JobMaker) -> None:
    assert (
        ImportBatch.objects.exclude(
            status__in=[choice for choice, _ in ImportBatch._meta.get_field("status").flatchoices]
        ).count()
        == 0
    )
