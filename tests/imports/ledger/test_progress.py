"""How fast a job goes, how long it will take, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from imports.ledger import lifecycle
from imports.ledger.totals import progress
from imports.models import Attempt
from tests.jobs import BUSY, LATER, LOST, OK, answer, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker


def test_the_rate_of_the_last_minute_says_how_long_the_rest_will_take(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(30)
    answer(job, OK, OK)
    pass_time(30)
    found = progress(job)
    assert found.rate == pytest.approx(12, rel=0.5)  # 6 records in half a minute
    assert found.seconds_left == pytest.approx(24 / found.rate * 60)
    assert found.attempts == 2


def test_what_is_older_than_a_minute_does_not_count(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(30)
    answer(job, OK)
    pass_time(61)
    found = progress(job)
    assert (found.rate, found.seconds_left) == (0.0, None)


def test_a_job_that_rests_says_until_when_and_why(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, LATER)
    found = progress(job)
    assert found.resumes_at is not None
    assert 30 < (found.resumes_at - timezone.now()).total_seconds() < 70
    assert found.paused_reason == "Not now."
    assert found.seconds_left is None


def test_a_job_that_only_waits_for_its_next_attempt_says_when(make_job: JobMaker) -> None:
    job = make_job(3, retry_delay_seconds=100.0)
    answer(job, BUSY)
    found = progress(job)
    assert found.resumes_at is not None
    assert found.resumes_at > timezone.now()
    assert found.paused_reason == ""


def test_batches_in_flight_are_counted_and_nothing_is_waited_for(make_job: JobMaker) -> None:
    job = make_job(9)
    send(job, room=2)
    found = progress(job)
    assert (found.in_flight, found.resumes_at) == (2, None)


@pytest.mark.parametrize("stop", [lifecycle.pause, lifecycle.cancel])
def test_a_job_that_does_not_run_has_no_rate(stop: Any, make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK)
    stop(job)
    job.refresh_from_db()
    found = progress(job)
    assert (found.rate, found.seconds_left, found.resumes_at) == (0.0, None, None)


def test_unknown_records_are_no_progress(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, LOST)
    assert progress(job).rate == 0.0


def test_a_larger_job_costs_no_more_statements(
    make_job: JobMaker, django_assert_max_num_queries: Any
) -> None:
    job = make_job(40, batch_size=1)
    answer(job, *[OK] * 10)
    assert Attempt.objects.count() == 10
    with django_assert_max_num_queries(8):
        progress(job)
