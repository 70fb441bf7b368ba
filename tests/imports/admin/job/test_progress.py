"""The Progress tab: the buttons that steer a job, and what an open page is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imports.engine import queue, runner
from imports.ledger import lifecycle
from imports.models import ImportJob
from tests.imports.admin.conftest import ended, url
from tests.jobs import LATER, OK, REFUSED, STOP, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

    from tests.jobs import JobMaker


def test_start_queues_the_draft_rings_and_shows_its_progress(
    operator: Client,
    make_job: JobMaker,
    messages: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    job = make_job.draft()
    with django_capture_on_commit_callbacks(execute=True):
        page = operator.post(url(job, "progress", "start"))
    job.refresh_from_db()
    assert page.headers["Location"] == url(job, "progress")
    assert job.status == "queued"
    assert job.events.get(code="started").actor == "anna"
    assert len(messages) == 1


def test_a_second_start_says_that_it_was_started(operator: Client, make_job: JobMaker) -> None:
    job = make_job()
    page = operator.post(url(job, "progress", "start"), follow=True)
    assert "already been started" in page.content.decode()


def test_a_draft_without_files_is_not_started(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft()
    job.files.all().delete()
    page = operator.post(url(job, "progress", "start"), follow=True)
    assert "There is nothing to import yet" in page.content.decode()
    assert page.redirect_chain[-1][0] == url(job, "files")


def test_pause_and_resume(operator: Client, make_job: JobMaker) -> None:
    job = make_job()
    operator.post(url(job, "progress", "pause"))
    job.refresh_from_db()
    assert job.status == "paused"
    assert "Paused by anna" in operator.get(url(job, "progress")).content.decode()
    operator.post(url(job, "progress", "resume"))
    job.refresh_from_db()
    assert job.status == "running"


def test_pausing_what_has_ended_changes_nothing_and_says_so(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    answer(job, OK)
    ended(job)
    page = operator.post(url(job, "progress", "pause"), follow=True)
    assert "Nothing was changed: the job is already finished." in page.content.decode()


def test_cancel_keeps_what_was_not_sent_as_failed(operator: Client, make_job: JobMaker) -> None:
    job = make_job(6)
    operator.post(url(job, "progress", "cancel"))
    page = operator.get(url(job, "failures")).content.decode()
    assert "6 customers" in page
    assert "CANCELLED" in page


def test_a_draft_is_discarded_but_nothing_that_was_started(
    operator: Client, make_job: JobMaker
) -> None:
    draft, job = make_job.draft(), make_job()
    operator.post(url(draft, "progress", "discard"))
    page = operator.post(url(job, "progress", "discard"), follow=True)
    assert not ImportJob.objects.filter(pk=draft.pk).exists()
    assert ImportJob.objects.filter(pk=job.pk).exists()
    assert "has started" in page.content.decode()


def test_a_pause_for_a_person_says_who_must_do_what(operator: Client, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, STOP)
    page = operator.get(url(job, "progress")).content.decode()
    assert "Paused: needs attention" in page
    assert STOP.error in page
    assert f"/admin/imports/customerapi/{job.api_id}/change/" in page
    assert "press Resume" in page


def test_an_api_that_asked_for_time_is_named_with_the_time(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(6)
    answer(job, LATER)
    page = operator.get(url(job, "progress")).content.decode()
    assert "Resumes at" in page
    assert "(the API asked for it)" in page


@pytest.mark.parametrize(("workers", "is_said"), [(0, True), (1, False)])
def test_the_page_says_when_no_worker_listens(
    operator: Client,
    make_job: JobMaker,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    is_said: bool,
) -> None:
    job = make_job()
    monkeypatch.setattr(queue, "worker_count", lambda: workers)
    page = operator.get(url(job, "progress")).content.decode()
    assert ("No worker is running" in page) is is_said


def live(client: Client, job: ImportJob, was: str, tab: str = "progress") -> str:
    page = client.get(url(job, "progress", "live"), {"tab": tab, "was": was})
    assert "no-store" in page.headers["Cache-Control"]
    return page.content.decode()


def test_while_nothing_moved_only_the_numbers_are_sent(
    operator: Client, make_job: JobMaker
) -> None:
    part = live(operator, make_job(), "running")
    assert 'id="rd-summary"' in part
    assert 'id="rd-progress"' in part
    assert 'id="rd-head"' not in part
    assert 'id="rd-poller"' not in part


def test_other_tabs_are_sent_no_progress(operator: Client, make_job: JobMaker) -> None:
    part = live(operator, make_job(), "running", tab="log")
    assert 'id="rd-summary"' in part
    assert 'id="rd-progress"' not in part


def test_a_job_that_ended_meanwhile_brings_its_dialog_and_stops_the_polling(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job(unknown=False)
    part = live(operator, job, "running")
    assert "Retry files created. Load them now?" in part
    assert f'data-opens-once="retry-files-{job.pk}-' in part
    assert "hx-trigger" not in part


def test_the_page_asks_on_until_the_retry_files_are_written(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    part = live(operator, job, "running")
    assert "Finishing" in part
    assert "every 2s" in part
    job.refresh_from_db()
    ended(job)
    assert "hx-trigger" not in live(operator, job, "finished-closing")


def test_a_draft_and_an_ended_job_are_not_polled_at_all(
    operator: Client, make_job: JobMaker, failed_job: Callable[..., ImportJob]
) -> None:
    for job in (make_job.draft(), failed_job()):
        assert 'hx-trigger="every' not in operator.get(url(job, "progress")).content.decode()
    assert "every 2s" in operator.get(url(make_job(), "log")).content.decode()


def test_a_viewer_is_not_offered_the_retry_files(
    viewer: Client, failed_job: Callable[..., ImportJob]
) -> None:
    assert "Load them now?" not in viewer.get(url(failed_job(), "progress")).content.decode()


def test_the_retries_show_the_whole_story(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job(unknown=False)
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    retry = ImportJob.objects.get(retry_of=job)
    runner.read_input(retry)
    answer(retry, OK)
    ended(retry)
    for each in (job, retry):
        page = operator.get(url(each, "progress")).content.decode()
        assert "12 of 12 imported after 1 retry" in page
    assert "Load them now?" not in operator.get(url(job, "progress")).content.decode()


def test_the_first_job_leads_to_the_retry_whose_records_failed_again(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    ended(job)
    assert operator.get(url(job, "progress")).context["failed_in"] == job
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    retry = ImportJob.objects.get(retry_of=job)
    runner.read_input(retry)
    answer(retry, REFUSED)
    ended(retry)
    assert operator.get(url(job, "progress")).context["failed_in"] == retry


def test_an_open_page_costs_a_bounded_number_of_queries(
    operator: Client,
    make_job: JobMaker,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    job = make_job(60)
    answer(job, *[OK] * 10)
    with django_assert_max_num_queries(22):
        live(operator, job, "running")


def test_start_with_one_batch_first_waits_for_go_on(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(9)
    assert "Start with one batch, then ask me" in operator.get(url(job, "files")).content.decode()
    operator.post(url(job, "progress", "start"), {"rollout": "one"})
    runner.read_input(job)
    job.refresh_from_db()
    assert "1 batch goes first" in operator.get(url(job, "progress")).content.decode()
    answer(job, REFUSED)
    lifecycle.settle_stage(job)
    page = operator.get(url(job, "progress")).content.decode()
    assert "The first batch was sent: 0 of 3 imported" in page
    assert "3 failed: The API refused the data." in " ".join(page.split())
    assert url(job, "failures") in page
    assert "Continue" in page
    operator.post(url(job, "progress", "resume"))
    job.refresh_from_db()
    assert (job.status, job.stage_limit) == ("running", None)


def test_an_unknown_rollout_leaves_the_setting_as_it_is(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(9, rollout="ramp")
    assert "Starts with 1 batch, then 5" in operator.get(url(job, "files")).content.decode()
    operator.post(url(job, "progress", "start"), {"rollout": "sideways"})
    job.refresh_from_db()
    assert job.rollout == "ramp"


def test_a_retry_that_ramps_up_says_that_its_first_stage_failed_again(
    operator: Client, make_job: JobMaker, settings: Any
) -> None:
    settings.STOP_AFTER_BATCHES = 0
    job = make_job(21)
    answer(job, *[REFUSED] * 7)
    ended(job)
    asked = operator.get(url(job, "failures", "retry"), {"which": "all"})
    assert 'name="rollout" value="ramp"' in asked.content.decode()
    operator.post(url(job, "failures", "retry"), {"which": "all", "rollout": "ramp"})
    new = ImportJob.objects.get(retry_of=job)
    assert str(new.events.get(code="started").message) == "Ramp up: 1, 5, 50, then all"
    runner.read_input(new)
    new.refresh_from_db()
    answer(new, REFUSED)
    lifecycle.settle_stage(new)
    page = operator.get(url(new, "progress")).content.decode()
    assert "The first batch failed again with the same error" in page
    assert "Next: 5 batches." in page


def test_the_counts_on_the_tabs_of_an_open_page_are_true(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(9)
    assert 'id="rd-count-failures"' in live(operator, job, "running")
    answer(job, REFUSED)
    part = live(operator, job, "running", tab="log")
    count = part[part.index('id="rd-count-failures"') :]
    assert count[count.index(">") + 1 : count.index("<")].strip() == "3"
    assert 'hx-swap-oob="true"' in count[: count.index(">")]


def test_a_job_whose_files_a_worker_cannot_see_says_so(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.queued()
    Path(job.files.get().path).unlink()
    runner.read_input(job)
    page = operator.get(url(job, "progress"))
    assert page.context["out_of_sight"].actor == runner.host_name()
    assert "customers" in str(page.context["out_of_sight"].message)
