"""The Retry files tab: downloaded, written again, loaded."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from imports.models import ImportJob, RetryFile
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.jobs import REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django.fixtures import Settings

    from tests.jobs import JobMaker


def zipped(client: Client, job: ImportJob, of: int | str) -> zipfile.ZipFile:
    answer = client.get(url(job, "retry-files", "zip"), {"of": of})
    assert answer.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]


def test_the_zip_holds_the_directory_as_it_was_written(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    file = RetryFile.objects.filter(job=job, confirmed=True).get()
    archive = zipped(operator, job, file.pk)
    assert archive.testzip() is None
    place = Path(file.directory)
    assert {Path(name).name for name in archive.namelist()} == {
        each.name for each in place.iterdir()
    }
    for name in archive.namelist():
        assert archive.read(name) == (place / Path(name).name).read_bytes()


def test_nothing_but_a_known_file_of_this_job_leads_to_a_directory(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job, other = failed_job(), failed_job()
    stranger = RetryFile.objects.filter(job=other).values_list("pk", flat=True)[0]
    for of in ("", "0", "../../etc/passwd", "/etc", stranger, "9" * 30):
        address = url(job, "retry-files", "zip")
        assert operator.get(address, {"of": of}).status_code == 404


def test_a_directory_outside_the_retry_files_is_not_handed_out(
    operator: Client, failed_job: Callable[..., ImportJob], tmp_path: Path
) -> None:
    job = failed_job()
    outside = tmp_path / "elsewhere" / "retry_batches_20260101_000000"
    outside.mkdir(parents=True)
    (outside / "retry_summary.json").write_text("secret")
    RetryFile.objects.filter(job=job).update(directory=str(outside))
    file = RetryFile.objects.filter(job=job).first()
    assert file is not None
    answer = operator.get(url(job, "retry-files", "zip"), {"of": file.pk}, follow=True)
    assert "no longer there" in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_a_link_inside_the_directory_is_not_followed(
    operator: Client, failed_job: Callable[..., ImportJob], tmp_path: Path
) -> None:
    job = failed_job()
    file = RetryFile.objects.filter(job=job).first()
    assert file is not None
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (Path(file.directory) / file.name).unlink()
    (Path(file.directory) / file.name).symlink_to(secret)
    names = zipped(operator, job, file.pk).namelist()
    assert not any(name.endswith(file.name) for name in names)


def test_downloading_needs_its_permission(failed_job: Callable[..., ImportJob]) -> None:
    job = failed_job()
    file = RetryFile.objects.filter(job=job).first()
    assert file is not None
    address = url(job, "retry-files", "zip")
    assert with_permissions("one").get(address, {"of": file.pk}).status_code == 403
    two = with_permissions("two", "export_records")
    assert two.get(address, {"of": file.pk}).status_code == 200


def test_they_are_written_again_from_the_ledger(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    before = job.retry_directory
    page = operator.post(url(job, "retry-files", "write"), follow=True)
    job.refresh_from_db()
    assert job.retry_directory != before
    assert Path(before).is_dir()
    assert Path(job.retry_directory).name in page.content.decode()


def test_a_place_that_cannot_be_written_to_is_named(
    operator: Client,
    failed_job: Callable[..., ImportJob],
    settings: Settings,
    tmp_path: Path,
) -> None:
    job = failed_job()
    blocked = tmp_path / "a file"
    blocked.write_text("")
    settings.RETRY_FILES_DIR = blocked
    page = operator.post(url(job, "retry-files", "write"), follow=True)
    assert "cannot write to" in page.content.decode()


def test_yes_loads_them_into_a_new_draft_and_opens_its_files(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.post(url(job, "retry-files", "load"), follow=True)
    draft = ImportJob.objects.get(status="draft")
    assert page.redirect_chain[-1][0] == url(draft, "files")
    file = draft.files.get()
    assert (file.name, file.record_count) == ("retry_batch_01_failed.json", 3)
    assert len(json.loads(Path(file.path).read_bytes())["data"]) == 3
    assert url(draft, "progress", "start") in page.content.decode()


def test_a_second_yes_opens_the_same_draft(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    for _ in range(2):
        operator.post(url(job, "retry-files", "load"))
    assert ImportJob.objects.filter(status="draft").count() == 1


def test_where_all_was_retried_no_page_says_that_nothing_failed(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job(unknown=False)
    RetryFile.objects.filter(job=job).delete()
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    page = operator.get(url(job, "retry-files")).content.decode()
    assert "everything that failed was retried" in page
    assert "nothing failed" not in page
    text = operator.post(url(job, "retry-files", "write"), follow=True).content.decode()
    assert "nothing is left to retry" in text


def test_each_file_is_read_downloaded_and_loaded_by_itself(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(6)
    answer(job, REFUSED, REFUSED)
    ended(job)
    file = RetryFile.objects.filter(job=job).order_by("name").first()
    assert file is not None
    stored = Path(file.directory, file.name).read_bytes()
    page = operator.get(url(job, "retry-files", "view"), {"of": file.pk})
    assert page.context["text"].encode() == stored
    for part in ("summary", "instructions"):
        read = operator.get(url(job, "retry-files", "view"), {"of": file.pk, "part": part})
        assert "retry" in read.context["text"]
    answer_of = operator.get(url(job, "retry-files", "file"), {"of": file.pk})
    assert b"".join(answer_of) == stored
    operator.post(url(job, "retry-files", "load"), {"file": file.pk})
    operator.post(url(job, "retry-files", "load"))
    loaded = [draft.files.count() for draft in job.retries.order_by("pk")]
    assert loaded == [1, 2]


def test_a_file_of_another_job_is_not_handed_out(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job, other = failed_job(), failed_job()
    file = RetryFile.objects.filter(job=other).first()
    assert file is not None
    for act in ("view", "file"):
        assert operator.get(url(job, "retry-files", act), {"of": file.pk}).status_code == 404
