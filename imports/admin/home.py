"""The first page: what runs, what needs somebody, what finished, and whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Subquery
from django.shortcuts import render

from imports.admin import health, listing, page, permissions, workspace
from imports.models import CustomerApi, ImportJob, ImportResult
from imports.states import ENDED_JOBS, JobStatus, ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

AT_WORK = (JobStatus.QUEUED, JobStatus.RUNNING)
SHOWN = 8
LOOKED_AT = 50  # of the newest ended jobs: those with something left to do need somebody


def context(request: HttpRequest, shown: dict[str, Any]) -> dict[str, Any]:
    """What Unfold's index page is given. A bounded number of queries."""
    if not permissions.may(request, permissions.VIEW):
        return shown | {"may_view": False}
    return shown | {"may_view": True} | overview(request)


def overview(request: HttpRequest) -> dict[str, Any]:
    """The lists of the first page, and the signs of health."""
    running = list(page.jobs().filter(status__in=AT_WORK)[:SHOWN])
    paused = list(page.jobs().filter(status=JobStatus.PAUSED)[:SHOWN])
    drafts = list(page.jobs().filter(status=JobStatus.DRAFT)[:SHOWN])
    troubled = list(_troubled()[:SHOWN])
    finished = list(page.jobs().filter(status__in=ENDED_JOBS).order_by("-finished_at")[:SHOWN])
    listing.attach_sums([*running, *paused, *drafts, *troubled, *finished])
    lists = {"running": running, "paused": paused, "drafts": drafts, "troubled": troubled}
    return {
        **{name: [_told(job) for job in jobs] for name, jobs in lists.items()},
        "finished": [_told(job) for job in finished],
        "has_jobs": bool(running or paused or drafts or finished),
        "has_apis": CustomerApi.objects.exists(),
        "signs": health.signs(),
        "can_add": [
            each for each in workspace.every() if permissions.may(request, *each.add_permissions)
        ],
    }


def _told(job: Any) -> dict[str, Any]:
    """A job with what `attach_sums` gave it."""
    words = workspace.of(job.kind)
    return {"job": job, "words": words, "sums": job.page_sums, "told": job.page_story}


def _troubled() -> QuerySet[ImportJob]:
    """Ended jobs with records that failed or are unknown and that no later round has taken on."""
    newest = (
        ImportJob.objects.filter(status__in=ENDED_JOBS).order_by("-pk").values("pk")[:LOOKED_AT]
    )
    retried = ImportResult.objects.filter(retry_of=OuterRef("pk"))
    waiting = ImportResult.objects.filter(
        job=OuterRef("pk"), status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN]
    )
    # The first of each job, by the index of trouble. An EXISTS is planned as a join of them all.
    waiting = waiting.exclude(error_code="").exclude(Exists(retried)).order_by("error_code", "pk")
    found = page.jobs().alias(first_waiting=Subquery(waiting.values("pk")[:1]))
    return found.filter(first_waiting__isnull=False, pk__in=newest)


def live(request: HttpRequest) -> HttpResponse:
    """The moving part of the first page."""
    permissions.require(request, permissions.VIEW)
    return render(request, "imports/home/panel.html", overview(request))
