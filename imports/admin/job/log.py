"""The Log tab: who did what with this job, when and why, and how its attempts ended.

The audit log is the same across all jobs.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import exports, filters, permissions
from imports.admin.base import MOST_COUNTED, CappedPaginator, page_of
from imports.admin.exports import ExportedAdmin, Sheet, at_once, local
from imports.admin.job import page
from imports.ledger import restored  # noqa: F401 - its sentence is in logs
from imports.models import Attempt, JobEvent
from imports.policy import Verdict
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from imports.models import ImportJob


ROWS = 100
EVENT, ATTEMPT = 0, 1  # of one moment, what was tried comes after what was done
LINES_AT_ONCE = 500  # attempts whose lines are made in one go, in an export
# What the filter offers: events, and which attempts beside them.
CLEAN = Q(verdict=Verdict.SUCCESS)
SHOWS = {
    "": (Q(), ~CLEAN),
    "people": (~Q(actor=""), None),
    "failures": (None, ~CLEAN),
    "all": (Q(), Q()),
}
LABELS = {
    "": gettext_lazy("Events and failed attempts"),
    "people": gettext_lazy("What people did"),
    "failures": gettext_lazy("Failed attempts only"),
    "all": gettext_lazy("Events and all attempts"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an event, or an attempt with the lines that its kind of job logs about it."""

    at: datetime
    event: JobEvent | None = None
    attempt: Attempt | None = None
    lines: tuple[str, ...] = ()


class LogPaginator(CappedPaginator):
    """Pages of events and attempts together, newest first."""

    @cached_property
    def found(self) -> int:
        lines = cast("_Lines", self.object_list)
        both: tuple[QuerySet[Any], ...] = (lines.events, lines.attempts)
        return sum(rows.order_by()[: MOST_COUNTED + 1].count() for rows in both)


@dataclass(frozen=True, slots=True)
class _Lines:
    """What a paginator cuts pages from: two tables in one order."""

    job: ImportJob
    events: QuerySet[JobEvent]
    attempts: QuerySet[Attempt]

    def __getitem__(self, place: slice) -> list[Entry]:
        """The lines from the newest `start` to `stop`."""
        events = self.events.order_by("-at", "-pk").values_list("at", "pk")[: place.stop]
        attempts = self.attempts.order_by("-ended_at", "-pk")
        keys = [(at, EVENT, pk) for at, pk in events]
        keys += [
            (at, ATTEMPT, pk) for at, pk in attempts.values_list("ended_at", "pk")[: place.stop]
        ]
        here = sorted(keys, reverse=True)[place]
        mine = {kind: [pk for _at, of, pk in here if of == kind] for kind in (EVENT, ATTEMPT)}
        shown = _entries(
            self.job,
            self.events.filter(pk__in=mine[EVENT]).order_by("at", "id"),
            self.attempts.filter(pk__in=mine[ATTEMPT]).order_by("ended_at", "id"),
        )
        return list(shown)[::-1]


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of the log, newest first."""
    show = _show(request)
    lines = _Lines(job, *_rows(job, show))
    return {
        **page_of(request, LogPaginator(cast("Any", lines), ROWS)),
        "show": show,
        "shows": LABELS,
    }


def _show(request: HttpRequest) -> str:
    wanted = request.GET.get("show", "")
    return wanted if wanted in SHOWS else ""


def _rows(job: ImportJob, show: str) -> tuple[QuerySet[JobEvent], QuerySet[Attempt]]:
    of_events, of_attempts = SHOWS[show]
    events, attempts = JobEvent.objects.filter(job=job), Attempt.objects.filter(job=job)
    attempts = attempts.select_related("batch", "job").defer("batch__body", "answer")
    return (
        events.none() if of_events is None else events.filter(of_events),
        attempts.none() if of_attempts is None else attempts.filter(of_attempts),
    )


def _entries(
    job: ImportJob, events: Iterable[JobEvent], attempts: Iterable[Attempt]
) -> Iterator[Entry]:
    """Both in the order of time. The rows come in that order."""
    happened = (Entry(each.at, event=each) for each in events)
    yield from heapq.merge(happened, _of_attempts(job, attempts), key=lambda entry: entry.at)


def _of_attempts(job: ImportJob, attempts: Iterable[Attempt]) -> Iterator[Entry]:
    some: list[Attempt] = []
    for each in attempts:
        some.append(each)
        if len(some) == LINES_AT_ONCE:
            yield from _with_lines(job, some)
            some = []
    yield from _with_lines(job, some)


def _with_lines(job: ImportJob, attempts: list[Attempt]) -> Iterator[Entry]:
    lines = page.of(job.kind).log_lines(attempts) if attempts else {}
    for each in attempts:
        yield Entry(each.ended_at, attempt=each, lines=tuple(lines.get(each.pk, ())))


def export(request: HttpRequest, job: ImportJob) -> HttpResponseBase:
    """The log as it is filtered, oldest first."""
    events, attempts = _rows(job, _show(request))
    found = _entries(
        job, at_once(events.order_by("at", "id")), at_once(attempts.order_by("ended_at", "id"))
    )
    header = [_("When"), _("Who"), _("What"), _("Details"), _("Reason")]
    return exports.sent_and_noted(request, job, Sheet(header, map(_cells, found)), "log")


def _cells(entry: Entry) -> list[object]:
    if entry.event is not None:
        event = entry.event
        what = str(event.get_code_display())
        return [
            local(entry.at), event.actor or "Redrive", what, in_words(event.message), event.reason,
        ]  # fmt: skip
    attempt = cast("Attempt", entry.attempt)
    what = _(Verdict(attempt.verdict).label)
    name = _("Batch %(batch)s, attempt %(n)s") % {"batch": attempt.batch, "n": attempt.number}
    details = " ".join([*(entry.lines or [name]), in_words(attempt.message)])
    return [local(entry.at), "Redrive", what, details, ""]


TAB = page.Tab(
    slug="log",
    label=gettext_lazy("Log"),
    icon="history",
    template="imports/job/log.html",
    context=context,
    acts={"export": page.Action(export, permissions.EXPORT, methods=("GET",))},
)


@admin.register(JobEvent)
class AuditLog(ExportedAdmin):
    """Read only, newest first. Exports are events, too, and so they are in it."""

    when_empty = gettext_lazy("Whatever people and Redrive do with a job is recorded here.")
    list_display = ("at_column", "actor_column", "code", "details_column", "job_column")
    list_display_links = None
    list_filter = ("code", filters.JobFilter)
    search_fields = ("actor__exact",)
    search_help_text = gettext_lazy("User name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobEvent]:
        return JobEvent.objects.select_related("job")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return permissions.may(request, permissions.VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def sheet(self, rows: QuerySet[JobEvent]) -> Sheet:
        header = [_("When"), _("Who"), _("What"), _("Details"), _("Reason"), _("Job")]
        return Sheet(header, map(_event_cells, at_once(rows)))

    @display(description=gettext_lazy("When"))
    def at_column(self, event: JobEvent) -> str:
        return render_to_string("imports/list/when.html", {"at": event.at})

    @display(description=gettext_lazy("Who"))
    def actor_column(self, event: JobEvent) -> str:
        return event.actor or "Redrive"

    @display(description=gettext_lazy("Details"))
    def details_column(self, event: JobEvent) -> str:
        parts = [part for part in (in_words(event.message), event.reason) if part]
        return " · ".join(parts) or "–"

    @display(description=gettext_lazy("Job"))
    def job_column(self, event: JobEvent) -> str:
        return render_to_string("imports/list/of_job.html", {"job": event.job})


def _event_cells(event: JobEvent) -> list[object]:
    what = str(event.get_code_display())
    job = f"{event.job_id}: {event.job.name}"
    details = in_words(event.message)
    return [local(event.at), event.actor or "Redrive", what, details, event.reason, job]
