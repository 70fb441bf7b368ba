"""Queue messages: each carries a job's id. Losing one costs a sweep; a duplicate costs nothing."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import django_rq
from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError
from rq import Worker

from imports.engine import runner
from imports.ledger import bulk_actions
from imports.models import ImportJob
from imports.states import ENDED_JOBS, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
QUEUE = "default"
MOST_RUNNERS = 8  # queue messages for one job at a time


def enqueue(job_id: int, messages: int = 1) -> bool:
    """Enqueue the job now; False if Redis is down. The sweeper then enqueues it later."""
    try:
        queue = django_rq.get_queue(QUEUE)
        for _ in range(messages):
            queue.enqueue(
                run_job, job_id, result_ttl=0, failure_ttl=3600, job_timeout=_longest_turn(),
                description=f"job {job_id}",
            )  # fmt: skip
    except RedisError:
        logger.warning(
            "job %s could not be enqueued; the sweeper will enqueue it", job_id,
            extra={"job": job_id},
        )  # fmt: skip
        return False
    return True


def _longest_turn() -> int:
    """RQ's time limit in seconds: all turns, plus the longest attempt that starts in one."""
    turns = runner.MOST_TURNS * settings.TURN_SECONDS
    return int(turns + runner.LONGEST_TRY_SECONDS + settings.LEASE_MARGIN_SECONDS)


def enqueue_on_commit(job_id: int) -> None:
    """Enqueue the job for each listening worker when the caller's transaction commits."""
    transaction.on_commit(partial(_enqueue_for_each_worker, job_id), robust=True)


def _enqueue_for_each_worker(job_id: int) -> None:
    enqueue(job_id, max(1, min(worker_count(), MOST_RUNNERS)))


def worker_count() -> int:
    """The number of listening workers; 0 if Redis is down."""
    try:
        return int(Worker.count(queue=django_rq.get_queue(QUEUE)))
    except RedisError:
        return 0


def enqueue_once(
    work: Callable[[], object], description: str, longest_seconds: int, *, at_front: bool = False
) -> None:
    """Enqueue work that is about no one job, unless it is enqueued. Raises RedisError."""
    queue = django_rq.get_queue(QUEUE)
    asked = f"{work.__module__}.{work.__name__}"
    if any(message and message.func_name == asked for message in queue.get_jobs(0, 100)):
        return
    queue.enqueue(
        work, at_front=at_front, result_ttl=0, failure_ttl=3600, job_timeout=longest_seconds,
        description=description,
    )  # fmt: skip


def enqueued_jobs() -> set[int]:
    """The ids of jobs that have a message in the queue."""
    queue = django_rq.get_queue(QUEUE)
    return {message.args[0] for message in queue.get_jobs(0, 100) if message and message.args}


def other_jobs_wait(job_id: int) -> bool:
    """Whether other work waits; True if Redis is down.

    A message for a job to be read may be gone because a worker that cannot see its files took it.
    """
    if ImportJob.objects.filter(status=JobStatus.QUEUED).exclude(pk=job_id).exists():
        return True
    try:
        waiting = django_rq.get_queue(QUEUE).get_jobs(0, 100)
    except RedisError:
        return True
    return any(message and list(message.args) != [job_id] for message in waiting)


def run_job(job_id: int) -> None:
    """Handle a queue message: read the job's input, send its batches, or close it.

    An unfinished bulk action of the job comes before sending, one turn at a time.
    """
    job = ImportJob.objects.select_related("rate_limit").filter(pk=job_id).first()
    if job is None:
        return
    if job.status == JobStatus.DRAFT:
        runner.prepare_draft(job)
    if job.status == JobStatus.QUEUED and runner.read_input(job):
        _enqueue_for_each_worker(job_id)  # the others join in
    more = _carry_out(job)
    if job.status == JobStatus.RUNNING and _send(job):
        more = True
    if more:
        enqueue(job_id)  # the turn is over but work remains: queue up behind other jobs
    job.refresh_from_db()
    if job.status in ENDED_JOBS and job.closed_at is None:
        runner.read_rest(job)
        runner.close(job)
    elif job.retry_files_due_at is not None:
        runner.write_retry_files_again(job)


def _send(job: ImportJob) -> bool:
    """Send for one turn; True if work remains. A new rollout stage calls every worker."""
    limit = job.stage_limit
    more = runner.run(job, partial(_is_wanted, job), min(worker_count(), MOST_RUNNERS))
    job.refresh_from_db()
    if job.status == JobStatus.RUNNING and job.stage_limit != limit:
        _enqueue_for_each_worker(job.pk)
        return False
    return more


def _is_wanted(job: ImportJob) -> bool:
    """Whether to end the turn, for another job or for a bulk action."""
    return bulk_actions.unfinished(job) is not None or other_jobs_wait(job.pk)


def _carry_out(job: ImportJob) -> bool:
    """Continue the job's bulk action and enqueue the retry it completes; True if work remains."""
    bulk_action = bulk_actions.unfinished(job)
    if bulk_action is None:
        return False
    if runner.carry_out(bulk_action):
        return True
    if bulk_action.made_id:
        _enqueue_for_each_worker(bulk_action.made_id)
    return False
