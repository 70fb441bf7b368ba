"""The equation: total = success + error + unknown + excluded + pending, at every moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Q, Sum

from imports.ledger.left_out import count_left_out
from imports.models import Attempt, ImportBatch, ImportJob, ImportResult
from imports.states import IN_FLIGHT, BatchStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Sums:
    """How many records of a job stand where. They always add up to `total`."""

    total: int
    success: int
    error: int
    unknown: int
    excluded: int
    pending: int
    in_flight: int = 0  # of the pending ones


def sums(job: ImportJob) -> Sums:
    """One job's equation, from its batches (one query)."""
    return sums_of([job])[job.pk]


def sums_of(jobs: Iterable[ImportJob]) -> dict[int, Sums]:
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


def _add_up(job: ImportJob, row: dict[str, Any]) -> Sums:
    success, error, unknown = (row.get(name, 0) for name in ("success", "error", "unknown"))
    excluded = row.get("excluded", 0)
    size = row.get("total", 0)
    return Sums(
        total=size + job.unsendable_count,
        success=success,
        error=error,
        unknown=unknown,
        excluded=excluded + job.unsendable_count,
        pending=size - success - error - unknown - excluded,
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


def batch_sums(job: ImportJob) -> dict[str, int]:
    """{"total", "done", "failed", "unknown", "pending"}: batches as the operator counts them."""
    with connection.cursor() as sql:
        sql.execute(BATCHES, [job.pk])
        row = sql.fetchone()
    return dict(zip(("total", "done", "failed", "unknown", "pending"), row, strict=True))


@dataclass(frozen=True, slots=True)
class Story:
    """A first job and its rounds together: what became of the records it began with."""

    total: int
    success: int
    error: int
    unknown: int
    excluded: int
    pending: int
    rounds: int


def family(job: ImportJob) -> list[ImportJob]:
    """The first job and every retry of it, in order."""
    first = job.first
    return list(ImportJob.objects.filter(Q(pk=first.pk) | Q(root=first)).order_by("pk"))


def story(job: ImportJob) -> Story:
    """Where the first job's records stand now, each told by its latest round.

    A record that a later round took on counts there, not where it failed.
    """
    jobs = family(job)
    each = sums_of(jobs)
    taken = _taken_on(jobs)
    error = sum(one.error for one in each.values()) - taken[ResultStatus.ERROR]
    unknown = sum(one.unknown for one in each.values()) - taken[ResultStatus.UNKNOWN]
    excluded = sum(one.excluded for one in each.values()) - taken[ResultStatus.EXCLUDED]
    excluded -= sum(one.unsendable_count for one in jobs[1:])  # told by the round that has them
    success = sum(one.success for one in each.values()) - taken[ResultStatus.SUCCESS]
    pending = sum(one.pending for one in each.values())
    return Story(
        total=success + error + unknown + excluded + pending,
        success=success,
        error=error,
        unknown=unknown,
        excluded=excluded,
        pending=pending,
        rounds=sum(1 for one in jobs if one.started_at),
    )


def _taken_on(jobs: list[ImportJob]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(ResultStatus.values, 0)
    if len(jobs) > 1:
        rows = (
            ImportResult.objects.filter(job__in=jobs, retry_of__job__in=jobs)
            .values_list("retry_of__status")
            .annotate(n=Count("pk"))
        )
        counts.update(dict(rows))
    return counts


def describe(job: ImportJob) -> dict[str, object]:
    """The JSON of a job, as the contract fixes it."""
    one = sums(job)
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
        "batches": batch_sums(job),
        "attempts": Attempt.objects.filter(job=job).count(),
        "retry_directory": job.retry_directory or None,
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
        "left_out": count_left_out(job),  # of the excluded: those that could not be sent
        "retry_files_error": job.retry_files_error or None,
    }


def has_failures(job: ImportJob) -> bool:
    """Whether anything of the job needs a person: a failure or an unknown."""
    bad = [BatchStatus.FAILED, BatchStatus.UNKNOWN]
    return ImportBatch.objects.filter(job=job, status__in=bad).exists()
