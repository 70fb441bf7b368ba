"""The search at the head of every page: a customer id or e-mail leads to the record's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from config.dev.sandbox import samples
from imports.models import ImportResult
from tests.imports.admin.conftest import logged_in

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from tests.jobs import JobMaker

FIND = "/admin/imports/importresult/find/"
PAGES = ("", "imports/importjob/", "imports/attempt/", "imports/customerapi/add/", "auth/user/")


def names(client: Client, term: str) -> list[str]:
    return [str(each.newest) for each in client.get(FIND, {"q": term}).context["found"]]


def test_an_id_or_an_email_leads_straight_to_the_newest_result_of_that_record(
    operator: Client, make_job: JobMaker
) -> None:
    customer = samples.customer(1)
    make_job(3)
    make_job.of(customer)
    newest = make_job.of(customer).results.get()
    for term in (newest.key, f"  {newest.key} ", newest.email, newest.email.upper().lower()):
        answer = operator.get(FIND, {"q": term})
        assert answer.headers["Location"] == f"/admin/imports/importresult/{newest.pk}/change/"


def test_several_records_of_one_email_are_listed(operator: Client, make_job: JobMaker) -> None:
    first, second = samples.customer(1), samples.customer(2)
    second["person"]["emails"] = first["person"]["emails"]
    job = make_job.of(first, second)
    email = job.results.order_by("pk")[0].email
    assert set(names(operator, email)) == set(job.results.values_list("key", flat=True))


def test_a_prefix_finds_the_records_that_start_with_it(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(12)
    one = job.results.order_by("pk")[4]
    assert len(names(operator, one.key[:6])) == 12
    assert names(operator, one.email[:-3]) == [one.key]


@pytest.mark.parametrize("term", ["50", "nobody@example.com", "%%%", "___", "'\"\\"])
def test_what_is_too_short_or_nobodys_finds_nothing(
    operator: Client, make_job: JobMaker, term: str
) -> None:
    make_job(3)
    answer = operator.get(FIND, {"q": term})
    assert answer.status_code == 200
    assert answer.context["found"] == []


def test_no_more_are_listed_than_fit_and_the_page_says_so(
    operator: Client, make_job: JobMaker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_job(60, batch_size=60)
    with django_assert_max_num_queries(12):
        answer = operator.get(FIND, {"q": "5000000"})
    assert len(answer.context["found"]) == 50
    assert "enter more characters" in answer.content.decode()


@pytest.mark.parametrize("column", ["key", "email"])
def test_a_prefix_is_looked_up_by_index(make_job: JobMaker, column: str) -> None:
    make_job(60, batch_size=60)
    rows = ImportResult.objects.filter(**{f"{column}__startswith": "50000000001"})
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")
        sql.execute("ANALYZE import_results")
    bulk_action = rows.exclude(email="").order_by().explain()
    assert f"result_{column}_begins" in bulk_action
    assert "Index Cond" in bulk_action
    assert "~>=~" in bulk_action


@pytest.mark.parametrize("page", PAGES)
def test_the_search_is_on_every_page(operator: Client, page: str) -> None:
    assert f'action="{FIND}"' in operator.get(f"/admin/{page}").content.decode()


def test_who_may_see_no_results_sees_no_search_and_cannot_search_by_hand(db: None) -> None:
    from django.contrib.auth.models import User

    nobody = logged_in(User.objects.create(username="nobody", is_staff=True))
    assert FIND not in nobody.get("/admin/").content.decode()
    assert nobody.get(FIND, {"q": "50000001000"}).status_code == 403


def test_ctrl_k_offers_the_search_for_what_was_typed(operator: Client, viewer: Client) -> None:
    for client in (operator, viewer):
        found = client.get("/admin/search/", {"s": "AB&12", "extended": "1"})
        assert f"{FIND}?q=AB%2612" in found.content.decode()
