"""Files and the ledger: what was checked is what is sent, and nothing is dropped in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from config.dev.sandbox.samples import customer
from imports.customers import drafts
from imports.customers.files import batching
from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger.totals import job_totals
from imports.messages import from_json
from tests.jobs import assert_totals_hold

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.jobs import JobMaker


def draft_of(make_job: JobMaker, *contents: list[Any]) -> ImportJob:
    job = drafts.new_draft(make_job.api, "files")
    for number, records in enumerate(contents):
        path = make_job.folder / f"file_{number}.json"
        path.write_text(json.dumps({"data": records}))
        drafts.add_path(job, path)
    return job


def begun(job: ImportJob) -> ImportJob:
    lifecycle.start(job)
    runner.read_input(job)
    job.refresh_from_db()
    return job


def test_a_files_verdict_counts_what_can_and_what_cannot_be_sent(make_job: JobMaker) -> None:
    job = draft_of(make_job, [customer(0), {"person": {}}, 7, customer(1)])
    file = job.files.get()
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 4, 2)
    assert [refusal["code"] for refusal in file.refusals][:1] != []
    assert all(
        "file_0.json, record" in str(from_json(refusal["message"])) for refusal in file.refusals
    )


def test_what_the_verdict_counted_is_what_the_ledger_gets(make_job: JobMaker) -> None:
    job = draft_of(make_job, [customer(0), {"person": {}}, 7, customer(1)], [customer(2)])
    counted = sum(file.record_count for file in job.files.all())
    excluded = sum(file.excluded_count for file in job.files.all())
    begun(job)
    assert (job_totals(job).total, job_totals(job).excluded) == (counted, excluded) == (5, 2)
    assert_totals_hold(job)


def test_an_id_that_occurs_twice_is_reported_over_files_and_sent(make_job: JobMaker) -> None:
    job = draft_of(make_job, [customer(0), customer(1)], [customer(1), customer(2)])
    second = job.files.order_by("pk").last()
    assert second is not None
    assert any("50000001001" in str(from_json(warning)) for warning in second.warnings)
    begun(job)
    assert job_totals(job).pending == 4
    assert "1 customer appears more than once" in str(job.events.get(code="duplicates").message)


def test_a_file_that_is_another_one_now_is_refused_and_nothing_is_kept(
    make_job: JobMaker,
) -> None:
    job = draft_of(make_job, [customer(0)], [customer(1)])
    last = job.files.order_by("pk").last()
    assert last is not None
    Path(last.path).write_text(json.dumps({"data": [customer(9)]}))
    begun(job)
    assert (job.status, job.results.count(), job.batches.count()) == ("draft", 0, 0)
    assert "file_1.json" in str(job.events.get(code="input_refused").message)


def test_a_file_that_this_host_cannot_see_leaves_the_job_to_others(make_job: JobMaker) -> None:
    job = draft_of(make_job, [customer(0)], [customer(1)])
    last = job.files.order_by("pk").last()
    assert last is not None
    content = Path(last.path).read_bytes()
    Path(last.path).unlink()
    begun(job)
    runner.read_input(job)
    assert (job.status, job.results.count(), job.batches.count()) == ("queued", 0, 0)
    assert "file_1.json" in str(job.events.get(code="files_out_of_sight").message)  # said once
    Path(last.path).write_bytes(content)
    assert runner.read_input(job)
    assert job.status == "running"


def test_a_host_with_other_bytes_at_the_path_leaves_the_job_to_others(make_job: JobMaker) -> None:
    job = draft_of(make_job, [customer(0)])
    path = Path(job.files.get().path)
    content = path.read_bytes()
    path.write_text(json.dumps({"data": [customer(9)]}))
    for index in batching.indexes().glob("*"):
        index.unlink()  # another host checked it
    begun(job)
    runner.read_input(job)
    assert (job.status, job.results.count(), job.batches.count()) == ("queued", 0, 0)
    assert job.events.get(code="files_out_of_sight").message.code == "FILE_OTHER_BYTES"
    path.write_bytes(content)
    assert runner.read_input(job)
    assert [each.key for each in job.results.all()] == ["50000001000"]


def test_a_refused_record_keeps_its_bytes_up_to_a_limit(make_job: JobMaker) -> None:
    long = {"changeType": "CREATE", "person": {"firstName": "x" * 500}}
    with patch.object(batching, "RECORD_KEPT", 100):
        job = begun(draft_of(make_job, [long]))
    kept = bytes(job.results.get().refused_record or b"")
    assert kept == json.dumps(long).encode()[:100]


def test_large_files_are_not_read_again_for_duplicates(make_job: JobMaker) -> None:
    with patch.object(batching, "REREAD_BYTES", 10):
        job = draft_of(make_job, [customer(0)], [customer(0), customer(1)])
    assert [file.warnings for file in job.files.order_by("pk")] == [[], []]
    begun(job)  # there they are found
    assert job.events.filter(code="duplicates").exists()


def test_batches_hold_as_many_customers_as_the_job_says_and_the_api_takes(
    make_job: JobMaker,
) -> None:
    job = draft_of(make_job, [customer(n) for n in range(8)])
    job.batch_size = 5
    job.save()
    begun(job)
    assert list(job.batches.order_by("number").values_list("size", flat=True)) == [5, 3]
    many = draft_of(make_job, [customer(n) for n in range(150)])
    many.batch_size = 1000
    many.save()
    begun(many)
    assert list(many.batches.order_by("number").values_list("size", flat=True)) == [100, 50]
