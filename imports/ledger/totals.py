"""The state of a job in numbers: the equation, failure causes, progress and pace."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Min, Q, Sum, Value
from django.db.models.functions import Now
from django.utils import timezone

from imports.ledger.left_out import count_left_out
from imports.models import Attempt, ImportBatch, ImportJob, ImportResult
from imports.states import IN_FLIGHT, BatchStatus, JobStatus, ResultStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of a job's records by status. They always add up to `total`."""

    total: int
    success: int
    error: int
    unknown: int
    excluded: int
    pending: int
    in_flight: int = 0  # of the pending ones


def job_totals(job: ImportJob) -> Totals:
    """One job's equation, from its batches (one query)."""
    return totals_of([job])[job.pk]


def totals_of(jobs: Iterable[ImportJob]) -> dict[int, Totals]:
    """The equations of several jobs, in one query."""
    jobs = list(jobs)
    rows = (
        ImportBatch.objects.filter(job__in=jobs)
        .values("job_id")
        .order_by("job_id")
        .annotate(
            total=Sum("size"),
            success=Sum("success_count"),
            error=Sum("error_count"),
            unknown=Sum("unknown_count"),
            excluded=Sum("excluded_count"),
            in_flight=Sum("size", filter=Q(status__in=IN_FLIGHT), default=0),
        )
    )
    found = {row["job_id"]: dict[str, Any](row) for row in rows}
    return {job.pk: _add_up(job, found.get(job.pk, {})) for job in jobs}


def _add_up(job: ImportJob, row: dict[str, Any]) -> Totals:
    success, error, unknown = (row.get(name, 0) for name in ("success", "error", "unknown"))
    excluded = row.get("excluded", 0)
    size = row.get("total", 0)
    return Totals(
        total=size + job.unsendable_count + job.uncut_count,
        success=success,
        error=error,
        unknown=unknown,
        excluded=excluded + job.unsendable_count,
        pending=size - success - error - unknown - excluded + job.uncut_count,
        in_flight=row.get("in_flight", 0),
    )


# A batch that was split is told by its parts: the number stands where its worst part does.
BATCHES = """
SELECT count(*),
       count(*) FILTER (WHERE open = 0 AND unknown = 0 AND failed = 0),
       count(*) FILTER (WHERE open = 0 AND unknown = 0 AND failed > 0),
       count(*) FILTER (WHERE open = 0 AND unknown > 0),
       count(*) FILTER (WHERE open > 0)
FROM (
    SELECT number,
           count(*) FILTER (WHERE status IN ('pending', 'claimed', 'sending')) AS open,
           count(*) FILTER (WHERE status = 'unknown') AS unknown,
           count(*) FILTER (WHERE status = 'failed') AS failed
    FROM imports_importbatch WHERE job_id = %s GROUP BY number
) numbers
"""


def batch_totals(job: ImportJob) -> dict[str, int]:
    """{"total", "done", "failed", "unknown", "pending"}: batches as the operator counts them."""
    with connection.cursor() as sql:
        sql.execute(BATCHES, [job.pk])
        row = sql.fetchone()
    return dict(zip(("total", "done", "failed", "unknown", "pending"), row, strict=True))


@dataclass(frozen=True, slots=True)
class FamilyTotals:
    """A first job and its retries together: what became of its original records."""

    total: int
    success: int
    error: int
    unknown: int
    excluded: int
    pending: int
    retries: int  # that have been started
    in_flight: int = 0  # of the pending ones


def family(job: ImportJob) -> list[ImportJob]:
    """The first job and every retry of it, in order."""
    first = job.first
    return list(ImportJob.objects.filter(Q(pk=first.pk) | Q(root=first)).order_by("pk"))


def family_totals(job: ImportJob) -> FamilyTotals:
    """The current status of the first job's records, each from its latest retry."""
    members = family(job)
    return totals_of_families(members, totals_of(members))[job.first.pk]


MEMBERS_READ = (
    "pk", "name", "kind", "status", "root_id", "retry_number", "unsendable_count", "uncut_count",
    "started_at", "finished_at",
)  # fmt: skip


def totals_of_families(
    members: list[ImportJob], own: dict[int, Totals]
) -> dict[int, FamilyTotals]:
    """The families of these jobs, by the id of the first job; all jobs of each are given.

    A record that a later retry took on counts there, not where it failed. `own` are the totals of
    each job. One query.
    """
    taken = _taken_on(members)
    families: dict[int, list[ImportJob]] = defaultdict(list)
    for each in members:
        families[each.root_id or each.pk].append(each)
    return {first: _of_family(jobs, own, taken) for first, jobs in families.items()}


DECIDED = (
    ResultStatus.SUCCESS, ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED,
)  # fmt: skip


def _of_family(
    jobs: list[ImportJob], own: dict[int, Totals], taken: dict[int, dict[str, int]]
) -> FamilyTotals:
    each, left = [own[job.pk] for job in jobs], {}
    for status in DECIDED:
        elsewhere = sum(taken[job.pk].get(status, 0) for job in jobs)
        left[status] = sum(getattr(one, status) for one in each) - elsewhere
    # What a retry could not send counts where the record was before.
    left[ResultStatus.EXCLUDED] -= sum(one.unsendable_count for one in jobs if one.root_id)
    pending = sum(one.pending for one in each)
    return FamilyTotals(
        total=sum(left.values()) + pending,
        success=left[ResultStatus.SUCCESS],
        error=left[ResultStatus.ERROR],
        unknown=left[ResultStatus.UNKNOWN],
        excluded=left[ResultStatus.EXCLUDED],
        pending=pending,
        retries=sum(1 for one in jobs if one.root_id and one.started_at),
        in_flight=sum(one.in_flight for one in each),
    )


def _taken_on(jobs: list[ImportJob]) -> dict[int, dict[str, int]]:
    """How many records each retry took on, by the status that they have where they failed."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    retries = [each.pk for each in jobs if each.root_id]
    if retries:
        rows = (
            ImportResult.objects.filter(job__in=retries, retry_of__job__in=jobs)
            .values_list("job_id", "retry_of__status")
            .annotate(n=Count("pk"))
        )
        for job, status, count in rows:
            counts[job][status] = count
    return counts


def attempts_of(jobs: Iterable[int]) -> dict[int, int]:
    """How many attempts each of these jobs has made, by its id. One query."""
    rows = Attempt.objects.filter(job__in=jobs).order_by().values_list("job_id")
    return dict(rows.annotate(n=Count("pk")))


def describe(job: ImportJob) -> dict[str, object]:
    """The JSON of a job, as the contract fixes it."""
    one = job_totals(job)
    return {
        "job": job.pk,
        "kind": job.kind,
        "name": job.name,
        "status": job.status,
        "retry_of": job.retry_of_id,
        "total": one.total,
        "success": one.success,
        "error": one.error,
        "unknown": one.unknown,
        "excluded": one.excluded,
        "pending": one.pending,
        "batches": batch_totals(job),
        "attempts": Attempt.objects.filter(job=job).count(),
        "retry_directory": stored.shown(job.retry_directory) or None,
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
        "left_out": count_left_out(job),  # of the excluded: those that could not be sent
        "retry_files_error": job.retry_files_error or None,
    }


WINDOW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Progress:
    """`rate` is in records a minute; `seconds_left` is None if it cannot be estimated."""

    rate: float
    seconds_left: float | None
    in_flight: int  # batches
    resumes_at: datetime | None  # the other side asked for it, or the next attempt is due then
    paused_reason: str
    attempts: int


def progress(job: ImportJob) -> Progress:
    """The progress of a job, in a fixed number of queries whatever its size."""
    rate = _rate(job) if job.status == JobStatus.RUNNING else 0.0
    pending = job_totals(job).pending
    batches = ImportBatch.objects.filter(job=job)
    job.rate_limit.refresh_from_db()
    resting = _paused_until(job)
    return Progress(
        rate=rate,
        seconds_left=pending * 60 / rate if rate and pending and not resting else None,
        in_flight=batches.filter(status__in=IN_FLIGHT).count(),
        resumes_at=resting or _next_due(job),
        paused_reason=job.rate_limit.paused_reason if resting else "",
        attempts=Attempt.objects.filter(job=job).count(),
    )


def _rate(job: ImportJob) -> float:
    """Records decided per minute, over the last minute or since a later start."""
    recent = Attempt.objects.filter(job=job, ended_at__gt=Now() - Value(WINDOW))
    found = recent.aggregate(
        good=Sum("success_count"), bad=Sum("error_count"), since=Min("claimed_at"), n=Count("pk")
    )
    decided = (found["good"] or 0) + (found["bad"] or 0)
    if not decided or not found["since"]:
        return 0.0
    seconds = min(WINDOW.total_seconds(), max(1.0, _age(found["since"])))
    return float(decided * 60 / seconds)


def _age(since: datetime) -> float:
    return (timezone.now() - since).total_seconds()


def _paused_until(job: ImportJob) -> datetime | None:
    until = job.rate_limit.paused_until
    active = job.status == JobStatus.RUNNING and until is not None and until > timezone.now()
    return until if active else None


def _next_due(job: ImportJob) -> datetime | None:
    """When the next attempt is due, if nothing is due or in flight before."""
    if job.status != JobStatus.RUNNING:
        return None
    batches = ImportBatch.objects.filter(job=job)
    if batches.filter(status__in=IN_FLIGHT).exists():
        return None
    pending = batches.filter(status=BatchStatus.PENDING)
    if job.stage_limit is not None:
        pending = pending.filter(number__lte=job.stage_limit)
    if pending.filter(next_attempt_at__lte=Now()).exists():
        return None
    first: datetime | None = pending.aggregate(first=Min("next_attempt_at"))["first"]
    return first


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
class BatchBody:
    """Equal spans beside each other: `spans` of `step` seconds each, from `origin` on."""

    origin: datetime
    step: int
    spans: int

    @property
    def end(self) -> datetime:
        return self.origin + timedelta(seconds=self.step * self.spans)


@dataclass(frozen=True, slots=True)
class Span:
    """The outcomes of attempts that ended within the span, in records."""

    at: datetime  # its beginning
    success: int
    error: int
    unknown: int

    @property
    def total(self) -> int:
        return self.success + self.error + self.unknown


@dataclass(frozen=True, slots=True)
class Pace:
    """A job's answers over time. `spans` are those with an answer, in order."""

    frame: BatchBody
    since: datetime  # the job's start
    until: datetime  # now, or the last answer of a job that does not run
    spans: list[Span]


def frame(since: datetime, until: datetime) -> BatchBody:
    """The shortest spans of a round length that cover all of it, counted from local midnight."""
    for step in _steps():
        origin = _floor(since, step)
        spans = (until - origin) // timedelta(seconds=step) + 1
        if spans <= MOST_SPANS:
            return BatchBody(origin, step, max(spans, FEWEST_SPANS))
    raise AssertionError  # the steps do not end


def marks(frame: BatchBody) -> list[datetime]:
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
    """The pace so far; None before the first answer about a record. Always two queries."""
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
