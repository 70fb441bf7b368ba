"""What people do to a job: start, pause, resume, cancel; and its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from imports.customers import drafts
from imports.engine import runner
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import ImportJob, RateLimit
from tests.decisions import retry
from tests.jobs import (
    BUSY,
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
    batches,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imports.policy import Outcome
    from tests.jobs import JobMaker


def events(job: ImportJob) -> list[tuple[str, str]]:
    return list(job.events.values_list("code", "actor"))


def test_starting_a_draft_is_noted_with_who_and_when(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    lifecycle.start(job, "anna")
    assert job.status == "queued"
    assert job.started_at is not None
    assert ("started", "anna") in events(job)


def test_a_draft_without_files_is_not_started(make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "empty")
    with pytest.raises(lifecycle.NotAllowed, match="Add files first"):
        lifecycle.start(job)
    assert ImportJob.objects.get(pk=job.pk).status == job.status == "draft"


def test_a_draft_with_a_file_that_cannot_be_read_is_not_started(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.draft(3)
    broken = tmp_path / "broken.json"
    broken.write_text('{"data": [')
    drafts.add_path(job, broken)
    with pytest.raises(lifecycle.NotAllowed, match="cannot be read"):
        lifecycle.start(job)
    assert ImportJob.objects.get(pk=job.pk).status == "draft"


def test_a_job_is_started_once(make_job: JobMaker) -> None:
    job = make_job(3)
    with pytest.raises(lifecycle.NotAllowed, match="already been started"):
        lifecycle.start(job)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_start_at_once_start_a_job_once(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    summary = at_once(*[lambda: try_start(job)] * 3)
    assert sorted(summary) == ["refused", "refused", "started"]
    assert job.events.filter(code="started").count() == 1


def try_start(job: ImportJob) -> str:
    try:
        lifecycle.start(ImportJob.objects.get(pk=job.pk))
    except lifecycle.NotAllowed:
        return "refused"
    return "started"


def test_what_is_in_flight_while_a_job_is_paused_comes_back_and_is_recorded(
    make_job: JobMaker,
) -> None:
    job = make_job(9)
    works = send(job, room=2)
    assert lifecycle.pause(job, "anna")
    outcomes.record(job, [Finding(works[0], OK), Finding(works[1], BUSY)])
    assert [b.status for b in batches(job)] == ["done", "pending", "pending"]
    assert send(job) == []
    assert lifecycle.resume(job, "anna")
    assert sorted(work.number for work in send(job, room=5)) == [2, 3]
    assert ("resumed", "anna") in events(job)


def test_a_paused_job_whose_last_batch_comes_back_is_finished(make_job: JobMaker) -> None:
    job = make_job(3)
    (work,) = send(job)
    lifecycle.pause(job)
    assert lifecycle.finish_if_done([job.pk]) == []
    outcomes.record(job, [Finding(work, OK)])
    assert lifecycle.finish_if_done([job.pk]) == [job.pk]
    job.refresh_from_db()
    assert (job.status, job.pause_code) == ("finished", "")


def test_resuming_does_not_wait_for_what_the_api_asked_before(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LATER)
    lifecycle.pause(job)
    assert lifecycle.resume(job)
    assert RateLimit.objects.get().paused_until is None
    assert [work.number for work in send(job, room=5)] == [2]


def test_only_a_running_job_is_paused_and_only_a_paused_one_resumed(make_job: JobMaker) -> None:
    job = make_job(3)
    assert not lifecycle.resume(job)
    assert lifecycle.pause(job)
    assert not lifecycle.pause(job)
    assert lifecycle.cancel(job)
    assert not lifecycle.pause(job)
    assert not lifecycle.resume(job)
    assert not lifecycle.cancel(job)


def test_cancelling_keeps_what_was_not_sent_as_failed_and_records_what_is_in_flight(
    make_job: JobMaker,
) -> None:
    job = make_job(12)
    answer(job, OK)
    (work,) = send(job)
    claims.claim(job, "worker", 1, LEASE)
    assert lifecycle.cancel(job, "anna")
    assert [b.status for b in batches(job)] == ["done", "sending", "failed", "failed"]
    failed = job.results.filter(status="error")
    assert set(failed.values_list("error_code", "retry_attempts")) == {("CANCELLED", 0)}
    assert all(
        text and "Retry failed" in text for text in failed.values_list("final_error", flat=True)
    )
    outcomes.record(job, [Finding(work, OK)])
    assert batches(job)[1].status == "done"
    assert ("cancelled", "anna") in events(job)
    assert_totals_hold(job)
    assert retry(job).records == 6


@pytest.mark.parametrize("after", [None, LATER, BUSY])
def test_what_a_cancelled_job_may_have_stored_under_its_key_is_unknown(
    make_job: JobMaker, after: Outcome | None, pass_time: Callable[[float], None]
) -> None:
    make_job.honour_keys()
    job = make_job(3)
    answer(job, REPEAT)
    if after is not None:
        pass_time(3600.0)
        answer(job, after)
    assert batches(job)[0].status == "pending"
    lifecycle.cancel(job)
    assert batches(job)[0].status == "unknown"
    assert set(job.results.values_list("status", "error_code")) == {
        ("unknown", "RESULT_NOT_AWAITED")
    }
    assert_totals_hold(job)


def test_a_repeat_that_was_not_sent_proves_nothing_about_the_first_try(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    make_job.honour_keys()
    job = make_job(3, max_attempts=3)
    for outcome in (REPEAT, BUSY, BUSY):
        answer(job, outcome)
        pass_time(3600.0)
    assert batches(job)[0].status == "unknown"
    assert set(job.results.values_list("status", "error_code")) == {("unknown", "CONNECT_REFUSED")}


@pytest.mark.parametrize("outcome", [BUSY, LATER, STOP])
def test_what_comes_back_to_be_sent_again_in_a_cancelled_job_is_kept_as_failed(
    outcome: Outcome, make_job: JobMaker
) -> None:
    from imports.engine import sweeper

    job = make_job(3)
    (work,) = send(job)
    lifecycle.cancel(job)
    outcomes.record(job, [Finding(work, outcome)])
    sweeper.sweep()
    assert batches(job)[0].status == "failed"
    assert set(job.results.values_list("status", "error_code")) == {("error", "CANCELLED")}
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert_totals_hold(job)


def test_cancelling_a_retry_that_was_not_started_leaves_its_records_to_be_retried(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    draft = retry(job, start=False).job
    assert lifecycle.cancel(draft)
    assert_totals_hold(draft)
    assert set(draft.results.values_list("status", "error_code")) == {("error", "CANCELLED")}
    assert retry(job).records == 3


def test_a_job_is_not_finished_while_anything_is_pending_or_in_flight(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(6)
    assert lifecycle.finish_if_done([job.pk]) == []
    answer(job, OK)
    claims.claim(job, "worker", 1, LEASE)
    assert lifecycle.finish_if_done([job.pk]) == []
    pass_time(LEASE + 1)
    outcomes.expire()
    send(job)
    assert lifecycle.finish_if_done([job.pk]) == []
    pass_time(LEASE + 1)
    outcomes.expire()
    assert lifecycle.finish_if_done([job.pk]) == [job.pk]
    job.refresh_from_db()
    assert job.finished_at is not None
    assert lifecycle.finish_if_done([job.pk]) == []
    assert job.events.filter(code="finished").count() == 1


def test_a_job_of_which_nothing_can_be_sent_is_finished_at_once(make_job: JobMaker) -> None:
    job = make_job.of({"changeType": "CREATE", "type": "PERSON", "person": {}})
    assert (job.status, job.unsendable_count) == ("finished", 1)
    assert_totals_hold(job)


def test_an_input_that_cannot_be_read_puts_the_job_back_to_a_draft_with_nothing_imported(
    make_job: JobMaker,
) -> None:
    from pathlib import Path

    job = make_job.queued(3)
    file = job.files.get()
    Path(file.path).write_text('{"data": []}')
    assert not runner.read_input(job)
    job.refresh_from_db()
    assert (job.status, job.started_at, job.batches.count()) == ("draft", None, 0)
    refusal = str(job.events.get(code="input_refused").message)
    assert file.name in refusal
    assert "changed since it was checked" in refusal


def test_an_unknown_batch_does_not_keep_a_job_from_being_finished(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, LOST)
    assert lifecycle.finish_if_done([job.pk]) == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_cancelling_while_batches_are_recorded_loses_none(make_job: JobMaker) -> None:
    for outcome in (OK, BUSY, LATER, STOP):
        job = make_job(9)
        works = send(job, room=2)
        at_once(
            partial(lifecycle.cancel, job),
            partial(outcomes.record, job, [Finding(work, outcome) for work in works]),
        )
        lifecycle.sweep_cancelled(job)
        job.refresh_from_db()
        assert job.status == "cancelled"
        assert not job.batches.filter(status__in=["pending", "claimed", "sending"]).exists()
        assert_totals_hold(job)
        lifecycle.resume(make_job(1))  # the API's rest ends here


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_retrying_at_once_do_not_block_each_other(make_job: JobMaker) -> None:
    for _ in range(8):
        job = make_job(9)
        answer(job, REFUSED)
        at_once(partial(lifecycle.cancel, job), partial(retry, job))
        assert job.retries.count() == 1
