"""The Log tab: who did what with this job, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy

from imports.admin.formatting import whole_number
from imports.admin.job import page
from imports.ledger import restored  # noqa: F401 - its sentence is in logs
from imports.models import JobEvent

if TYPE_CHECKING:
    from django.http import HttpRequest

    from imports.models import ImportJob

ROWS = 100


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of events, newest first, before the one that `before` names."""
    events = JobEvent.objects.filter(job=job).order_by("-id")
    before = whole_number(request.GET.get("before", ""))
    if before is not None:
        events = events.filter(pk__lt=before)
    rows = list(events[: ROWS + 1])
    return {
        "events": rows[:ROWS],
        "next_before": rows[ROWS - 1].pk if len(rows) > ROWS else None,
    }


TAB = page.Tab(
    slug="log",
    label=gettext_lazy("Log"),
    icon="history",
    template="imports/job/log.html",
    context=context,
)
