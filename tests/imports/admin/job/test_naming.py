"""Renaming and duplicating a job, from its page."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.customers import drafts
from imports.customers.drafts import duplicate
from imports.ledger.lifecycle import NotAllowed
from imports.models import ImportJob
from imports.states import EventCode, FileStatus, JobStatus
from tests.decisions import retry
from tests.imports.admin.conftest import url

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from imports.models import CustomerApi
    from tests.jobs import JobMaker


def test_a_job_is_renamed_and_its_log_says_by_whom(operator: Client, make_job: JobMaker) -> None:
    job = make_job()
    before = job.name
    operator.post(url(job, "progress", "rename"), {"name": "  Members of May  "})
    job.refresh_from_db()
    assert job.name == "Members of May"
    event = job.events.get(code=EventCode.RENAMED)
    assert event.actor == "anna"
    assert before in str(event.message)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_name_that_says_nothing_is_refused(
    operator: Client, make_job: JobMaker, name: str
) -> None:
    job = make_job()
    page = operator.post(url(job, "progress", "rename"), {"name": name}, follow=True)
    assert "Give the job a name" in page.content.decode()
    assert ImportJob.objects.get(pk=job.pk).name == job.name
    assert not job.events.filter(code=EventCode.RENAMED).exists()


def test_retries_that_are_called_after_a_job_are_renamed_with_it(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    made = retry(job).job
    operator.post(url(job, "progress", "rename"), {"name": "Spring"})
    made.refresh_from_db()
    assert made.name == "Spring · retry 1"
    operator.post(url(made, "progress", "rename"), {"name": "After the call"})
    operator.post(url(job, "progress", "rename"), {"name": "Autumn"})
    made.refresh_from_db()
    assert made.name == "After the call"


def test_a_duplicate_is_a_draft_with_the_same_files_api_and_settings(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    ImportJob.objects.filter(pk=job.pk).update(concurrency=2, rollout="ramp", force=True)
    answer = operator.post(url(job, "progress", "duplicate"))
    copy = ImportJob.objects.get(status=JobStatus.DRAFT)
    assert answer.headers["Location"] == url(copy, "files")
    assert copy.name == f"{job.name} (copy)"
    assert (copy.api, copy.batch_size, copy.concurrency) == (job.api, job.batch_size, 2)
    assert (copy.rollout, copy.force, copy.root, copy.retry_of) == ("ramp", False, None, None)
    files = [(each.name, each.sha256, each.record_count) for each in job.files.all()]
    assert [(each.name, each.sha256, each.record_count) for each in copy.files.all()] == files
    for one in (job, copy):
        assert one.events.get(code=EventCode.DUPLICATED).actor == "anna"


def test_discarding_a_duplicate_leaves_the_uploads_of_the_first_job(
    api: CustomerApi, operator: Client
) -> None:
    body = json.dumps({"data": [{"type": "PERSON", "person": {"customerId": "7"}}]}).encode()
    job = uploaded(api, "members.json", body)
    copy = duplicate(job, "copy", "anna")
    assert copy.files.get().path != job.files.get().path
    operator.post(url(copy, "progress", "discard"))
    assert not ImportJob.objects.filter(pk=copy.pk).exists()
    assert job.files.get().location.read_bytes() == body


TABLE = b"id;first\n7;Ann\n8;Bo\n"
LINES = b'{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", TABLE),
        ("rows.csv.gz", TABLE),
        ("lines.ndjson", LINES),
        ("lines.ndjson.gz", LINES),
    ],
)
def test_a_duplicate_of_member_files_finds_what_the_first_job_found(
    api: CustomerApi, name: str, content: bytes
) -> None:
    job = uploaded(api, name, gzip.compress(content) if name.endswith(".gz") else content)
    copy = duplicate(job, "copy", "anna")
    mine, first = copy.files.get(), job.files.get()
    assert (mine.status, mine.record_count) == (first.status, first.record_count)
    assert mine.name.removesuffix(".json") == first.name
    drafts.remove_draft(copy)
    first.refresh_from_db()
    assert first.location.exists()


def test_a_table_that_could_not_be_read_keeps_its_name_in_a_duplicate(api: CustomerApi) -> None:
    draft = drafts.new_draft(api, "broken")
    file = drafts.add_upload(draft, SimpleUploadedFile("rows.xlsx", b"PK\x03\x04 no workbook"))
    assert file.status == FileStatus.INVALID
    copied = duplicate(draft, "again", "anna").files.get()
    assert (copied.name, copied.status) == ("rows.xlsx", FileStatus.INVALID)
    assert copied.message == file.message


def test_nothing_is_left_of_a_duplicate_whose_files_are_gone(
    make_job: JobMaker, operator: Client
) -> None:
    job = make_job.draft()
    count = ImportJob.objects.count()
    job.files.get().location.unlink()
    page = operator.post(url(job, "progress", "duplicate"), follow=True)
    assert job.files.get().name in page.content.decode()
    assert ImportJob.objects.count() == count


def test_a_retry_is_not_duplicated(operator: Client, failed_job: Callable[..., ImportJob]) -> None:
    made = retry(failed_job()).job
    assert (
        url(made, "progress", "duplicate")
        not in operator.get(url(made, "progress")).content.decode()
    )
    with pytest.raises(NotAllowed):
        duplicate(made, "copy", "anna")


def uploaded(api: CustomerApi, name: str, body: bytes) -> ImportJob:
    """A draft with one upload."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    job = drafts.new_draft(api, "members", "anna")
    drafts.add_upload(job, SimpleUploadedFile(name, body))
    assert job.files.exclude(status=FileStatus.INVALID).exists() or name.endswith("json")
    return job
