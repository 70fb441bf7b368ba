"""The audit log: who did what with which job, when and why, across all jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import filters, permissions
from imports.admin.exports import ExportedAdmin
from imports.admin.job.sheets import Sheet, at_once, local
from imports.models import JobEvent
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


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
        return Sheet(header, map(_cells, at_once(rows)))

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


def _cells(event: JobEvent) -> list[object]:
    what = str(event.get_code_display())
    job = f"{event.job_id}: {event.job.name}"
    details = in_words(event.message)
    return [local(event.at), event.actor or "Redrive", what, details, event.reason, job]
