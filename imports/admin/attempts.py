"""Attempts: every try of every batch, as it was written down when it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import filters, sheets
from imports.admin.exporting import ExportedAdmin
from imports.models import Attempt

if TYPE_CHECKING:
    from django.db.models import QuerySet


@admin.register(Attempt)
class AttemptAdmin(ExportedAdmin):
    """Read only."""

    when_empty = gettext_lazy("Each time something is sent, it is written down here.")
    list_display = (
        "when_column", "job_column", "batch_column", "verdict_column", "took_column",
        "trouble_column",
    )  # fmt: skip
    list_filter = (
        filters.VerdictFilter,
        filters.CodeFilter,
        filters.HttpFilter,
        filters.JobFilter,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return Attempt.objects.select_related("job", "batch").defer("batch__body", "answer")

    def sheet(self, rows: QuerySet[Attempt]) -> sheets.Sheet:
        return sheets.of_attempts(rows)

    @display(description=gettext_lazy("Ended"))
    def when_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/when.html", {"at": attempt.ended_at})

    @display(description=gettext_lazy("Job"))
    def job_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/of_job.html", {"job": attempt.job})

    @display(description=gettext_lazy("Batch"))
    def batch_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/of_batch.html", {"attempt": attempt})

    @display(description=gettext_lazy("Came to"))
    def verdict_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/verdict.html", {"attempt": attempt})

    @display(description=gettext_lazy("Took"))
    def took_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/took.html", {"attempt": attempt})

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/trouble.html", {"row": attempt})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """One attempt, and what the other side answered for those who may see it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        attempt = self.get_object(request, object_id)
        if attempt is None:
            raise Http404
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": attempt,
            "title": str(attempt),
            "attempt": attempt,
        }
        return render(request, "imports/attempt.html", shown)
