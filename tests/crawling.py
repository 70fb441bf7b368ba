"""Every page that somebody can reach: all addresses on all pages, from Home on."""

from __future__ import annotations

import html
import re
from collections import defaultdict, deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from tests.canaries import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http.response import HttpResponseBase
    from django.test import Client

ADDRESS = re.compile(rb'="(/(?:admin|readyz|healthz)[^"]*|\?[^"]*)"')
HOME = "/admin/"
ROWS = 20  # of each model that are known by address
DIGITS = re.compile(r"\d+")
TELLING = {"as", "what"}  # parameters whose every value is another page
WAY_BACK = "_changelist_filters"


class Crawl:
    """What one person can see. `statuses` has each address that was asked, with its answer's."""

    def __init__(self, client: Client, alike: int) -> None:
        """Of pages that differ by a record's id only, `alike` are asked for."""
        self.client, self.alike = client, alike
        self.statuses: dict[str, int] = {}
        self._paths: defaultdict[str, set[str]] = defaultdict(set)  # by their shape
        self._asked: set[tuple[str, str]] = set()

    def pages(self, *also: str) -> Iterator[tuple[str, bytes]]:
        """(address, bytes) of every page, what is packed inside it, and what came along."""
        waiting = deque([HOME, "/readyz", *of_models(), *also])
        while waiting:
            address = waiting.popleft()
            if self._is_new(address):
                answered = self._ask(address)
                content = body(answered)
                self.statuses[address] = answered.status_code
                yield f"{address} (headers)", answered.serialize_headers()
                yield f"{address} (cookies)", self.client.cookies.output().encode()
                yield from opened(address, content)
                waiting.extend(links(address, answered, content))

    def _ask(self, address: str) -> HttpResponseBase:
        """As the client's `get`, without the copies it keeps of every template's variables."""
        parts = urlsplit(address)
        asked = {"PATH_INFO": unquote(parts.path), "QUERY_STRING": parts.query}
        environ = self.client._base_environ(**asked, REQUEST_METHOD="GET")  # type: ignore[attr-defined]
        answered: HttpResponseBase = self.client.handler(environ)
        return answered

    def _is_new(self, address: str) -> bool:
        """Whether it may show what none before it has shown; of a list's filters each is once."""
        parts = urlsplit(address)
        shape = DIGITS.sub("N", parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = {
            (shape, f"{name}={value}" if name in TELLING else name)
            for name, value in query.items()
            if name != WAY_BACK
        }
        if asked:
            new = bool(asked - self._asked)
            self._asked |= asked
            return new
        known = self._paths[shape]
        if parts.path in known or len(known) >= self.alike:
            return False
        known.add(parts.path)
        return True

    def seen(self) -> list[str]:
        """The addresses that were answered with a page."""
        return [address for address, status in self.statuses.items() if status == 200]


def body(answered: HttpResponseBase) -> bytes:
    content: bytes = (
        b"".join(answered) if answered.streaming else getattr(answered, "content", b"")
    )
    return content


def links(address: str, answered: HttpResponseBase, content: bytes) -> Iterable[str]:
    """Where a page leads on this site, its forms and live parts included."""
    if "Location" in answered.headers:
        yield urljoin(address, answered.headers["Location"])
    if answered.headers.get("Content-Type", "").startswith("text/html"):
        for found in ADDRESS.findall(content):
            yield urljoin(address, html.unescape(found.decode()))


def of_models() -> Iterator[str]:
    """The list, the form and the first rows' pages of each model of the admin."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield from _reversed(f"{name}_changelist")
        yield from _reversed(f"{name}_add")
        for pk in model._default_manager.order_by("pk").values_list("pk", flat=True)[:ROWS]:
            for page in ("change", "history", "delete"):
                yield from _reversed(f"{name}_{page}", pk)


def _reversed(name: str, *arguments: object) -> Iterator[str]:
    try:
        yield reverse(name, args=arguments)
    except NoReverseMatch:
        return
