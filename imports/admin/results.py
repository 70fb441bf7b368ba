"""Results: what became of each record, and its life from the file to the last attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports import error_codes
from imports.admin import (
    filters,
    finding,
    fixing,
    life,
    life_words,
    page,
    sheets,
    workspace,
)
from imports.admin.exporting import ExportedAdmin
from imports.admin.list_actions import ListActions
from imports.admin.pretty import readable
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver


@admin.register(ImportResult)
class ImportResultAdmin(ListActions, ExportedAdmin):
    """Read only; failed ones can be sent again."""

    when_empty = gettext_lazy("A record stands here once its job has been started.")
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

    def sheet(self, rows: QuerySet[ImportResult]) -> sheets.Sheet:
        return sheets.of_records(rows)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportResult], search_term: str
    ) -> tuple[QuerySet[ImportResult], bool]:
        """The exact id or e-mail; where there is none, those that begin with it. By index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        exact = finding.is_record(term)
        if len(term) < finding.SHORTEST_PREFIX or ImportResult.objects.filter(exact).exists():
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

    @display(description=gettext_lazy("Trouble"))
    def trouble_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/trouble.html", {"row": result})

    @display(description=gettext_lazy("Changed"))
    def changed_column(self, result: ImportResult) -> str:
        return render_to_string("imports/list/when.html", {"at": result.updated_at})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """A record's life."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        result = self.get_object(request, object_id)
        if result is None:
            raise Http404
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": result,
            "title": str(result),
            **_told(request, result),
        }
        return render(request, "imports/record/page.html", shown)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("find/", guarded(self.find_view), name="imports_find"),
            path("<int:pk>/fix/", guarded(fixing.view), name="imports_fix"),
            path("<int:pk>/fix/check/", guarded(fixing.check), name="imports_fix_check"),
        ]
        return [*mine, *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """Search, from anywhere."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return finding.view(request)


def _told(request: HttpRequest, result: ImportResult) -> dict[str, Any]:
    """Its life, and the bytes of its latest version."""
    words = workspace.of(result.job.kind)
    found = life.chapters(result)
    mine = next(each for each in found if any(one.result == result for one in each.rounds))
    life.add_bytes(*{id(each): each for each in (mine, found[0])}.values())
    text, is_cut = readable(mine.rounds[-1].raw)
    latest = found[0].latest
    is_open = latest.status == ResultStatus.PENDING
    return {
        "result": result,
        "words": words,
        "chapters": [
            {"told": each, "sentence": life_words.sentence(each, words), "is_this": each is mine}
            for each in found
        ],
        "latest": latest,
        "fix": workspace.way_to_fix(request, latest),
        "poll_seconds": page.poll_seconds(latest.job) if is_open else 0,
        "remedy": error_codes.about(latest.error_code, latest.job.kind),
        "text": text,
        "is_cut": is_cut,
    }
