"""Results, batches and attempts: found by index, counted up to a limit, told from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.admin import base, filters, formatting
from imports.models import ImportJob, ImportResult
from imports.policy import Outcome, Verdict
from tests.imports.admin.conftest import url, with_permissions
from tests.jobs import OK, REFUSED, answer, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from tests.jobs import JobMaker

RESULTS = "/admin/imports/importresult/"
LISTS = ("importresult", "importbatch", "attempt")


def found(client: Client, address: str, **query: str | int) -> list[int]:
    return [each.pk for each in client.get(address, query).context["cl"].result_list]


def test_a_customer_is_found_by_id_by_email_and_by_how_they_begin(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(12)
    result = job.results.order_by("pk")[4]
    for term in (result.key, result.email, result.email.upper().lower(), f" {result.key} "):
        assert found(operator, RESULTS, q=term) == [result.pk]
    assert len(found(operator, RESULTS, q=result.key[:6])) == 12
    assert found(operator, RESULTS, q="nobody@example.com") == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "error"}, 3),
        ({"status": "unknown"}, 3),
        ({"status": "success"}, 6),
        ({"code": "HTTP_422"}, 3),
        ({"http": "422"}, 3),
        ({"http": "no number"}, 0),
        ({"job": "9999"}, 0),
    ],
)
def test_results_can_be_narrowed_down(
    operator: Client, failed_job: Callable[..., ImportJob], query: dict[str, str], count: int
) -> None:
    failed_job()
    assert len(found(operator, RESULTS, **query)) == count


@pytest.mark.parametrize("most", [0, 1, 1_000])
def test_pending_are_those_that_wait_and_those_in_flight_however_many_batches_are_open(
    operator: Client, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(filters, "MOST_OPEN_BATCHES", most)
    assert found(operator, RESULTS, status="pending") == []
    job = make_job(12)
    answer(job, OK, REFUSED)
    send(job)
    waiting = job.results.filter(batch__number__in=[3, 4]).order_by("-pk")
    pending = list(waiting.values_list("pk", flat=True))
    assert len(pending) == 6
    assert found(operator, RESULTS, status="pending") == pending


@pytest.mark.parametrize("model", LISTS)
def test_lists_ask_no_more_for_more_rows(
    operator: Client,
    make_job: JobMaker,
    model: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    place = f"/admin/imports/{model}/"
    answer(make_job(6), OK, OK)
    with django_assert_max_num_queries(10) as few:
        operator.get(place)
    answer(make_job(60), *[OK] * 20)
    with django_assert_max_num_queries(10) as many:
        operator.get(place)
    assert len(many) == len(few)


def test_rows_are_counted_up_to_a_limit_only(
    operator: Client,
    make_job: JobMaker,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(base, "MOST_COUNTED", 60)
    make_job(80, batch_size=80)
    with django_assert_max_num_queries(10) as asked:
        page = operator.get(RESULTS)
    counts = [
        each["sql"]
        for each in asked
        if "COUNT(*)" in each["sql"] and "import_results" in each["sql"]
    ]
    assert counts
    assert all("LIMIT 61" in sql for sql in counts)
    text = page.content.decode()
    assert "More than 60" in text
    assert "Select all" not in text.replace("Select all rows", "").replace(
        "Select all objects", ""
    )
    assert len(found(operator, RESULTS, p=2)) == 10


def test_selected_results_are_retried_in_their_own_jobs(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    first, second = failed_job(), failed_job()
    ids = [
        job.results.filter(status="error").values_list("pk", flat=True)[0]
        for job in (first, second)
    ]
    ids.append(first.results.filter(status="success").values_list("pk", flat=True)[0])
    operator.post(RESULTS, {"action": "retry_failed", "_selected_action": ids})
    made = ImportJob.objects.filter(retry_of__isnull=False)
    assert [job.results.count() for job in made] == [1, 1]


def test_all_that_a_filter_matches_is_retried_by_query(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    one = job.results.filter(status="error").values_list("pk", flat=True)[0]
    data = {"action": "retry_failed", "_selected_action": [one], "select_across": "1"}
    page = operator.post(f"{RESULTS}?job={job.pk}&status=error", data)
    new = ImportJob.objects.get(retry_of=job)
    assert page.headers["Location"] == url(new, "progress")
    assert new.results.count() == 3


def test_a_batch_is_retried_from_its_list(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    batch = job.batches.get(status="failed")
    data = {"action": "retry_failed", "_selected_action": [batch.pk]}
    operator.post("/admin/imports/importbatch/", data)
    assert ImportJob.objects.get(retry_of=job).results.count() == 3


@pytest.mark.parametrize("model", ["importjob", "importbatch", "importresult"])
def test_the_action_needs_the_right_to_retry(
    viewer: Client, failed_job: Callable[..., ImportJob], model: str
) -> None:
    job = failed_job()
    rows = {
        "importjob": ImportJob.objects,
        "importbatch": job.batches,
        "importresult": job.results,
    }
    ids = list(rows[model].values_list("pk", flat=True))
    viewer.post(f"/admin/imports/{model}/", {"action": "retry_failed", "_selected_action": ids})
    assert not ImportJob.objects.filter(retry_of=job).exists()
    assert "retry_failed" not in viewer.get(f"/admin/imports/{model}/").content.decode()


def test_a_records_own_bytes_are_shown_and_nobody_elses(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    one, two, _ = job.results.order_by("pk")
    page = operator.get(f"{RESULTS}{one.pk}/change/").content.decode()
    assert f"&quot;customerId&quot;: &quot;{one.key}&quot;" in page
    assert two.key not in page


def test_an_excluded_record_shows_what_it_was(operator: Client, make_job: JobMaker) -> None:
    job = make_job.of({"changeType": "CREATE", "type": "PERSON", "person": {"firstName": "ÅSA"}})
    result = ImportResult.objects.get(job=job)
    page = operator.get(f"{RESULTS}{result.pk}/change/").content.decode()
    assert "was not sent" in page
    assert "ÅSA" in page
    assert "It was never sent." in page


def test_answers_are_shown_to_those_who_may_see_evidence(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, Outcome(Verdict.REJECTED, "HTTP_422", "Refused.", 422, answer="evidence-4711"))
    result, attempt, batch = job.results.first(), job.attempts.first(), job.batches.first()
    assert result is not None
    assert attempt is not None
    assert batch is not None
    places = [f"{RESULTS}{result.pk}/change/", f"/admin/imports/attempt/{attempt.pk}/change/",
              f"/admin/imports/importbatch/{batch.pk}/change/"]  # fmt: skip
    without, with_it = with_permissions("one"), with_permissions("two", "see_evidence")
    for place in places:
        assert "evidence-4711" not in without.get(place).content.decode()
        assert "evidence-4711" in with_it.get(place).content.decode()


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (b'{"a":1.50,"b":[],"c":{}}', '{\n  "a": 1.50,\n  "b": [],\n  "c": {}\n}'),
        (b'{"a":"x, {y} : \\"z\\"","b":[1,[2]]}',
         '{\n  "a": "x, {y} : \\"z\\"",\n  "b": [\n    1,\n    [\n      2\n    ]\n  ]\n}'),
        ('{"n":"SJÖBERG\\u00e5"}'.encode(), '{\n  "n": "SJÖBERG\\u00e5"\n}'),
        (b'"text"', '"text"'),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b'{"a": "never ends', '{\n  "a": "neverends'),
        (b"", ""),
    ],
)  # fmt: skip
def test_a_record_is_laid_out_with_its_own_characters(record: bytes, shown: str) -> None:
    assert formatting.readable(record) == (shown, False)


def test_a_deep_or_a_long_record_is_laid_out_too() -> None:
    deep = b"[" * 50_000 + b"]" * 50_000
    text, is_cut = formatting.readable(deep)
    assert "".join(text.split()) == deep.decode()
    assert not is_cut
    long = b'"' + b"x" * formatting.LONGEST_SHOWN + b'"'
    assert formatting.readable(long)[1]
