"""Before a job is started: files come and go; afterwards they are what they were."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from imports.customers import drafts, retry_files
from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.models import CustomerApi, ImportFile, ImportJob, RateLimit
from tests.jobs import OK, REFUSED, answer, at_once, keys

if TYPE_CHECKING:
    from tests.jobs import JobMaker


def test_a_draft_starts_with_its_apis_settings(api: CustomerApi) -> None:
    job = drafts.new_draft(api, "x" * 300, "anna")
    assert (job.batch_size, job.concurrency, job.max_attempts) == (3, 4, 3)
    assert (job.status, len(job.name), job.repeatable) == ("draft", 200, False)
    assert job.events.get().actor == "anna"
    assert drafts.new_draft(api, "slow", concurrency=1).concurrency == 1


def test_all_jobs_of_an_api_share_one_rate_limit_with_the_apis_concurrency(
    api: CustomerApi,
) -> None:
    one = drafts.new_draft(api, "one")
    api.concurrency = 2
    other = drafts.new_draft(api, "other")
    assert one.rate_limit_id == other.rate_limit_id
    assert RateLimit.objects.get().concurrency == 2


def test_lowering_an_apis_limit_holds_for_jobs_that_were_made_before(api: CustomerApi) -> None:
    job = drafts.new_draft(api, "one")
    api.concurrency = 1
    api.save()
    assert RateLimit.objects.get(pk=job.rate_limit_id).concurrency == 1


def test_a_file_is_checked_when_it_is_added(make_job: JobMaker) -> None:
    job = make_job.draft(4)
    file = job.files.get()
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 4, 0)
    assert file.size == Path(file.path).stat().st_size
    assert len(file.sha256) == 64
    assert file.message != ""


def test_a_file_that_cannot_be_read_is_added_with_its_verdict(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = drafts.new_draft(make_job.api, "broken")
    broken = tmp_path / "broken.json"
    broken.write_text('{"data": [')
    file = drafts.add_path(job, broken)
    assert file.status == "invalid"
    assert "broken.json" in str(file.message)
    assert drafts.unreadable(job) == [file]


def test_an_upload_is_kept_under_a_name_of_ours_and_shown_under_its_own(
    make_job: JobMaker, settings: Any
) -> None:
    job = drafts.new_draft(make_job.api, "upload")
    content = Path(make_job.files(2)[0]).read_bytes()
    file = drafts.add_upload(job, SimpleUploadedFile("../../etc/passwd.json", content))
    assert file.location.is_relative_to(settings.MEDIA_ROOT)
    assert file.location.read_bytes() == content
    assert file.is_ours
    drafts.add_upload(job, SimpleUploadedFile("same.json", content), "folder/same.json")
    assert len({each.path for each in job.files.all()}) == 2


@pytest.mark.django_db(transaction=True)
def test_removing_a_file_deletes_an_upload_of_ours_and_nobody_elses(
    make_job: JobMaker,
) -> None:
    job = make_job.draft(2)
    theirs = job.files.get()
    ours = drafts.add_upload(job, SimpleUploadedFile("a.json", Path(theirs.path).read_bytes()))
    drafts.remove_file(ours)
    drafts.remove_file(theirs)
    assert not ours.location.exists()
    assert Path(theirs.path).exists()
    assert ImportFile.objects.count() == 0


def test_of_two_files_with_the_very_same_bytes_one_is_sent(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.draft(4)
    first = job.files.get()
    copy = tmp_path / "customers (1).json"
    copy.write_bytes(Path(first.path).read_bytes())
    twin = drafts.add_path(job, copy)
    assert [note["code"] for note in twin.known_before] == ["TWICE"]
    assert (twin.duplicate_count, twin.warnings) == (0, [])
    lifecycle.start(job)
    assert runner.read_input(job)
    assert keys(job, "excluded") == keys(job, "pending")
    assert {each.error_code for each in job.results.filter(status="excluded")} == {"TWICE"}


def test_a_file_is_sent_whose_twin_was_taken_out(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job.draft(4)
    first = job.files.get()
    copy = tmp_path / "copy.json"
    copy.write_bytes(Path(first.path).read_bytes())
    drafts.add_path(job, copy)
    drafts.remove_file(first)
    assert job.files.get().known_before == []
    lifecycle.start(job)
    assert runner.read_input(job)
    assert len(keys(job, "pending")) == 4


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_is_thrown_away_takes_its_uploads_along(make_job: JobMaker) -> None:
    job = make_job.draft(2)
    content = Path(job.files.get().path).read_bytes()
    ours = drafts.add_upload(job, SimpleUploadedFile("a.json", content))
    drafts.remove_draft(job)
    assert not ours.location.exists()
    assert ImportJob.objects.count() == 0


def stale(job: ImportJob) -> ImportJob:
    """The job as a page still shows it that was opened before it was started."""
    seen = ImportJob.objects.get(pk=job.pk)
    lifecycle.start(job)
    assert seen.status == "draft"
    return seen


def test_no_file_is_added_to_or_taken_from_a_job_that_was_started_meanwhile(
    make_job: JobMaker,
) -> None:
    job = make_job.draft(2)
    more = make_job.files(2)[0]
    seen = stale(job)
    with pytest.raises(NotAllowed, match="has started"):
        drafts.add_path(seen, more)
    with pytest.raises(NotAllowed, match="has started"):
        drafts.add_upload(seen, SimpleUploadedFile("a.json", b"{}"))
    file = seen.files.get()
    file.job = seen
    with pytest.raises(NotAllowed, match="has started"):
        drafts.remove_file(file)
    with pytest.raises(NotAllowed, match="has started"):
        drafts.remove_draft(seen)
    assert seen.files.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_added_while_the_job_is_started_is_sent_or_refused(
    make_job: JobMaker,
) -> None:
    for _ in range(4):
        job = make_job.draft(2)
        more = make_job.files(2)[0]

        def add(job: ImportJob = job, more: Path = more) -> bool:
            try:
                drafts.add_path(ImportJob.objects.get(pk=job.pk), more)
            except NotAllowed:
                return False
            return True

        _, added = at_once(partial(lifecycle.start, job), add)
        job.refresh_from_db()
        assert runner.read_input(job)
        assert job.results.count() == (4 if added else 2)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_turns_out_unreadable_while_the_job_is_started_keeps_it_from_starting(
    make_job: JobMaker,
) -> None:
    job = make_job.draft(2)
    held = threading.Event()

    def add() -> None:
        with transaction.atomic():
            lifecycle.lock(job)
            held.set()
            ImportFile.objects.create(job=job, name="bad.json", path="", status="invalid")
            wait_until_somebody_waits_for_a_lock()

    def start() -> bool:
        held.wait(60)
        try:
            lifecycle.start(ImportJob.objects.get(pk=job.pk))
        except NotAllowed:
            return False
        return True

    assert at_once(add, start)[1] is False
    assert ImportJob.objects.get(pk=job.pk).status == "draft"


def wait_until_somebody_waits_for_a_lock() -> None:
    """For one of this transaction: other tests have their own, in other databases."""
    with connection.cursor() as sql:
        for _ in range(2000):
            sql.execute(
                "SELECT pg_sleep(0.005), count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if sql.fetchone()[1]:
                return
    raise AssertionError("nobody came")


def test_another_api_means_another_rate_limit(make_job: JobMaker, api: CustomerApi) -> None:
    job = make_job.draft(1)
    other = CustomerApi.objects.create(
        name="other", url=api.url, concurrency=1, idempotency_header="K"
    )
    drafts.use_api(job, other)
    job.save()
    assert (job.rate_limit.concurrency, job.repeatable) == (1, True)
    assert job.rate_limit_id != make_job.draft(1).rate_limit_id


def failed_job(make_job: JobMaker, settings: Any) -> ImportJob:
    job = make_job(6, batch_size=3, concurrency=2)
    answer(job, REFUSED, OK)
    retry_files.write(job, settings.RETRY_FILES_DIR)
    job.refresh_from_db()
    return job


def test_loading_a_jobs_retry_files_makes_a_draft_of_just_those(
    make_job: JobMaker, settings: Any
) -> None:
    job = failed_job(make_job, settings)
    draft = drafts.load_retry_files(job, "anna")
    assert [file.name for file in draft.files.all()] == ["retry_batch_01_failed.json"]
    assert (draft.retry_of_id, draft.retry_number, draft.status) == (job.pk, 1, "draft")
    assert (draft.concurrency, draft.name) == (2, f"{job.name} · retry 1")
    lifecycle.start(draft)
    runner.read_input(draft)
    assert keys(draft, "pending") == keys(job, "error")


def test_loading_them_twice_opens_the_same_draft(make_job: JobMaker, settings: Any) -> None:
    job = failed_job(make_job, settings)
    assert drafts.load_retry_files(job).pk == drafts.load_retry_files(job).pk
    retry_files.write(job, settings.RETRY_FILES_DIR)  # newer ones: a new draft
    job.refresh_from_db()
    assert job.retries.count() == 1
    drafts.load_retry_files(job)
    assert job.retries.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_yes_at_once_make_one_draft(make_job: JobMaker, settings: Any) -> None:
    job = failed_job(make_job, settings)
    made = at_once(*[lambda: drafts.load_retry_files(ImportJob.objects.get(pk=job.pk)).pk] * 3)
    assert len(set(made)) == 1


def test_a_job_without_retry_files_has_none_to_load(make_job: JobMaker) -> None:
    with pytest.raises(NotAllowed, match="no retry files"):
        drafts.load_retry_files(make_job(3))
