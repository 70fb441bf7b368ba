"""Retry files that cannot be written: it is said where people look, and tried again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from imports import retry_directory
from imports.engine import queue, runner, sweeper
from imports.ledger import lifecycle
from imports.models import Channel, Notification
from imports.models.notifications import What
from imports.states import EventCode
from tests.disks import full_disk
from tests.imports.command_line import command
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker


@pytest.fixture
def not_writable(settings: Any, installation: Path) -> Path:
    """RETRY_FILES_DIR is in the way of itself: a file where a directory should be."""
    blocker = installation / "retries"
    blocker.write_text("not a directory")
    return blocker


def ended(make_job: JobMaker, *answers: Any) -> ImportJob:
    job = make_job(3 * len(answers))
    answer(job, *answers)
    lifecycle.finish_if_done([job.pk])
    queue.run_job(job.pk)
    job.refresh_from_db()
    return job


def test_a_job_whose_retry_files_cannot_be_written_says_so_everywhere(
    make_job: JobMaker, not_writable: Path, admin_client: Client
) -> None:
    Channel.objects.create(name="ops", recipients="ops@example.test")
    job = ended(make_job, REFUSED)
    assert (job.status, job.retry_files_error, job.retry_directory) == ("finished", "EEXIST", "")
    assert job.closed_at is not None
    assert Notification.objects.get(what=What.NOT_WRITTEN).cause == "EEXIST"
    why = retry_directory.reason("EEXIST")
    kwargs = {"pk": job.pk, "tab": "retry-files"}
    tab = admin_client.get(reverse("admin:imports_importjob_tab", kwargs=kwargs))
    assert tab.context["trouble"]["why"] == why
    assert not tab.context["nothing_waits"]
    assert why in tab.content.decode()
    assert b"nothing failed" not in tab.content
    assert why in admin_client.get(reverse("admin:index")).content.decode()
    said = command("job_status", job.pk)
    assert (said.code, why in said.out) == (1, True)
    assert json.loads(command("job_status", job.pk, "--json").out)["retry_files_error"] == "EEXIST"


@pytest.mark.django_db(transaction=True)
def test_it_is_tried_again_with_growing_pauses_until_there_is_room(
    make_job: JobMaker, not_writable: Path, pass_time: Callable[[float], None], messages: Any
) -> None:
    job = ended(make_job, REFUSED)
    messages.connection.flushdb()
    sweeper.sweep()
    assert queue.enqueued_jobs() == set()  # not due yet
    for tries in (2, 3):
        pass_time(retry_directory.pause_seconds(tries - 1))
        sweeper.sweep()
        assert queue.enqueued_jobs() == {job.pk}
        messages.connection.flushdb()
        queue.run_job(job.pk)
        job.refresh_from_db()
        assert job.retry_files_tries == tries
    assert job.events.filter(code=EventCode.RETRY_FILES_FAILED).count() == 1
    not_writable.unlink()
    queue.run_job(job.pk)  # somebody rang, but it is not due
    job.refresh_from_db()
    assert job.retry_directory == ""
    pass_time(retry_directory.pause_seconds(3))
    queue.run_job(job.pk)
    job.refresh_from_db()
    assert (job.retry_files_error, job.retry_files_due_at) == ("", None)
    assert job.retry_files.count() == 1
    sweeper.sweep()
    assert queue.enqueued_jobs() == set()


def test_pauses_double_up_to_an_hour() -> None:
    pauses = [retry_directory.pause_seconds(tries) for tries in (1, 2, 3, 8, 5_000)]
    assert pauses == [30.0, 60.0, 120.0, 3600.0, 3600.0]


def test_writing_them_elsewhere_ends_the_trouble(
    make_job: JobMaker, not_writable: Path, tmp_path: Path
) -> None:
    job = ended(make_job, REFUSED)
    assert command("retry_files", job.pk, "--output", tmp_path / "elsewhere").code == 0
    job.refresh_from_db()
    assert (job.retry_files_error, job.retry_files_due_at) == ("", None)


def test_a_job_without_failures_needs_no_room(make_job: JobMaker, not_writable: Path) -> None:
    job = ended(make_job, OK)
    assert (job.retry_files_error, job.closed_at is not None) == ("", True)


def test_two_workers_at_once_write_them_once(make_job: JobMaker, not_writable: Path) -> None:
    job = ended(make_job, REFUSED)
    not_writable.unlink()
    type(job).objects.filter(pk=job.pk).update(retry_files_due_at=job.finished_at)
    runner.write_retry_files_again(job)
    runner.write_retry_files_again(job)
    assert job.retry_files.count() == 1


def test_a_full_disk_is_called_by_its_name(make_job: JobMaker, settings: Any) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    lifecycle.finish_if_done([job.pk])
    with full_disk():
        runner.close(job)
    job.refresh_from_db()
    assert job.retry_files_error == "EFBIG"
    assert list(settings.RETRY_FILES_DIR.iterdir()) == []


def test_nothing_failed_is_said_only_where_nothing_failed(
    make_job: JobMaker, admin_client: Client
) -> None:
    good, bad = ended(make_job, OK), ended(make_job, REFUSED)
    bad.retry_files.all().delete()
    for job, nothing_failed in ((good, True), (bad, False)):
        kwargs = {"pk": job.pk, "tab": "retry-files"}
        tab = admin_client.get(reverse("admin:imports_importjob_tab", kwargs=kwargs))
        assert tab.context["nothing_waits"] is nothing_failed
