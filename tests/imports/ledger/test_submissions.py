"""A batch that the API works on by itself: sent once, asked for until its result is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from imports.ledger import lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import AssignedId, ImportBatch
from imports.policy import Outcome, RecordOutcome, Verdict
from imports.states import BatchStatus, JobStatus, ResultStatus
from tests.jobs import BUSY, OK, answer, assert_totals_hold, attempts_of, keys, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
AT_WORK = Outcome(
    Verdict.WAITING, "SUBMITTED", "It is at work.", 202, retry_after=30, submission={"job": "7"}
)


def test_a_submitted_batch_waits_and_no_worker_holds_it(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    answer(job, AT_WORK)
    batch = job.batches.get()
    assert (batch.status, batch.submission) == (BatchStatus.PENDING, {"job": "7"})
    assert (batch.attempts, batch.tries, batch.token) == (0, 1, None)
    assert send(job) == []  # not due yet
    pass_time(31)
    (work,) = send(job, worker="another")
    assert work.submission == {"job": "7"}
    assert_totals_hold(job)


def test_asking_in_vain_leaves_no_trace_and_costs_no_attempt(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    for _ in range(5):
        answer(job, AT_WORK)
        pass_time(31)
    batch = job.batches.get()
    assert (batch.attempts, batch.tries) == (0, 1)
    assert [one.verdict for one in attempts_of(job)] == ["waiting"]
    answer(job, OK)
    assert len(keys(job, ResultStatus.SUCCESS)) == 3
    assert [one.verdict for one in attempts_of(job)] == ["waiting", "success"]
    assert_totals_hold(job)


def test_a_worker_that_dies_while_it_asks_changes_nothing(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    answer(job, AT_WORK)
    pass_time(31)
    assert len(send(job)) == 1
    pass_time(100)
    outcomes.expire()
    batch = job.batches.get()
    assert (batch.status, batch.submission) == (BatchStatus.PENDING, {"job": "7"})
    assert keys(job, ResultStatus.UNKNOWN) == []
    (work,) = send(job)
    assert work.submission == {"job": "7"}


def test_a_worker_that_dies_while_it_submits_leaves_the_batch_unknown(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    assert len(send(job)) == 1
    pass_time(100)
    outcomes.expire()
    assert len(keys(job, ResultStatus.UNKNOWN)) == 3


def test_what_was_not_stored_is_submitted_anew(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    answer(job, AT_WORK)
    pass_time(31)
    answer(job, BUSY)
    assert ImportBatch.objects.get(job=job).submission is None
    pass_time(400)
    (work,) = send(job)
    assert work.submission is None


def test_a_pause_keeps_what_the_api_works_on(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    answer(job, AT_WORK)
    pass_time(31)
    stop = Outcome(Verdict.PAUSE, "CREDENTIAL_REFUSED", "No.", 401, submission={"job": "7"})
    answer(job, stop)
    job.refresh_from_db()
    assert job.status == JobStatus.PAUSED
    assert lifecycle.resume(job)
    (work,) = send(job)
    assert work.submission == {"job": "7"}


def test_cancelling_makes_unknown_what_the_api_works_on_and_fails_the_rest(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    answer(job, AT_WORK)
    assert lifecycle.cancel(job)
    assert len(keys(job, ResultStatus.UNKNOWN)) == 3
    assert len(keys(job, ResultStatus.ERROR)) == 3
    codes = set(job.results.filter(status=ResultStatus.UNKNOWN).values_list("error_code"))
    assert codes == {("RESULT_NOT_AWAITED",)}
    assert_totals_hold(job)


def test_the_ids_that_the_api_assigned_are_kept_for_what_it_stored(make_job: JobMaker) -> None:
    job = make_job(6)
    stored = tuple(RecordOutcome(Verdict.SUCCESS, assigned=f"id-{n}") for n in range(3))
    refused = RecordOutcome(Verdict.REJECTED, "REJECTED", "No.", assigned="id-9")
    some = Outcome(Verdict.MIXED, "SOME_FAILED", "x", 207, records=(stored[0], refused, stored[2]))
    answer(job, replace(OK, judged=stored), some)
    given = AssignedId.objects.filter(result__job=job).order_by("result_id")
    assert [one.value for one in given] == ["id-0", "id-1", "id-2", "id-0", "id-2"]
    assert {one.result.status for one in given} == {ResultStatus.SUCCESS}
    assert_totals_hold(job)


def test_the_same_answer_twice_keeps_the_ids_once(make_job: JobMaker) -> None:
    job = make_job(3)
    stored = tuple(RecordOutcome(Verdict.SUCCESS, assigned=f"id-{n}") for n in range(3))
    (work,) = send(job)
    outcomes.record(job, [Finding(work, replace(OK, judged=stored))])
    outcomes.record(job, [Finding(work, replace(OK, judged=stored))])
    assert AssignedId.objects.filter(result__job=job).count() == 3
