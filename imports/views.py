"""Views outside the admin: a job's results as JSON, health checks, and refused requests in
words.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Value
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from imports.admin import home, permissions
from imports.admin.job import page
from imports.engine import sweeper
from imports.ledger.totals import describe
from imports.models import Attempt, ImportBatch, ImportResult
from imports.states import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.models import ImportJob


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what was wrong, and how to continue. htmx drops such an answer and reloads its page."""
    sentence = _sentence(exception)
    if request.headers.get("HX-Request"):
        messages.error(request, sentence)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "imports/bad_request.html", {"sentence": sentence}, status=400)


def _sentence(exception: Exception | None) -> str:
    if isinstance(exception, TooManyFilesSent):
        most = number_format(settings.DATA_UPLOAD_MAX_NUMBER_FILES, force_grouping=True)
        return _(
            "At most %(most)s files can be added at once, so none of them was. Add them in "
            "several goes, or import the directory with: manage.py import_customers."
        ) % {"most": most}
    if isinstance(exception, (TooManyFieldsSent, RequestDataTooBig)):
        return _("That was more than one request may hold, so nothing of it was done.")
    return _("This request could not be read, so nothing was done.")


ROWS_AT_ONCE = 2_000
LATELY = timedelta(seconds=60)
BATCHES_LATELY = 50
ENTRIES_LATELY = 500


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
    rows = list(lately.order_by("-updated_at", "-pk")[:ENTRIES_LATELY])
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


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process is alive, whatever else is not."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database and Redis answer; else 503, naming the one that does not.

    A late sweeper is reported, but does not take this process out of service.
    """
    found = {"database": home.database_answers(), "redis": home.redis_answers()}
    summary = {name: "ok" if answers else "does not answer" for name, answers in found.items()}
    is_ready = all(found.values())
    if found["database"]:
        summary["sweeper"] = "late" if sweeper.is_late(sweeper.silent_seconds()) else "ok"
    return JsonResponse(
        {"status": "ok" if is_ready else "not ready", **summary}, status=200 if is_ready else 503
    )
