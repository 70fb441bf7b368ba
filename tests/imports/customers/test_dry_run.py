"""A dry run reads as an import reads: what it foretells is what the import then does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox.samples import customer, customer_id
from imports.customers import drafts, dry_run, retry_files
from imports.customers import dry_run as forecasts
from imports.customers.dry_run import forecast
from imports.customers.files import warnings
from imports.engine import runner
from imports.job_types import UnreadableInput
from imports.ledger import lifecycle
from imports.ledger.totals import job_totals
from imports.models import ImportBatch, ImportFile, ImportJob, ImportResult, JobEvent
from tests.decisions import retry
from tests.jobs import OK, REFUSED, answer, assert_totals_hold

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs import JobMaker

NAMELESS = {"changeType": "CREATE", "type": "PERSON", "person": {"firstName": "EMMA"}}


def write(make_job: JobMaker, name: str, records: list[Any]) -> Path:
    path = make_job.folder / name
    path.write_text(json.dumps({"data": records}))
    return path


def imported(make_job: JobMaker, paths: list[Path], *, force: bool = False) -> ImportJob:
    """The real thing: the same files, read into the ledger."""
    job = drafts.new_draft(make_job.api, "in earnest", force=force)
    for path in paths:
        drafts.add_path(job, path)
    lifecycle.start(job)
    assert runner.read_input(job)
    job.refresh_from_db()
    return job


def assert_foretold(found: dict[str, Any], job: ImportJob) -> None:
    """Each number of the forecast is what the ledger got."""
    one = job_totals(job)
    assert (found["customers"], found["would_send"]) == (one.total, one.pending)
    assert found["would_exclude"] == one.excluded
    sizes = list(job.batches.order_by("number").values_list("size", flat=True))
    assert found["batches"]["total"] == len(sizes)
    assert (found["batches"]["largest"], found["batches"]["smallest"]) == (max(sizes), min(sizes))
    excluded = job.results.filter(status="excluded").order_by("file_id", "position")
    assert [each["reason"] for each in found["excluded"]] == [each.error for each in excluded]
    assert [each["position"] for each in found["excluded"]] == [one.position for one in excluded]
    assert_totals_hold(job)


def test_what_is_foretold_is_what_the_import_then_does(make_job: JobMaker) -> None:
    first = write(make_job, "first.json", [customer(0), NAMELESS, 7, customer(1), customer(2)])
    second = write(make_job, "second.json", [customer(1), *(customer(n) for n in range(10, 16))])
    found = dry_run.of_paths(make_job.api, [first, second])
    assert (found["customers"], found["would_send"], found["would_exclude"]) == (12, 10, 2)
    assert found["excluded_by_reason"] == {"NO_ID": 1, "NOT_AN_OBJECT": 1}
    assert [each["file"] for each in found["excluded"]] == ["first.json", "first.json"]
    assert (found["named_twice"], len(found["named_twice_examples"])) == (1, 1)
    of_files = [(each["file"], each["would_send"], each["batches"]) for each in found["files"]]
    assert of_files == [("first.json", 3, 1), ("second.json", 7, 3)]
    assert_foretold(found, imported(make_job, [first, second]))


def test_nothing_is_stored(make_job: JobMaker) -> None:
    paths = make_job.files(5)
    dry_run.of_paths(make_job.api, paths)
    assert not any(
        model._default_manager.exists()
        for model in (ImportJob, ImportFile, ImportBatch, ImportResult, JobEvent)
    )


def test_a_retry_file_reports_records_that_have_meanwhile_succeeded(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    directory = retry_files.write(job, make_job.folder / "out")
    assert directory is not None
    again = retry(job, actor="anna").job
    assert runner.read_input(again)
    answer(again, OK)
    paths = [directory / "retry_batch_01_failed.json"]
    found = dry_run.of_paths(make_job.api, paths)
    assert (found["would_send"], found["would_exclude"], found["already_imported"]) == (0, 3, 3)
    assert f"in job {again.pk}" in found["excluded"][0]["reason"]
    forced = dry_run.of_paths(make_job.api, paths, force=True)
    assert (forced["would_send"], forced["imported_before"]) == (3, 3)


def test_customers_that_an_earlier_job_has_imported_are_counted_and_would_be_sent(
    make_job: JobMaker,
) -> None:
    earlier = make_job.of(customer(0), customer(1))
    answer(earlier, OK)
    path = write(make_job, "again.json", [customer(n) for n in (0, 1, 1, 2)])
    found = dry_run.of_paths(make_job.api, [path])
    assert (found["would_send"], found["imported_before"]) == (4, 3)
    known = [{"customer": customer_id(n), "job": earlier.pk} for n in (0, 1)]
    assert found["imported_before_examples"] == known


def test_another_apis_imports_are_nothing_to_this_one(make_job: JobMaker) -> None:
    answer(make_job.of(customer(0)), OK)
    other = make_job.api
    other.pk, other.name = None, "another"
    other.save()
    found = dry_run.of_paths(other, [write(make_job, "new.json", [customer(0)])])
    assert found["imported_before"] == 0


def test_the_apis_own_limit_holds_where_the_settings_ask_for_more(make_job: JobMaker) -> None:
    make_job.api.batch_size = 1_000
    path = write(make_job, "many.json", [customer(n) for n in range(150)])
    batches = dry_run.of_paths(make_job.api, [path])["batches"]
    assert (batches["total"], batches["at_most"]) == (2, 100)
    assert (batches["largest"], batches["smallest"]) == (100, 50)


def test_counts_are_complete_and_examples_bounded_but_each_reason_has_some(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (forecasts, warnings):
        monkeypatch.setattr(module, "MOST_SENTENCES", 5)
    path = write(make_job, "bad.json", [*[NAMELESS] * 9, *[7] * 6, *[customer(0)] * 9])
    found = dry_run.of_paths(make_job.api, [path])
    assert found["excluded_by_reason"] == {"NO_ID": 9, "NOT_AN_OBJECT": 6}
    codes = [each["code"] for each in found["excluded"]]
    assert (codes.count("NO_ID"), codes.count("NOT_AN_OBJECT")) == (5, 3)
    assert (found["named_twice"], len(found["named_twice_examples"])) == (8, 5)


def test_customers_are_looked_up_in_parts(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasts, "LOOKED_UP_AT_ONCE", 4)
    known = [customer(n) for n in range(8)]
    for _batch in range(3):
        answered = make_job.of(*known[3 * _batch : 3 * _batch + 3])
        answer(answered, OK)
    found = dry_run.of_paths(make_job.api, [write(make_job, "all.json", known)])
    assert (found["would_send"], found["imported_before"]) == (8, 8)


def test_text_that_looks_encoded_twice_is_warned_about(make_job: JobMaker) -> None:
    odd = customer(0)
    odd["person"]["firstName"] = "GÃ¶ran"
    found = dry_run.of_paths(make_job.api, [write(make_job, "odd.json", [odd, customer(1)])])
    assert (found["would_send"], found["with_warnings"]) == (2, 1)
    assert "Göran" in found["warnings"][0]


def test_all_files_that_cannot_be_read_are_named_at_once(make_job: JobMaker) -> None:
    bad = [make_job.folder / name for name in ("one.json", "two.json")]
    for path in bad:
        path.write_text("no json")
    with pytest.raises(UnreadableInput, match=r"(?s)one\.json.*two\.json"):
        dry_run.of_paths(make_job.api, [*make_job.files(2), *bad])


def test_whoever_asks_hears_how_far_it_is(make_job: JobMaker) -> None:
    job = make_job.draft(7)
    heard: list[int] = []
    forecast(job, job.files.all(), heard.append)
    assert heard == [3, 6, 7]
