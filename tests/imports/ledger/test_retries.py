"""Retries: a new job of just the failed records, once, in their original batches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from imports.customers import drafts
from imports.engine import runner
from imports.ledger import lifecycle, outcomes
from imports.ledger import retries as ledger_retries
from imports.ledger.batches import body_of
from imports.ledger.outcomes import Finding
from imports.ledger.totals import family_totals
from imports.models import ImportBatch, ImportJob, ImportResult, RetryFile
from imports.policy import Verdict
from imports.states import ResultStatus
from tests.decisions import Retried, exclude, retry
from tests.jobs import (
    HALVE,
    LOST,
    OK,
    REFUSED,
    answer,
    assert_totals_hold,
    at_once,
    batches,
    keys,
    mixed,
    send,
)

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = pytest.mark.usefixtures("both_ways")
S, X, U = Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN


def begun(made: Retried) -> ImportJob:
    """The retry's job, its batches due."""
    assert runner.read_input(made.job)
    return made.job


def customers_in(batch: ImportBatch) -> list[str]:
    return [each["person"]["customerId"] for each in json.loads(body_of(batch.pk))["data"]]


def test_a_retry_may_have_smaller_batches(make_job: JobMaker) -> None:
    job = make_job(12)
    answer(job, OK, REFUSED, mixed(X, S, X), OK)
    made = retry(job, batch_size=2)
    assert made.job.batch_size == 2
    # Numbered anew: a rollout counts them.
    assert [(b.number, b.part, b.size) for b in batches(made.job)] == [
        (1, 0, 2), (2, 0, 1), (3, 0, 2),
    ]  # fmt: skip
    assert keys(made.job, "pending") == keys(job, "error")
    assert_totals_hold(made.job)


def test_a_retry_has_no_larger_batches_than_its_job(make_job: JobMaker) -> None:
    job = make_job(12)
    answer(job, OK, REFUSED, REFUSED, OK)
    made = retry(job, batch_size=500)
    assert made.job.batch_size == job.batch_size
    assert [b.size for b in batches(made.job)] == [3, 3]


def test_a_retry_takes_just_the_failed_records_in_their_original_batches(
    make_job: JobMaker,
) -> None:
    job = make_job(12)
    answer(job, OK, mixed(X, S, X), LOST, REFUSED)
    made = retry(job, actor="anna")
    assert (made.records, made.skipped) == (5, 0)
    assert [(b.number, b.size) for b in batches(made.job)] == [(2, 2), (4, 3)]
    assert keys(made.job, "pending") == keys(job, "error")
    assert [customers_in(b) for b in batches(made.job)] == [
        list(job.results.filter(batch__number=n, status="error").values_list("key", flat=True))
        for n in (2, 4)
    ]
    assert_totals_hold(made.job)


def test_a_retry_is_a_job_of_its_own_with_the_first_ones_settings(make_job: JobMaker) -> None:
    job = make_job(3, concurrency=2, max_attempts=7, timeout_seconds=3.0)
    answer(job, REFUSED)
    new = retry(job, actor="anna").job
    assert (new.retry_of_id, new.root_id, new.retry_number, new.status) == (
        job.pk,
        job.pk,
        1,
        "queued",
    )
    assert (new.concurrency, new.max_attempts, new.timeout_seconds) == (2, 7, 3.0)
    assert (new.api_id, new.rate_limit_id, new.kind) == (
        job.api_id,
        job.rate_limit_id,
        "customers",
    )
    assert [b.idempotency_key for b in batches(new)] != [b.idempotency_key for b in batches(job)]
    assert set(new.results.values_list("retry_attempts", flat=True)) == {0}


def test_a_retry_can_be_kept_a_draft_so_that_its_settings_are_changed(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    new = retry(job, start=False).job
    assert (new.status, new.started_at) == ("draft", None)
    ImportJob.objects.filter(pk=new.pk).update(concurrency=1)
    lifecycle.start(new)
    assert begun(Retried(new, 3, 0)).status == "running"


def test_a_failed_record_is_retried_once_and_a_second_click_finds_none(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    answer(job, REFUSED, OK)
    retry(job)
    with pytest.raises(lifecycle.NotAllowed, match="All 3 records are already being retried"):
        retry(job)
    assert job.retries.count() == 1


def test_records_that_are_being_retried_are_skipped_and_counted(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, REFUSED)
    retry(job)
    answer(job, REFUSED)
    made = retry(job)
    assert (made.records, made.skipped) == (3, 3)
    assert keys(made.job, "pending") == keys(job, "error")[3:]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_job(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)

    def click() -> int:
        try:
            return retry(ImportJob.objects.get(pk=job.pk)).records
        except lifecycle.NotAllowed:
            return 0

    assert sorted(at_once(click, click, click)) == [0, 0, 6]
    assert ImportJob.objects.filter(retry_of=job).count() == 1
    assert ImportResult.objects.filter(retry_of__job=job).count() == 6


@pytest.mark.django_db(transaction=True)
def test_excluding_and_retrying_at_once_take_a_record_one_way(make_job: JobMaker) -> None:
    for _ in range(5):
        job = make_job(3)
        answer(job, REFUSED)

        def retries(job: ImportJob = job) -> int:
            try:
                return retry(job).records
            except lifecycle.NotAllowed:
                return 0

        def excludes(job: ImportJob = job) -> int:
            return exclude(job, job.results.all(), reason="left out", actor="anna")

        assert sorted(at_once(retries, excludes)) == [0, 3]
        assert (family_totals(job).total, job.retries.count()) == (
            3,
            int(not keys(job, "excluded")),
        )


def test_only_the_chosen_records_are_retried(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    chosen = job.results.filter(key__in=keys(job, "error")[1:3])
    made = retry(job, only=chosen)
    assert keys(made.job, "pending") == keys(job, "error")[1:3]
    with pytest.raises(lifecycle.NotAllowed):
        retry(job, only=chosen)
    assert retry(job).records == 4


def test_a_job_without_failures_has_nothing_to_retry(make_job: JobMaker) -> None:
    job = make_job(3)
    with pytest.raises(lifecycle.NotAllowed, match="No failed records"):
        retry(job)
    with pytest.raises(lifecycle.NotAllowed, match="sent nothing yet"):
        retry(make_job.draft(3))
    assert ImportJob.objects.filter(retry_of__isnull=False).count() == 0


def test_a_chain_of_retries_is_followed_to_its_end(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED, OK)
    second = begun(retry(job))
    answer(second, OK, mixed(X, S, S))
    third = begun(retry(job))  # from the first job's page: what still waits is in the second
    assert keys(third, "pending") == keys(second, "error")
    assert (third.retry_number, third.root_id) == (2, job.pk)
    summary = family_totals(job)
    assert (
        summary.total,
        summary.success,
        summary.error,
        summary.pending,
        summary.retries,
    ) == (9, 8, 0, 1, 2)
    answer(third, OK)
    summary = family_totals(third)
    assert (summary.total, summary.success, summary.error, summary.pending) == (9, 9, 0, 0)


def test_the_family_totals_add_up_to_all_imported_after_a_retry(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, REFUSED, OK, mixed(S, X, S))
    first = family_totals(job)
    assert (first.total, first.success, first.error, first.retries) == (9, 5, 4, 0)
    new = begun(retry(job))
    answer(new, OK, OK)
    for summary in (family_totals(job), family_totals(new)):
        assert (summary.total, summary.success, summary.error, summary.retries) == (9, 9, 0, 1)


def test_a_retry_of_a_later_round_takes_that_round_only(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    some = job.results.filter(batch__number=1)
    second = begun(retry(job, only=some))
    answer(second, REFUSED)
    third = retry(second)
    assert third.records == 3
    assert third.job.retry_of_id == second.pk
    assert retry(job).records == 3


def test_records_of_one_batch_that_were_split_apart_come_together_again(
    make_job: JobMaker,
) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, HALVE, REFUSED, REFUSED, REFUSED)
    new = retry(job).job
    (batch,) = batches(new)
    assert (batch.number, batch.part, batch.size) == (1, 0, 4)
    assert sorted(customers_in(batch)) == keys(job, "error")


def test_retries_that_share_a_batch_number_by_chance_do_not_make_a_batch_too_large(
    make_job: JobMaker,
) -> None:
    """Retry files are cut anew when they are loaded: the second's batch 1 was the first's 2."""
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    from imports.customers import retry_files

    directory = retry_files.write(job, make_job.folder / "out")
    assert directory is not None
    second = drafts.new_draft(make_job.api, "second")
    drafts.add_path(second, directory / "retry_batch_02_failed.json")
    lifecycle.start(second)
    assert runner.read_input(second)
    answer(second, REFUSED)
    new = retry(job).job
    assert [(b.number, b.part, b.size) for b in batches(new)] == [(1, 0, 3), (1, 1, 3)]
    assert sorted(keys(new, "pending")) == sorted(keys(job, "error"))
    assert_totals_hold(new)


def test_unknown_records_are_left_out_of_a_retry(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LOST, REFUSED)
    assert retry(job).records == 3
    assert keys(job, "unknown") == [str(50000001000 + n) for n in range(3)]


def test_unknown_records_go_out_again_only_with_a_reason(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, LOST)
    with pytest.raises(lifecycle.NotAllowed, match="Give a reason"):
        retry(job, status=ResultStatus.UNKNOWN, reason="  ")
    made = retry(job, status=ResultStatus.UNKNOWN, reason="not in their system", actor="a")
    assert made.records == 3
    assert made.job.reason == "not in their system"
    assert made.job.events.get(code="created").reason == "not in their system"


def test_a_whole_unknown_batch_goes_out_again_with_the_same_bytes_under_the_same_key(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, LOST)
    new = retry(job, status=ResultStatus.UNKNOWN, reason="looked up").job
    (old,), (again,) = batches(job), batches(new)
    assert again.idempotency_key == old.idempotency_key
    assert body_of(again.pk) == body_of(old.pk)
    assert again.body_sha256 == old.body_sha256


def test_a_part_that_was_cut_out_keeps_its_key_too(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, LOST, OK)
    new = retry(job, status=ResultStatus.UNKNOWN, reason="looked up").job
    old, (again,) = batches(job)[1], batches(new)
    assert (again.idempotency_key, body_of(again.pk)) == (old.idempotency_key, body_of(old.pk))


def test_unknown_records_that_are_not_a_whole_batch_get_a_new_key(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, mixed(U, S, U))
    new = retry(job, status=ResultStatus.UNKNOWN, reason="looked up").job
    assert batches(new)[0].idempotency_key != batches(job)[0].idempotency_key
    assert keys(new, "pending") == keys(job, "unknown")


def test_a_record_found_stored_while_being_retried_is_counted_once(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    (work,) = send(job)
    outcomes.record(job, [Finding(work, LOST)])
    retry(job, status=ResultStatus.UNKNOWN, reason="looked up")
    outcomes.record(job, [Finding(work, OK)])  # late evidence
    summary = family_totals(job)
    assert (summary.total, summary.success, summary.pending) == (3, 0, 3)


def test_a_draft_of_a_retry_that_is_thrown_away_gives_its_records_back(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    drafts.remove_draft(retry(job, start=False).job)
    assert retry(job).records == 3


def test_a_retry_during_the_run_does_not_disturb_it(make_job: JobMaker) -> None:
    job = make_job(9)
    answer(job, REFUSED)
    (work,) = send(job)
    made = retry(job)
    outcomes.record(job, [Finding(work, OK)])
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    job.refresh_from_db()
    assert (job.status, made.job.status) == ("finished", "queued")
    assert_totals_hold(job)
    assert_totals_hold(made.job)


def test_no_retry_file_of_another_import_is_counted_in_this_ones_story(
    make_job: JobMaker,
) -> None:
    from imports.customers import retry_files

    jobs = [make_job(3), make_job(3)]
    paths = []
    for job in jobs:
        answer(job, REFUSED)
        directory = retry_files.write(job, make_job.folder / "out")
        assert directory is not None
        paths.append(directory / "retry_batch_01_failed.json")
    both = drafts.new_draft(make_job.api, "both")
    for path in paths:
        drafts.add_path(both, path)
    assert RetryFile.objects.count() == 2
    lifecycle.start(both)
    assert runner.read_input(both)
    answer(both, OK, OK)
    assert (
        family_totals(jobs[0]).total,
        family_totals(jobs[0]).success,
        family_totals(jobs[0]).error,
    ) == (6, 6, 0)


def test_how_many_wait_is_what_a_plain_count_finds_round_after_round(make_job: JobMaker) -> None:
    def agrees(*jobs: ImportJob) -> bool:
        return all(
            ledger_retries.how_many_wait(job)
            == ledger_retries.Waiting(
                ledger_retries.waiting(job).count(),
                ledger_retries.waiting(job, ResultStatus.UNKNOWN).count(),
            )
            for job in jobs
        )

    job = make_job(12)
    answer(job, REFUSED, mixed(X, S, U), LOST, OK)
    assert (ledger_retries.how_many_wait(job), agrees(job)) == (ledger_retries.Waiting(4, 4), True)
    second = begun(retry(job, only=job.results.filter(batch__number=1)))
    assert agrees(job, second)
    answer(second, mixed(X, U, S))
    third = begun(retry(job, status=ResultStatus.UNKNOWN, reason="looked up"))
    exclude(job, second.results.all(), reason="left", actor="anna")
    assert agrees(job, second, third)
    answer(third, *[REFUSED] * third.batches.count())
    assert agrees(job, second, third)
