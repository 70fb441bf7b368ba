"""What a proxy in front says about a request: its scheme, and whose it is."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse

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
