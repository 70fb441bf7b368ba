"""Exports: what a tab or a list shows, whole, streamed, without formulas and without secrets."""

from __future__ import annotations

import csv
import io
import tracemalloc
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection
from django.utils import translation
from openpyxl import load_workbook

from imports.admin import exports
from imports.admin.job import actions
from imports.admin.job import page as job_page
from imports.models import ImportResult
from imports.policy import Outcome, Verdict
from imports.states import ResultStatus
from tests.imports.admin.conftest import url, with_permissions
from tests.jobs import OK, answer, mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from imports.models import ImportJob
    from tests.jobs import JobMaker

LISTS = ("importresult", "attempt")


def export(
    client: Client, address: str, separator: str = ",", **filters: str | int
) -> list[list[str]]:
    """The rows of a CSV export, header first."""
    named: dict[str, str | int] = {} if address.endswith("/csv/") else {"as": "csv"}
    response: Any = client.get(address, named | filters)
    assert response.status_code == 200, address
    assert response["Content-Disposition"].startswith("attachment")
    text = b"".join(response).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def column(rows: list[list[str]], name: str) -> list[str]:
    at = rows[0].index(name)
    return [row[at] for row in rows[1:]]


def test_a_jobs_results_say_what_became_of_each_record(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    rows = export(operator, url(job, "progress", "export"), what="results")
    assert column(rows, "Customer") == list(
        job.results.order_by("pk").values_list("key", flat=True)
    )
    assert column(rows, "Status") == ["Success"] * 6 + ["Failed"] * 3 + ["Unknown"] * 3
    assert column(rows, "Who must act")[6] == "You"
    assert "Correct the data" in column(rows, "Remedy")[6]


def test_a_record_that_went_out_again_names_the_later_job(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    operator.post(url(job, "failures", "retry"), {"which": "all"})
    again = column(export(operator, url(job, "failures", "export")), "Again in job")
    assert again == [str(job.retries.get().pk)] * 3 + [""] * 3


def test_the_failures_are_exported_by_cause_and_as_the_tab_is_filtered(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(6)
    conflict = Outcome(Verdict.REJECTED, "CONFLICT", "It exists.", 201)
    answer(job, mixed(Verdict.REJECTED, Verdict.UNKNOWN, Verdict.SUCCESS), conflict)
    address = url(job, "failures", "export")
    assert len(export(operator, address)) == 1 + 5
    assert column(export(operator, address, status="unknown"), "Status") == ["Unknown"]
    cause = next(each for each in actions.causes(job) if each.code == "CONFLICT")
    assert column(export(operator, address, cause=cause.key), "Code") == ["CONFLICT"] * 3
    one = job.results.filter(error_code="CONFLICT")[1]
    assert column(export(operator, address, q=one.key), "Customer") == [one.key]


def test_the_attempts_are_exported_without_what_the_other_side_answered(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    answer(job, Outcome(Verdict.REJECTED, "HTTP_422", "No.", 422, answer="token=hidden"))
    rows = export(operator, url(job, "progress", "export"), what="attempts")
    assert column(rows, "Outcome") == ["Refused"]
    assert column(rows, "Failed") == ["3"]
    assert "hidden" not in str(rows)


def test_a_list_is_exported_as_it_is_filtered_and_searched(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job, other = failed_job(), failed_job()
    place = "/admin/imports/importresult/export/csv/"
    assert len(export(operator, place)) == 1 + 24
    only = export(operator, place, job=other.pk, status="error")
    assert column(only, "Job") == [str(other.pk)] * 3
    wanted = job.results.all()[0].key
    assert column(export(operator, place, q=wanted), "Customer") == [wanted]
    attempts = export(operator, "/admin/imports/attempt/export/csv/", job=job.pk)
    assert len(attempts) == 1 + 4


@pytest.mark.parametrize("model", LISTS)
def test_the_list_links_to_the_export_of_just_what_it_shows(
    operator: Client, failed_job: Callable[..., ImportJob], model: str
) -> None:
    job = failed_job()
    page = operator.get(f"/admin/imports/{model}/", {"job": job.pk}).content.decode()
    assert f'href="/admin/imports/{model}/export/csv/?job={job.pk}"' in page
    assert "Export matches" in page
    assert "Export all" in operator.get(f"/admin/imports/{model}/").content.decode()


def test_a_filter_that_nobody_offers_leads_back_to_the_list(operator: Client) -> None:
    gone = operator.get("/admin/imports/importresult/export/csv/", {"nonsense__x": "1"})
    assert gone.headers["Location"] == "/admin/imports/importresult/"


def test_a_workbook_has_the_same_rows(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    found: Any = operator.get(url(job, "progress", "export"), {"what": "results", "as": "xlsx"})
    sheet = load_workbook(io.BytesIO(b"".join(found))).active
    assert [cell.value for cell in sheet["B"]][1:] == list(
        job.results.order_by("pk").values_list("key", flat=True)
    )
    assert {cell.data_type for cell in sheet["B"]} == {"s"}  # 50000001000 is a name, no number


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_a_stranger_wrote_is_run_by_no_spreadsheet(
    operator: Client, make_job: JobMaker, form: str
) -> None:
    job = make_job(3)
    answer(job, Outcome(Verdict.REJECTED, "=1+1", "=cmd|'/c calc'!A1", 400))
    found: Any = operator.get(url(job, "failures", "export"), {"as": form})
    content = b"".join(found)
    if form == "csv":
        assert content.decode().count(",'=cmd|") == 3
    else:
        sheet = load_workbook(io.BytesIO(content)).active
        assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "d"}


def test_a_swedish_spreadsheet_gets_semicolons(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    with translation.override("sv"):
        operator.cookies["django_language"] = "sv"
        rows = export(operator, url(failed_job(), "failures", "export"), separator=";")
    assert len(rows[0]) > 5


@pytest.mark.parametrize(
    "query", [{"what": "results", "as": "pdf"}, {"what": "secrets", "as": "csv"}, {"as": ""}]
)
def test_what_cannot_be_exported_is_not_found(
    operator: Client, make_job: JobMaker, query: dict[str, str]
) -> None:
    assert operator.get(url(make_job(3), "progress", "export"), query).status_code == 404


def test_the_log_says_who_took_what_away(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    export(operator, url(job, "failures", "export"))
    event = job.events.get(code="exported")
    assert (event.actor, str(event.message)) == ("anna", "failures as CSV")


def test_whoever_may_not_take_records_out_sees_no_button_and_is_refused(
    viewer: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    query = {"what": "results", "as": "csv"}
    for tab in ("progress", "failures"):
        assert "/export/" not in viewer.get(url(job, tab)).content.decode()
        assert viewer.get(url(job, tab, "export"), query).status_code == 403
    for model in LISTS:
        assert "/export/" not in viewer.get(f"/admin/imports/{model}/").content.decode()
        assert viewer.get(f"/admin/imports/{model}/export/csv/").status_code == 403
    one = with_permissions("taker", "export_records")
    assert one.get(url(job, "progress", "export"), query).status_code == 200


def many_results(job: ImportJob, count: int) -> None:
    """So many more failed records in the job's first batch."""
    with connection.cursor() as sql:
        sql.execute(
            "INSERT INTO import_results (job_id, batch_id, position, key, email, status,"
            " error_code, error, final_error, body_start, body_length)"
            " SELECT %s, (SELECT min(id) FROM imports_importbatch WHERE job_id = %s), n, n::text,"
            " '', 'error', 'HTTP_422', repeat('x', 200), repeat('x', 200), 0, 0"
            " FROM generate_series(1, %s) n",
            [job.pk, job.pk, count],
        )


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each fetch from a server-side cursor brought, in order."""
    counts: list[int] = []
    real = psycopg.ServerCursor.fetchmany

    def watched(self: Any, size: int = 0) -> Any:
        rows = real(self, size)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(psycopg.ServerCursor, "fetchmany", watched)
    return counts


@pytest.mark.parametrize("rows", [10, 5_000])
def test_rows_are_read_a_few_at_a_time_by_one_query_however_many_there_are(
    operator: Client,
    make_job: JobMaker,
    fetched: list[int],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    rows: int,
) -> None:
    job = make_job(3)
    answer(job, OK)
    many_results(job, rows)
    with django_assert_max_num_queries(6):  # session, user, permissions, job, rows, log
        found = export(operator, url(job, "failures", "export"))
    assert len(found) == 1 + rows
    assert sum(fetched) == rows
    assert max(fetched) <= exports.ROWS_AT_ONCE


def peak_bytes(pieces: Iterator[bytes]) -> int:
    tracemalloc.start()
    try:
        for _piece in pieces:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_of_an_export_does_not_grow_with_its_rows(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imports.exports import csv_rows

    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 200)
    job = make_job(3)

    def peak() -> int:
        sheet = job_page.of("customers").sheet(job, ImportResult.objects.filter(job=job))
        return peak_bytes(csv_rows(sheet.header, sheet.rows))

    many_results(job, 500)
    peak()
    few = peak()
    many_results(job, 9_500)
    assert peak() < few + 500_000  # the texts alone of 9,500 more rows weigh four times that


def test_every_status_has_a_word() -> None:
    assert all(exports.status_word(each) == str(each.label) for each in ResultStatus)
