"""How a job went over time: what came back in each of at most sixty equal spans of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import ImportJob

MOST_SPANS = 60
FEWEST_SPANS = 12  # of a job that took seconds: a few wide bars would look like a long time
MOST_MARKS = 6
MINUTE, HOUR, DAY = 60, 3_600, 86_400
WEEK = 7 * DAY
STEPS = (
    1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, WEEK,
)  # fmt: skip

# The first and the last answer are read off the two ends of the index "attempt_pace".
ENDS = """
SELECT clock_timestamp(), min(ended_at), max(ended_at) FROM imports_attempt WHERE job_id = %s
"""
# Read from that index alone.
COUNTS = """
SELECT date_bin(make_interval(secs => %(step)s), ended_at, %(origin)s) AS at,
       sum(success_count), sum(error_count), sum(unknown_count)
FROM imports_attempt
WHERE job_id = %(job)s AND ended_at >= %(origin)s AND ended_at < %(end)s
GROUP BY at ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Equal spans beside each other: `spans` of `step` seconds each, from `origin` on."""

    origin: datetime
    step: int
    spans: int

    @property
    def end(self) -> datetime:
        return self.origin + timedelta(seconds=self.step * self.spans)


@dataclass(frozen=True, slots=True)
class Span:
    """Records that an attempt which ended within the span told something about."""

    at: datetime  # its beginning
    success: int
    error: int
    unknown: int

    @property
    def total(self) -> int:
        return self.success + self.error + self.unknown


@dataclass(frozen=True, slots=True)
class Pace:
    """A job's answers over time. `spans` are those in which something came back, in order."""

    frame: Frame
    since: datetime  # the job's start
    until: datetime  # now, or the last answer of a job that does not run
    spans: list[Span]


def frame(since: datetime, until: datetime) -> Frame:
    """The shortest spans of a round length that hold all of it, counted from local midnight."""
    for step in _steps():
        origin = _floor(since, step)
        spans = (until - origin) // timedelta(seconds=step) + 1
        if spans <= MOST_SPANS:
            return Frame(origin, step, max(spans, FEWEST_SPANS))
    raise AssertionError  # the steps do not end


def marks(frame: Frame) -> list[datetime]:
    """At most six round times within the frame, equally far apart."""
    for step in _steps():
        first = _floor(frame.origin, step)
        first += timedelta(seconds=step if first < frame.origin else 0)
        found = -((first - frame.end) // timedelta(seconds=step))
        if found <= MOST_MARKS:
            return [first + timedelta(seconds=step * n) for n in range(found)]
    raise AssertionError  # the steps do not end


def _steps() -> Iterator[int]:
    return chain(STEPS, (WEEK * weeks for weeks in count(2)))


def _floor(at: datetime, step: int) -> datetime:
    """The last multiple of `step` seconds since the midnight before, in the operator's zone."""
    here = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = here.astimezone(UTC)
    return midnight + (at - midnight) // timedelta(seconds=step) * timedelta(seconds=step)


def pace(job: ImportJob) -> Pace | None:
    """How it went so far; None while no answer told of a record. Two queries, of any job."""
    with connection.cursor() as sql:
        sql.execute(ENDS, [job.pk])
        now, first, last = sql.fetchone()
        if first is None:
            return None
        since = min(job.started_at or first, first)
        until = now if job.status == JobStatus.RUNNING else last
        found = frame(since, until)
        sql.execute(
            COUNTS,
            {"job": job.pk, "step": found.step, "origin": found.origin, "end": found.end},
        )
        spans = [Span(*row) for row in sql.fetchall()]
    spans = [span for span in spans if span.total]
    return Pace(found, since, until, spans) if spans else None
