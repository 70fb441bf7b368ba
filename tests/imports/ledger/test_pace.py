"""Spans of time: which ones a job's chart is made of, and what came back in each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from imports.ledger import lifecycle
from imports.ledger.totals import DAY, HOUR, MINUTE, BatchBody, frame, marks, pace
from imports.models import Attempt
from imports.policy import Verdict
from tests.imports.admin.conftest import ended
from tests.jobs import BUSY, HALVE, LATER, LOST, OK, REFUSED, answer, mixed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_django.fixtures import Settings

    from imports.models import ImportJob
    from tests.jobs import JobMaker

BEGIN = datetime(2026, 11, 22, 1, 13, 57, 250_000, tzinfo=UTC)  # 02:13:57 in Stockholm


def lasting(**length: float) -> BatchBody:
    return frame(BEGIN, BEGIN + timedelta(**length))


@pytest.mark.parametrize(
    ("length", "step"),
    [
        ({"seconds": 0}, 1),
        ({"seconds": 58}, 1),
        ({"seconds": 60}, 2),
        ({"minutes": 9}, 10),
        ({"minutes": 50}, MINUTE),
        ({"hours": 9}, 10 * MINUTE),
        ({"hours": 40}, HOUR),
        ({"days": 40}, DAY),
        ({"days": 800}, 14 * DAY),
    ],
)
def test_spans_have_the_shortest_round_length_of_which_sixty_hold_the_job(
    length: dict[str, float], step: int
) -> None:
    assert lasting(**length).step == step


@pytest.mark.parametrize("seconds", [*range(130), 599, 600, 601, 3_599, 86_400, 31_536_000])
def test_the_first_and_the_last_moment_are_always_inside(seconds: int) -> None:
    found = lasting(seconds=seconds)
    assert found.origin <= BEGIN
    assert BEGIN + timedelta(seconds=seconds) < found.end
    assert 12 <= found.spans <= 60


def test_spans_begin_at_round_times_of_the_operators_day(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Stockholm"
    assert lasting(minutes=9).origin == datetime(2026, 11, 22, 1, 13, 50, tzinfo=UTC)
    assert lasting(hours=60).origin == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert lasting(days=40).origin == datetime(2026, 11, 21, 23, tzinfo=UTC)  # her midnight


@pytest.mark.parametrize("seconds", [0, 30, 90, 1_000, 5_000, 40_000, 300_000, 9_000_000])
def test_marks_are_few_round_times_equally_far_apart(seconds: int) -> None:
    found = lasting(seconds=seconds)
    times = marks(found)
    assert 2 <= len(times) <= 6
    assert found.origin <= times[0] <= times[-1] < found.end
    assert len({later - earlier for earlier, later in pairwise(times)}) == 1


def test_marks_of_a_job_of_minutes_are_whole_minutes() -> None:
    times = marks(lasting(minutes=9))
    assert [f"{at:%H:%M:%S}" for at in times] == [
        "01:14:00",
        "01:16:00",
        "01:18:00",
        "01:20:00",
        "01:22:00",
    ]


def test_a_night_in_which_the_clock_is_put_back_has_its_hour_twice() -> None:
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)
    found = frame(midnight, midnight + timedelta(hours=25))
    assert (found.origin, found.step, found.spans) == (midnight, 30 * MINUTE, 51)


def summary(job: ImportJob) -> list[tuple[int, int, int]]:
    found = pace(job)
    assert found is not None
    return [(span.success, span.error, span.unknown) for span in found.spans]


def test_records_are_counted_in_the_span_in_which_their_answer_came(make_job: JobMaker) -> None:
    job = make_job(30)
    works = answer(job, OK, REFUSED, LOST, OK)
    for work, seconds in zip(works, (0, 1, 300, 301), strict=True):
        at = BEGIN.replace(second=0) + timedelta(seconds=seconds)  # two in one span of 5 s each
        Attempt.objects.filter(batch=work.batch_id).update(ended_at=at)
    lifecycle.pause(job)
    job.started_at = BEGIN.replace(second=0)
    found = pace(job)
    assert found is not None
    assert [(s.success, s.error, s.unknown) for s in found.spans] == [(3, 3, 0), (3, 0, 3)]
    first, second = (span.at for span in found.spans)
    assert second - first == timedelta(seconds=300)


def test_each_try_counts_and_one_record_of_many_counts_as_one(make_job: JobMaker) -> None:
    job = make_job(3, retry_delay_seconds=0.0)
    answer(job, BUSY)
    answer(job, mixed(Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN))
    assert [sum(counts) for counts in zip(*summary(job), strict=True)] == [1, 4, 1]


def test_the_last_half_that_was_refused_counts_as_failed(make_job: JobMaker) -> None:
    job = make_job(2, batch_size=2)
    answer(job, HALVE, OK, HALVE)
    assert [sum(counts) for counts in zip(*summary(job), strict=True)] == [1, 1, 0]


@pytest.mark.parametrize("answers", [[], [LATER]])
def test_a_job_of_which_no_record_was_answered_has_no_pace(
    make_job: JobMaker, answers: list[Any]
) -> None:
    job = make_job(6)
    answer(job, *answers)
    assert pace(job) is None


def test_it_reaches_from_the_start_to_now_and_of_a_job_that_rests_to_its_last_answer(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(9)
    answer(job, OK)
    pass_time(3_000)
    found = pace(job)
    assert found is not None
    assert (found.until - found.since).total_seconds() == pytest.approx(3_000, abs=60)
    lifecycle.pause(job)
    found = pace(job)
    assert found is not None
    assert found.until == Attempt.objects.get(job=job).ended_at


def test_other_jobs_and_retries_are_not_counted(make_job: JobMaker) -> None:
    job, other = make_job(3), make_job(6)
    answer(other, OK, OK)
    answer(job, OK)
    ended(job)
    assert [sum(counts) for counts in zip(*summary(job), strict=True)] == [3, 0, 0]


def test_a_larger_job_costs_two_statements_as_a_small_one_does(
    make_job: JobMaker, django_assert_num_queries: Any
) -> None:
    job = make_job(40, batch_size=1)
    answer(job, *[OK] * 20)
    with django_assert_num_queries(2):
        pace(job)
