"""What every tab of a job's page shows: the head, the sums, the tabs, the dialog."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.shortcuts import get_object_or_404
from django.utils import timezone

from imports.admin import permissions, plan_words, workspace
from imports.ledger import rounds
from imports.ledger.sums import Story, family, story, sums
from imports.models import ImportJob, RetryFile
from imports.states import ENDED_JOBS, JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from imports.admin.plan_words import Panel
    from imports.admin.workspace import Tab

UNREAD = ("api__secret", "api__client_secret", "api__extra_headers")  # decrypted only to be sent
MOST_ROUNDS = 30  # listed on a page
LATELY = timedelta(hours=1)  # the dialog opens by itself for a job that ended within it


def jobs() -> QuerySet[ImportJob]:
    """Jobs with what their pages show of other tables, and without an API's secrets."""
    related = ImportJob.objects.select_related("api", "gate", "root", "retry_of", "created_by")
    return related.defer(*UNREAD)


def find(job_id: int) -> ImportJob:
    """The job of that id, or 404."""
    return get_object_or_404(jobs(), pk=job_id)


def page_context(request: HttpRequest, job: ImportJob, tab: Tab) -> dict[str, Any]:
    """The page around a tab. A bounded number of queries, whatever the job's size."""
    return {
        **admin.site.each_context(request),
        "opts": ImportJob._meta,
        "original": job,
        "title": job.name,
        **live_context(request, job),
        "tab": tab,
        "tabs": tabs(job),
    }


def live_context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """What may change while the page is open."""
    members = family(job)
    told: Story | None = story(job) if len(members) > 1 else None
    is_ended = job.status in ENDED_JOBS
    bulk = plan_words.panel(job)
    wait = rounds.how_many_wait(job) if is_ended else rounds.Waiting(0, 0)
    return {
        "job": job,
        "words": workspace.of(job.kind),
        "sums": sums(job),
        "story": told,
        "rounds": members[-MOST_ROUNDS:] if len(members) > 1 else [],
        "bulk": bulk,
        "live_state": live_state(job, bulk),
        "poll_seconds": poll_seconds(job, bulk),
        "is_ended": is_ended,
        "failed_waiting": wait.failed,
        "unknown_waiting": wait.unknown,
        "can_load_retry_files": _can_load(request, job, wait.failed),
        "ended_just_now": job.finished_at is not None
        and timezone.now() - job.finished_at < LATELY,
    }


def tabs(job: ImportJob) -> list[dict[str, Any]]:
    """The kind's tabs with the small numbers beside their names."""
    added = sums(job)
    return [
        {"tab": tab, "count": tab.count(job, added)}
        for tab in workspace.of(job.kind).tabs
        if tab.shown(job)
    ]


def live_state(job: ImportJob, bulk: Panel | None) -> str:
    """Changes when more of the page than its numbers has to change."""
    if bulk and bulk.is_at_work:
        return f"{job.status}-bulk"
    if job.status in ENDED_JOBS and job.closed_at is None:
        return f"{job.status}-closing"
    return str(job.status)


def poll_seconds(job: ImportJob, bulk: Panel | None = None) -> int:
    """How often an open page asks; 0 when nothing will change by itself."""
    if bulk and bulk.is_at_work:
        return 2
    match job.status:
        case JobStatus.QUEUED | JobStatus.RUNNING:
            return 2
        case JobStatus.PAUSED:
            return 10  # somebody else may resume it
        case JobStatus.DRAFT:
            return 0
        case _:
            return 0 if job.closed_at else 2


def _can_load(request: HttpRequest, job: ImportJob, failed: int) -> bool:
    """Whether there are retry files of customers who still wait, and she may load them."""
    if not failed or not job.retry_directory or job.closed_at is None:
        return False
    if job.api_id is None or not permissions.may(request, permissions.RETRY):
        return False
    files = RetryFile.objects.filter(job=job, directory=job.retry_directory, confirmed=True)
    return files.exists()
