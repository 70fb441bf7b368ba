"""The sweeper: recovers work from dead workers, re-queues lost jobs, and records a heartbeat."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from redis.exceptions import RedisError

from config.dev import servers
from imports import job_types, notifications, retention
from imports.engine import queue
from imports.ledger import lifecycle, outcomes
from imports.models import BulkAction, Heartbeat, ImportBatch, ImportJob
from imports.states import ENDED_JOBS, OPEN, BatchStatus, JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

BEAT = """
INSERT INTO imports_heartbeat (name, at) VALUES (%s, statement_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""


def beat(name: str) -> None:
    """Record a heartbeat of the named process."""
    with connection.cursor() as sql:
        sql.execute(BEAT, [name])


def seconds_since_heartbeat(name: str) -> float | None:
    """Seconds since the last heartbeat; None if there was none."""
    age = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    found = Heartbeat.objects.filter(name=name).values_list(age, flat=True).first()
    return found.total_seconds() if found is not None else None


logger = logging.getLogger(__name__)
NAME = "sweeper"  # of its heartbeat
MOST_BATCHES = 2_147_483_647  # a batch number is an integer of four bytes
LATE_SECONDS = 10.0  # on top of three sweep intervals; a sweep takes far less


def sweep() -> None:
    """Sweep once. Safe to run anywhere, any number of times, concurrently."""
    outcomes.expire()
    for job in ImportJob.objects.filter(
        status=JobStatus.CANCELLED, batches__status=BatchStatus.PENDING
    ).distinct():
        lifecycle.sweep_cancelled(job)
    running = ImportJob.objects.filter(status__in=[JobStatus.RUNNING, JobStatus.PAUSED])
    lifecycle.finish_if_done(running.values_list("pk", flat=True))
    for kind in job_types.every():
        kind.sweep()
    _requeue_forgotten()
    _enqueue_notifications()
    beat(NAME)


def tidy() -> int:
    """Remove a little of what is kept too long; how many things. It may wait for the storage.

    Raises no OSError.
    """
    return retention.expire() + sum(kind.tidy() for kind in job_types.every())


def silent_seconds() -> float | None:
    """Seconds since the last sweep ended; None if there was none."""
    return seconds_since_heartbeat(NAME)


def is_late(silent: float | None) -> bool:
    """Whether the last sweep is so long ago that the sweeper must be down."""
    return silent is None or silent > LATE_SECONDS + 3 * settings.SWEEP_SECONDS


def _requeue_forgotten() -> None:
    """Enqueue jobs that have due work but no message in the queue."""
    waiting = list(needing_a_worker().values_list("pk", flat=True)[:100])
    if not waiting:
        return
    try:
        enqueued = queue.enqueued_jobs()
    except RedisError:
        _revive_redis()
        return
    for job_id in waiting:
        if job_id not in enqueued:
            queue.enqueue(job_id)


def _enqueue_notifications() -> None:
    """Enqueue the delivery of due notifications; if Redis is down, they wait."""
    if notifications.needs_a_worker():
        try:
            notifications.enqueue()
        except RedisError:
            _revive_redis()


def needing_a_worker() -> QuerySet[ImportJob]:
    """Jobs with work for a worker now: check, read, send, close, write files, …"""
    due = ImportBatch.objects.filter(
        number__lte=Coalesce(OuterRef("stage_limit"), MOST_BATCHES),
        job=OuterRef("pk"),
        status=BatchStatus.PENDING,
        next_attempt_at__lte=Now(),
    )
    still_open = ImportBatch.objects.filter(job=OuterRef("pk"), status__in=OPEN)
    unprepared = Q()
    for job_type in job_types.every():
        unprepared |= Q(pk__in=job_type.unprepared_drafts().values("pk"))
    resting = Q(rate_limit__paused_until__gt=Now())
    return ImportJob.objects.filter(
        Q(status=JobStatus.QUEUED)
        | (Q(status=JobStatus.RUNNING) & Exists(due) & ~resting)
        | Q(status=JobStatus.RUNNING, uncut_count__gt=0)
        | Exists(BulkAction.objects.filter(job=OuterRef("pk"), finished_at=None))
        | unprepared
        | (Q(status__in=ENDED_JOBS, closed_at=None) & ~Exists(still_open))
        | Q(retry_files_due_at__lte=Now())
    ).order_by("pk")


def _revive_redis() -> None:
    """Restart the embedded Redis; wait for an external one."""
    if settings.EMBEDDED_REDIS:
        servers.ensure(postgres=False)
    else:
        logger.warning("Redis does not answer; jobs are enqueued when it does")
