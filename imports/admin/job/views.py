"""Jobs: the list of them, a new one, the way to each one's tabs, and results as JSON.

The JSON has all results (`details`), or those that changed lately (`realtime`).
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, OrderBy, Q, Value
from django.db.models.functions import Now
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, re_path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from imports.admin import filters, formatting, home, permissions
from imports.admin.forms import NewImportForm
from imports.admin.job import page
from imports.admin.job.page import first_tab, tab_url, to_tab
from imports.admin.records import families
from imports.admin.records.list_actions import JobListActions
from imports.customers import drafts
from imports.ledger.lifecycle import NotAllowed
from imports.ledger.totals import describe
from imports.models import Attempt, CustomerApi, ImportBatch, ImportJob, ImportResult
from imports.rendering import in_words
from imports.states import IN_FLIGHT, JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern, URLResolver


@admin.register(ImportJob)
class ImportJobAdmin(JobListActions, ModelAdmin):
    """Jobs are started, watched and retried here; their numbers are the ledger's."""

    when_empty = gettext_lazy("Start a new import, or a new bill download, from Home.")
    list_display = (
        "job_column",
        "status_column",
        "totals_column",
        "retries_column",
        "started_column",
    )
    list_display_links = ("job_column",)
    list_filter = (
        filters.JobStatusFilter,
        filters.OutcomeFilter,
        filters.JobTypeFilter,
        filters.ApiFilter,
        filters.PlaceFilter,
        filters.PersonFilter,
        filters.CreatedFilter,
    )
    search_fields = ("name",)
    search_help_text = gettext_lazy("Job, API, customer id or e-mail")
    list_per_page = 25
    list_fullwidth = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        return families.newest_first(page.jobs())

    def get_ordering(self, request: HttpRequest) -> list[OrderBy]:
        return [OrderBy(F("newest_id"), descending=True)]  # a row moves up with each retry

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[families.JobList]:
        return families.JobList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportJob], search_term: str
    ) -> tuple[QuerySet[ImportJob], bool]:
        """By number, name or API, and by the id or e-mail of a record in it."""
        term = search_term.strip()
        if not term:
            return queryset, False
        results = ImportResult.objects.filter(key=term) | ImportResult.objects.filter(
            email__in={term, term.lower()}
        )
        ids = set(results.order_by().values_list("job_id", flat=True)[:200])
        number = formatting.whole_number(term)
        named = Q(pk__in=ids) | Q(name__icontains=term) | Q(api__name__icontains=term)
        found = ImportJob.objects.filter(named if number is None else named | Q(pk=number))
        return queryset.filter(families.of(found)), False

    @display(description=gettext_lazy("Job"), ordering="name")
    def job_column(self, job: ImportJob) -> str:
        shown = {"job": job, "words": page.of(job.kind)}
        return render_to_string("imports/list/job.html", shown)

    @display(description=gettext_lazy("Status"), ordering="status")
    def status_column(self, job: Any) -> str:
        shown = {"family": job.page_family, "job_totals": job.page_family.totals}
        return render_to_string("imports/list/status.html", shown)

    @display(description=gettext_lazy("Records"))
    def totals_column(self, job: Any) -> str:
        shown = {"job_totals": job.page_family.totals, "words": page.of(job.kind)}
        return render_to_string("imports/list/totals.html", shown)

    @display(description=gettext_lazy("Attempts and retries"))
    def retries_column(self, job: Any) -> str:
        shown = {"job": job, "family": job.page_family, "words": page.of(job.kind)}
        return render_to_string("imports/list/retries.html", shown)

    @display(description=gettext_lazy("Started"), ordering="started_at")
    def started_column(self, job: ImportJob) -> str:
        return render_to_string("imports/list/started.html", {"job": job})

    def has_delete_permission(self, request: HttpRequest, obj: ImportJob | None = None) -> bool:
        return False  # a draft is discarded on its page; what was started is kept for good

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A new import: a name and an API, then its Files tab."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewImportForm(request.POST or None, initial=_initial())
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            job = drafts.new_draft(data["api"], data["name"], permissions.actor(request))
            return to_tab(job, "files")
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("New import"),
            "form": form,
            "is_ready": CustomerApi.objects.exists(),
        }
        return render(request, "imports/new_import.html", shown)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        """A job has no form but a page of tabs."""
        permissions.require(request, permissions.VIEW)
        job = self.get_object(request, object_id)
        if job is None:
            raise Http404
        return redirect(tab_url(job.pk, first_tab(job)))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        tabs = "|".join(re.escape(slug) for slug in page.slugs())
        guarded = self.admin_site.admin_view
        mine = [
            path("home/", guarded(home.live), name="imports_home"),
            path("<int:pk>/details/", guarded(details), name="imports_importjob_details"),
            path("<int:pk>/realtime/", guarded(realtime), name="imports_importjob_realtime"),
            re_path(
                rf"^(?P<pk>[0-9]{{1,18}})/(?P<tab>{tabs})/$",
                guarded(show_tab),
                name="imports_importjob_tab",
            ),
            re_path(
                rf"^(?P<pk>[0-9]{{1,18}})/(?P<tab>{tabs})/(?P<act>[a-z-]+)/$",
                guarded(do_act),
                name="imports_importjob_act",
            ),
        ]
        return [*mine, *super().get_urls()]


def _initial() -> dict[str, Any]:
    newest = (
        ImportJob.objects.filter(api__isnull=False)
        .order_by("-pk")
        .values_list("api_id", flat=True)
    )
    return {"api": newest.first()}


def show_tab(request: HttpRequest, pk: str, tab: str) -> HttpResponse:
    """One tab of a job's page."""
    permissions.require(request, permissions.VIEW)
    job = page.find(int(pk))
    shown = page.of(job.kind).tab(tab)
    if shown is None:
        return redirect(tab_url(job.pk, first_tab(job)))
    context = page.page_context(request, job, shown) | shown.context(request, job)
    return render(request, shown.template, context)


def do_act(request: HttpRequest, pk: str, tab: str, act: str) -> HttpResponseBase:
    """Something done on a tab: its permission first, then the one function that does it."""
    permissions.require(request, permissions.VIEW)
    job = page.find(int(pk))
    place = page.of(job.kind).tab(tab)
    action = place.acts.get(act) if place else None
    if place is None or action is None:
        raise Http404
    permissions.require(request, action.permission)
    if request.method not in action.methods:
        return HttpResponseNotAllowed(action.methods)
    try:
        return action.run(request, job)
    except NotAllowed as refusal:
        messages.warning(request, in_words(refusal.message))
        is_draft = job.status == JobStatus.DRAFT and place.slug == "progress"
        return to_tab(job, first_tab(job) if is_draft else place.slug)


ROWS_AT_ONCE = 2_000
LATELY = timedelta(seconds=60)
BATCHES_LATELY = 50


@require_safe
def details(request: HttpRequest, pk: str) -> StreamingHttpResponse:
    """{"job": {…}, "results": [one entry for each record]}, streamed: memory does not grow."""
    permissions.require(request, permissions.VIEW)
    job = page.find(int(pk))
    return StreamingHttpResponse(_streamed(job), content_type="application/json")


def _streamed(job: ImportJob) -> Iterator[str]:
    yield f'{{"job": {_json(describe(job))}, "results": ['
    separator = "\n"
    for rows in _pages(_results(job)):
        for entry in entries(job, rows):
            yield separator + _json(entry)
            separator = ",\n"
    yield "\n]}\n"


def _results(job: ImportJob) -> QuerySet[ImportResult]:
    columns = "job_id", "key", "email", "status", "message", "error_code", "http_status"
    return ImportResult.objects.filter(job=job).only(
        "pk", *columns, "retry_attempts", "updated_at"
    )


def _pages(results: QuerySet[ImportResult]) -> Iterator[list[ImportResult]]:
    """By key, not by offset: the last page costs what the first does."""
    after = 0
    while rows := list(results.filter(pk__gt=after).order_by("pk")[:ROWS_AT_ONCE]):
        yield rows
        after = rows[-1].pk


def entries(job: ImportJob, results: list[ImportResult]) -> list[dict[str, Any]]:
    """The JSON of results: who it is, what became of it, and what its kind adds."""
    added = page.of(job.kind).json_of(results)
    return [
        {
            "id": result.pk,
            "customer": result.key or None,
            "email": result.email or None,
            "status": result.status,
            "error": result.english or None,
            "error_code": result.error_code or None,
            "http_status": result.http_status,
            "retry_attempts": result.retry_attempts,
            "final_error": result.final_english,
            "updated_at": result.updated_at.isoformat(),
            **added.get(result.pk, {}),
        }
        for result in results
    ]


@require_safe
def realtime(request: HttpRequest, pk: str) -> JsonResponse:
    """{"job": {…}, "results": [those that changed in the last minute, newest first]}."""
    permissions.require(request, permissions.VIEW)
    job = page.find(int(pk))
    lately = _results(job).filter(
        batch__in=_moving_batches(job), updated_at__gt=Now() - Value(LATELY)
    )
    rows = list(lately.order_by("-updated_at", "-pk")[:500])
    return JsonResponse({"job": describe(job), "results": entries(job, rows)})


def _moving_batches(job: ImportJob) -> list[int]:
    """The batches in flight, and those of the newest attempts: the only ones that change."""
    newest = Attempt.objects.filter(job=job).order_by("-pk").values_list("batch_id", flat=True)
    in_flight = ImportBatch.objects.filter(job=job, status__in=IN_FLIGHT).values_list(
        "pk", flat=True
    )
    tried = list(newest[:BATCHES_LATELY])
    parts = ImportBatch.objects.filter(parent__in=tried).values_list("pk", flat=True)
    return [*tried, *in_flight[:BATCHES_LATELY], *parts[: 4 * BATCHES_LATELY]]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)
