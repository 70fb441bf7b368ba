"""Batches: what was sent together, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import filters
from imports.admin.list_actions import ListActions
from imports.admin.readonly import LedgerAdmin, searched_by_record
from imports.models import ImportBatch, ImportResult

if TYPE_CHECKING:
    from django.db.models import QuerySet

RECORDS_SHOWN = 100
MOST_BATCHES_OF_A_RECORD = 200


@admin.register(ImportBatch)
class ImportBatchAdmin(ListActions, LedgerAdmin):
    """Read only; a failed batch can be sent again."""

    when_empty = gettext_lazy("A job’s input is cut into batches when it is started.")
    list_display = (
        "batch_column", "job_column", "status_column", "sums_column", "attempts_column",
        "trouble_column",
    )  # fmt: skip
    list_filter = (
        filters.BatchStatusFilter,
        filters.CodeFilter,
        filters.HttpFilter,
        filters.JobFilter,
    )
    search_fields = ("number",)
    search_help_text = gettext_lazy("Customer id or e-mail")
    batch_path = "pk"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportBatch]:
        return ImportBatch.objects.select_related("job").defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportBatch], search_term: str
    ) -> tuple[QuerySet[ImportBatch], bool]:
        """The batches that a customer was in."""
        term = search_term.strip()
        if not term:
            return queryset, False
        spellings = searched_by_record(term)
        found = ImportResult.objects.filter(key=term) | ImportResult.objects.filter(
            email__in=spellings
        )
        ids = found.order_by().values_list("batch_id", flat=True)[:MOST_BATCHES_OF_A_RECORD]
        return queryset.filter(pk__in={each for each in ids if each}), False

    @display(description=gettext_lazy("Batch"))
    def batch_column(self, batch: ImportBatch) -> str:
        return str(batch)

    @display(description=gettext_lazy("Job"))
    def job_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/of_job.html", {"job": batch.job})

    @display(description=gettext_lazy("Status"))
    def status_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/status/batch.html", {"status": batch.status})

    @display(description=gettext_lazy("Records"))
    def sums_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/batch_sums.html", {"batch": batch})

    @display(description=gettext_lazy("Attempts"))
    def attempts_column(self, batch: ImportBatch) -> str:
        return str(batch.tries)

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/trouble.html", {"row": batch})

    def records_of(self, rows: QuerySet[Any]) -> Q:
        return Q(batch__in=rows.order_by().values("pk"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """One batch: its sums, its attempts and the first of its records."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = self.get_object(request, object_id)
        if batch is None:
            raise Http404
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": batch,
            "title": str(batch),
            "batch": batch,
            "attempts": batch.attempt_set.order_by("pk")[:RECORDS_SHOWN],
            "records": batch.results.order_by("body_start", "pk")[:RECORDS_SHOWN],
            "parts": batch.parts.defer("body").order_by("part")[:RECORDS_SHOWN],
        }
        return render(request, "imports/batch.html", shown)
