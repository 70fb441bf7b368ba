"""Bills: the list of them, a job's Bills tab, their PDFs as one ZIP, and evidence of failed
attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from bills.admin import common as own
from bills.browser.plan import Differs
from bills.deliveries import lists
from bills.models import Bill, Evidence, EvidenceKind
from bills.storage import file_name, zipped
from imports.admin import permissions
from imports.admin.base import CappedPaginator, page_of
from imports.admin.exports import ExportedAdmin
from imports.admin.job import page
from imports.fields import WrongKey
from imports.ledger.totals import family

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.urls import URLPattern, URLResolver

    from imports.ledger.totals import Totals
    from imports.models import ImportJob

TYPES = {
    EvidenceKind.SCREENSHOT: ("image/png", "inline", "png"),
    EvidenceKind.PAGE: ("text/html; charset=utf-8", "inline", "html"),
    EvidenceKind.TRACE: ("application/zip", "attachment", "zip"),
}


FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "zip": "application/zip"}
LABELS = {
    "zip": gettext_lazy("Bills (ZIP)"),
    "csv": gettext_lazy("List (CSV)"),
    "json": gettext_lazy("List (JSON)"),
}
DIFFERS = {
    Differs.NUMBER: gettext_lazy("number"),
    Differs.DATE: gettext_lazy("date"),
    Differs.AMOUNT: gettext_lazy("amount"),
}


class DocumentFilter(admin.SimpleListFilter):
    """Whether a bill's PDF agrees with the portal's list."""

    title = gettext_lazy("document")
    parameter_name = "document"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("differs", gettext_lazy("Differs from the list"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Bill]) -> QuerySet[Bill]:
        return queryset.exclude(differs=[]) if self.value() == "differs" else queryset


@admin.register(Bill)
class BillAdmin(ExportedAdmin):
    """Read only; a bill opens as its PDF."""

    when_empty = gettext_lazy("Bills come with a bill download, or by a schedule.")
    list_display = (
        "email",
        "portal",
        "number_column",
        "date_column",
        "amount_column",
        "document_column",
        "size_column",
        "fetched_column",
    )
    list_filter = ("portal", DocumentFilter, "date", "fetched_at")
    list_before_template = "bills/list/export.html"
    export_labels = LABELS
    search_fields = ("email", "number")
    search_help_text = gettext_lazy("E-mail or bill number")
    actions = ("download_zip", "download_list")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A list that is empty offers a download to those who may start one."""
        label, may = gettext("New bill download"), permissions.may(request, *own.NEW_JOB)
        begin = {"begin_url": reverse("admin:bills_new"), "begin_label": label} if may else {}
        return super().changelist_view(request, (extra_context or {}) | begin)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bill]:
        return Bill.objects.select_related("portal")

    @display(description=gettext_lazy("Number"), ordering="number")
    def number_column(self, bill: Bill) -> str:
        return bill.number or "–"

    @display(description=gettext_lazy("Date"), ordering="date")
    def date_column(self, bill: Bill) -> str:
        return bill.date.isoformat() if bill.date else "–"

    @display(description=gettext_lazy("Amount"))
    def amount_column(self, bill: Bill) -> str:
        return render_to_string("bills/list/amount.html", {"bill": bill})

    @display(description=gettext_lazy("Document"))
    def document_column(self, bill: Bill) -> str:
        """What the PDF shows otherwise than the portal's list."""
        named = [str(DIFFERS[Differs(each)]) for each in bill.differs]
        return render_to_string("bills/list/document.html", {"bill": bill, "differs": named})

    @display(description=gettext_lazy("Size"))
    def size_column(self, bill: Bill) -> str:
        return render_to_string("bills/list/size.html", {"bill": bill})

    @display(description=gettext_lazy("Downloaded"))
    def fetched_column(self, bill: Bill) -> str:
        return render_to_string("imports/list/when.html", {"at": bill.fetched_at})

    def has_export_permission(self, request: HttpRequest) -> bool:
        """For the action; Django asks for it by this name."""
        return permissions.may(request, own.VIEW_BILL, permissions.EXPORT)

    @admin.action(description=gettext_lazy("Download as ZIP"), permissions=["export"])
    def download_zip(
        self, request: HttpRequest, queryset: QuerySet[Bill]
    ) -> StreamingHttpResponse:
        """The chosen ones, a folder for each account."""
        return sent(queryset, "zip")

    @admin.action(description=gettext_lazy("Download list (CSV)"), permissions=["export"])
    def download_list(
        self, request: HttpRequest, queryset: QuerySet[Bill]
    ) -> StreamingHttpResponse:
        """Number, date, amount and the rest of each chosen bill, as destinations get it."""
        return sent(queryset, "csv")

    def exported(
        self, request: HttpRequest, rows: QuerySet[Bill], form: str
    ) -> StreamingHttpResponse:
        permissions.require(request, own.VIEW_BILL, permissions.EXPORT)
        if form not in FORMS:
            raise Http404
        return sent(rows, form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """A bill is its PDF."""
        permissions.require(request, own.VIEW_BILL)
        bill = self.get_object(request, object_id)
        if bill is None:
            raise Http404
        return redirect(reverse("admin:bills_bill_pdf", args=[bill.pk]))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guarded = self.admin_site.admin_view
        mine = [
            path("<int:pk>/pdf/", guarded(pdf), name="bills_bill_pdf"),
            path("evidence/<int:pk>/", guarded(evidence), name="bills_evidence"),
        ]
        return [*mine, *super().get_urls()]


def sent(bills: QuerySet[Bill], form: str, name: str = "bills") -> StreamingHttpResponse:
    """The bills as a ZIP with a folder for each account, or their list, written while sent."""
    chosen = bills.order_by("account", "date", "number").iterator(1_000)
    pieces = {
        "csv": lambda: lists.csv_of((bill, file_name(bill)) for bill in chosen),
        "json": lambda: lists.json_of((bill, file_name(bill)) for bill in chosen),
        "zip": lambda: zipped(chosen),
    }[form]()
    response = StreamingHttpResponse(pieces, content_type=FORMS[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def linked_file(request: HttpRequest, token: str) -> FileResponse | HttpResponse:
    """The bill that a signed link names: what a webhook was given the address of."""
    found = lists.bill_of(token)
    bill = Bill.objects.filter(pk=found[0]).first() if found else None
    if bill is None or found is None or not bill.sha256.startswith(found[1]):
        raise Http404
    return _file(request, bill)


def pdf(request: HttpRequest, pk: int) -> FileResponse | HttpResponse:
    """The bill itself, shown in the browser; with `?download`, saved."""
    permissions.require(request, own.VIEW_BILL)
    return _file(request, get_object_or_404(Bill, pk=pk))


def _file(request: HttpRequest, bill: Bill) -> FileResponse | HttpResponse:
    try:
        file = bill.file.open("rb")
    except OSError:  # it is gone, or the storage does not answer
        shown = {**admin.site.each_context(request), "opts": Bill._meta, "title": str(bill)}
        return render(request, "bills/gone.html", shown | {"bill": bill}, status=410)
    response = FileResponse(
        file,
        as_attachment="download" in request.GET,
        filename=file_name(bill),
        content_type="application/pdf",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """One piece of evidence, opened: for those with the permission, and never to be run."""
    permissions.require(request, permissions.EVIDENCE)
    piece = get_object_or_404(Evidence, pk=pk)
    kind, disposition, ending = TYPES[EvidenceKind(piece.kind)]
    try:
        content = piece.opened()
    except WrongKey as error:
        return HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=409)
    response = HttpResponse(content, content_type=kind)
    name = f"evidence-{piece.pk}.{ending}"
    response["Content-Disposition"] = f'{disposition}; filename="{name}"'
    # A page that was kept as evidence is somebody else's: it may be read, and do nothing.
    response["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


ROWS = 100


def of_job(job: ImportJob) -> QuerySet[Bill]:
    """The bills that a job and its retries fetched."""
    jobs = [each for each in family(job) if each.pk >= job.pk]
    return Bill.objects.filter(batch__job__in=jobs).select_related("portal")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of the job's bills."""
    found = of_job(job).order_by("account", "-date", "-number", "pk")
    pages = page_of(request, CappedPaginator(found, ROWS))
    return {"bills": pages["page_obj"].object_list, "count": found.count(), **pages}


def archive(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """A folder for each account, a file for each bill, streamed."""
    permissions.require(request, own.VIEW_BILL)
    found = of_job(job)
    if not found.exists():
        raise Http404
    return sent(found, "zip", f"bills-job-{job.pk}")


def _count(job: ImportJob, job_totals: Totals) -> int | None:
    return of_job(job).count() or None


TAB = page.Tab(
    slug="bills",
    label=gettext_lazy("Bills"),
    icon="receipt_long",
    template="bills/job/bills.html",
    context=context,
    count=_count,
    acts={"zip": page.Action(archive, permissions.EXPORT, methods=("GET",))},
)
