"""A job's results as JSON: all of them (`details`), and those that changed lately (`realtime`)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Value
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from imports.admin import permissions
from imports.admin.job import page
from imports.ledger.totals import describe
from imports.models import Attempt, ImportBatch, ImportResult
from imports.states import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.models import ImportJob

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
