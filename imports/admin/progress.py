"""The Progress tab: how far it is, what is in the way, and the buttons that steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import drafts, jobs
from imports.admin import chart, exporting, page, permissions, workspace
from imports.admin.addresses import to_tab
from imports.event_codes import EventCode
from imports.ledger import moves, waves
from imports.ledger.sums import batch_sums
from imports.models import Attempt, JobEvent
from imports.models.jobs import Beginning
from imports.progress import progress
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from imports.models import ImportJob

ATTEMPTS_SHOWN = 12


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """Rate, time left, batches, the last attempts, and why nothing happens where nothing does."""
    is_at_work = job.status in (JobStatus.QUEUED, JobStatus.RUNNING)
    attempts = Attempt.objects.filter(job=job).order_by("-ended_at", "-id")
    return {
        "progress": progress(job),
        "batches": batch_sums(job),
        "attempts": attempts.select_related("batch").defer("batch__body", "answer")[
            :ATTEMPTS_SHOWN
        ],
        "chart": chart.chart(job),
        "no_worker": is_at_work and jobs.worker_count() == 0,
        "paused_by": _paused_by(job),
        **_wave(job),
    }


def _paused_by(job: ImportJob) -> JobEvent | None:
    if job.status != JobStatus.PAUSED:
        return None
    return JobEvent.objects.filter(job=job, code=EventCode.PAUSED).order_by("-id").first()


def _wave(job: ImportJob) -> dict[str, Any]:
    """The wave that is out, or what the one came to that a person is to look at."""
    if job.wave_limit is None:
        return {}
    asks = job.status == JobStatus.PAUSED and job.pause_code in waves.STOPS
    return {"wave": waves.last_of(job) if asks else None, "goes_next": waves.sizes_of(job)}


def live(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The parts of an open page that changed. `was` is the state it shows, `tab` where it is."""
    shown = workspace.of(job.kind).tab(request.GET.get("tab", "")) or TAB
    told = page.live_context(request, job) | {"tab": shown}
    if shown is TAB:
        told |= context(request, job)
    if request.GET.get("was") != told["live_state"]:
        told |= {"has_moved": True, "tabs": page.tabs(job)}
    return render(request, "imports/job/live.html", told)


def start(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Queue the draft, and watch it; `beginning` overrules how much of it goes out at first."""
    beginning = request.POST.get("beginning", "")
    beginning = beginning if beginning in Beginning.values else ""
    moves.start(job, permissions.actor(request), beginning)
    jobs.ring_on_commit(job.pk)
    messages.success(request, _("Started: %(name)s.") % {"name": job.name})
    return to_tab(job, "progress")


def pause(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Send nothing more for now."""
    if moves.pause(job, permissions.actor(request)):
        messages.success(request, _("Paused. What is in flight still comes back and is recorded."))
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def resume(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Go on."""
    if moves.resume(job, permissions.actor(request)):
        jobs.ring_on_commit(job.pk)
        messages.success(request, _("Resumed."))
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def cancel(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Stop for good; what was not sent is kept as failed."""
    if moves.cancel(job, permissions.actor(request)):
        jobs.ring_on_commit(job.pk)  # its retry files are written
        messages.success(
            request, _("Cancelled. What was not sent is kept as failed and can be retried.")
        )
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def discard(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Throw a draft away."""
    name = job.name
    drafts.remove_draft(job)
    messages.success(request, _("The draft “%(name)s” is gone.") % {"name": name})
    return redirect(reverse("admin:imports_importjob_changelist"))


def _too_late(request: HttpRequest, job: ImportJob) -> None:
    job.refresh_from_db(fields=["status"])
    told = {"status": job.get_status_display()}
    messages.warning(request, _("Nothing was changed: the job is %(status)s by now.") % told)


TAB = workspace.Tab(
    slug="progress",
    label=gettext_lazy("Progress"),
    icon="monitoring",
    template="imports/job/progress.html",
    context=context,
    acts={
        "live": workspace.Act(live, permissions.VIEW, methods=("GET",)),
        "export": workspace.Act(exporting.of_job, permissions.EXPORT, methods=("GET",)),
        "start": workspace.Act(start, permissions.START),
        "pause": workspace.Act(pause, permissions.START),
        "resume": workspace.Act(resume, permissions.START),
        "cancel": workspace.Act(cancel, permissions.START),
        "discard": workspace.Act(discard, permissions.DELETE),
    },
)
