"""Views outside the admin: health checks."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from imports.admin import home
from imports.engine import sweeper


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
