"""What one host adds, another one reads: through the bucket, never through a path."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from config.storages import file_storage
from imports.customers import drafts
from imports.engine import runner
from imports.ledger import lifecycle
from imports.storage import stored
from tests.imports.admin.conftest import url, with_permissions
from tests.jobs import REFUSED, answer, run

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


def on_another_host(settings: Any, installation: Path) -> None:
    settings.HOME = installation / "another"


def read(job: ImportJob) -> str:
    lifecycle.start(job)
    runner.read_input(job)
    job.refresh_from_db()
    return job.status


def test_an_upload_is_read_on_another_host(
    shared: str, make_job: JobMaker, settings: Any, installation: Path
) -> None:
    job = drafts.new_draft(make_job.api, "upload")
    drafts.add_upload(job, SimpleUploadedFile("a.json", make_job.files(3)[0].read_bytes()))
    on_another_host(settings, installation)
    assert read(job) == "running"
    assert job.results.count() == 3


def test_a_file_that_was_named_by_its_path_is_read_on_another_host(
    shared: str, make_job: JobMaker, settings: Any, installation: Path
) -> None:
    job = make_job.draft(3)
    (path,) = make_job.folder.glob("input_*/*.json")
    assert stored.is_stored(job.files.get().path)
    path.unlink()
    on_another_host(settings, installation)
    assert read(job) == "running"


def test_a_file_that_is_removed_from_its_draft_leaves_the_bucket(
    shared: str, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    file = job.files.get()
    drafts.remove_file(file)
    assert not stored.exists(file.path)
    assert list(make_job.folder.glob("input_*/*.json"))  # the operator's own stays


def test_a_bucket_that_does_not_answer_leaves_the_job_as_it_is(
    shared: str, make_job: JobMaker, settings: Any, installation: Path
) -> None:
    job = make_job.draft(3)
    on_another_host(settings, installation)
    away = file_storage("s3://key:secret@bucket?endpoint=http://127.0.0.1:1")
    settings.STORAGES = {**settings.STORAGES, "default": away}
    assert read(job) == "queued"
    event = job.events.get(code="files_out_of_sight")
    assert event.actor == runner.host_name()
    settings.STORAGES = {**settings.STORAGES, "default": file_storage(shared)}
    assert runner.read_input(job)


def test_a_file_that_was_altered_in_the_bucket_is_never_sent(
    shared: str, make_job: JobMaker, settings: Any, installation: Path
) -> None:
    job = make_job.draft(3)
    file = job.files.get()
    content = make_job.files(3)[0].read_bytes()
    stored.keep(stored.name_of(file.path), SimpleUploadedFile("x", content))
    assert hashlib.sha256(content).hexdigest() != file.sha256
    on_another_host(settings, installation)
    assert read(job) == "queued"
    assert job.results.count() == 0


def test_retry_files_of_one_host_are_loaded_and_written_out_on_another(
    shared: str, make_job: JobMaker, settings: Any, installation: Path, tmp_path: Path
) -> None:
    job = make_job(3, max_attempts=1)
    answer(job, REFUSED)
    run(job)
    assert stored.is_stored(job.retry_directory)
    on_another_host(settings, installation)
    draft = drafts.load_retry_files(job)
    file = draft.files.get()
    assert (file.status, file.record_count) == ("valid", 3)
    assert file.retry_file is not None
    assert file.retry_file.job_id == job.pk
    call_command("retry_files", str(job.pk), "--output", str(tmp_path / "out"))
    (directory,) = (tmp_path / "out").iterdir()
    assert (directory / "retry_batch_01_failed.json").is_file()


def test_an_operator_gets_a_retry_directory_of_the_bucket_as_a_zip(
    shared: str, make_job: JobMaker
) -> None:
    job = make_job(3, max_attempts=1)
    answer(job, REFUSED)
    run(job)
    client = with_permissions("taker", "export_records")
    page = client.get(url(job, "retry-files"))
    assert page.context["directories"][0]["exists"]
    answered = client.get(url(job, "retry-files", "zip"), {"of": job.retry_files.get().pk})
    content = b"".join(answered.streaming_content)  # type: ignore[attr-defined]
    archive = zipfile.ZipFile(io.BytesIO(content))
    name = Path(job.retry_directory).name
    assert {f"{name}/retry_batch_01_failed.json", f"{name}/retry_summary.json"} <= set(
        archive.namelist()
    )
