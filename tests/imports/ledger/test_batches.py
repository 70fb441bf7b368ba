"""How records come into the ledger: all of them or none, byte for byte, with their refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from config.dev.sandbox.samples import customer
from imports.customers import drafts
from imports.engine import runner
from imports.ledger import batches as ledger_batches
from imports.ledger import lifecycle
from imports.ledger.batches import Intake, NewRecord, Refused, slice_of
from imports.models import ImportBatch, ImportJob
from tests.jobs import assert_totals_hold, at_once, batches

if TYPE_CHECKING:
    from tests.jobs import JobMaker


def test_each_record_is_kept_byte_for_byte(make_job: JobMaker) -> None:
    path = make_job.folder / "odd.json"
    raws = [
        '{ "person" : {"customerId":"50000000001", "lastName":"\\u00c5KESSON"},'
        ' "type":"PERSON",\t"changeType":"CREATE"}',
        '{"changeType":"CREATE","type":"PERSON",'
        '"person":{"lastName":"ÅKESSON","customerId":"50000000002"}}',
    ]  # fmt: skip
    path.write_text('\ufeff{"data":[\r\n' + " ,\n".join(raws) + "\n]}\n", encoding="utf-8")
    job = drafts.new_draft(make_job.api, "odd")
    assert drafts.add_path(job, path).message
    lifecycle.start(job)
    assert runner.read_input(job)
    body = bytes(job.batches.get().body)
    cut = [slice_of(body, result) for result in job.results.order_by("position")]
    assert cut == [raw.encode() for raw in raws]
    assert json.loads(body)["data"][0]["person"]["lastName"] == "ÅKESSON"


def test_batches_are_numbered_over_all_files_and_know_theirs(make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "two files")
    for path in [*make_job.files(4), *make_job.files(2)]:
        drafts.add_path(job, path)
    lifecycle.start(job)
    runner.read_input(job)
    assert [(b.number, b.part, b.size) for b in batches(job)] == [(1, 0, 3), (2, 0, 1), (3, 0, 2)]
    files = list(job.files.order_by("pk"))
    assert list(job.results.order_by("pk").values_list("file_id", "position")) == [
        *((files[0].pk, n) for n in (1, 2, 3, 4)), (files[1].pk, 1), (files[1].pk, 2),
    ]  # fmt: skip


def test_a_record_that_cannot_be_sent_is_excluded_with_its_reason_and_its_bytes(
    make_job: JobMaker,
) -> None:
    bad = {"changeType": "CREATE", "type": "PERSON", "person": {"firstName": "NOBODY"}}
    job = make_job.of(customer(1), bad)
    excluded = job.results.get(status="excluded")
    assert (excluded.position, excluded.batch_id) == (2, None)
    assert excluded.error_code != ""
    assert excluded.error == excluded.final_error
    assert "record 2" in excluded.error
    assert json.loads(bytes(excluded.refused_record or b"")) == bad
    assert_totals_hold(job)


def test_every_batch_has_a_key_of_its_own_and_its_hash(make_job: JobMaker) -> None:
    job = make_job(9)
    assert len({batch.idempotency_key for batch in batches(job)}) == 3
    assert all(len(batch.body_sha256) == 64 for batch in batches(job))


def test_an_input_that_fails_half_way_leaves_nothing_behind(make_job: JobMaker) -> None:
    job = make_job.queued(9)
    with (
        patch.object(ledger_batches, "BATCHES_AT_ONCE", 1),
        patch.object(Intake, "finish", side_effect=RuntimeError("disk on fire: secret-path")),
    ):
        assert not runner.read_input(job)
    job.refresh_from_db()
    assert (job.batches.count(), job.results.count()) == (0, 0)
    assert job.status == "draft"  # and it is not tried for ever
    message = str(job.events.get(code="input_refused").message)
    assert "RuntimeError" in message
    assert "secret-path" not in message


def test_a_database_that_is_away_leaves_the_job_queued_for_another_try(
    make_job: JobMaker,
) -> None:
    from django.db import OperationalError

    job = make_job.queued(3)
    with (
        patch.object(Intake, "finish", side_effect=OperationalError("gone")),
        pytest.raises(OperationalError),
    ):
        runner.read_input(job)
    assert runner.read_input(job)


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_message_read_the_input_once(make_job: JobMaker) -> None:
    job = make_job.queued(30)
    summary = at_once(*[lambda: runner.read_input(ImportJob.objects.get(pk=job.pk))] * 3)
    assert sorted(summary) == [False, False, True]
    assert job.results.count() == 30
    assert ImportBatch.objects.count() == 10


def test_reading_costs_no_more_statements_for_more_records_of_a_group(make_job: JobMaker) -> None:
    def statements(records: int) -> int:
        job = make_job.draft(1)
        with CaptureQueriesContext(connection) as seen, transaction.atomic():
            taken = Intake(job)
            for number in range(1, records + 1):
                taken.add_batch(number, 0, (b"[{}]", 1, 1), [NewRecord(1, "a", "", 1, 2)], None)
            taken.add_refused(Refused(2, "b", "", "NO_ID", "No id.", b"{}"), None)
            taken.finish()
        assert job.results.count() == records + 1
        return len(seen)

    assert statements(5) == statements(90)


def test_tables_are_counted_anew_once_they_have_doubled(make_job: JobMaker) -> None:
    with connection.cursor() as sql:
        sql.execute("TRUNCATE import_results CASCADE")  # as one that was never counted
    counts = []
    for customers in (300, 30, 900):
        make_job(customers)
        ledger_batches.analyze()
        with connection.cursor() as sql:
            sql.execute("SELECT reltuples FROM pg_class WHERE oid = 'import_results'::regclass")
            counts.append(int(sql.fetchone()[0]))
    assert counts == [300, 300, 1_230]
