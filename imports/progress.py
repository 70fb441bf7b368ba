"""How fast a job goes and how long it will take, from the attempts of the last minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Sum, Value
from django.db.models.functions import Now
from django.utils import timezone

from imports.ledger.sums import sums
from imports.models import Attempt, ImportBatch
from imports.states import IN_FLIGHT, BatchStatus, JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from imports.models import ImportJob

WINDOW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Progress:
    """`rate` is in records a minute; `seconds_left` is None where nobody can say."""

    rate: float
    seconds_left: float | None
    in_flight: int  # batches
    resumes_at: datetime | None  # the other side asked for it, or the next attempt is due then
    resting_reason: str
    attempts: int


def progress(job: ImportJob) -> Progress:
    """Where a job stands in time. A bounded number of queries, whatever its size."""
    rate = _rate(job) if job.status == JobStatus.RUNNING else 0.0
    pending = sums(job).pending
    batches = ImportBatch.objects.filter(job=job)
    job.gate.refresh_from_db()
    resting = _resting_until(job)
    return Progress(
        rate=rate,
        seconds_left=pending * 60 / rate if rate and pending and not resting else None,
        in_flight=batches.filter(status__in=IN_FLIGHT).count(),
        resumes_at=resting or _next_due(job),
        resting_reason=job.gate.resting_reason if resting else "",
        attempts=Attempt.objects.filter(job=job).count(),
    )


def _rate(job: ImportJob) -> float:
    """Records decided in a minute, over the last minute or since the start if that is shorter."""
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


def _resting_until(job: ImportJob) -> datetime | None:
    until = job.gate.resting_until
    active = job.status == JobStatus.RUNNING and until is not None and until > timezone.now()
    return until if active else None


def _next_due(job: ImportJob) -> datetime | None:
    """When the next attempt is due, where nothing is due or in flight before."""
    if job.status != JobStatus.RUNNING:
        return None
    batches = ImportBatch.objects.filter(job=job)
    if batches.filter(status__in=IN_FLIGHT).exists():
        return None
    pending = batches.filter(status=BatchStatus.PENDING)
    if job.wave_limit is not None:
        pending = pending.filter(number__lte=job.wave_limit)
    if pending.filter(next_attempt_at__lte=Now()).exists():
        return None
    first: datetime | None = pending.aggregate(first=Min("next_attempt_at"))["first"]
    return first
