"""The ids that an API gave: found by search, shown with the record, exported with the stored."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from imports.policy import RecordOutcome, Verdict
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    """Of six customers three are stored, with the API's ids."""
    made = make_job(6)
    stored = tuple(RecordOutcome(Verdict.SUCCESS, assigned=f"API-{n}=1") for n in range(3))
    answer(made, replace(OK, judged=stored), REFUSED)
    return made


def test_the_success_file_has_each_stored_record_with_its_id(
    job: ImportJob, operator: Client
) -> None:
    place = f"/admin/imports/importjob/{job.pk}/progress/export/?what=stored&as=csv"
    page: Any = operator.get(place)
    text = b"".join(page.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][5] == "Id in the API"
    assert [row[5] for row in rows[1:]] == ["API-0=1", "API-1=1", "API-2=1"]
    keys = job.results.filter(status="success").order_by("pk").values_list("key", flat=True)
    assert [row[1] for row in rows[1:]] == list(keys)
    assert b"what=stored" in operator.get(f"/admin/imports/importjob/{job.pk}/progress/").content


@pytest.mark.parametrize("term", ["API-1=1", " API-1=1 "])
def test_a_record_is_found_by_the_apis_id(term: str, job: ImportJob, operator: Client) -> None:
    page = operator.get(reverse("admin:imports_find"), {"q": term})
    found = job.results.get(assigned__value="API-1=1")
    assert page.status_code == 302
    assert str(found.pk) in page["Location"]
    assert b"API-1=1" in operator.get(page["Location"]).content


def test_the_first_letters_of_an_id_find_all_that_have_them(
    job: ImportJob, operator: Client
) -> None:
    page = operator.get(reverse("admin:imports_find"), {"q": "API-"})
    assert len(page.context["found"]) == 3
