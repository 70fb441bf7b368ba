"""The JSON of a job, and the two addresses for whoever watches the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import django_rq
import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisDown

from imports import views
from imports.engine import sweeper
from tests.imports.admin.conftest import url
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import DjangoAssertNumQueries

    from imports.models import ImportJob
    from tests.jobs import JobMaker


def details(client: Client, job: ImportJob) -> Any:
    answered = client.get(url(job, "details"))
    assert answered.headers["Content-Type"] == "application/json"
    return json.loads(b"".join(answered.streaming_content))  # type: ignore[attr-defined]


def test_details_have_an_entry_for_each_result(
    viewer: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    summary = details(viewer, job)
    assert (summary["job"]["job"], summary["job"]["success"], summary["job"]["error"]) == (
        job.pk,
        6,
        3,
    )
    assert len(summary["results"]) == 12
    bad = next(each for each in summary["results"] if each["status"] == "error")
    result = job.results.get(pk=bad["id"])
    assert bad["customer"] == result.key
    assert bad["email"] == result.email
    assert bad["final_error"] == "The API refused the data."
    assert bad["retry_attempts"] == 1


def test_details_are_read_page_by_page(
    viewer: Client, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ROWS_AT_ONCE", 4)
    job = make_job(10, batch_size=10)
    ids = [each["id"] for each in details(viewer, job)["results"]]
    assert ids == list(job.results.order_by("pk").values_list("pk", flat=True))


def test_realtime_has_just_what_changed_lately(
    viewer: Client, make_job: JobMaker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job(9)
    answer(job, OK)
    with django_assert_max_num_queries(14):
        summary = viewer.get(url(job, "realtime")).json()
    assert summary["job"]["status"] == "running"
    assert {each["status"] for each in summary["results"]} == {"success"}
    assert len(summary["results"]) == 3


def test_alive_is_said_to_anybody() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_database_and_redis_answer() -> None:
    answered = Client().get("/readyz")
    assert (answered.status_code, answered.json()["status"]) == (200, "ok")


@pytest.mark.django_db
def test_a_late_sweeper_is_reported_and_the_pages_stay_in_service(
    messages: object, pass_time: Callable[[float], None]
) -> None:
    sweeper.sweep()
    assert Client().get("/readyz").json()["sweeper"] == "ok"
    pass_time(100)
    answered = Client().get("/readyz")
    assert (answered.status_code, answered.json()["sweeper"]) == (200, "late")


@pytest.mark.django_db
def test_not_ready_says_which_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object) -> None:
        raise RedisDown

    monkeypatch.setattr(django_rq, "get_connection", down)
    answered = Client().get("/readyz")
    assert answered.status_code == 503
    assert answered.json() == {
        "status": "not ready",
        "database": "ok",
        "redis": "does not answer",
        "sweeper": "late",
    }
