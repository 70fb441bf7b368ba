"""What comes in by an address, a form or a cookie is made fit, or gets a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import InvalidPage
from django.http import Http404, QueryDict

from config.error_pages import not_found, sealed
from imports.printable import UNSTORABLE, printable
from imports.sealing.codec import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class StorableText:
    """Replaces NUL and half characters, which PostgreSQL refuses, by U+FFFD.

    A search for such a text then finds nothing, instead of failing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.GET = _storable(request.GET)  # type: ignore[assignment]
        request.COOKIES = {key: printable(value) for key, value in request.COOKIES.items()}
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Here, and not before: what is refused while a form is read gets its page."""
        if UNSTORABLE.search(request.path_info):
            raise Http404
        if request.method == "POST" and request.content_type in FORMS:
            request.POST = _storable(request.POST)  # type: ignore[assignment]


class PageNumbers:
    """A page number that no list has is an address that does not exist: Unfold's search raises."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page that says so, or None: the error is another."""
        return not_found(request, error) if isinstance(error, InvalidPage) else None


class SealedRecords:
    """A page that needs encrypted records which no key opens says so, and which setting has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page that says so, or None: the error is another."""
        return sealed(error.message) if isinstance(error, Unreadable) else None


def _storable(values: QueryDict) -> QueryDict:
    """The same values where all can be stored, as nearly always."""
    texts = [text for key, found in values.lists() for text in (key, *found)]
    if not any(UNSTORABLE.search(text) for text in texts):
        return values
    clean = QueryDict(mutable=True)
    for key, found in values.lists():
        clean.setlist(printable(key), [printable(text) for text in found])
    clean._mutable = False
    return clean
