"""The lists of batches, results and attempts, and a record's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports import error_codes
from imports.admin import exports, filters
from imports.admin.base import CappedPaginator, LedgerAdmin, page_of, searched_by_record
from imports.admin.exports import ExportedAdmin
from imports.admin.formatting import readable
from imports.admin.job import failures, page
from imports.admin.records import edit, history, search
from imports.admin.records.list_actions import ListActions
from imports.customers.members import failed_rows
from imports.models import Attempt, ImportBatch, ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver


@admin.register(Attempt)
class AttemptAdmin(ExportedAdmin):
    """Read only."""

    page_template = "imports/attempt.html"
    when_empty = gettext_lazy("Every request is recorded here.")
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

    def sheet(self, rows: QuerySet[Attempt]) -> exports.Sheet:
        return exports.of_attempts(rows)

    @display(description=gettext_lazy("Ended"))
    def when_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/when.html", {"at": attempt.ended_at})

    @display(description=gettext_lazy("Job"))
    def job_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/of_job.html", {"job": attempt.job})

    @display(description=gettext_lazy("Batch"))
    def batch_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/of_batch.html", {"attempt": attempt})

    @display(description=gettext_lazy("Outcome"))
    def verdict_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/verdict.html", {"attempt": attempt})

    @display(description=gettext_lazy("Duration"))
    def took_column(self, attempt: Attempt) -> str:
        return render_to_string("imports/list/took.html", {"attempt": attempt})

    @display(description=gettext_lazy("Answer"))
    def trouble_column(self, attempt: Attempt) -> str:
        shown = {"row": attempt, "shows_answer": True}
        return render_to_string("imports/list/trouble.html", shown)

    def page_context(self, request: HttpRequest, row: Attempt) -> dict[str, Any]:
        """One attempt, and what the other side answered for those who may see it."""
        return {"attempt": row}


RECORDS_SHOWN = 100


@admin.register(ImportBatch)
class ImportBatchAdmin(ListActions, LedgerAdmin):
    """Read only; a failed batch can be sent again."""

    page_template = "imports/batch.html"
    when_empty = gettext_lazy("A job’s input is split into batches when the job starts.")
    list_display = (
        "batch_column", "job_column", "status_column", "totals_column", "attempts_column",
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
        ids = found.order_by().values_list("batch_id", flat=True)[:200]
        return queryset.filter(pk__in={each for each in ids if each}), False

    @display(description=gettext_lazy("Batch"))
    def batch_column(self, batch: ImportBatch) -> str:
        return str(batch)

    @display(description=gettext_lazy("Job"))
    def job_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/of_job.html", {"job": batch.job})

    @display(description=gettext_lazy("Status"))
    def status_column(self, batch: ImportBatch) -> str:
        shown = {"status": batch.status, "submission": batch.submission}
        return render_to_string("imports/status/batch.html", shown)

    @display(description=gettext_lazy("Records"))
    def totals_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/batch_totals.html", {"batch": batch})

    @display(description=gettext_lazy("Attempts"))
    def attempts_column(self, batch: ImportBatch) -> str:
        return str(batch.tries)

    @display(description=gettext_lazy("Error"))
    def trouble_column(self, batch: ImportBatch) -> str:
        return render_to_string("imports/list/trouble.html", {"row": batch})

    def records_of(self, rows: QuerySet[Any]) -> Q:
        return Q(batch__in=rows.order_by().values("pk"))

    def page_context(self, request: HttpRequest, row: ImportBatch) -> dict[str, Any]:
        """One batch: its sums, its attempts and a page of its records."""
        records = row.results.order_by("body_start", "pk")
        pages = page_of(request, CappedPaginator(records, RECORDS_SHOWN))
        return {
            "batch": row,
            "attempts": row.attempt_set.order_by("pk")[:RECORDS_SHOWN],
            "records": pages["page_obj"].object_list,
            **pages,
            "parts": row.parts.defer("body").order_by("part")[:RECORDS_SHOWN],
        }


@admin.register(ImportResult)
class ImportResultAdmin(ListActions, ExportedAdmin):
    """Read only; failed ones can be sent again."""

    page_template = "imports/record/page.html"
    when_empty = gettext_lazy("Records appear here once their job has started.")
    list_display = (
        "record_column", "job_column", "status_column", "attempts_column", "trouble_column",
        "changed_column",
    )  # fmt: skip
    list_filter = (
        filters.ResultStatusFilter,
        filters.CodeFilter,
        filters.HttpFilter,
        filters.JobFilter,
    )
    search_fields = ("key", "email")
    search_help_text = gettext_lazy("Customer id or e-mail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportResult]:
        return ImportResult.objects.select_related("job", "file").defer("refused_record")

    def sheet(self, rows: QuerySet[ImportResult]) -> exports.Sheet:
        return exports.of_records(rows)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportResult], search_term: str
    ) -> tuple[QuerySet[ImportResult], bool]:
        """The exact id or e-mail; where there is none, those that begin with it. By index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        exact = search.is_record(term)
        if len(term) < search.SHORTEST_PREFIX or ImportResult.objects.filter(exact).exists():
            return queryset.filter(exact), False
        begins = Q(key__startswith=term) | (Q(email__startswith=term) & ~Q(email=""))
        return queryset.filter(begins), False

    @display(description=gettext_lazy("Record"))
    def record_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/record.html", {"result": result})

    @display(description=gettext_lazy("Job"))
    def job_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/of_job.html", {"job": result.job})

    @display(description=gettext_lazy("Status"))
    def status_column(self, result: ImportResult) -> str:
        return render_to_string("imports/status/result.html", {"status": result.status})

    @display(description=gettext_lazy("Attempts"))
    def attempts_column(self, result: ImportResult) -> str:
        return str(result.retry_attempts)

    @display(description=gettext_lazy("Error"))
    def trouble_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/trouble.html", {"row": result})

    @display(description=gettext_lazy("Changed"))
    def changed_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/when.html", {"at": result.updated_at})

    def page_context(self, request: HttpRequest, row: ImportResult) -> dict[str, Any]:
        """A record's history."""
        return _summary(request, row)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("find/", guarded(self.find_view), name="imports_find"),
            path("erase/", guarded(search.erase), name="imports_erase"),
            path("<int:pk>/fix/", guarded(edit.view), name="imports_fix"),
            path("<int:pk>/fix/check/", guarded(edit.check), name="imports_fix_check"),
        ]
        return [*mine, *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """Search, from anywhere."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return search.find(request)


def _summary(request: HttpRequest, result: ImportResult) -> dict[str, Any]:
    """Its history, and the bytes of its latest version."""
    words = page.of(result.job.kind)
    found = history.entries(result)
    mine = next(each for each in found if any(one.result == result for one in each.stays))
    history.add_bytes(*{id(each): each for each in (mine, found[0])}.values())
    text, is_cut = readable(mine.stays[-1].raw)
    latest = found[0].latest
    is_open = latest.status == ResultStatus.PENDING
    meaning = error_codes.about(latest.error_code, latest.job.kind)
    remedy = error_codes.for_record(meaning, latest.status)
    exclude = failures.exclusion(request, latest)
    return {
        "result": result,
        "words": words,
        "entries": [
            {"summary": each, "sentence": history.sentence(each, words), "is_this": each is mine}
            for each in found
        ],
        "latest": latest,
        "poll_seconds": page.poll_seconds(latest.job) if is_open else 0,
        "remedy": remedy,
        "row_actions": [
            *failures.row_actions(request, latest, remedy),
            *([exclude] if exclude else []),
        ],
        "follows": error_codes.follows(latest.status, remedy),
        "text": text,
        "is_cut": is_cut,
        "own_row": failed_rows.rows_of([latest]).get(latest.pk),
    }
