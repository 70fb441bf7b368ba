"""Results: what became of each record, and its life from the file to the last attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from imports.admin import causes, filters, retrying, sheets, workspace
from imports.admin.addresses import to_tab
from imports.admin.exporting import ExportedAdmin
from imports.admin.pretty import readable
from imports.admin.readonly import searched_by_record
from imports.models import Attempt, ImportBatch, ImportJob, ImportResult

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST_ROUNDS = 50
MOST_ATTEMPTS = 200
SHORTEST_PREFIX = 3


@admin.register(ImportResult)
class ImportResultAdmin(ExportedAdmin):
    """Read only; failed ones can be sent again."""

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
    actions = ("retry_failed",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportResult]:
        return ImportResult.objects.select_related("job", "file").defer("refused_record")

    def sheet(self, rows: QuerySet[ImportResult]) -> sheets.Sheet:
        return sheets.of_records(rows, causes.REMEDIES)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportResult], search_term: str
    ) -> tuple[QuerySet[ImportResult], bool]:
        """The exact id or e-mail; where there is none, those that begin with it. By index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        exact = Q(key=term) | Q(email__in=searched_by_record(term))
        if len(term) < SHORTEST_PREFIX or ImportResult.objects.filter(exact).exists():
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

    @admin.action(description=gettext_lazy("Retry failed"), permissions=["retry"])
    def retry_failed(
        self, request: HttpRequest, queryset: QuerySet[ImportResult]
    ) -> HttpResponse | None:
        """The failed ones among the chosen, in one new job for each of their jobs."""
        chosen = queryset.order_by()
        jobs = ImportJob.objects.filter(pk__in=chosen.values("job_id")).order_by("pk")
        made = [retrying.retry(request, job, chosen) for job in list(jobs)]
        return to_tab(made[0], "progress") if len(made) == 1 and made[0] else None

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
            "result": result,
            "words": workspace.of(result.job.kind),
            **life(result),
        }
        return render(request, "imports/result.html", shown)


def life(result: ImportResult) -> dict[str, Any]:
    """All rounds of a record with their attempts, and its bytes. A few queries for each round."""
    rounds = lineage(result)
    batch_ids = [each.batch_id for each in rounds if each.batch_id]
    attempts = _attempts(batch_ids)
    told = [
        {
            "result": each,
            "attempts": attempts.get(each.batch_id or 0, []),
            "is_this": each == result,
        }
        for each in rounds
    ]
    text, is_cut = readable(raw(result))
    return {
        "rounds": told,
        "latest": rounds[-1],
        "text": text,
        "is_cut": is_cut,
        "elsewhere": _elsewhere(result, rounds),
    }


def lineage(result: ImportResult) -> list[ImportResult]:
    """The record in its first job and in every later round, in order."""
    rows = ImportResult.objects.select_related("job", "file", "batch").defer(
        "batch__body", "refused_record"
    )
    first = result
    for _round in range(MOST_ROUNDS):
        if first.retry_of_id is None:
            break
        first = rows.get(pk=first.retry_of_id)
    found = [rows.get(pk=first.pk)]
    for _round in range(MOST_ROUNDS):
        later = rows.filter(retry_of=found[-1].pk).first()
        if later is None:
            break
        found.append(later)
    return found


def _attempts(batch_ids: list[int]) -> dict[int, list[Attempt]]:
    """The attempts of the batches and of those they were split from, by batch."""
    from_whom = {pk: pk for pk in batch_ids}
    frontier = list(batch_ids)
    for _depth in range(MOST_ROUNDS):
        parents = ImportBatch.objects.filter(pk__in=frontier, parent__isnull=False)
        pairs = list(parents.values_list("pk", "parent_id"))
        if not pairs:
            break
        for pk, parent in pairs:
            from_whom[parent] = from_whom[pk]
        frontier = [parent for _pk, parent in pairs]
    found: dict[int, list[Attempt]] = {}
    rows = Attempt.objects.filter(batch__in=from_whom).select_related("batch").defer("batch__body")
    for attempt in rows.order_by("pk")[:MOST_ATTEMPTS]:
        found.setdefault(from_whom[attempt.batch_id], []).append(attempt)
    return found


def _elsewhere(result: ImportResult, rounds: list[ImportResult]) -> QuerySet[ImportResult] | None:
    """The same customer in other jobs."""
    if not result.key:
        return None
    others = ImportResult.objects.filter(key=result.key).exclude(pk__in=[r.pk for r in rounds])
    return others.select_related("job").defer("refused_record").order_by("-pk")[:20]


def raw(result: ImportResult) -> bytes:
    """The record byte for byte as it came in; empty where only an id is known of it."""
    if result.batch_id is None:
        kept = ImportResult.objects.values_list("refused_record", flat=True).get(pk=result.pk)
        return bytes(kept or b"")
    piece = Substr("body", result.body_start + 1, result.body_length)
    cut = ImportBatch.objects.filter(pk=result.batch_id).values_list(piece, flat=True)
    return bytes(cut.get() or b"")
