"""The sweeper: judges leases that ran out, rings bells that got lost, leaves a sign of life."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from redis.exceptions import RedisError

from config import embedded
from imports import dry_runs, heartbeats, jobs, kinds, telling
from imports.ledger import expiry, moves
from imports.models import DryRun, ImportBatch, ImportJob, Plan
from imports.notices import delivering
from imports.states import ENDED_JOBS, OPEN, BatchStatus, JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)
NAME = "sweeper"  # of its heartbeat
MOST_BATCHES = 2_147_483_647  # a batch number is an integer of four bytes
LATE_SECONDS = 10.0  # besides three rounds: a round takes far less


def sweep() -> None:
    """One round. Safe to run anywhere, any number of times, at once."""
    expiry.expire()
    for job in ImportJob.objects.filter(
        status=JobStatus.CANCELLED, batches__status=BatchStatus.PENDING
    ).distinct():
        moves.sweep_cancelled(job)
    running = ImportJob.objects.filter(status__in=[JobStatus.RUNNING, JobStatus.PAUSED])
    moves.finish_if_done(running.values_list("pk", flat=True))
    for kind in kinds.every():
        kind.sweep()
    _ring_forgotten()
    _ring_for_notices()
    heartbeats.beat(NAME)


def silent_seconds() -> float | None:
    """How long ago the last round ended; None if there never was one."""
    return heartbeats.silent_seconds(NAME)


def is_late(silent: float | None) -> bool:
    """Whether it has been silent for so long that it cannot be sweeping."""
    return silent is None or silent > LATE_SECONDS + 3 * settings.SWEEP_SECONDS


def _ring_forgotten() -> None:
    """Ring for jobs with work that is due and that no bell in the queue speaks of."""
    waiting = list(needing_a_lane().values_list("pk", flat=True)[:100])
    if not waiting:
        return
    try:
        rung = jobs.jobs_rung()
    except RedisError:
        _revive_redis()
        return
    for job_id in waiting:
        if job_id not in rung:
            jobs.ring(job_id)


def _ring_for_notices() -> None:
    """Ring for notifications that are due; where Redis is away they wait like all else."""
    if delivering.needs_a_worker():
        try:
            telling.ring()
        except RedisError:
            _revive_redis()


def needing_a_lane() -> QuerySet[ImportJob]:
    """Jobs for which a lane could do something now: check, read, send, close, write files, …"""
    due = ImportBatch.objects.filter(
        number__lte=Coalesce(OuterRef("wave_limit"), MOST_BATCHES),
        job=OuterRef("pk"),
        status=BatchStatus.PENDING,
        next_attempt_at__lte=Now(),
    )
    still_open = ImportBatch.objects.filter(job=OuterRef("pk"), status__in=OPEN)
    unchecked = DryRun.objects.filter(dry_runs.NOBODY_IS_AT_IT, job=OuterRef("pk"))
    resting = Q(gate__resting_until__gt=Now())
    return ImportJob.objects.filter(
        Q(status=JobStatus.QUEUED)
        | (Q(status=JobStatus.RUNNING) & Exists(due) & ~resting)
        | Exists(Plan.objects.filter(job=OuterRef("pk"), finished_at=None))
        | (Q(status=JobStatus.DRAFT) & Exists(unchecked))
        | (Q(status__in=ENDED_JOBS, closed_at=None) & ~Exists(still_open))
        | Q(retry_files_due_at__lte=Now())
    ).order_by("pk")


def _revive_redis() -> None:
    """The embedded Redis died: start it again. One that is somebody else's is waited for."""
    if settings.EMBEDDED_REDIS:
        embedded.ensure(postgres=False)
    else:
        logger.warning("Redis does not answer; ringing again when it does")
