"""Exports: what a job or a list shows, as CSV or for Excel, streamed.

An export says what became of each record and of each attempt. No body, no answer, no credential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from imports import error_codes
from imports.admin import permissions
from imports.admin.base import LedgerAdmin
from imports.admin.job import page as job_page
from imports.exports import csv_rows, xlsx_pieces
from imports.ledger.lifecycle import note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import Attempt, ImportResult
from imports.policy import Verdict
from imports.rendering import in_words
from imports.states import EventCode, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern, URLResolver
    from django.utils.functional import _StrOrPromise

    from imports.models import ImportJob


AS = sentence("AS", gettext_noop("{what} as {form}"))
# What is exported of a job, by the name that its file has.
NAMES = {
    "results": sentence("EXPORT_OF_RESULTS", gettext_noop("results")),
    "failures": sentence("EXPORT_OF_FAILURES", gettext_noop("failures")),
    "stored": sentence("EXPORT_OF_STORED", gettext_noop("imported customers")),
    "attempts": sentence("EXPORT_OF_ATTEMPTS", gettext_noop("attempts")),
    "log": sentence("EXPORT_OF_LOG", gettext_noop("log")),
}
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
            sheet = of_stored(ImportResult.objects.filter(job=job).order_by("pk"))
            return sent_and_noted(request, job, sheet, "stored")
        case "attempts":
            sheet = of_attempts(Attempt.objects.filter(job=job).order_by("pk"))
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
    title = in_words(NAMES[what]).capitalize()
    response = sent(request, sheet, f"job-{job.pk}-{what}", form, title)
    note(
        job,
        EventCode.EXPORTED,
        AS.format(what=NAMES[what], form=form.upper()),
        permissions.actor(request),
    )
    return response


class ExportedAdmin(LedgerAdmin):
    """A list that can be exported as it is filtered and searched."""

    list_before_template = "imports/list/export.html"
    export_labels: Mapping[str, _StrOrPromise] = LABELS  # of each form, as the menu names it

    def sheet(self, rows: QuerySet[Any]) -> Sheet:
        """What the export of these rows says."""
        raise NotImplementedError

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        name = self._export_name()
        exports = [
            (reverse(name, args=[form]), label) for form, label in self.export_labels.items()
        ]
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
        return self.exported(request, rows, form)

    def exported(
        self, request: HttpRequest, rows: QuerySet[Any], form: str
    ) -> StreamingHttpResponse:
        """The download. Raises Http404 for a form that there is not."""
        title = str(self.opts.verbose_name_plural).capitalize()
        return sent(request, self.sheet(rows), f"{self.opts.model_name}s", form, title)


# A server-side cursor holds the rest. It outlives its transaction, so none is open meanwhile.
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """Headings, and rows that are read while they are asked for."""

    header: Sequence[str]
    rows: Iterable[Sequence[object]]


def at_once(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows of one query, never more than ROWS_AT_ONCE of them in memory."""
    return rows.iterator(chunk_size=ROWS_AT_ONCE)


def of_records(results: QuerySet[ImportResult]) -> Sheet:
    """One row for each record. One query."""
    header = [
        _("Job"), _("Customer"), _("E-mail"), _("File"), _("Record"), _("Status"), _("Code"),
        _("HTTP"), _("Error"), _("Attempts"), _("Changed"), _("Again in job"),
        _("Who must act"), _("Remedy"),
    ]  # fmt: skip
    columns = results.annotate(again=F("retries__job")).values_list(
        "job_id", "key", "email", "file__name", "position", "status", "error_code",
        "http_status", "message", "retry_attempts", "updated_at", "again",
    )  # fmt: skip
    return Sheet(header, _records(columns, Advice("customers")))


def of_stored(results: QuerySet[ImportResult]) -> Sheet:
    """One row for each record that is stored, with the id that the API gave it. One query."""
    header = [
        _("Job"), _("Customer"), _("E-mail"), _("File"), _("Record"), _("Id in the API"),
        _("Changed"),
    ]  # fmt: skip
    stored = results.filter(status=ResultStatus.SUCCESS).values_list(
        "job_id", "key", "email", "file__name", "position", "assigned__value", "updated_at"
    )
    return Sheet(header, ((*names, local(at)) for *names, at in at_once(stored)))


def _records(
    columns: QuerySet[Any, tuple[Any, ...]], advice: Advice
) -> Iterator[Sequence[object]]:
    for *names, status, code, http, message, attempts, at, again in at_once(columns):
        cells = (status_word(status), code, http, in_words(message), attempts, local(at), again)
        yield (*names, *cells, *advice[code, status])


class Advice(dict[tuple[str, str], tuple[str, str]]):
    """Who must act on a code of a record in a status, and how, in the operator's language.

    Each is looked up once.
    """

    def __init__(self, job_type: str) -> None:
        super().__init__()
        self.job_type = job_type

    def __missing__(self, key: tuple[str, str]) -> tuple[str, str]:
        code, status = key
        found = error_codes.for_record(error_codes.about(code, self.job_type), status)
        self[key] = (found.who, str(found.remedy)) if found else ("", "")
        return self[key]


def of_attempts(attempts: QuerySet[Attempt]) -> Sheet:
    """One row for each try of a batch, without what the other side answered. One query."""
    header = [
        _("Job"), _("Batch"), _("Attempt"), _("Outcome"), _("HTTP"), _("Code"), _("Error"),
        _("Succeeded"), _("Failed"), _("Unknown"), _("Counted"), _("Worker"), _("Sent"),
        _("Ended"), _("Milliseconds"),
    ]  # fmt: skip
    columns = attempts.values_list(
        "job_id", "batch__number", "batch__part", "number", "verdict", "http_status",
        "error_code", "message", "success_count", "error_count", "unknown_count", "counted",
        "worker", "claimed_at", "sent_at", "ended_at",
    )  # fmt: skip
    return Sheet(header, _attempts(columns))


def _attempts(columns: QuerySet[Any, tuple[Any, ...]]) -> Iterator[Sequence[object]]:
    words = {each.value: _(each.label) for each in Verdict}
    for (
        job,
        batch,
        part,
        number,
        verdict,
        http,
        code,
        message,
        *counts,
        worker,
        claimed,
        sent,
        ended,
    ) in at_once(columns):
        name = f"{batch}.{part}" if part else batch
        taken = round((ended - (sent or claimed)).total_seconds() * 1000)
        word = words.get(verdict, verdict)
        cells = (word, http, code, in_words(message), *counts, worker)
        yield (job, name, number, *cells, local(sent), local(ended), taken)


def status_word(status: str) -> str:
    """As the pages say it."""
    return str(ResultStatus(status).label)


def local(at: datetime | None) -> datetime | None:
    """A time in the operator's zone."""
    return timezone.localtime(at) if at else None
