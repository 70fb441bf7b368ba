"""The ledger and the storage compared: what is missing, and what was altered."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from imports.customers import drafts
from imports.storage import stored
from tests.jobs import REFUSED, answer, run

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


def verified() -> tuple[int, dict[str, Any]]:
    out, code = io.StringIO(), 0
    try:
        call_command("verify_files", "--json", stdout=out)
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, json.loads(out.getvalue())


def counts(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["expected"], found["missing_count"], found["altered_count"]


def test_uploads_that_are_missing_or_altered_are_counted(make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "uploads")
    content = make_job.files(2)[0].read_bytes()
    one, two = (
        drafts.add_upload(job, SimpleUploadedFile(name, content)) for name in ("a.json", "b.json")
    )
    assert verified()[0] == 0
    stored.delete(one.path)
    two.location.write_bytes(content + b" ")
    code, found = verified()
    assert (code, counts(found["uploads"])) == (1, (2, 1, 1))


def test_an_operators_own_file_is_needed_until_its_job_is_cut(make_job: JobMaker) -> None:
    job = make_job.draft()
    Path(job.files.get().path).unlink()
    assert verified()[0] == 1
    job = make_job()
    Path(job.files.get().path).unlink()
    assert counts(verified()[1]["uploads"]) == (1, 1, 0)


def test_a_retry_directory_that_is_gone_is_written_again(make_job: JobMaker) -> None:
    job = make_job(3, max_attempts=1)
    answer(job, REFUSED)
    run(job)
    assert job.retry_directory
    shutil.rmtree(job.retry_directory)
    code, found = verified()
    assert (code, counts(found["retry_files"])) == (1, (1, 1, 0))
    call_command("retry_files", str(job.pk), stdout=io.StringIO())
    assert verified()[0] == 0


def test_a_storage_that_does_not_answer_is_no_verdict(
    make_job: JobMaker, settings: Any, installation: Path
) -> None:
    from config.storages import file_storage

    job = drafts.new_draft(make_job.api, "uploads")
    content = make_job.files(2)[0].read_bytes()
    drafts.add_upload(job, SimpleUploadedFile("a.json", content))
    url = "s3://key:secret@bucket?endpoint=http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES, "default": file_storage(url)}
    with pytest.raises(CommandError) as refused:
        call_command("verify_files")
    assert refused.value.returncode == 2
