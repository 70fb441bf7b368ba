"""Each button's permission, checked on the page and again where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from imports.models import ImportJob
from tests.imports.admin.conftest import logged_in, url, with_permissions

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.jobs import JobMaker

PERMISSIONS = {
    ("files", "add"): "change_importjob",
    ("files", "remove"): "change_importjob",
    ("files", "check"): "change_importjob",
    ("files", "copies"): "change_importjob",
    ("files", "template"): "change_importjob",
    ("settings", "save"): "change_importjob",
    ("progress", "start"): "start_job",
    ("progress", "pause"): "start_job",
    ("progress", "resume"): "start_job",
    ("progress", "cancel"): "start_job",
    ("progress", "discard"): "delete_importjob",
    ("progress", "rename"): "change_importjob",
    ("progress", "duplicate"): "add_importjob",
    ("failures", "retry"): "retry_job",
    ("failures", "exclude"): "exclude_records",
    ("failures", "restore"): "exclude_records",
    ("failures", "decide"): "resolve_unknown",
    ("failures", "stop"): "start_job",
    ("retry-files", "write"): "retry_job",
    ("retry-files", "load"): "retry_job",
    ("retry-files", "upload"): "retry_job",
    ("retry-files", "corrected"): "retry_job",
}
ASKED = ("retry", "exclude", "restore", "decide", "corrected")  # with GET they say how many first
READ_ONLY = ("importbatch", "importresult", "attempt")


def test_every_action_of_the_job_page_is_in_this_table() -> None:
    from imports.admin.job import page as job_page

    reads = {("progress", "live"), ("retry-files", "zip"), ("files", "checked")}
    reads |= {("progress", "export"), ("failures", "export"), ("log", "export")}
    reads |= {("files", "panel"), ("retry-files", "view"), ("retry-files", "file")}
    reads |= {("settings", "start")}  # needs two permissions: see test_settings.py
    found = {(tab.slug, name) for tab in job_page.of("customers").tabs for name in tab.acts}
    assert found - reads == set(PERMISSIONS)


@pytest.mark.parametrize(("tab", "act"), PERMISSIONS)
def test_a_viewer_is_refused_and_nothing_changes(
    viewer: Client, failed_job: Callable[..., ImportJob], tab: str, act: str
) -> None:
    job = failed_job()
    before = (job.status, job.events.count(), ImportJob.objects.count())
    assert viewer.post(url(job, tab, act), {"which": "all", "reason": "x"}).status_code == 403
    job.refresh_from_db()
    assert (job.status, job.events.count(), ImportJob.objects.count()) == before


@pytest.mark.parametrize(("tab", "act"), PERMISSIONS)
def test_the_one_permission_is_enough(
    failed_job: Callable[..., ImportJob], tab: str, act: str
) -> None:
    client = with_permissions("one", PERMISSIONS[tab, act])
    data = {"which": "all", "file": "invalid"}
    expected = (404,) if act == "template" else (302, 422)  # it names no file
    assert client.post(url(failed_job(), tab, act), data).status_code in expected


@pytest.mark.parametrize(("tab", "act"), [d for d in PERMISSIONS if d[1] not in ASKED])
def test_a_get_request_performs_no_action(
    operator: Client, failed_job: Callable[..., ImportJob], tab: str, act: str
) -> None:
    job = failed_job()
    before = job.events.count()
    assert operator.get(url(job, tab, act)).status_code == 405
    assert job.events.count() == before


def test_an_action_needs_the_csrf_token(operator: Client, make_job: JobMaker) -> None:
    job = make_job()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="anna"))
    assert strict.post(url(job, "progress", "pause")).status_code == 403
    job.refresh_from_db()
    assert job.status == "running"


@pytest.mark.parametrize(
    "tab", ["files", "settings", "progress", "failures", "retry-files", "log"]
)
def test_a_viewer_sees_no_button_that_changes_anything(
    viewer: Client, make_job: JobMaker, failed_job: Callable[..., ImportJob], tab: str
) -> None:
    for job in (make_job.draft(), make_job(), failed_job()):
        page = viewer.get(url(job, tab)).content.decode()
        for place, act in PERMISSIONS:
            assert f'action="{url(job, place, act)}"' not in page or (place, act) in {
                ("settings", "save"),  # a form whose fields and button are locked
                ("failures", "retry"),  # the list's own form, without its buttons
            }
        assert "rd-primary" not in page


def test_somebody_without_any_permission_sees_no_job(make_job: JobMaker) -> None:
    job = make_job()
    client = logged_in(User.objects.create(username="new", is_staff=True))
    for address in (
        url(job, "progress"),
        url(job, "details"),
        url(job, "realtime"),
        f"/admin/imports/importjob/{job.pk}/change/",
        "/admin/imports/importjob/",
        "/admin/imports/importjob/add/",
        "/admin/imports/importjob/home/",
    ):
        assert client.get(address).status_code == 403
    assert "not see any jobs yet" in client.get("/admin/").content.decode()


def test_whoever_is_not_logged_in_is_sent_to_the_login(make_job: JobMaker) -> None:
    job = make_job()
    for tab in ("progress", "details", "realtime"):
        assert "/login/" in Client().get(url(job, tab)).headers["Location"]
    assert "/login/" in Client().post(url(job, "progress", "pause")).headers["Location"]


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_the_engine_wrote_cannot_be_changed(
    operator: Client, failed_job: Callable[..., ImportJob], model: str
) -> None:
    job = failed_job()
    rows: dict[str, Any] = {
        "importbatch": job.batches,
        "importresult": job.results,
        "attempt": job.attempts,
    }
    pk = rows[model].values_list("pk", flat=True)[0]
    place = f"/admin/imports/{model}/"
    assert operator.get(f"{place}add/").status_code == 403
    assert operator.post(f"{place}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get(f"{place}{pk}/change/").status_code == 200
    assert "_save" not in operator.get(f"{place}{pk}/change/").content.decode()


def test_a_job_cannot_be_deleted_through_django_either(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job()
    answer = operator.post(f"/admin/imports/importjob/{job.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert ImportJob.objects.filter(pk=job.pk).exists()
