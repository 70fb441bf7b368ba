"""Customers' records encrypted at rest: nowhere plain, sent byte for byte, and lost by no key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection

from config.dev.sandbox import samples
from imports import job_types, retention
from imports.customers import drafts
from imports.customers.job_type import CustomerRunner
from imports.engine import queue, runner
from imports.ledger import lifecycle, outcomes
from imports.ledger.batches import body_of, bytes_of
from imports.ledger.outcomes import Finding
from imports.models import (
    Attempt,
    CorrectedRow,
    CustomerApi,
    ImportBatch,
    ImportJob,
    ImportResult,
    RecordsKey,
)
from imports.policy import Outcome, Verdict
from imports.sealing import keys, working
from imports.storage import stored
from tests import canaries
from tests.decisions import retry
from tests.imports.customers.members.tables import member, saved, text
from tests.imports.customers.members.test_failed_rows import closed, correct
from tests.imports.storage.conftest import shared
from tests.jobs import LOST, OK, REFUSED, answer, assert_totals_hold, mixed, run, send

if TYPE_CHECKING:
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi
    from config.dev.sandbox.http_server import Request
    from tests.jobs import JobMaker

__all__ = ["shared"]
pytestmark = pytest.mark.django_db(transaction=True)
S, X, U = Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN
OTHER_KEY = Fernet.generate_key().decode()
NAME = canaries.MARK


@pytest.fixture
def encrypted(settings: Any, installation: Path) -> Path:
    settings.ENCRYPT_RECORDS, settings.PLAIN_RETRY_FILES = True, False
    return installation


@pytest.fixture
def wire(sandbox: SandboxApi, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that the API received."""
    received: list[bytes] = []
    handle = sandbox.handle

    def listening(request: Request) -> Any:
        received.append(request.body)
        return handle(request)

    monkeypatch.setattr(sandbox, "handle", listening)
    return received


def upload(job: ImportJob, content: bytes, name: str = "customers.json") -> None:
    file = drafts.add_upload(job, SimpleUploadedFile(name, content))
    assert file.status == "valid", file.message


def customers(*numbers: int, **overrides: Any) -> list[dict[str, Any]]:
    return [samples.customer(n, firstName=f"{NAME}{n}", **overrides) for n in numbers]


def started(api: CustomerApi, content: bytes, name: str = "customers.json") -> ImportJob:
    job = drafts.new_draft(api, "import", "tester")
    upload(job, content, name)
    lifecycle.start(job, "tester")
    assert runner.read_input(job)
    return job


def saying(outcome: Outcome) -> Outcome:
    """The answer quotes a record."""
    return Outcome(
        outcome.verdict, outcome.code, outcome.message, outcome.http_status,
        json.dumps({"firstName": f"{NAME}-answer"}), records=outcome.records,
    )  # fmt: skip


def fixed(job: ImportJob) -> ImportJob:
    """Upload the failed customers in another version, and send it."""
    failed = job.results.filter(status="error", retries=None).order_by("pk")
    raws = bytes_of([each.pk for each in failed])
    found = [json.loads(raws[each.pk]) for each in failed]
    for each in found:
        each["person"]["lastName"] = NAME
    content = json.dumps({"data": found}).encode()
    return correct(job, content, "fixed.json")


def whole_import(api: CustomerApi) -> list[ImportJob]:
    """Failures, unknowns, one left out, a retry, a corrected file; then a table, and its rows."""
    content = {"data": [*customers(*range(6)), {"person": {}, "note": NAME}]}
    first = started(api, json.dumps(content).encode())
    answer(first, saying(mixed(S, X, X)), saying(LOST))
    first.refresh_from_db()
    runner.close(first)
    again = retry(first).job
    assert runner.read_input(again)
    answer(again, saying(REFUSED))
    second = fixed(again)
    answer(second, saying(OK))
    saved(api)
    rows = text(member(0, Förnamn=NAME), member(1, Född="31.02.1980"))
    table = started(api, rows.encode(), "members.csv")
    directory = closed(table, saying(REFUSED))
    failed = b"".join(stored.pieces(f"{directory}/failed_rows.csv"))
    right = failed.replace(b"31.02", b"01.02").replace(b"SJ", b"LJ")
    third = correct(table, right)
    return [first, again, second, table, third]


@pytest.mark.parametrize("storage", ["disk", "bucket"])
def test_after_a_whole_import_no_byte_of_a_record_lies_anywhere_plain(
    storage: str, encrypted: Path, request: pytest.FixtureRequest, api: CustomerApi, messages: Any
) -> None:
    if storage == "bucket":
        request.getfixturevalue("shared")
    made = whole_import(api)
    working.forget()  # as at the end of a request or of a queue message
    for each in made:
        each.refresh_from_db()
        assert_totals_hold(each)
    assert CorrectedRow.objects.count() == 2
    assert Attempt.objects.exclude(sealed_with=None).count() == 5
    assert ImportResult.objects.filter(batch=None).exclude(sealed_with=None).count() == 2
    found = list(canaries.kept(encrypted, messages, ""))
    assert [where for where, content in found if canaries.is_in(content)] == []
    assert len(found) > 100


def test_the_other_test_finds_what_is_not_encrypted(
    installation: Path, api: CustomerApi, messages: Any
) -> None:
    whole_import(api)
    places = {
        where for where, content in canaries.kept(installation, messages, "")
        if canaries.is_in(content)
    }  # fmt: skip
    tables = {"imports_importbatch", "import_results", "imports_correctedrow"}
    assert {f"bytes in {each}" for each in tables} <= places
    assert "table imports_attempt" in places
    assert sum(each.startswith("file ") for each in places) > 3


@pytest.mark.usefixtures("encrypted")
def test_what_is_sent_is_byte_for_byte_what_was_uploaded(
    api: CustomerApi, wire: list[bytes], messages: Any
) -> None:
    records = [json.dumps(each, indent=1, ensure_ascii=False) for each in customers(*range(8))]
    job = started(api, ('{"data": [' + ",\n".join(records) + "]}").encode())
    run(job)
    sent = b"".join(wire)
    assert all(each.encode() in sent for each in records)
    assert (job.status, job.results.filter(status="success").count()) == ("finished", 8)
    assert {body_of(each.pk) for each in job.batches.all()} == {each for each in wire if each}


@pytest.mark.usefixtures("encrypted")
def test_a_record_comes_back_in_the_retry_file_as_it_came_in(make_job: JobMaker) -> None:
    job = make_job(5)
    plain = bytes_of(list(job.results.values_list("pk", flat=True)))
    answer(job, mixed(S, X, X), REFUSED)
    lifecycle.finish_if_done([job.pk])
    job.refresh_from_db()
    runner.close(job)
    job.refresh_from_db()
    assert job.retry_directory.startswith("storage:sealed/retry_files/retry_batches_")
    found = [
        b"".join(stored.pieces(f"{job.retry_directory}/retry_batch_{n:02}_failed.json"))
        for n in (1, 2)
    ]
    failed = job.results.filter(status="error").order_by("pk")
    assert all(plain[each.pk] in b"".join(found) for each in failed)
    draft = drafts.load_retry_files(job)
    lifecycle.start(draft)
    assert runner.read_input(draft)
    sent_again = bytes_of(list(draft.results.values_list("pk", flat=True)))
    assert sorted(sent_again.values()) == sorted(plain[each.pk] for each in failed)
    assert not draft.results.filter(is_new_version=True).exists()


def test_plain_and_encrypted_records_live_side_by_side(make_job: JobMaker, settings: Any) -> None:
    old = make_job(6)
    plain = bytes_of(list(old.results.values_list("pk", flat=True)))
    answer(old, mixed(S, X, X), REFUSED)
    settings.ENCRYPT_RECORDS = True
    new = retry(old).job
    assert runner.read_input(new)
    copied = {each.pk: each.retry_of_id or 0 for each in new.results.all()}
    assert {copied[pk]: raw for pk, raw in bytes_of(copied).items()} == {
        pk: plain[pk] for pk in copied.values()
    }
    assert new.batches.filter(sealed_with=None).count() == 0
    settings.ENCRYPT_RECORDS = False
    answer(new, REFUSED, REFUSED)
    third = retry(new).job
    assert runner.read_input(third)
    assert third.batches.exclude(sealed_with=None).count() == 0
    assert sorted(bytes_of(list(third.results.values_list("pk", flat=True))).values()) == sorted(
        plain[pk] for pk in copied.values()
    )


@pytest.mark.usefixtures("encrypted")
def test_the_bytes_of_one_batch_do_not_open_as_another_s(make_job: JobMaker) -> None:
    job = make_job(6)
    first, second = job.batches.order_by("pk")
    ImportBatch.objects.filter(pk=second.pk).update(body=first.body)
    assert body_of(first.pk)
    with pytest.raises(keys.Unreadable):
        body_of(second.pk)
    other = make_job(3)
    ImportBatch.objects.filter(pk=second.pk).update(sealed_with=other.records_key.pk)
    with pytest.raises(keys.Unreadable):
        body_of(second.pk)


@pytest.mark.usefixtures("encrypted")
def test_with_a_new_key_in_front_old_records_open_and_after_rotation_without_the_old_key(
    make_job: JobMaker, settings: Any
) -> None:
    job = make_job(3)
    ids = list(job.results.values_list("pk", flat=True))
    plain = bytes_of(ids)
    settings.CREDENTIAL_KEYS = [OTHER_KEY, *settings.CREDENTIAL_KEYS]
    assert bytes_of(ids) == plain
    call_command("rotate_secrets")
    settings.CREDENTIAL_KEYS = [OTHER_KEY]
    assert bytes_of(ids) == plain
    assert run(job).status == "finished"


@pytest.mark.usefixtures("encrypted")
def test_without_its_key_a_job_pauses_and_names_the_setting_and_with_it_goes_on(
    make_job: JobMaker, settings: Any, sandbox: SandboxApi
) -> None:
    job = make_job(6)
    right = settings.CREDENTIAL_KEYS
    settings.CREDENTIAL_KEYS = [OTHER_KEY]
    keep_the_api_s_secret(job)
    run(job)
    assert (job.status, job.pause_code) == ("paused", "CANNOT_SEND")
    assert "CREDENTIAL_KEYS" in str(job.pause_message)
    assert set(job.batches.values_list("status", "attempts")) == {("pending", 0)}
    assert sandbox.account.requests == 0
    settings.CREDENTIAL_KEYS = right
    keep_the_api_s_secret(job)
    lifecycle.resume(job, "anna")
    assert run(job).status == "finished"
    assert_totals_hold(job)


def keep_the_api_s_secret(job: ImportJob) -> None:
    """With the keys of now: only the records do not open."""
    CustomerApi.objects.filter(jobs=job).update(secret="sandbox-token")


@pytest.mark.usefixtures("encrypted")
def test_a_key_that_goes_in_mid_run_pauses_the_job_and_costs_no_attempt(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    RecordsKey.objects.filter(job=job).update(token=Fernet(OTHER_KEY).encrypt(b"x" * 32))
    (work,) = send(job)
    assert (work.body, work.unreadable is None) == (b"", False)
    kind = job_types.get("customers")
    with pytest.raises(keys.KeyMissing), kind.runner(job, 1):
        pass
    outcome = CustomerRunner(None, None)._post(work)  # type: ignore[arg-type] # it sends nothing
    outcomes.record(job, [Finding(work, outcome)])
    job.refresh_from_db()
    assert (job.status, job.pause_code) == ("paused", "RECORDS_KEY")
    assert set(job.batches.values_list("status", "attempts")) == {("pending", 0)}


@pytest.mark.usefixtures("encrypted")
def test_an_outcome_is_recorded_even_where_its_answer_cannot_be_sealed(
    make_job: JobMaker, settings: Any
) -> None:
    job = make_job(6)
    works = [*send(job), *send(job)]
    settings.CREDENTIAL_KEYS = [OTHER_KEY]
    for work, outcome in zip(works, (OK, REFUSED), strict=True):
        outcomes.record(job, [Finding(work, saying(outcome))])
    assert set(job.results.values_list("status", flat=True)) == {"success", "error"}
    assert set(Attempt.objects.values_list("answer", "sealed_with")) == {("", None)}


@pytest.mark.usefixtures("encrypted")
def test_an_upload_that_no_key_opens_is_left_to_another_host_and_the_job_stays_queued(
    api: CustomerApi, settings: Any, messages: Any
) -> None:
    draft = drafts.new_draft(api, "import", "tester")
    upload(draft, json.dumps({"data": customers(1, 2)}).encode())
    lifecycle.start(draft, "tester")
    working.forget()
    right, settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS, [OTHER_KEY]
    queue.run_job(draft.pk)
    draft.refresh_from_db()
    assert (draft.status, draft.batches.count()) == ("queued", 0)
    said = [str(each.message) for each in draft.events.filter(code="files_out_of_sight")]
    assert "CREDENTIAL_KEYS" in " ".join(said)
    settings.CREDENTIAL_KEYS = right
    assert run(draft).status == "finished"


@pytest.mark.usefixtures("encrypted")
def test_a_person_s_answers_are_scrubbed_and_the_others_stay(make_job: JobMaker) -> None:
    job = make_job(3)
    plain = bytes_of(list(job.results.values_list("pk", flat=True)))
    one, *others = job.results.order_by("pk")
    said = json.dumps({"ids": [one.key, others[0].key]})
    answer(job, Outcome(S, http_status=201, answer=said))
    retention.erase(one.key)
    attempt = Attempt.objects.get(job=job)
    assert json.loads(attempt.plain_answer) == {"ids": ["[erased]", others[0].key]}
    after = bytes_of([one.pk, *(each.pk for each in others)])
    assert after[one.pk].strip() == b""
    assert {pk: after[pk] for pk in after if pk != one.pk} == {
        each.pk: plain[each.pk] for each in others
    }


@pytest.mark.usefixtures("encrypted")
def test_a_sealed_answer_is_not_taken_for_a_text_that_names_somebody(make_job: JobMaker) -> None:
    job = make_job(3)
    said = "x" * outcomes.ANSWER_KEPT
    answer(job, Outcome(S, http_status=201, answer=said))
    attempt = Attempt.objects.get(job=job)
    found = re.search(r"(?<=/)[A-Za-z0-9]{5,}(?=[/+=])", attempt.answer)
    assert found is not None
    retention.erase(found[0])
    attempt.refresh_from_db()
    assert attempt.plain_answer == said


@pytest.mark.parametrize("sealed_at_once", [True, False])
def test_an_answer_of_the_widest_characters_stays_whole_as_others_do(
    make_job: JobMaker, settings: Any, sealed_at_once: bool
) -> None:
    settings.ENCRYPT_RECORDS = sealed_at_once
    job = make_job(3)
    one = job.results.order_by("pk")[0]
    wide = "\N{GRINNING FACE}" * (outcomes.ANSWER_KEPT - len(one.key) - 1)
    answer(job, Outcome(S, http_status=201, answer=f"{one.key} {wide}"))
    settings.ENCRYPT_RECORDS = True
    call_command("encrypt_records")
    assert Attempt.objects.get(job=job).plain_answer == f"{one.key} {wide}"
    retention.erase(one.key)
    assert Attempt.objects.get(job=job).plain_answer == f"[erased] {wide}"


def test_the_right_columns_are_searched(encrypted: Path) -> None:
    """Every column of bytes in the ledger is one that this file knows."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE data_type = 'bytea' AND table_schema = 'public'"
        )
        assert set(sql.fetchall()) == BYTES


BYTES = {
    ("imports_importbatch", "body"), ("import_results", "refused_record"),
    ("imports_correctedrow", "raw"), ("imports_recordskey", "token"),
    ("bills_evidence", "token"), ("bills_csvupload", "content"),
}  # fmt: skip
