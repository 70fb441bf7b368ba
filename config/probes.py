"""What monitoring asks: `/healthz`, `/readyz`, and `/metrics` for Prometheus.

They are answered to any host, over plain HTTP, before all other middleware. Each scrape reads
PostgreSQL and Redis, so that any web host answers for the whole installation.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import django_rq
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from bills.models import Portal
from config.middleware import is_forwarded
from imports.admin import home
from imports.engine import queue, sweeper
from imports.models import CustomerApi
from imports.states import IN_FLIGHT, BatchStatus, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http.response import HttpResponseBase


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
    checks = {name: "ok" if answers else "does not answer" for name, answers in found.items()}
    is_ready = all(found.values())
    if found["database"]:
        checks["sweeper"] = "late" if sweeper.is_late(sweeper.silent_seconds()) else "ok"
    return JsonResponse(
        {"status": "ok" if is_ready else "not ready", **checks}, status=200 if is_ready else 503
    )


WINDOW_MINUTES = 15
RECENT = """
FROM imports_importjob j
JOIN imports_ratelimit l ON l.id = j.rate_limit_id
JOIN imports_attempt a ON a.job_id = j.id AND a.ended_at > statement_timestamp() - %(window)s
WHERE j.status = ANY(%(at_work)s) OR j.finished_at > statement_timestamp() - %(window)s
"""
ATTEMPTS = f"""
SELECT l.key, j.kind, a.verdict, a.error_code, count(*) {RECENT} GROUP BY 1, 2, 3, 4
"""
OUTCOMES = f"""
SELECT l.key, j.kind, sum(a.success_count), sum(a.error_count), sum(a.unknown_count)
{RECENT} GROUP BY 1, 2
"""
BATCHES = """
WITH open AS (
    SELECT l.key, j.kind, b.status = %(pending)s AS pending,
           greatest(b.next_attempt_at, l.paused_until) AS due_at, b.lease_until,
           statement_timestamp() AS now
    FROM imports_importjob j
    JOIN imports_ratelimit l ON l.id = j.rate_limit_id
    JOIN imports_importbatch b ON b.job_id = j.id
    WHERE j.status = %(running)s AND (b.status = %(pending)s OR b.status = ANY(%(in_flight)s))
)
SELECT key, kind,
       count(*) FILTER (WHERE pending AND due_at <= now),
       count(*) FILTER (WHERE pending AND due_at > now),
       count(*) FILTER (WHERE NOT pending),
       count(*) FILTER (WHERE NOT pending AND lease_until < now),
       coalesce(extract(epoch FROM max(now - due_at) FILTER (WHERE pending AND due_at <= now)), 0)
FROM open GROUP BY 1, 2
"""
JOBS = "SELECT kind, status, count(*) FROM imports_importjob GROUP BY 1, 2"
VALUES: dict[str, Any] = {
    "window": timedelta(minutes=WINDOW_MINUTES),
    "at_work": [JobStatus.RUNNING, JobStatus.PAUSED],
    "running": JobStatus.RUNNING,
    "pending": BatchStatus.PENDING,
    "in_flight": list(IN_FLIGHT),
}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """With METRICS_TOKEN as a bearer token; where none is set, for this host itself only."""
    if not _may_read(request):
        return HttpResponse(
            "Set METRICS_TOKEN, and send it as a bearer token.\n", "text/plain", 403
        )
    registry = CollectorRegistry()
    registry.register(Redrive())
    return HttpResponse(generate_latest(registry), CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    peer = str(request.META.get("REMOTE_ADDR", ""))
    return not is_forwarded(request) and _is_here(peer)


def _is_here(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return peer == ""  # a Unix socket


class Redrive:
    """Collects everything anew at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What does not answer is reported as down, and the rest is left out."""
        yield from _of_redis()
        try:
            found = list(_of_database())
        except DatabaseError:
            found = []
        yield _gauge("redrive_database_up", "PostgreSQL answers.", [], [([], bool(found))])
        yield from found


def _of_database() -> Iterator[GaugeMetricFamily]:
    yield from _of_batches()
    attempts = [
        ([name, kind, verdict, code], count)
        for name, kind, verdict, code, count in _rows(ATTEMPTS)
    ]
    yield _gauge(
        "redrive_attempts_recent",
        f"Attempts that ended in the last {WINDOW_MINUTES} minutes. WORKER_LOST: a lease expired.",
        ["destination", "kind", "verdict", "code"], attempts,
    )  # fmt: skip
    outcomes = [
        ([name, kind, status], count)
        for name, kind, *counts in _rows(OUTCOMES)
        for status, count in zip(("success", "error", "unknown"), counts, strict=True)
    ]
    yield _gauge(
        "redrive_records_recent",
        f"Records by what the last {WINDOW_MINUTES} minutes' attempts proved of them.",
        ["destination", "kind", "status"], outcomes,
    )  # fmt: skip
    jobs = [([kind, status], count) for kind, status, count in _rows(JOBS)]
    yield _gauge("redrive_jobs", "Jobs by status.", ["kind", "status"], jobs)
    silent = sweeper.silent_seconds()
    if silent is not None:
        help_text = "Seconds since the last sweep."
        yield _gauge("redrive_sweeper_silent_seconds", help_text, [], [([], silent)])


def _of_batches() -> Iterator[GaugeMetricFamily]:
    rows = _rows(BATCHES)
    help_text = {
        "redrive_batches_due": "Batches that could be sent now.",
        "redrive_batches_waiting": "Batches that wait for their next attempt.",
        "redrive_batches_in_flight": "Batches that a worker holds.",
        "redrive_leases_expired": "Batches whose lease expired and that no sweeper has settled.",
        "redrive_oldest_due_seconds": "How long the oldest due batch has waited for a worker.",
    }
    for place, (name, sentence) in enumerate(help_text.items(), start=2):
        samples = [([row[0], row[1]], row[place]) for row in rows]
        yield _gauge(name, sentence, ["destination", "kind"], samples)


def _rows(query: str) -> list[Any]:
    """With the names of APIs and portals in place of their keys, where the row begins with one."""
    with connection.cursor() as sql:
        sql.execute(query, VALUES)
        rows = sql.fetchall()
    if query == JOBS:
        return list(rows)
    names = {each.rate_limit_key: each.name for each in (*_named(CustomerApi), *_named(Portal))}
    return [(names.get(key, key), *rest) for key, *rest in rows]


def _named(model: Any) -> Iterable[Any]:
    return model.objects.only("pk", "name")  # type: ignore[no-any-return]


def _of_redis() -> Iterator[GaugeMetricFamily]:
    try:
        waiting = django_rq.get_queue(queue.QUEUE)
        oldest = next(iter(waiting.get_jobs(0, 1)), None)
        length = len(waiting)
    except RedisError:
        yield _gauge("redrive_redis_up", "Redis answers.", [], [([], 0)])
        return
    yield _gauge("redrive_redis_up", "Redis answers.", [], [([], 1)])
    yield _gauge("redrive_workers", "Listening workers.", [], [([], queue.worker_count())])
    yield _gauge("redrive_queue_length", "Messages that wait.", [], [([], length)])
    enqueued_at = getattr(oldest, "enqueued_at", None)
    late = (timezone.now() - enqueued_at).total_seconds() if enqueued_at else 0
    help_text = "How long the oldest message has waited for a worker."
    yield _gauge("redrive_queue_latency_seconds", help_text, [], [([], max(0, late))])


def _gauge(
    name: str, help_text: str, labels: list[str], samples: list[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


class Probes:
    """Answers a probe itself: it names a pod's or a host's address, and speaks no TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return PROBES.get(request.path_info, self.get_response)(request)
