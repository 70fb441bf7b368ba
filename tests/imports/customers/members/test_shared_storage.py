"""Member files where several hosts share a bucket: each host finds rows and index there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports import retention
from imports.customers import drafts
from imports.customers.members.failed_rows import rows_of
from imports.engine import runner
from imports.ledger import lifecycle
from imports.sealing import working
from imports.storage import stored
from tests import jobs
from tests.imports.customers.members.tables import member, saved, text
from tests.imports.customers.members.test_failed_rows import closed, correct
from tests.imports.storage.conftest import shared

if TYPE_CHECKING:
    from imports.models import CustomerApi

__all__ = ["shared"]


def another_host() -> None:
    """What this host has downloaded and opened is not there."""
    working.forget()
    shutil.rmtree(stored.cache_directory(), ignore_errors=True)


@pytest.mark.usefixtures("shared", "messages", "both_ways")
def test_another_host_reads_shows_and_corrects_the_rows(
    api: CustomerApi, settings: Any, tmp_path: Path
) -> None:
    saved(api)
    job = drafts.new_draft(api, "members")
    content = text(member(0), member(1, Född="x")).encode()
    file = drafts.add_upload(job, SimpleUploadedFile("m.csv", content))
    assert (file.status, file.excluded_count) == ("valid", 1)
    another_host()
    lifecycle.start(job)
    assert runner.read_input(job)
    another_host()
    results = list(job.results.order_by("position"))
    assert [row.cells[0] for row in rows_of(results).values()] == [member(0)[0], member(1)[0]]
    closed(job, jobs.REFUSED)
    failed = stored.local_path(f"{job.retry_directory}/failed_rows.csv").read_bytes()
    assert failed == content
    corrected = failed.replace(b";x;", b";01.02.1980;").replace(b"SJ", b"LJ")
    new = correct(job, corrected)
    assert new.results.count() == 2
    another_host()
    assert all(row.is_corrected for row in rows_of(list(new.results.all())).values())
    assert not [*stored.listed("corrected"), *stored.listed("sealed/corrected")]


@pytest.mark.usefixtures("messages")
def test_what_is_removed_with_an_input_file_is_its_rows_too(
    api: CustomerApi, settings: Any
) -> None:
    saved(api)
    job = drafts.new_draft(api, "members")
    file = drafts.add_upload(job, SimpleUploadedFile("m.csv", text(member(0)).encode()))
    assert len(file.pieces) == 3
    assert all(map(stored.exists, file.pieces))
    lifecycle.start(job)
    assert runner.read_input(job)
    jobs.answer(job, jobs.OK)
    closed(job)
    retention.erase(member(0)[0], "anna")
    kept = [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()]
    assert kept == []
