"""The audit log: all jobs' events on one page, filtered, searched and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from imports.ledger import lifecycle
from imports.models import JobEvent
from tests.crawling import body

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db
PAGE = "/admin/imports/jobevent/"


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


def shown(client: Client, query: str = "") -> set[int]:
    """The ids of the events on the page."""
    return {event.pk for event in client.get(PAGE + query).context["cl"].result_list}


def test_events_of_all_jobs_are_on_one_page_newest_first(
    reader: Client, make_job: JobMaker
) -> None:
    first, second = make_job(3), make_job(3)
    lifecycle.pause(first, "bob")
    events = list(JobEvent.objects.order_by("-pk"))
    assert {event.job_id for event in events} == {first.pk, second.pk}
    page = reader.get(PAGE)
    assert list(page.context["cl"].result_list) == events
    assert b"bob" in page.content


def test_it_is_found_by_person_job_and_kind(reader: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    make_job(3)
    lifecycle.pause(job, "bob")
    of_bob = set(JobEvent.objects.filter(actor="bob").values_list("pk", flat=True))
    assert shown(reader, "?q=bob") == of_bob
    assert shown(reader, "?code__exact=paused") == of_bob
    of_job = set(JobEvent.objects.filter(job=job).values_list("pk", flat=True))
    assert shown(reader, f"?job={job.pk}") == of_job


def test_it_is_exported_as_it_is_filtered(reader: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    lifecycle.pause(job, "bob")
    lines = body(reader.get(f"{PAGE}export/csv/?q=bob")).decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "bob" in lines[1]
    assert f"{job.pk}: {job.name}" in lines[1]
    assert body(reader.get(f"{PAGE}export/xlsx/")).startswith(b"PK")


def test_who_sees_jobs_sees_it_and_nobody_changes_it(make_job: JobMaker) -> None:
    event = JobEvent.objects.filter(job=make_job(3)).latest("pk")
    user = User.objects.create_user("vera", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(PAGE).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_importjob"))
    assert client.get(PAGE).status_code == 200
    assert client.get(f"{PAGE}export/csv/").status_code == 403
    assert client.get(f"{PAGE}add/").status_code == 403
    assert client.post(f"{PAGE}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert JobEvent.objects.filter(pk=event.pk).exists()
