"""The Progress tab: how far the job is, its pace over time, and the buttons that steer it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import exports, permissions
from imports.admin.formatting import number
from imports.admin.job import page
from imports.admin.job.page import to_tab
from imports.customers import drafts
from imports.engine import queue
from imports.ledger import lifecycle, retries
from imports.ledger.totals import DAY, HOUR, MINUTE, batch_totals, marks, pace, progress
from imports.models import Attempt, JobEvent
from imports.models.jobs import Rollout
from imports.states import EventCode, JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from imports.ledger.totals import BatchBody, Pace, Span
    from imports.models import ImportJob

BAR_SHARE = 0.84  # of a span's width: the rest is the gap to the next
LOWEST = 3.0  # percent of the height: what is there at all can be seen
LAST_LABEL = 90.0  # percent: further right a time would not fit beside its mark
CLOCKS = {"time": "H:i:s", "minute": "H:i", "day": "m-d H:i"}  # how times are written


@dataclass(frozen=True, slots=True)
class Bar:
    """What came back in one span; one upon the other where there are two."""

    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A round time. `label` is False where the time would not fit."""

    at: datetime
    x: str
    label: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Two plots over one axis of time, in records per minute (per hour where few come back)."""

    pace: Pace
    is_hourly: bool
    clock: str  # one of CLOCKS
    top: str  # of the scale of what succeeded; "" where nothing did
    trouble_top: str  # of the other, which is often much smaller
    success: list[Bar]
    error: list[Bar]
    unknown: list[Bar]
    marks: list[Mark]
    rows: list[tuple[Span, str]]  # with the rate of all that came back
    best: tuple[Span, str]

    @property
    def clock_format(self) -> str:
        return CLOCKS[self.clock]

    @property
    def job_totals(self) -> tuple[int, int, int]:
        """Succeeded, failed, unknown; a record that was tried again is in it each time."""
        outcomes = [(span.success, span.error, span.unknown) for span in self.pace.spans]
        good, bad, unknown = (sum(counts) for counts in zip(*outcomes, strict=True))
        return good, bad, unknown


def chart(job: ImportJob) -> Chart | None:
    """The chart of a job; None while nothing came back. Two queries, of any job."""
    found = pace(job)
    return drawn(found) if found else None


def drawn(found: Pace) -> Chart:
    """Lay a pace out."""
    spans, step = found.spans, found.frame.step
    best = max(spans, key=lambda span: span.total)
    is_hourly = best.total * MINUTE < step
    per = (HOUR if is_hourly else MINUTE) / step
    good = scale_top(max(span.success for span in spans) * per)
    bad = scale_top(max(span.error + span.unknown for span in spans) * per)
    bars = _Bars(found.frame, per)
    return Chart(
        pace=found,
        is_hourly=is_hourly,
        clock=_clock(found),
        top=rate(good) if good else "",
        trouble_top=rate(bad) if bad else "",
        success=[bars.of(s, 0, s.success, good) for s in spans if s.success],
        error=[bars.of(s, 0, s.error, bad) for s in spans if s.error],
        unknown=[bars.of(s, s.error, s.unknown, bad) for s in spans if s.unknown],
        marks=[_mark(found.frame, at) for at in marks(found.frame)],
        rows=[(span, rate(span.total * per)) for span in spans],
        best=(best, rate(best.total * per)),
    )


def scale_top(most: float) -> float:
    """The next round number; 0 where there is nothing."""
    if most <= 0:
        return 0.0
    power = 10.0 ** floor(log10(most))
    return next(
        top * power
        for top in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
        if top * power >= most * (1 - 1e-9)
    )


def rate(value: float) -> str:
    """With as many digits as it needs: 1,200, 7.5, 0.25."""
    digits = 0 if value >= 10 or value == int(value) else 1 if value >= 1 else 2
    return number(value, digits)


def _clock(found: Pace) -> str:
    if (found.frame.end - found.frame.origin).total_seconds() > DAY:
        return "day"
    return "minute" if found.frame.step >= MINUTE else "time"


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _place(frame: BatchBody, at: datetime) -> float:
    return 100 * (at - frame.origin).total_seconds() / (frame.step * frame.spans)


def _mark(frame: BatchBody, at: datetime) -> Mark:
    x = _place(frame, at)
    return Mark(at, _percent(x), label=x <= LAST_LABEL)


@dataclass(frozen=True, slots=True)
class _Bars:
    frame: BatchBody
    per: float  # from a span's count to its rate

    def of(self, span: Span, below: int, count: int, top: float) -> Bar:
        """So many records of a span, upon those `below` them."""
        slot = 100 / self.frame.spans
        height = self._height(count, top)
        foot = min(self._height(below, top), 100.0 - height)
        return Bar(
            x=_percent(_place(self.frame, span.at) + slot * (1 - BAR_SHARE) / 2),
            width=_percent(slot * BAR_SHARE),
            y=_percent(100 - foot - height),
            height=_percent(height),
        )

    def _height(self, count: int, top: float) -> float:
        return max(LOWEST, 100 * count * self.per / top) if count else 0.0


UNREAD = ("batch__body", "answer")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """Rate, time left, batches, the last attempts, and why nothing happens if nothing does."""
    is_at_work = job.status in (JobStatus.QUEUED, JobStatus.RUNNING)
    more = page.of(job.kind).batch_related
    attempts = Attempt.objects.filter(job=job).order_by("-ended_at", "-id")
    attempts = attempts.select_related("batch").defer(*UNREAD).prefetch_related(*more)
    return {
        "progress": progress(job),
        "batches": batch_totals(job),
        "attempts": attempts[:12],
        "chart": chart(job),
        "no_worker": is_at_work and queue.worker_count() == 0,
        "paused_by": _paused_by(job),
        "out_of_sight": _out_of_sight(job),
        **_stage(job),
    }


def _paused_by(job: ImportJob) -> JobEvent | None:
    if job.status != JobStatus.PAUSED:
        return None
    return JobEvent.objects.filter(job=job, code=EventCode.PAUSED).order_by("-id").first()


def _out_of_sight(job: ImportJob) -> JobEvent | None:
    """Which host said last that it cannot see the files of a job that is to be read."""
    if job.status != JobStatus.QUEUED:
        return None
    codes = (EventCode.FILES_OUT_OF_SIGHT, EventCode.STARTED)
    latest = JobEvent.objects.filter(job=job, code__in=codes).order_by("-id").first()
    return latest if latest and latest.code == EventCode.FILES_OUT_OF_SIGHT else None


def _stage(job: ImportJob) -> dict[str, Any]:
    """The current rollout stage, and the result of one that a person must look at."""
    if job.stage_limit is None:
        return {}
    asks = job.status == JobStatus.PAUSED and job.pause_code in lifecycle.STOPS
    return {
        "stage": lifecycle.last_of(job) if asks else None,
        "goes_next": lifecycle.sizes_of(job),
    }


def live(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The parts of an open page that changed. `was` is the state it shows, `tab` where it is."""
    shown = page.of(job.kind).tab(request.GET.get("tab", "")) or TAB
    parts = page.live_context(request, job) | {"tab": shown, "tabs": page.tabs(job)}
    if shown is TAB:
        parts |= context(request, job)
    if request.GET.get("was") != parts["live_state"]:
        parts |= {"has_moved": True}
    return render(request, "imports/job/live.html", parts)


def start(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Queue the draft, and watch it; `begin` overrules how much of it is sent at first."""
    rollout = request.POST.get("begin") or request.POST.get("rollout", "")
    rollout = rollout if rollout in Rollout.values else ""
    lifecycle.start(job, permissions.actor(request), rollout)
    queue.enqueue_on_commit(job.pk)
    messages.success(request, _("Started: %(name)s.") % {"name": job.name})
    return to_tab(job, "progress")


def pause(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Send nothing more for now."""
    if lifecycle.pause(job, permissions.actor(request)):
        messages.success(request, _("Paused. Requests in flight still finish and are recorded."))
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def resume(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Go on."""
    if lifecycle.resume(job, permissions.actor(request)):
        queue.enqueue_on_commit(job.pk)
        messages.success(request, _("Resumed."))
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def cancel(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Stop for good; what was not sent is kept as failed."""
    if lifecycle.cancel(job, permissions.actor(request)):
        queue.enqueue_on_commit(job.pk)  # its retry files are written
        messages.success(
            request,
            _("Cancelled. Records that were not sent are kept as failed and can be retried."),
        )
    else:
        _too_late(request, job)
    return to_tab(job, "progress")


def discard(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Throw a draft away."""
    name = job.name
    drafts.remove_draft(job)
    messages.success(request, _("The draft “%(name)s” was discarded.") % {"name": name})
    return redirect(reverse("admin:imports_importjob_changelist"))


def rename(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Give the job another name, whatever its status."""
    retries.rename(job, request.POST.get("name", ""), permissions.actor(request))
    messages.success(request, _("The job is now called “%(name)s”.") % {"name": job.name})
    return to_tab(job, page.first_tab(job))


def duplicate(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """A draft with the same input and settings."""
    words = page.of(job.kind)
    permissions.require(request, *words.add_permissions)
    name = (_("%(name)s (copy)") % {"name": job.name})[:200]
    draft = words.duplicate(job, name, permissions.actor(request))
    queue.enqueue_on_commit(draft.pk)  # a worker reads large files
    said = _("This is a copy of job %(job)s. Nothing is sent until you press Start.")
    messages.success(request, said % {"job": job.pk})
    return to_tab(draft, page.first_tab(draft))


def _too_late(request: HttpRequest, job: ImportJob) -> None:
    job.refresh_from_db(fields=["status"])
    params = {"status": job.get_status_display().lower()}
    messages.warning(request, _("Nothing was changed: the job is already %(status)s.") % params)


TAB = page.Tab(
    slug="progress",
    label=gettext_lazy("Progress"),
    icon="monitoring",
    template="imports/job/progress.html",
    context=context,
    acts={
        "live": page.Action(live, permissions.VIEW, methods=("GET",)),
        "export": page.Action(exports.of_job, permissions.EXPORT, methods=("GET",)),
        "start": page.Action(start, permissions.START),
        "pause": page.Action(pause, permissions.START),
        "resume": page.Action(resume, permissions.START),
        "cancel": page.Action(cancel, permissions.START),
        "discard": page.Action(discard, permissions.DELETE),
        "rename": page.Action(rename, permissions.CHANGE),
        "duplicate": page.Action(duplicate, permissions.ADD),
    },
)
