"""Large files are cut in portions, which are sent at once; and nothing is lost in between."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from imports.customers import drafts, portions
from imports.customers.files import batching
from imports.engine import queue, sweeper
from imports.ledger import claims, lifecycle
from imports.ledger.totals import job_totals
from imports.models import ImportBatch, ImportJob, ImportResult
from tests.jobs import LEASE, assert_totals_hold, keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_portions() -> Iterator[None]:
    """Portions of two batches, also for small files."""
    with patch.multiple(portions, FEWEST_RECORDS=2, PORTION_BATCHES=2):
        yield


def started(make_job: JobMaker, customers: int, files: int = 1) -> tuple[ImportJob, list[Path]]:
    """A queued job, and its files."""
    job = drafts.new_draft(make_job.api, "portions", batch_size=3)
    paths = [path for _n in range(files) for path in make_job.files(customers)]
    for path in paths:
        drafts.add_path(job, path)
    lifecycle.start(job)
    return job, paths


def bodies(job: ImportJob) -> list[bytes]:
    rows = ImportBatch.objects.filter(job=job).order_by("number")
    return [bytes(body) for body in rows.values_list("body", flat=True)]


def cut_first(job: ImportJob) -> ImportJob:
    """The job as it is when its first portion has been cut."""
    from imports.engine import runner

    assert runner.read_input(job)
    return ImportJob.objects.get(pk=job.pk)


def cut_all(job: ImportJob) -> None:
    with portions.reading(job) as more:
        while more():
            pass


def test_the_first_portion_can_be_claimed_before_the_rest_is_cut(make_job: JobMaker) -> None:
    job = cut_first(started(make_job, 20)[0])
    assert (job.status, job.uncut_count, job.batches.count()) == ("running", 14, 2)
    assert (job_totals(job).total, job_totals(job).pending) == (20, 20)
    assert len(claims.claim(job, "w", 10, LEASE).works) == 2


def test_portions_are_the_batches_that_are_cut_at_once(make_job: JobMaker) -> None:
    job, paths = started(make_job, 20, files=2)
    job = cut_first(job)
    cut_all(job)
    job.refresh_from_db()
    assert (job.uncut_count, job.cut_through) == (0, None)
    with patch.object(portions, "FEWEST_RECORDS", 1_000):
        other = drafts.new_draft(make_job.api, "at once", batch_size=3, force=True)
        ImportJob.objects.filter(pk=job.pk).update(api=None)  # or the files are known
        for path in paths:
            drafts.add_path(other, path)
        lifecycle.start(other)
        other = cut_first(other)
    assert bodies(job) == bodies(other)
    rows = ["position", "key", "email", "body_start", "body_length"]
    mine, theirs = (
        list(ImportResult.objects.filter(job=each).order_by("pk").values_list(*rows))
        for each in (job, other)
    )
    assert mine == theirs


def test_a_job_is_not_finished_while_it_is_uncut_and_then_is(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job, _paths = started(make_job, 20)
    queue.run_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.uncut_count, job_totals(job).success) == ("finished", 0, 20)
    assert sandbox.account.requests == 7
    assert_totals_hold(job)


def test_all_that_is_sent_before_the_rest_is_cut_does_not_finish_the_job(
    make_job: JobMaker,
) -> None:
    job = cut_first(started(make_job, 20)[0])
    ImportBatch.objects.filter(job=job).update(status="done", success_count=3)
    assert lifecycle.finish_if_done([job.pk]) == []
    assert job in sweeper.needing_a_worker()


def test_another_worker_goes_on_where_one_that_died_was(make_job: JobMaker) -> None:
    job = cut_first(started(make_job, 20, files=2)[0])
    with portions.reading(job) as more:
        assert more()
    cut_all(job)
    assert ImportResult.objects.filter(job=job).count() == 40
    assert len(set(keys(job, "pending"))) == 40


def test_two_workers_never_cut_the_same_records(make_job: JobMaker) -> None:
    job = cut_first(started(make_job, 20)[0])
    late, early = portions.Cut(job), portions.Cut(job)
    assert early.portion()
    with pytest.raises(portions.Overtaken):
        late.portion()
    assert ImportResult.objects.filter(job=job).count() == 12


def test_without_an_index_the_file_is_checked_again(make_job: JobMaker) -> None:
    job = cut_first(started(make_job, 20)[0])
    for path in batching.indexes().glob("*"):
        path.unlink()
    cut_all(job)
    assert len(set(keys(job, "pending"))) == 20


def test_a_file_that_changes_meanwhile_pauses_the_job_and_put_back_it_goes_on(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job, paths = started(make_job, 200)
    job = cut_first(job)
    right = paths[0].read_bytes()
    paths[0].write_bytes(right[:-2] + b"  ")
    queue.run_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.pause_code) == ("paused", "FILE_CHANGED")
    assert job.uncut_count
    totals = job_totals(job)
    assert (totals.total, totals.success) == (200, ImportResult.objects.filter(job=job).count())
    paths[0].write_bytes(right)
    lifecycle.resume(job)
    queue.run_job(job.pk)
    assert job_totals(ImportJob.objects.get(pk=job.pk)).success == 200


def test_a_cancelled_job_keeps_what_was_not_cut_as_not_sent(make_job: JobMaker) -> None:
    job = cut_first(started(make_job, 20)[0])
    lifecycle.cancel(job)
    queue.run_job(job.pk)
    job.refresh_from_db()
    assert job.closed_at is not None
    assert (job_totals(job).error, job_totals(job).total, job.uncut_count) == (20, 20, 0)
    assert set(ImportResult.objects.filter(job=job).values_list("error_code", flat=True)) == {
        "CANCELLED"
    }


def test_a_cancelled_job_names_the_records_of_a_file_that_has_changed(make_job: JobMaker) -> None:
    job, paths = started(make_job, 20)
    job = cut_first(job)
    paths[0].write_bytes(b"[]")
    lifecycle.cancel(job)
    queue.run_job(job.pk)
    job.refresh_from_db()
    assert (job_totals(job).error, job_totals(job).excluded, job.uncut_count) == (6, 14, 0)
    left = ImportResult.objects.filter(job=job, error_code="FILE_CHANGED")
    assert sorted(left.values_list("position", flat=True)) == list(range(7, 21))
    assert all(left.values_list("key", flat=True))


def test_the_same_file_waits_in_another_job_until_it_is_cut(make_job: JobMaker) -> None:
    first, paths = started(make_job, 20)
    second = drafts.new_draft(make_job.api, "the same", batch_size=3)
    drafts.add_path(second, paths[0])
    first = cut_first(first)
    lifecycle.start(second)
    queue.run_job(second.pk)
    second.refresh_from_db()
    assert (second.status, second.batches.count()) == ("queued", 0)
    cut_all(first)
    queue.run_job(second.pk)
    second.refresh_from_db()
    assert second.results.count() == job_totals(second).excluded == 20


def test_a_rollout_in_stages_is_cut_before_it_begins(make_job: JobMaker) -> None:
    job, _paths = started(make_job, 20)
    ImportJob.objects.filter(pk=job.pk).update(rollout="one")
    job = cut_first(ImportJob.objects.get(pk=job.pk))
    assert (job.uncut_count, job.batches.count()) == (0, 7)
