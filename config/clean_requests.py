"""Requests that carry NUL, which PostgreSQL keeps in no text: a search for it finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DataError
from django.http import HttpResponseBadRequest
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

REPLACEMENT = "%EF%BF%BD"  # U+FFFD, as it stands in an address


class WithoutNul:
    """Replaces NUL in the query before anybody reads it; a form with NUL in it is refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query:
            request.META["QUERY_STRING"] = query.replace("%00", REPLACEMENT)
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Most fields are checked by their form; this is for the few that have none."""
        sent = [value for values in request.POST.lists() for value in values[1]]
        if isinstance(exception, (DataError, ValueError)) and any("\x00" in one for one in sent):
            text = _("The form holds the character NUL, which cannot be stored. Remove it.")
            return HttpResponseBadRequest(text, content_type="text/plain; charset=utf-8")
        return None
