"""The first page: what runs, what needs somebody, and whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.admin import home
from imports.engine import queue, sweeper
from tests.decisions import retry
from tests.imports.admin.conftest import ended
from tests.jobs import OK, STOP, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from imports.models import CustomerApi, ImportJob
    from tests.jobs import JobMaker


def test_a_new_installation_teaches_the_first_step(operator: Client) -> None:
    page = operator.get("/admin/").content.decode()
    assert "Your first import" in page
    assert "/admin/imports/customerapi/add/" in page


def test_with_an_api_the_next_step_is_an_import(operator: Client, api: CustomerApi) -> None:
    page = operator.get("/admin/").content.decode()
    assert "/admin/imports/importjob/add/" in page
    assert "Your first import" in page


def test_jobs_stand_where_they_belong(
    operator: Client, make_job: JobMaker, failed_job: Callable[..., ImportJob]
) -> None:
    running, paused, draft, troubled = make_job(), make_job(), make_job.draft(), failed_job()
    answer(paused, STOP)
    done = make_job(3)
    answer(done, OK)
    ended(done)
    shown = operator.get("/admin/").context

    def ids(name: str) -> list[int]:
        return [each["job"].pk for each in shown[name]]

    assert ids("running") == [running.pk]
    assert ids("paused") == [paused.pk]
    assert ids("drafts") == [draft.pk]
    assert ids("troubled") == [troubled.pk]
    assert set(ids("finished")) == {done.pk, troubled.pk}


def test_a_failure_that_a_later_round_took_on_needs_nobody(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job(unknown=False)
    retry(job)
    assert not operator.get("/admin/").context["troubled"]


def test_the_page_asks_no_more_for_more_jobs(
    operator: Client,
    failed_job: Callable[..., ImportJob],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    failed_job()
    with django_assert_max_num_queries(20) as few:
        operator.get("/admin/")
    for _ in range(3):
        failed_job()
    with django_assert_max_num_queries(20) as many:
        operator.get("/admin/")
    assert len(many) == len(few)


@pytest.mark.parametrize(("count", "is_well"), [(0, False), (2, True)])
def test_the_workers_health_is_their_number(
    db: None, monkeypatch: pytest.MonkeyPatch, count: int, is_well: bool
) -> None:
    monkeypatch.setattr(queue, "worker_count", lambda: count)
    assert home.signs()[0].is_well is is_well


def test_the_sweepers_health_is_when_it_last_swept(
    db: None, messages: object, pass_time: Callable[[float], None]
) -> None:
    never = home.signs()[2]
    assert not never.is_well
    assert "never run" in never.sentence
    sweeper.sweep()
    assert home.signs()[2].is_well
    assert "Last run" in home.signs()[2].sentence
    pass_time(100)
    late = home.signs()[2]
    assert not late.is_well
    assert "Last run 1 min 40 s ago" in late.sentence
    assert "must start it" in late.sentence
    sweeper.sweep()
    assert home.signs()[2].is_well


def test_home_tells_of_a_sweeper_that_is_late(operator: Client) -> None:
    assert "It has never run," in operator.get("/admin/").content.decode()


def test_what_needs_attention_is_counted_and_all_of_it_can_be_reached(
    operator: Client,
    failed_job: Callable[..., ImportJob],
    make_job: JobMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(home, "SHOWN", 1)
    first, second = failed_job(), failed_job()
    drafts = [make_job.draft(), make_job.draft()]
    answer(paused := make_job(), STOP)
    page = operator.get("/admin/")
    assert page.context["counts"] == {"troubled": 2, "paused": 1, "drafts": 2}
    text = page.content.decode()
    assert text.index("Failed or unknown records") < text.index("Drafts")
    for query, jobs in (("outcome=attention", [first, second]), ("status=draft", drafts)):
        assert f"importjob/?{query}" in text
        found = operator.get(f"/admin/imports/importjob/?{query}").context["cl"].result_list
        assert {each.pk for each in found} == {each.pk for each in jobs}
    assert f"importjob/{paused.pk}/progress/" in text
