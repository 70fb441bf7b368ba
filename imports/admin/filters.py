"""Filters of the lists. What they offer is read from a bounded number of rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from imports.admin import home
from imports.admin.formatting import whole_number
from imports.admin.job import page
from imports.admin.records import families
from imports.models import CustomerApi, ImportBatch, ImportJob, ImportResult, JobEvent
from imports.policy import Verdict
from imports.states import ENDED_JOBS, IN_FLIGHT, BatchStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

SAMPLE = 2_000  # of the newest rows: the codes among them are offered
MOST_OPEN_BATCHES = 1_000
LONGEST_AGO = 36_500  # days


class _StatusFilter(SimpleListFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class JobStatusFilter(_StatusFilter):
    """The status that a row of the list shows: of a job and its retries."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(JobStatus.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(families.with_status(value)) if value else queryset


class OutcomeFilter(SimpleListFilter):
    """What an ended job and its retries came to."""

    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [
            ("attention", gettext("Failures left to resolve")),
            ("failures", gettext("Some records failed at first")),
            ("clean", gettext("No record ever failed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        troubled = Q(error_count__gt=0) | Q(unknown_count__gt=0)
        failed = families.of(
            ImportJob.objects.filter(
                Exists(ImportBatch.objects.filter(troubled, job=OuterRef("pk")))
            )
        )
        ended = queryset.filter(status__in=ENDED_JOBS)
        match self.value():
            case "attention":
                return queryset.filter(families.of(home.troubled_jobs()))
            case "failures":
                return ended.filter(failed)
            case "clean":
                return ended.exclude(failed)
        return queryset


class PersonFilter(SimpleListFilter):
    """Whoever did something with the job or a retry of it."""

    title = gettext_lazy("person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        newest = JobEvent.objects.order_by("-pk").values_list("actor", flat=True)[:SAMPLE]
        return [(name, name) for name in sorted({*newest, self.value() or ""} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        done = JobEvent.objects.filter(job=OuterRef("pk"), actor=self.value())
        return queryset.filter(families.of(ImportJob.objects.filter(Exists(done))))


class CreatedFilter(SimpleListFilter):
    """When the job or one of its retries was created."""

    title = gettext_lazy("date")
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [
            ("1", gettext("Today")),
            ("7", gettext("Last 7 days")),
            ("30", gettext("Last 30 days")),
            ("365", gettext("Last 12 months")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = whole_number(self.value() or "")
        if not days or days > LONGEST_AGO:
            return queryset
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - timedelta(days=days - 1)
        return queryset.filter(families.of(ImportJob.objects.filter(created_at__gte=since)))


class ResultStatusFilter(_StatusFilter):
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(ResultStatus.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().queryset(request, queryset)
        if self.value() in (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED):
            return found.exclude(error_code="")  # so that the small index of troubles serves it
        return _in_open_batches(found) if self.value() == ResultStatus.PENDING else found


def _in_open_batches(pending: QuerySet[Any]) -> QuerySet[Any]:
    """The same records, by index: whatever is pending is in a batch that is open.

    Where very many are open, pending records are many, too, and soon found without. The ids are
    spelt out: PostgreSQL's statistics may still be of the time when all of them were open.
    """
    waits, is_out = Q(status=BatchStatus.PENDING), Q(status__in=IN_FLIGHT)
    rows = ImportBatch.objects.filter(waits | is_out).order_by().values_list("pk", flat=True)
    ids = list(rows[: MOST_OPEN_BATCHES + 1])
    return pending if len(ids) > MOST_OPEN_BATCHES else pending.filter(batch__in=ids)


class BatchStatusFilter(_StatusFilter):
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(BatchStatus.choices)


class JobTypeFilter(SimpleListFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(each.kind, each.label) for each in page.every()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class _ByNumber(SimpleListFilter):
    """Compares a column with a whole number; anything else finds nothing."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        number = whole_number(value)
        return queryset.none() if number is None else queryset.filter(**{self.column: number})


class _OfFamily(_ByNumber):
    """The same of a job or one of its retries."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().queryset(request, ImportJob.objects.all())
        return queryset.filter(families.of(found)) if self.value() else queryset


class ApiFilter(_OfFamily):
    title = gettext_lazy("API")
    parameter_name = "api"
    column = "api_id"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        rows = CustomerApi.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in rows[:100]]


class PlaceFilter(_OfFamily):
    """Where jobs without an API fetch from: their portal."""

    title = gettext_lazy("portal")
    parameter_name = "portal"
    column = "rate_limit_id"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        rows = page.jobs().filter(api=None).order_by("rate_limit_id", "-pk")
        some = rows.distinct("rate_limit_id")[:100]
        found = [(job, page.of(job.kind).place(job)) for job in some]
        return [(str(job.rate_limit_id), place.name) for job, place in found if place]


class JobFilter(_ByNumber):
    """The newest jobs, and the one that is chosen."""

    title = gettext_lazy("job")
    parameter_name = "job"
    column = "job_id"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        names = dict(ImportJob.objects.order_by("-pk").values_list("pk", "name")[:30])
        chosen = whole_number(request.GET.get("job", ""))
        if chosen is not None and chosen not in names:
            names |= dict(ImportJob.objects.filter(pk=chosen).values_list("pk", "name"))
        return [(str(pk), f"{pk}: {name}") for pk, name in names.items()]


def _newest(model: type[Model], request: HttpRequest) -> QuerySet[Any]:
    """The newest rows that may carry a code, of the chosen job if there is one."""
    rows = model._default_manager.order_by("-pk")
    chosen = whole_number(request.GET.get("job", ""))
    if chosen is not None:
        rows = rows.filter(job_id=chosen)
    return rows.exclude(error_code="") if model is ImportResult else rows


class CodeFilter(SimpleListFilter):
    title = gettext_lazy("error")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        newest = _newest(model_admin.model, request).values_list("error_code", flat=True)[:SAMPLE]
        codes = set(newest) | {request.GET.get(self.parameter_name, "")}
        return [(code, code) for code in sorted(codes - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class HttpFilter(_ByNumber):
    title = gettext_lazy("HTTP status")
    parameter_name = "http"
    column = "http_status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        newest = _newest(model_admin.model, request).values_list("http_status", flat=True)[:SAMPLE]
        found = {each for each in newest if each is not None}
        return [(str(each), str(each)) for each in sorted(found)]


class VerdictFilter(SimpleListFilter):
    title = gettext_lazy("outcome")
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(each.value, gettext(each.label)) for each in Verdict]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(verdict=self.value()) if self.value() else queryset
