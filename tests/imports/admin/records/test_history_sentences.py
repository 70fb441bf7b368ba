"""One sentence says what became of a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone, translation

from imports.admin.job import page
from imports.admin.records import history
from imports.customers.api.record_results import SENTENCES
from imports.engine import runner
from imports.ledger import lifecycle
from imports.messages import Said
from imports.models import Attempt, ImportResult, JobEvent
from imports.policy import Outcome, Verdict
from tests.decisions import exclude, resolve_unknown, retry
from tests.imports.admin.conftest import ended
from tests.jobs import BUSY, LATER, LOST, OK, answer

if TYPE_CHECKING:
    from imports.messages import Text
    from imports.models import ImportJob
    from tests.jobs import JobMaker

YEAR = timezone.localdate().year
WHY = SENTENCES["permanent"].format(why=Said("E-mail is invalid", "INVALID"))
INVALID = Outcome(Verdict.REJECTED, "INVALID", WHY, 422)


def at(day: int, hour: int = 9, minute: int = 14) -> datetime:
    """That day of November, in the operators' zone."""
    return datetime(YEAR, 11, day, hour, minute, tzinfo=timezone.get_current_timezone())


def happened(job: ImportJob, when: datetime) -> None:
    """Let all that happened in the job have happened then."""
    Attempt.objects.filter(job=job).update(ended_at=when)
    ImportResult.objects.filter(job=job).update(updated_at=when)
    JobEvent.objects.filter(job=job).update(at=when)


def summary(job: ImportJob) -> str:
    """The sentence about the job's first record."""
    result = job.results.order_by("pk")[0]
    sentence = history.sentence(history.entries(result)[0], page.of(job.kind))
    return sentence.replace(result.key, "7")


def retried(job: ImportJob) -> ImportJob:
    new = retry(ended(job)).job
    assert runner.read_input(new)
    return new


def test_refused_twice_on_two_days_then_imported(make_job: JobMaker) -> None:
    first = make_job(1)
    answer(first, INVALID)
    second = retried(first)
    answer(second, INVALID)
    third = retried(second)
    answer(third, OK)
    for job, day in ((first, 12), (second, 13), (third, 13)):
        happened(job, at(day))
    assert summary(first) == (
        "Customer 7 was refused twice on 12 and 13 November (“The API refused this customer: "
        "E-mail is invalid (INVALID)”), and was imported on 13 November at 09:14 UTC."
    )


def test_decisions_of_people_show_who_and_why(make_job: JobMaker) -> None:
    job = make_job(1)
    answer(job, LOST)
    all_of_it = job.results.all()
    resolve_unknown(job, all_of_it, arrived=False, reason="Looked it up", actor="anna")
    exclude(job, all_of_it, reason="Moved away.", actor="eva")
    happened(job, at(12))
    assert summary(job) == (
        "Customer 7 may have arrived on 12 November (“No answer came in time”), was marked "
        "as failed by anna on 12 November (“Looked it up”), and was excluded by eva on "
        "12 November (“Moved away”)."
    )


def test_one_that_was_found_to_have_arrived(make_job: JobMaker) -> None:
    job = make_job(1)
    answer(job, LOST)
    resolve_unknown(job, job.results.all(), arrived=True, reason="It is there", actor="b")
    assert "and was marked as imported by b on" in summary(job)


def test_an_unknown_one_says_that_nobody_can_tell(make_job: JobMaker) -> None:
    job = make_job(1)
    answer(job, LOST)
    happened(job, at(12))
    assert summary(job) == "Customer 7 may have arrived on 12 November (“No answer came in time”)."


def test_what_was_never_sent_was_not_refused(make_job: JobMaker) -> None:
    job = make_job(1)
    lifecycle.cancel(job, "anna")
    happened(job, at(12))
    assert summary(job) == (
        f"Customer 7 was not sent because job {job.pk} was cancelled on 12 November."
    )


def test_tries_that_never_reached_the_api_failed_and_a_request_to_wait_is_no_refusal(
    make_job: JobMaker,
) -> None:
    job = make_job(1, retry_delay_seconds=0.0)
    answer(job, BUSY, BUSY, BUSY)
    happened(job, at(12))
    assert summary(job) == "Customer 7 failed 3 times on 12 November (“Nobody listens there”)."
    later = make_job(1)
    answer(later, LATER)
    assert f"failed in job {later.pk} and will be tried again (“Not now”)" in summary(later)


def test_a_sentence_can_be_said_in_swedish_dates(make_job: JobMaker) -> None:
    job = make_job(1)
    answer(job, OK)
    happened(job, at(3))
    with translation.override("sv"):
        assert "3 november" in summary(job)


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([at(12)], "12 November"),
        ([at(12), at(12, 23, 50)], "12 November"),
        ([at(13), at(12)], "12 and 13 November"),
        ([at(11), at(12), at(13)], "11, 12 and 13 November"),
        ([at(30), at(30) + timedelta(days=2)], "30 November and 2 December"),
        ([at(day) for day in range(1, 8)], "7 days from 1 November to 7 November"),
        ([datetime(2019, 5, 1, 12, tzinfo=UTC)], "1 May 2019"),
    ],
)
def test_days_are_named_as_people_name_them(found: list[datetime], named: str) -> None:
    assert history.days(found) == named


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (WHY, "The API refused this customer: E-mail is invalid (INVALID)"),
        ("No full stop", "No full stop"),
        ("", ""),
        ("x" * 500, "x" * 159 + "…"),
    ],
)
def test_a_reason_is_what_is_wrong_without_what_to_do_about_it(text: Text, short: str) -> None:
    assert history.in_short(text) == short
