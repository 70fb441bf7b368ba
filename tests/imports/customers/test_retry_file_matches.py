"""Loading retry files again: what was imported meanwhile is not sent, unless forced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.customers import corrections, drafts, retry_files
from imports.customers.api.setup import checks_of
from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger.batches import bytes_of
from imports.ledger.retries import resubmit
from imports.models import ImportJob
from imports.policy import Verdict
from imports.states import ResultStatus
from tests.decisions import exclude, resolve_unknown, retry
from tests.jobs import (
    LOST,
    OK,
    REFUSED,
    answer,
    assert_totals_hold,
    at_once,
    keys,
    mixed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs import JobMaker

FILE = "retry_batch_01_failed.json"


@pytest.fixture
def failed(make_job: JobMaker) -> ImportJob:
    """Three customers failed, and their retry file is written."""
    job = make_job(3)
    answer(job, REFUSED)
    return job


def retry_file(job: ImportJob, folder: Path) -> Path:
    directory = retry_files.write(job, folder / "out")
    assert directory is not None
    return directory / FILE


def load(make_job: JobMaker, *paths: Path, force: bool = False) -> ImportJob:
    """A started job of these files."""
    draft = drafts.new_draft(make_job.api, "again", force=force)
    for path in paths:
        drafts.add_path(draft, path)
    lifecycle.start(draft)
    runner.read_input(draft)
    draft.refresh_from_db()
    return draft


def retried(job: ImportJob) -> ImportJob:
    new = retry(job).job
    runner.read_input(new)
    return new


def refusals(job: ImportJob) -> set[str]:
    return set(job.results.filter(status="excluded").values_list("error_code", flat=True))


def test_failed_records_are_sent_as_the_retry_of_what_failed(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    again = load(make_job, retry_file(failed, tmp_path))
    assert keys(again, "pending") == keys(failed, "error")
    assert set(again.results.values_list("retry_of__job_id", flat=True)) == {failed.pk}


def test_records_that_were_imported_meanwhile_are_left_out_and_each_says_so(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    second = retried(failed)
    answer(second, mixed(Verdict.SUCCESS, Verdict.REJECTED, Verdict.SUCCESS))
    again = load(make_job, path)
    assert keys(again, "pending") == [keys(failed, "error")[1]]
    assert refusals(again) == {"ALREADY_IMPORTED"}
    summary = again.results.filter(status="excluded").values_list("error", flat=True)
    assert all(f"in job {second.pk}" in text and "unless you force it" in text for text in summary)
    assert f"{FILE}, record 1: {keys(failed, 'error')[0]}" in summary[0]
    assert_totals_hold(again)


def test_force_sends_them_again(failed: ImportJob, make_job: JobMaker, tmp_path: Path) -> None:
    path = retry_file(failed, tmp_path)
    second = retried(failed)
    answer(second, OK)
    again = load(make_job, path, force=True)
    assert keys(again, "pending") == keys(failed, "error")
    assert set(again.results.values_list("retry_of__job_id", flat=True)) == {second.pk}


def test_records_in_flight_are_left_out_even_with_force(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    retried(failed)
    for force in (False, True):
        again = load(make_job, path, force=force)
        assert (again.status, refusals(again)) == ("finished", {"BEING_RETRIED"})


def test_records_that_may_have_arrived_meanwhile_are_left_out(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    answer(retried(failed), LOST)
    assert refusals(load(make_job, path)) == {"MAY_BE_IMPORTED"}
    assert len(keys(load(make_job, path, force=True), "pending")) == 3


def test_records_that_a_person_left_out_for_good_are_not_sent(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    exclude(failed, failed.results.all(), reason="closed", actor="anna")
    assert refusals(load(make_job, path)) == {"EXCLUDED_BEFORE"}


def test_the_latest_round_counts_however_many_there_were(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    second = retried(failed)
    answer(second, REFUSED)
    third = retried(failed)
    answer(third, REFUSED)
    again = load(make_job, path)
    assert set(again.results.values_list("retry_of__job_id", flat=True)) == {third.pk}


def test_the_same_retry_file_twice_in_one_job_sends_its_records_once(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path, rewritten = retry_file(failed, tmp_path), retry_file(failed, tmp_path)
    again = load(make_job, path, path, rewritten)
    assert again.status == "running"
    assert keys(again, "pending") == keys(failed, "error")
    assert refusals(again) == {"TWICE"}
    assert again.results.filter(status="excluded").count() == 6


def test_of_a_file_that_was_edited_what_was_imported_meanwhile_is_left_out(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    path.write_bytes(path.read_bytes().replace(b"EMMA", b"EMMY"))
    answer(retried(failed), OK)
    again = load(make_job, path)
    assert again.retry_of == failed
    assert refusals(again) == {"ALREADY_IMPORTED"}
    assert len(keys(load(make_job, path, force=True), "pending")) == 3


def test_unconfirmed_files_are_known_again_too(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, LOST)
    directory = retry_files.write(job, tmp_path)
    assert directory is not None
    again = load(make_job, directory / "unconfirmed_batch_01.json")
    assert refusals(again) == {"MAY_BE_IMPORTED"}
    resolve_unknown(job, job.results.all(), arrived=False, reason="no", actor="a")
    assert job.results.filter(status=ResultStatus.ERROR).count() == 3
    assert len(keys(load(make_job, directory / "unconfirmed_batch_01.json"), "pending")) == 3


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_the_same_retry_file_at_once_send_its_records_once(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    path = retry_file(failed, tmp_path)
    made = []
    for number in range(2):
        draft = drafts.new_draft(make_job.api, f"again {number}")
        drafts.add_path(draft, path)
        lifecycle.start(draft)
        made.append(draft)
    at_once(*[lambda job=job: runner.read_input(job) for job in made])
    sent = [len(keys(job, "pending")) for job in made]
    assert sorted(sent) == [0, 3]
    loser = ImportJob.objects.get(pk=made[sent.index(0)].pk)
    assert loser.status in ("draft", "finished")
    if loser.status == "draft":  # it lost the race itself: told, and free to be started again
        assert "start the job again" in str(loser.events.get(code="input_refused").message)
        lifecycle.start(loser)
        runner.read_input(loser)
    assert refusals(loser) == {"BEING_RETRIED"}


def corrected(job: ImportJob) -> ImportJob:
    """A round in which the first failed customer goes out with another first name."""
    result = job.results.filter(status="error").order_by("pk")[0]
    raw = bytes_of([result.pk])[result.pk].replace(b'"firstName": "', b'"firstName": "X')
    version = corrections.of_text(raw, result.key, result.email, result)
    new_batches = corrections.new_batches([version], 1, checks_of(job.api))  # type: ignore[arg-type]
    new = resubmit(job, new_batches, reason="Misspelt", actor="anna")
    runner.read_input(new)
    return new


def test_a_file_from_before_a_correction_does_not_undo_it(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    old_file = retry_file(failed, tmp_path)
    answer(corrected(failed), REFUSED)
    again = load(make_job, old_file)
    assert refusals(again) == {"CORRECTED_SINCE"}
    assert again.results.filter(status="pending").count() == 2
    assert_totals_hold(again)


def test_a_file_that_is_written_after_a_correction_holds_the_version_that_failed_last(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    second = corrected(failed)
    answer(second, REFUSED)
    (result,) = second.results.all()
    file = retry_file(failed, tmp_path)
    assert bytes_of([result.pk])[result.pk] in file.read_bytes()
    again = load(make_job, file)
    assert again.results.filter(status="pending").count() == 3
    assert again.results.filter(retry_of=result).exists()


def test_force_sends_the_earlier_version(
    failed: ImportJob, make_job: JobMaker, tmp_path: Path
) -> None:
    old_file = retry_file(failed, tmp_path)
    answer(corrected(failed), REFUSED)
    again = load(make_job, old_file, force=True)
    assert again.results.filter(status="pending").count() == 3
