"""The list of jobs, the way in to each, and a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.models import ImportJob
from tests.decisions import retry
from tests.imports.admin.conftest import ended, url
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from imports.models import CustomerApi
    from tests.jobs import JobMaker

LIST = "/admin/imports/importjob/"


def test_the_list_says_how_far_each_job_is(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    failed_job()
    page = operator.get(LIST).content.decode()
    assert "6 of 12" in page
    assert "3 failed" in page
    assert "3 unknown" in page
    assert "Finished with failures" in page


def test_the_list_shows_what_the_retries_achieved(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    retry(job, actor="anna")
    page = operator.get(LIST).content.decode()
    assert f"First job · {job.pk}" in page
    assert "Retry 1 · job" in page
    assert "6 of 12 imported after 1 retry" in page


def test_the_list_asks_no_more_for_more_jobs(
    operator: Client,
    make_job: JobMaker,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(2):
        make_job()
    with django_assert_max_num_queries(13) as few:
        operator.get(LIST)
    for _ in range(4):
        make_job()
    with django_assert_max_num_queries(13) as many:
        operator.get(LIST)
    assert len(many) == len(few)


@pytest.mark.parametrize("field", ["name", "key", "email"])
def test_a_job_is_found_by_its_name_and_by_its_customers(
    operator: Client, make_job: JobMaker, field: str
) -> None:
    job, other = make_job(3), make_job(3)
    result = job.results.first()
    assert result is not None
    term = job.name if field == "name" else getattr(result, field)
    page = operator.get(LIST, {"q": term})
    found = {each.pk for each in page.context["cl"].result_list}
    assert job.pk in found
    assert other.pk not in found


def test_a_search_for_nobody_finds_nothing(operator: Client, make_job: JobMaker) -> None:
    make_job(3)
    page = operator.get(LIST, {"q": "no such customer"})
    assert not page.context["cl"].result_list


@pytest.mark.parametrize("query", ["status=running", "kind=customers", "api={api}"])
def test_the_list_can_be_narrowed_down(operator: Client, make_job: JobMaker, query: str) -> None:
    job = make_job(3)
    query = query.format(api=job.api_id)
    assert [each.pk for each in operator.get(f"{LIST}?{query}").context["cl"].result_list] == [
        job.pk
    ]
    none = (
        query.replace("running", "paused").replace("customers", "bills").replace("api=", "api=9")
    )
    assert not operator.get(f"{LIST}?{none}").context["cl"].result_list


def test_a_draft_opens_on_its_files_and_a_started_job_on_its_progress(
    operator: Client, make_job: JobMaker
) -> None:
    draft, job = make_job.draft(), make_job()
    assert operator.get(f"{LIST}{draft.pk}/change/").headers["Location"] == url(draft, "files")
    assert operator.get(f"{LIST}{job.pk}/change/").headers["Location"] == url(job, "progress")


def test_a_new_import_is_a_draft_with_the_settings_of_its_api(
    operator: Client, api: CustomerApi
) -> None:
    answer = operator.post(f"{LIST}add/", {"name": "Spring", "api": api.pk})
    job = ImportJob.objects.get()
    assert answer.headers["Location"] == url(job, "files")
    assert (job.name, job.status, job.batch_size) == ("Spring", "draft", api.batch_size)
    assert job.events.get().actor == "anna"


def test_a_new_import_without_a_name_is_named_after_today(
    operator: Client, api: CustomerApi
) -> None:
    operator.post(f"{LIST}add/", {"name": "", "api": api.pk})
    assert ImportJob.objects.get().name.startswith("Customers of ")


def test_without_an_api_the_page_says_what_comes_first(operator: Client) -> None:
    page = operator.get(f"{LIST}add/").content.decode()
    assert "First, choose where customers are sent" in page


def test_the_action_retries_each_job_that_was_chosen(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    first, second = failed_job(), failed_job()
    data = {"action": "retry_failed", "_selected_action": [first.pk, second.pk]}
    page = operator.post(LIST, data, follow=True)
    assert ImportJob.objects.filter(retry_of__in=[first, second]).count() == 2
    assert page.content.decode().count("3 customers are being retried in job") == 2


@pytest.mark.parametrize(
    "tab", ["files", "settings", "progress", "failures", "retry-files", "log"]
)
def test_every_tab_has_its_own_address(
    operator: Client, viewer: Client, failed_job: Callable[..., ImportJob], tab: str
) -> None:
    job = failed_job()
    for client in (operator, viewer):
        page = client.get(url(job, tab))
        assert page.status_code == 200
        assert 'aria-current="page"' in page.content.decode()


def test_a_job_that_is_not_there_is_not_found(operator: Client) -> None:
    assert operator.get(f"{LIST}99/progress/").status_code == 404
    assert operator.get(f"{LIST}99/change/").status_code == 404
    assert operator.get(f"{LIST}{'9' * 18}/progress/").status_code == 404


@pytest.mark.parametrize(
    "tab", ["files", "settings", "progress", "failures", "retry-files", "log"]
)
def test_a_tab_asks_no_more_for_more_records(
    operator: Client,
    failed_job: Callable[..., ImportJob],
    tab: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    small, large = failed_job(customers=12), failed_job(customers=120)
    with django_assert_max_num_queries(36) as few:
        operator.get(url(small, tab))
    with django_assert_max_num_queries(36) as many:
        operator.get(url(large, tab))
    assert len(many) == len(few)


def test_jobs_are_filtered_by_outcome_and_by_person(
    operator: Client, failed_job: Callable[..., ImportJob], make_job: JobMaker
) -> None:
    bad, good, running = failed_job(), make_job(3), make_job(3)
    answer(good, OK)
    ended(good)
    operator.post(url(running, "progress", "pause"))

    def listed(**query: str) -> set[int]:
        page = operator.get("/admin/imports/importjob/", query)
        return {each.pk for each in page.context["cl"].result_list}

    assert listed(outcome="failures") == listed(outcome="attention") == {bad.pk}
    assert listed(outcome="clean") == {good.pk}
    assert listed(person="anna") == {running.pk}
    assert listed(q=str(good.pk)) >= {good.pk}
    assert listed(q=running.name) == {running.pk}
