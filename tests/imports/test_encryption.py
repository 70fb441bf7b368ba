"""What was stored before the setting was on is encrypted step by step, and stays readable."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from imports import encryption, retention
from imports.customers import drafts
from imports.ledger.batches import bytes_of
from imports.models import ImportBatch, ImportFile, ImportJob, ImportResult, RecordsKey
from imports.storage import stored
from tests import canaries
from tests.imports.sealing.test_records import customers, saying, started, upload, whole_import
from tests.imports.storage.conftest import shared
from tests.imports.test_expiry import age, keep_for
from tests.jobs import OK, answer, run

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import CustomerApi
    from tests.jobs import JobMaker

__all__ = ["shared"]
pytestmark = pytest.mark.django_db(transaction=True)


def encrypted(settings: Any) -> str:
    settings.ENCRYPT_RECORDS, settings.PLAIN_RETRY_FILES = True, False
    out = io.StringIO()
    call_command("encrypt_records", stdout=out)
    return out.getvalue()


def everything() -> tuple[dict[int, bytes], dict[int, bytes], set[str]]:
    """The bytes of all records and uploads, and all answers, as their readers see them."""
    files = {each.pk: b"".join(stored.pieces(each.path)) for each in ImportFile.objects.all()}
    answers = {
        each.plain_answer for job in ImportJob.objects.all() for each in job.attempts.all()
    }  # fmt: skip
    return bytes_of(list(ImportResult.objects.values_list("pk", flat=True))), files, answers


@pytest.mark.parametrize("storage", ["disk", "bucket"])
def test_nothing_is_left_plain_and_all_of_it_opens(
    storage: str, request: pytest.FixtureRequest, installation: Path, api: CustomerApi,
    settings: Any, messages: Any,
) -> None:  # fmt: skip
    if storage == "bucket":
        request.getfixturevalue("shared")
        settings.PLAIN_RETRY_FILES = False
    made = whole_import(api)
    before = everything()
    assert "batches" in encrypted(settings)
    assert everything() == before
    assert encrypted(settings) == "Nothing was left to encrypt.\n"
    for job in made:
        run(job)  # writes the retry directories again that were in the storage
    plain = {
        where for where, content in canaries.kept(installation, messages, "")
        if canaries.is_in(content) and f"file {settings.RETRY_FILES_DIR}" not in where
        and f"file {stored.cache_directory()}" not in where
    }  # fmt: skip
    assert plain == set()


def test_a_run_that_is_killed_between_two_steps_goes_on_where_it_was(
    make_job: JobMaker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "ROWS_AT_ONCE", 1)
    job = make_job(9)
    before = everything()[0]
    settings.ENCRYPT_RECORDS = True
    assert next(encryption.everything()) == ("batches", 1)
    assert ImportBatch.objects.filter(sealed_with=None).count() == 2
    assert everything()[0] == before
    assert sum(count for what, count in encryption.everything() if what == "batches") == 2
    assert everything()[0] == before
    assert run(job).status == "finished"


@pytest.mark.parametrize(
    ("file_changes", "job_changes"),
    [
        ({"status": "reading"}, {}),
        ({}, {"status": "queued"}),
        ({}, {"status": "running", "uncut_count": 1}),
    ],
)
def test_a_file_that_a_worker_reads_stays_where_it_is_and_the_command_says_so(
    installation: Path, api: CustomerApi, settings: Any, file_changes: dict[str, Any],
    job_changes: dict[str, Any],
) -> None:  # fmt: skip
    draft = drafts.new_draft(api, "import", "tester")
    upload(draft, json.dumps({"data": customers(1, 2)}).encode())
    file, job = ImportFile.objects.filter(job=draft), ImportJob.objects.filter(pk=draft.pk)
    before = file.values("status").get(), job.values("status", "uncut_count").get()
    path = file.get().path
    file.update(**file_changes or before[0])
    job.update(**job_changes or before[1])
    with pytest.raises(CommandError) as refused:
        encrypted(settings)
    assert refused.value.returncode == 2
    assert "1 files" in str(refused.value)
    assert (file.get().path, stored.exists(path)) == (path, True)
    file.update(**before[0])
    job.update(**before[1])
    assert encrypted(settings) == "Encrypted: 1 files.\n"
    assert (file.get().path == path, stored.exists(path)) == (False, False)


def test_it_asks_for_the_setting_first(installation: Path, db: None) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("encrypt_records")
    assert refused.value.returncode == 2


def test_the_key_of_a_job_goes_with_the_last_of_its_records(
    api: CustomerApi, settings: Any, messages: Any
) -> None:
    settings.ENCRYPT_RECORDS, settings.PLAIN_RETRY_FILES = True, False
    keep_for(settings, RECORDS_DAYS=1, ANSWERS_DAYS=1)
    job = started(api, json.dumps({"data": customers(1, 2)}).encode())
    answer(job, saying(OK))
    run(job)
    kept = RecordsKey.objects.filter(job=job)
    retention.expire()
    assert kept.exists()
    age(job, 3)
    while retention.expire():
        assert kept.exists()
    assert not kept.exists()
    assert bytes_of(list(job.results.values_list("pk", flat=True))) == dict.fromkeys(
        job.results.values_list("pk", flat=True), b""
    )
