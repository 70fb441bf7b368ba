"""The Settings tab: what may be changed, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.imports.admin.conftest import url, with_permissions

if TYPE_CHECKING:
    from django.test import Client

    from tests.jobs import JobMaker

FIELDS = {
    "batch_size": 7, "concurrency": 2, "delay_seconds": 0.5, "timeout_seconds": 9,
    "max_attempts": 4, "retry_delay_seconds": 1, "rollout": "all",
}  # fmt: skip


def test_a_draft_takes_all_settings_and_the_log_says_who(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft()
    page = operator.post(url(job, "settings", "save"), FIELDS | {"api": job.api_id})
    assert page.headers["Location"] == url(job, "settings")
    job.refresh_from_db()
    assert {name: getattr(job, name) for name in FIELDS} == FIELDS
    event = job.events.get(code="settings_changed")
    assert event.actor == "anna"
    assert "7" in str(event.message)


def test_a_presets_button_fills_in_the_pace(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft()
    data = FIELDS | {"api": job.api_id, "speed": "conservative"}
    operator.post(url(job, "settings", "save"), data)
    job.refresh_from_db()
    assert (job.batch_size, job.concurrency, job.delay_seconds, job.max_attempts) == (
        50,
        2,
        1.0,
        5,
    )
    assert job.timeout_seconds == 9


def test_a_wrong_value_is_said_beside_its_field(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft()
    data = FIELDS | {"api": job.api_id, "concurrency": 0}
    page = operator.post(url(job, "settings", "save"), data)
    assert page.status_code == 422
    assert "greater than or equal to 1" in page.content.decode()
    job.refresh_from_db()
    assert job.batch_size == 3


def test_a_paused_job_may_change_its_pace_and_nothing_else(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job()
    operator.post(url(job, "progress", "pause"))
    operator.post(url(job, "settings", "save"), FIELDS)
    job.refresh_from_db()
    assert (job.concurrency, job.delay_seconds, job.max_attempts) == (2, 0.5, 4)
    assert (job.batch_size, job.timeout_seconds) == (3, 30.0)
    assert job.status == "paused"


def test_a_running_job_is_paused_first(operator: Client, make_job: JobMaker) -> None:
    job = make_job()
    page = operator.post(url(job, "settings", "save"), FIELDS, follow=True)
    assert "Pause it first" in page.content.decode()
    job.refresh_from_db()
    assert job.concurrency == 4


def test_enter_saves_the_settings_and_presses_no_preset(
    operator: Client, make_job: JobMaker
) -> None:
    page = operator.get(url(make_job.draft(), "settings")).content.decode()
    form = page[page.index('id="rd-settings"') : page.index('class="rd-start"')]
    first = form.index('type="submit"')
    assert "Save" in form[first : form.index("</button>", first)]


def test_start_saves_what_is_written_and_then_starts(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft()
    page = operator.post(url(job, "settings", "start"), FIELDS | {"api": job.api_id})
    assert page.headers["Location"] == url(job, "progress")
    job.refresh_from_db()
    assert (job.status, job.batch_size, job.max_attempts) == ("queued", 7, 4)
    assert job.events.filter(code="settings_changed").exists()


def test_start_with_one_batch_leaves_the_written_rollout_to_that_one_start(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft()
    data = FIELDS | {"api": job.api_id, "begin": "one"}
    operator.post(url(job, "settings", "start"), data)
    job.refresh_from_db()
    assert (job.status, job.rollout) == ("queued", "one")


def test_what_cannot_be_saved_is_not_started(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft()
    page = operator.post(
        url(job, "settings", "start"), FIELDS | {"api": job.api_id, "concurrency": 0}
    )
    assert page.status_code == 422
    job.refresh_from_db()
    assert job.status == "draft"


def test_whoever_may_start_but_not_change_starts_with_the_stored_settings(
    make_job: JobMaker, db: None
) -> None:
    job = make_job.draft()
    starter = with_permissions("starter", "start_job")
    page = starter.get(url(job, "settings")).content.decode()
    assert url(job, "settings", "start") not in page
    assert starter.post(url(job, "settings", "start"), FIELDS).status_code == 403
    starter.post(url(job, "progress", "start"))
    job.refresh_from_db()
    assert (job.status, job.batch_size) == ("queued", 3)


def test_a_batch_is_no_larger_than_the_api_takes_and_no_plan_says_otherwise(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(7)
    page = operator.post(
        url(job, "settings", "save"), FIELDS | {"api": job.api_id, "batch_size": 101}
    )
    assert page.status_code == 422
    assert "at most 100 customers in a batch" in page.content.decode()
    type(job).objects.filter(pk=job.pk).update(batch_size=500)  # the API took more before
    assert "up to 100, 4 at once" in operator.get(url(job, "files")).content.decode()
