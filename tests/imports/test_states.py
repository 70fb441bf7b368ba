"""The tables of moves, walked in both directions: allowed moves happen, all others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction

from imports.ledger import lifecycle
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.policy import Verdict
from imports.states import (
    BATCH_MOVES,
    ENDED_JOBS,
    IN_FLIGHT,
    JOB_MOVES,
    OPEN,
    RESULT_MOVES,
    BatchStatus,
    FileStatus,
    JobStatus,
    ResultStatus,
)

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.jobs import JobMaker

TONES = {"neutral", "info", "success", "warning", "danger"}


@pytest.mark.parametrize("before", list(JobStatus))
def test_a_job_makes_the_moves_of_the_table_and_no_other(
    before: JobStatus, make_job: JobMaker
) -> None:
    job = make_job.draft(1)
    for after in JobStatus:
        ImportJob.objects.filter(pk=job.pk).update(status=before)
        assert lifecycle.move(job, after) == (after in JOB_MOVES[before])
        assert job.status == (after if after in JOB_MOVES[before] else before)


@pytest.mark.parametrize(
    ("states", "table"),
    [(JobStatus, JOB_MOVES), (BatchStatus, BATCH_MOVES), (ResultStatus, RESULT_MOVES)],
)
def test_every_status_has_its_line_in_the_table(
    states: type[JobStatus], table: dict[JobStatus, frozenset[JobStatus]]
) -> None:
    assert set(table) == set(states)
    assert all(status not in targets for status, targets in table.items())


def test_what_has_ended_has_no_way_out() -> None:
    assert all(not JOB_MOVES[status] for status in ENDED_JOBS)
    assert set(OPEN) >= set(IN_FLIGHT)
    assert BATCH_MOVES[BatchStatus.DONE] == {BatchStatus.FAILED}  # a person undid an exclusion
    assert not RESULT_MOVES[ResultStatus.SUCCESS]


def test_nothing_returns_to_pending_after_its_failure_was_reported() -> None:
    summary = (BatchStatus.FAILED, BatchStatus.UNKNOWN, BatchStatus.DONE)
    assert all(BatchStatus.PENDING not in BATCH_MOVES[status] for status in summary)
    assert all(ResultStatus.PENDING not in targets for targets in RESULT_MOVES.values())


@pytest.mark.parametrize("model", [ImportJob, ImportBatch, ImportResult])
def test_the_database_refuses_a_status_that_nobody_knows(
    model: type[Model], make_job: JobMaker
) -> None:
    make_job(1)
    with pytest.raises(IntegrityError, match="status_known"), transaction.atomic():
        model._default_manager.update(status="lost")


def test_the_database_refuses_a_failed_result_without_a_code(make_job: JobMaker) -> None:
    make_job(1)
    with pytest.raises(IntegrityError, match="result_trouble_has_a_code"), transaction.atomic():
        ImportResult.objects.update(status=ResultStatus.ERROR)


def test_the_database_refuses_more_decided_records_than_a_batch_has(make_job: JobMaker) -> None:
    make_job(1)
    with pytest.raises(IntegrityError, match="batch_counts_fit"), transaction.atomic():
        ImportBatch.objects.update(success_count=1, error_count=1)


@pytest.mark.parametrize("states", [JobStatus, BatchStatus, ResultStatus, FileStatus, Verdict])
def test_every_status_has_a_label_an_icon_and_a_colour_beside_it(states: Any) -> None:
    assert all(each.label and each.icon and each.tone in TONES for each in states)
    assert len({str(each.label) for each in states}) == len(states)


def test_a_record_that_failed_is_called_so_everywhere() -> None:
    assert str(ResultStatus.ERROR.label) == str(BatchStatus.FAILED.label) == "Failed"
