"""The JSON of a job's results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imports.admin.job import views
from tests.imports.admin.conftest import url
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from django.test import Client
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
