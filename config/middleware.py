"""What comes in is made fit for the views, or answered with what is wrong with it.

A proxy in front says over what scheme a request came, and from whom. Requests that are too large
are refused before a byte of them is read. Text that no database can store is replaced. An address
that cannot exist, and records that no key opens, get their pages.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.paginator import InvalidPage
from django.http import Http404, HttpResponse, QueryDict

from config.error_pages import not_found, sealed
from imports.outside_text import UNSTORABLE, printable
from imports.sealing.keys import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


NOT_SET = (
    "A proxy in front of Redrive says that you came by https, but BEHIND_PROXY is not set, so "
    "Redrive does not believe it and would redirect you to this page for ever. Set "
    "BEHIND_PROXY=true and restart. See docs/production.md.\n"
)
NO_SCHEME = (
    "BEHIND_PROXY is set, but the proxy in front of Redrive does not say whether you came by "
    "https, so Redrive would redirect you to this page for ever. Let the proxy set "
    "X-Forwarded-Proto. See docs/production.md.\n"
)


class RedirectLoops:
    """Answers what would be redirected to itself for ever with the setting that is missing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure() and (why := _loop(request)):
            return HttpResponse(why, status=500, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def _loop(request: HttpRequest) -> str:
    scheme = request.headers.get("X-Forwarded-Proto", "")
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return NOT_SET if scheme == "https" else ""
    return NO_SCHEME if not scheme and is_forwarded(request) else ""


def is_forwarded(request: HttpRequest) -> bool:
    """Whether the request came through a proxy that says so."""
    return any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))


def client_address(request: HttpRequest) -> str | None:
    """Where the request came from: what the proxy in front added last, else the peer.

    Earlier entries of X-Forwarded-For are whatever the client claimed. None on a Unix socket.
    """
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        added = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        if found := _address(added):
            return found
    return _address(str(request.META.get("REMOTE_ADDR", "")))


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None


class BodyLimit:
    """UPLOAD_MAX_BYTES holds for everything that is sent, files included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Here, so that the page of a bad request answers; and before any form is read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.UPLOAD_MAX_BYTES:
            raise RequestDataTooBig


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


class ErrorPages:
    """Answers errors that Django knows no page for with the page that says what is wrong."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """None for any other error."""
        match error:
            case InvalidPage():  # Unfold's search raises it for a page that its list does not have
                return not_found(request, error)
            case Unreadable():
                return sealed(error.message)
        return None
