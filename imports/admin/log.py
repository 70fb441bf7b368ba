"""The Log tab: who did what with this job, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy, pgettext_lazy

from imports.admin import workspace
from imports.models import JobEvent

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

    from imports.models import ImportJob

ROWS = 100
# What the ledger notes, and how the log says it.
ACTIONS: dict[str, _StrOrPromise] = {
    "created": pgettext_lazy("log", "Created"),
    "checked": pgettext_lazy("log", "Checked"),
    "started": pgettext_lazy("log", "Started"),
    "wave ended": pgettext_lazy("log", "Wave ended"),
    "paused": pgettext_lazy("log", "Paused"),
    "resumed": pgettext_lazy("log", "Resumed"),
    "cancelled": pgettext_lazy("log", "Cancelled"),
    "re-queued": pgettext_lazy("log", "Re-queued"),
    "finished": pgettext_lazy("log", "Finished"),
    "input refused": pgettext_lazy("log", "Input refused"),
    "duplicates": pgettext_lazy("log", "Named more than once"),
    "settings changed": pgettext_lazy("log", "Settings changed"),
    "password changed": pgettext_lazy("log", "Password changed"),
    "retried": pgettext_lazy("log", "Retried"),
    "corrected": pgettext_lazy("log", "Corrected"),
    "sent elsewhere": pgettext_lazy("log", "Sent to another API"),
    "excluded": pgettext_lazy("log", "Excluded"),
    "unknown arrived": pgettext_lazy("log", "Unknown ones had arrived"),
    "unknown did not arrive": pgettext_lazy("log", "Unknown ones had not arrived"),
    "done in the background": pgettext_lazy("log", "Done in the background"),
    "put together in the background": pgettext_lazy("log", "Put together in the background"),
    "retry files written": pgettext_lazy("log", "Retry files written"),
    "retry files not written": pgettext_lazy("log", "Retry files not written"),
    "exported": pgettext_lazy("log", "Exported"),
    "notified": pgettext_lazy("log", "Notified"),
    "not notified": pgettext_lazy("log", "Not notified"),
}


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of events, newest first, before the one that `before` names."""
    events = JobEvent.objects.filter(job=job).order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 18:
        events = events.filter(pk__lt=int(before))
    rows = list(events[: ROWS + 1])
    return {
        "events": rows[:ROWS],
        "next_before": rows[ROWS - 1].pk if len(rows) > ROWS else None,
    }


TAB = workspace.Tab(
    slug="log",
    label=gettext_lazy("Log"),
    icon="history",
    template="imports/job/log.html",
    context=context,
)
