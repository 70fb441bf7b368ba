"""Retry directories: the failed records byte for byte, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.db import connection

from config.dev.sandbox import samples
from imports import retry_directory
from imports.customers import drafts, retry_files
from imports.customers.api.setup import checks_of
from imports.customers.corrections import new_batches, of_text
from imports.customers.files.reader import customer_files, read_records
from imports.engine import runner
from imports.ledger import lifecycle, retries
from imports.ledger.left_out import RECORD_KEPT
from imports.models import RetryFile
from imports.policy import Verdict
from tests.decisions import retry
from tests.jobs import HALVE, LOST, OK, REFUSED, answer, at_once, keys, mixed, run

if TYPE_CHECKING:
    from config.dev.sandbox.customer_api import SandboxApi
    from imports.models import ImportJob
    from tests.jobs import JobMaker

S, X, U = Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN


def written(job: ImportJob, parent: Path) -> Path:
    directory = retry_files.write(job, parent)
    assert directory is not None
    return directory


def records_by_customer(path: Path, job: ImportJob) -> dict[str, bytes]:
    assert job.api is not None
    return {r.key: r.raw for r in read_records(path, path.name, checks_of(job.api))}


def test_the_files_hold_just_the_failed_customers_byte_for_byte_as_they_came_in(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(12)
    came_in: dict[str, bytes] = {}
    for file in job.files.all():
        came_in |= records_by_customer(Path(file.path), job)
    answer(job, mixed(X, S, X), OK, REFUSED, OK)
    directory = written(job, tmp_path)
    names = sorted(path.name for path in directory.iterdir())
    assert names == [
        "RETRY_INSTRUCTIONS.md", "retry_batch_01_failed.json", "retry_batch_02_failed.json",
        "retry_summary.json",
    ]  # fmt: skip
    went_out: dict[str, bytes] = {}
    for name, count in (("retry_batch_01_failed.json", 2), ("retry_batch_02_failed.json", 3)):
        records = records_by_customer(directory / name, job)
        assert len(records) == count
        went_out |= records
    assert went_out == {key: came_in[key] for key in keys(job, "error")}


def test_a_file_is_what_the_original_tool_would_load(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    content = json.loads((written(job, tmp_path) / "retry_batch_01_failed.json").read_bytes())
    assert list(content) == ["data"]
    assert [each["person"]["customerId"] for each in content["data"]] == keys(job, "error")


def test_the_summary_says_what_the_contract_lists(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(9)
    answer(job, REFUSED, LOST, mixed(X, S, S))
    directory = written(job, tmp_path)
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    assert datetime.fromisoformat(summary["timestamp"]).tzinfo is not None
    assert summary["import_type"] == "customers"
    assert (summary["total_failed_batches"], summary["total_failed_customers"]) == (2, 4)
    assert summary["retry_files"] == ["retry_batch_01_failed.json", "retry_batch_02_failed.json"]
    first, second = summary["error_details"]
    assert {key: first[key] for key in ("batch_id", "customer_count", "error", "status_code")} == {
        "batch_id": 1, "customer_count": 3, "error": "The API refused the data.",
        "status_code": 422,
    }  # fmt: skip
    assert (second["batch_id"], second["retry_file"]) == (3, "retry_batch_02_failed.json")
    for name, digest in summary["sha256"].items():
        assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest
    assert set(summary["sha256"]) == {path.name for path in directory.glob("*_batch_*.json")}


def test_the_summary_explains_some_records_of_many_and_counts_all(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED, REFUSED)
    with patch.multiple(retry_files, RECORDS_EXPLAINED=2, MOST_EXPLAINED=3):
        directory = written(job, tmp_path)
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    details = summary["error_details"]
    assert [len(each["customers"]) for each in details] == [2, 1, 0]
    assert [each["customer_count"] for each in details] == [3, 3, 3]
    assert {each["error"] for each in details} == {"The API refused the data."}


def test_unknown_records_are_beside_the_failed_ones_never_among_them(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, mixed(U, X, U))
    directory = written(job, tmp_path)
    unconfirmed = records_by_customer(directory / "unconfirmed_batch_01.json", job)
    assert sorted(unconfirmed) == keys(job, "unknown")
    assert list(records_by_customer(directory / "retry_batch_01_failed.json", job)) == keys(
        job, "error"
    )
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    assert summary["total_failed_customers"] == 1
    assert [path.name for path in customer_files(directory)] == ["retry_batch_01_failed.json"]


def test_the_instructions_name_every_file_its_customers_and_why(
    make_job: JobMaker, tmp_path: Path
) -> None:
    with connection.cursor() as sql:  # commands take 1209, not 1,209
        sql.execute("SELECT setval(pg_get_serial_sequence('imports_importjob', 'id'), 1208)")
    job = make_job(6)
    answer(job, REFUSED, LOST)
    words = (written(job, tmp_path) / "RETRY_INSTRUCTIONS.md").read_text()
    assert "| retry_batch_01_failed.json | 1 | 3 | 422 | The API refused the data. |" in words
    assert "| unconfirmed_batch_01.json | 2 | 3 | No answer came in time. |" in words
    assert job.pk == 1209
    assert "(job 1209)" in words
    assert "retry_failed 1209 --wait" in words


def test_where_nothing_failed_nothing_is_written(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, OK)
    assert retry_files.write(job, tmp_path / "out") is None
    assert not (tmp_path / "out").exists()
    assert RetryFile.objects.count() == 0


def test_a_batch_that_was_split_is_one_file_again(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, REFUSED, REFUSED)
    directory = written(job, tmp_path)
    assert [path.name for path in customer_files(directory)] == ["retry_batch_01_failed.json"]
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    assert summary["error_details"][0]["customer_count"] == 4


@pytest.mark.parametrize(
    "step",
    [
        "imports.retry_directory.NewDirectory.explain",
        "imports.retry_directory.sync_directory",
        "imports.retry_directory.publish",
        "imports.retry_directory.forget_trouble",
    ],
)
def test_a_writer_that_is_cut_off_leaves_no_half_directory_and_no_note(
    step: str, make_job: JobMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(3)
    answer(job, REFUSED)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            retry_files.write(job, tmp_path / "out")
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert RetryFile.objects.count() == 0
    assert left == [] or (step.endswith("forget_trouble") and len(left) == 1)
    job.refresh_from_db()
    assert job.retry_directory == ""
    again = written(job, tmp_path / "out")
    assert (again / "retry_summary.json").exists()


def test_a_directory_that_was_left_over_by_a_kill_is_recognised_all_the_same(
    make_job: JobMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the rename, before the note: the next writer notes files of the same bytes."""
    job = make_job(3)
    answer(job, REFUSED)
    with monkeypatch.context() as dying:
        dying.setattr(retry_directory, "forget_trouble", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retry_files.write(job, tmp_path)
    (orphan,) = tmp_path.glob("retry_batches_*")
    noted = written(job, tmp_path)
    assert noted != orphan
    draft = drafts.new_draft(make_job.api, "orphan")
    assert drafts.add_path(draft, orphan / "retry_batch_01_failed.json").retry_file is not None


def test_two_directories_of_one_second_get_two_names(make_job: JobMaker, tmp_path: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, 59, tzinfo=UTC)
    (tmp_path / "retry_batches_20260102_030502").mkdir()  # somebody's own, and empty
    made = []
    for number in range(4):
        workplace = tmp_path / f".writing_{number}"
        workplace.mkdir()
        (workplace / "retry_summary.json").write_text(str(number))
        names = retry_directory.free_names(tmp_path, now)
        made.append(retry_directory.publish(workplace, names))
    assert [path.name for path in made] == [
        "retry_batches_20260102_030459", "retry_batches_20260102_030500",
        "retry_batches_20260102_030501", "retry_batches_20260102_030503",
    ]  # fmt: skip
    assert [(path / "retry_summary.json").read_text() for path in made] == ["0", "1", "2", "3"]


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_write_two_whole_directories(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    directories = at_once(*[lambda: retry_files.write(job, tmp_path)] * 3)
    assert len(set(directories)) == 3
    for directory in directories:
        assert len(list(directory.iterdir())) == 4
    assert RetryFile.objects.count() == 6
    assert not list(tmp_path.glob(f"{retry_directory.TEMPORARY}*"))


def test_a_rename_that_fails_for_another_reason_is_reported(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    blocker = tmp_path / "a file"
    blocker.write_text("")
    with pytest.raises(OSError, match="a file"):
        retry_files.write(job, blocker)


def test_what_is_written_is_for_its_owner_only(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    assert written(job, tmp_path).stat().st_mode & 0o777 == 0o700


def test_a_job_that_ends_with_failures_writes_them_and_says_where(
    make_job: JobMaker, sandbox: SandboxApi, settings: Any
) -> None:
    sandbox.order({"match": {"customer_id": samples.customer_id(0)}, "fault": "http_422"})
    job = run(make_job(6, concurrency=1))
    assert job.retry_directory.startswith(os.fspath(settings.RETRY_FILES_DIR / "retry_batches_"))
    assert job.events.filter(code="retry_files_written").exists()
    assert job.retry_files.get().result_ids == list(
        job.results.filter(status="error").order_by("pk").values_list("pk", flat=True)
    )


def test_what_was_taken_on_by_a_later_round_is_not_in_the_files_of_the_first(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    second = retry(job).job
    assert runner.read_input(second)
    answer(second, OK, REFUSED)
    directory = written(job, tmp_path)
    assert [path.name for path in customer_files(directory)] == ["retry_batch_01_failed.json"]
    records = records_by_customer(directory / "retry_batch_01_failed.json", job)
    assert sorted(records) == keys(second, "error")


def test_files_that_are_loaded_again_go_out_and_finish_the_first_jobs_story(
    make_job: JobMaker, tmp_path: Path
) -> None:
    from imports.ledger.totals import family_totals

    job = make_job(6)
    answer(job, REFUSED, OK)
    draft = drafts.new_draft(make_job.api, "again")
    for path in customer_files(written(job, tmp_path)):
        drafts.add_path(draft, path)
    assert (draft.retry_of_id, draft.root_id, draft.retry_number) == (job.pk, job.pk, 1)
    lifecycle.start(draft)
    assert runner.read_input(draft)
    answer(draft, OK)
    assert (
        family_totals(job).total,
        family_totals(job).success,
        family_totals(job).retries,
    ) == (6, 6, 1)
    with pytest.raises(lifecycle.NotAllowed):
        retry(job)  # it has been taken on already


def test_records_that_could_not_be_sent_have_files_of_their_own(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.of(samples.customer(0), {"person": {"no": "id"}}, samples.customer(1))
    answer(job, mixed(X, S))
    directory = written(job, tmp_path)
    content = json.loads((directory / "left_out_batch_01.json").read_bytes())
    assert content == {"data": [{"person": {"no": "id"}}]}
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    assert (summary["total_failed_customers"], summary["total_left_out_customers"]) == (1, 1)
    assert summary["retry_files"] == ["retry_batch_01_failed.json"]
    assert summary["left_out_files"] == ["left_out_batch_01.json"]
    assert summary["left_out_details"][0]["customers"][0]["code"] == "BAD_CHANGE_TYPE"
    assert [path.name for path in customer_files(directory)] == ["retry_batch_01_failed.json"]
    noted = RetryFile.objects.get(name="left_out_batch_01.json")
    assert (noted.confirmed, noted.left_out, len(noted.result_ids)) == (False, True, 1)


def test_a_record_stored_only_in_part_is_named_but_not_written(
    make_job: JobMaker, tmp_path: Path
) -> None:
    huge = samples.customer(0) | {"note": "x" * (RECORD_KEPT + 10)}
    job = make_job.of(huge, {"person": {}}, batch_size=3)
    directory = written(job, tmp_path)
    content = json.loads((directory / "left_out_batch_01.json").read_bytes())
    assert content == {"data": [{"person": {}}]}
    summary = json.loads((directory / "retry_summary.json").read_bytes())
    assert summary["total_left_out_customers"] == 2


def test_a_left_out_record_that_was_corrected_is_not_written_again(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.of(samples.customer(0), {"person": {}})
    answer(job, OK)
    never_sent = job.results.get(status="excluded")
    fixed = retries.resubmit(
        job,
        new_batches(
            [of_text(json.dumps(samples.customer(5)).encode(), "k", "", never_sent)],
            3,
            checks_of(make_job.api),
        ),
        reason="id added",
        actor="tester",
    )
    assert fixed.results.count() == 1
    assert retry_files.write(job, tmp_path) is None
