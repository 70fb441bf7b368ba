"""The Log tab: events and attempts in one order, filtered, page by page, and exported."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from imports.admin.job import log
from imports.templatetags.redrive import verdict_shown
from tests.imports.admin.conftest import ended, url
from tests.jobs import BUSY, OK, REFUSED, answer

if TYPE_CHECKING:
    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    """One batch good, one refused, one that could not be sent; and what two people did."""
    made = make_job(9)
    answer(made, OK, REFUSED, BUSY)
    return made


def shown(client: Client, job: ImportJob, **query: str) -> list[str]:
    """Each line's code or verdict, newest first."""
    entries = client.get(url(job, "log"), query).context["page_obj"]
    return [each.event.code if each.event else each.attempt.verdict for each in entries]


def test_failed_attempts_stand_among_the_events(operator: Client, job: ImportJob) -> None:
    found = shown(operator, job)
    assert found[:2] == ["retry", "rejected"]
    assert found[-1] == "created"
    assert "success" not in found


@pytest.mark.parametrize(
    ("show", "wanted"),
    [
        ("failures", {"retry", "rejected"}),
        ("people", {"created", "started"}),
        ("all", {"retry", "rejected", "success", "created", "started"}),
    ],
)
def test_the_log_shows_what_is_asked_for(
    operator: Client, job: ImportJob, show: str, wanted: set[str]
) -> None:
    assert set(shown(operator, job, show=show)) == wanted


def test_only_an_attempt_that_another_follows_says_that_it_will_be_retried(
    make_job: JobMaker,
) -> None:
    for most, wanted in ((1, "failed"), (2, "retry")):
        job = make_job(3, max_attempts=most)
        answer(job, BUSY)
        assert verdict_shown(job.attempts.get()) == wanted


def test_a_finished_job_says_what_it_came_to(operator: Client, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    ended(job)
    assert str(job.events.get(code="finished").message) == "3 of 6 imported, 3 failed."
    page = operator.get(url(job, "log")).content.decode()
    assert "3 of 6 imported, 3 failed." in page
    assert 'data-when="seconds"' in page


def test_pages_of_the_log_miss_nothing_and_show_nothing_twice(
    operator: Client, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shown(operator, job, show="all")
    monkeypatch.setattr(log, "ROWS", 2)
    seen: list[str] = []
    for number in range(1, -(-len(whole) // 2) + 1):
        page = operator.get(url(job, "log"), {"show": "all", "page": str(number)})
        assert page.context["page_obj"].number == number
        rows = list(page.context["page_obj"])
        seen += [each.event.code if each.event else each.attempt.verdict for each in rows]
    assert seen == whole


def test_the_log_is_exported_as_it_is_filtered(operator: Client, job: ImportJob) -> None:
    answer_of = operator.get(url(job, "log", "export"), {"show": "failures", "as": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(answer_of).decode("utf-8-sig"))))
    assert [row[2] for row in rows] == ["What", "Refused", "Failed, will retry"]
    assert "Batch 2, attempt 1" in rows[1][3]
    assert REFUSED.error in rows[1][3]
    assert job.events.filter(code="exported", actor="anna").exists()
