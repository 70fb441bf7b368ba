"""Our own style sheet and script, as Unfold's settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.templatetags.static import static

if TYPE_CHECKING:
    from django.http import HttpRequest


def style(request: HttpRequest) -> str:
    """The address of what we add to Unfold's look; django-rq's pages need more of it."""
    found = request.resolver_match
    is_queue = found is not None and "django_rq" in found.namespaces
    return static("imports/queue.css" if is_queue else "imports/redrive.css")


def style_of_acts(request: HttpRequest) -> str:
    """The address of the look of what is done to many records at once."""
    return static("imports/acts.css")


def style_of_records(request: HttpRequest) -> str:
    """The address of the look of one record: found, told, put right."""
    return static("imports/records.css")


def style_of_chart(request: HttpRequest) -> str:
    """The address of the look of a job's chart."""
    return static("imports/chart.css")


def script_of_records(request: HttpRequest) -> str:
    """The address of what the editor of one record does in the browser."""
    return static("imports/records.js")


def script(request: HttpRequest) -> str:
    """The address of what our pages do in the browser."""
    return static("imports/redrive.js")


def script_of_messages(request: HttpRequest) -> str:
    """The address of what tells, in the browser's own way, that a job ended."""
    return static("imports/tell.js")


def favicon(request: HttpRequest) -> str:
    """The address of the small picture in the browser's tab."""
    return static("imports/icon.svg")
