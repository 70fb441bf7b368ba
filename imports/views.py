"""Views outside the admin: health checks, and the page of a refused request."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from imports.admin import home
from imports.engine import sweeper


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
            "At most %(most)s files can be added at once, so none was added. Add them in "
            "several steps, or import the directory with: manage.py import_customers."
        ) % {"most": most}
    if isinstance(exception, (TooManyFieldsSent, RequestDataTooBig)):
        return _("The request was too large, so nothing was done.")
    return _("This request could not be read, so nothing was done.")


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
