"""Exports: what a job or a list shows, as CSV or for Excel, streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.formats import get_format

from imports.admin import permissions
from imports.admin.base import LedgerAdmin
from imports.admin.job import page as job_page
from imports.admin.job import sheets
from imports.event_codes import EventCode
from imports.exports import csv_rows, xlsx_pieces
from imports.ledger.lifecycle import note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import Attempt, ImportResult

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern, URLResolver

    from imports.admin.job.sheets import Sheet
    from imports.models import ImportJob

AS = sentence("AS", gettext_noop("{what} as {form}"))
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LABELS = {"csv": "CSV", "xlsx": "Excel"}


def sent(
    request: HttpRequest, sheet: Sheet, name: str, form: str, title: str
) -> StreamingHttpResponse:
    """The sheet, of that title in Excel, as a download that is written while it is sent."""
    permissions.require(request, permissions.EXPORT)
    if form not in FORMS:
        raise Http404
    pieces = (
        csv_rows(sheet.header, sheet.rows, _separator())
        if form == "csv"
        else xlsx_pieces(sheet.header, sheet.rows, title=title)
    )
    response = StreamingHttpResponse(pieces, content_type=FORMS[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _separator() -> str:
    """Where numbers have a decimal comma, spreadsheets take the semicolon for a new cell."""
    return ";" if get_format("DECIMAL_SEPARATOR") == "," else ","


def of_job(request: HttpRequest, job: ImportJob) -> HttpResponseBase:
    """`what` of a job: its results, those that are stored or its attempts, `as` csv or xlsx."""
    match request.GET.get("what", "results"):
        case "results":
            return records(request, job, ImportResult.objects.filter(job=job), "results")
        case "stored":
            sheet = sheets.of_stored(ImportResult.objects.filter(job=job).order_by("pk"))
            return sent_and_noted(request, job, sheet, "stored")
        case "attempts":
            sheet = sheets.of_attempts(Attempt.objects.filter(job=job).order_by("pk"))
            return sent_and_noted(request, job, sheet, "attempts")
    raise Http404


def records(
    request: HttpRequest, job: ImportJob, results: QuerySet[ImportResult], what: str
) -> HttpResponseBase:
    """These of a job's results, in the columns of its kind."""
    sheet = job_page.of(job.kind).sheet(job, results.order_by("pk"))
    return sent_and_noted(request, job, sheet, what)


def sent_and_noted(
    request: HttpRequest, job: ImportJob, sheet: Sheet, what: str
) -> StreamingHttpResponse:
    """Customers' data leaves the house: the job's log says who took it."""
    form = request.GET.get("as", "csv")
    response = sent(request, sheet, f"job-{job.pk}-{what}", form, what.capitalize())
    note(
        job,
        EventCode.EXPORTED,
        AS.format(what=what, form=form.upper()),
        permissions.actor(request),
    )
    return response


class ExportedAdmin(LedgerAdmin):
    """A list that can be exported as it is filtered and searched."""

    list_before_template = "imports/list/export.html"

    def sheet(self, rows: QuerySet[Any]) -> Sheet:
        """What the export of these rows says."""
        raise NotImplementedError

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        name = self._export_name()
        exports = [(reverse(name, args=[form]), label) for form, label in LABELS.items()]
        shown = (extra_context or {}) | {"exports": exports}
        page: HttpResponse = super().changelist_view(request, shown)
        return page

    def _export_name(self) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_export"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view(self.export_view)
        name = self._export_name().partition(":")[2]
        return [path("export/<slug:form>/", guarded, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """What the list's filters and its search match: all of it, not a page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        title = str(self.opts.verbose_name_plural).capitalize()
        return sent(request, self.sheet(rows), f"{self.opts.model_name}s", form, title)
