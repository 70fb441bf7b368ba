"""From a stored batch to the request that is sent: its address and its bytes. Pure.

A batch is stored as a list of the records' own bytes. Most APIs are sent just that; for the
others the request is made of it here, the same each time.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from imports.customers.api.requests.templates import (
    PLACEHOLDER,
    CannotBuild,
    Source,
    dumped,
    filled,
    filled_url,
    raw_at,
)
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.api.mapping import Mapping

CONTENT_TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
}
KEY = b"{key}"  # in the constants of a request
NO_KEY = sentence(
    "NO_KEY_FOR_REQUEST", _("The request is a map by id, and this customer has no id for it.")
)
KEY_TWICE = sentence(
    "KEY_TWICE_IN_REQUEST",
    _("The request is a map by id, and two customers of this batch have the same id."),
)


FIELD_FOR_MANY = sentence(
    "FIELD_IN_URL_FOR_MANY",
    _("The URL has a field of the customer in it: the mapping must say request.shape “one”."),
)


class Built(NamedTuple):
    """What is sent: the address without a credential, and the body."""

    url: str
    body: bytes


def content_type(mapping: Mapping) -> str:
    """The Content-Type of this mapping's requests."""
    return mapping.request.content_type or CONTENT_TYPES[mapping.request.format]


def is_filled(url: str) -> bool:
    """Whether an address takes fields of the record in."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all, which is said elsewhere
        return False
    return PLACEHOLDER.search(parts.path + parts.query) is not None


def address(url: str, query: dict[str, str]) -> str:
    """A URL with parameters added to its query."""
    if not query:
        return url
    return url + ("&" if urlsplit(url).query else "?") + urlencode(query, quote_via=quote)


def records_in(body: bytes, mapping: Mapping) -> list[bytes]:
    """The bytes of the records of a stored batch, in order."""
    listed = b"[" + body[len(mapping.opening) : -len(mapping.closing)] + b"]"
    return [bytes(raw) for raw in msgspec.json.decode(listed, type=list[msgspec.Raw])]


def build(body: bytes, url: str, mapping: Mapping, key: str) -> Built:
    """The request for a stored batch. `key` is its idempotency key. Raises CannotBuild."""
    request, whole = mapping.request, address(url, mapping.request.query)
    if request.is_plain and not PLACEHOLDER.search(whole):
        return Built(whole, _keyed(body, mapping, key))
    raws = records_in(body, mapping)
    sources = [Source(raw, index, key, mapping) for index, raw in enumerate(raws)]
    if is_filled(whole) and sources:
        if request.shape != "one":
            raise CannotBuild(FIELD_FOR_MANY)
        whole = filled_url(whole, sources[0])
    if request.is_plain:
        return Built(whole, _keyed(body, mapping, key))
    return Built(whole, _body(sources, mapping, key))


def _keyed(body: bytes, mapping: Mapping, key: str) -> bytes:
    """A stored batch with its key wherever the constants around its records want it."""
    opening, closing = mapping.opening, mapping.closing
    if KEY not in opening + closing:
        return body
    inside = body[len(opening) : -len(closing)]
    return opening.replace(KEY, key.encode()) + inside + closing.replace(KEY, key.encode())


def _body(sources: Sequence[Source], mapping: Mapping, key: str) -> bytes:
    request = mapping.request
    if request.format == "csv":
        return _rows(sources, request.columns)
    wrapped = [_wrapped(source, mapping) for source in sources]
    if request.format == "ndjson":
        return b"".join(msgspec.json.format(each, indent=-1) + b"\n" for each in wrapped)
    before, after = (each.replace(KEY, key.encode()) for each in mapping.around)
    if request.shape == "one":
        return before + b"".join(wrapped[:1]) + after
    if request.shape == "map":
        return before + _map(sources, wrapped, request.map_key) + after
    comma = b"," if request.trace_field else b", "
    return before + b"[" + comma.join(wrapped) + b"]" + after


def _wrapped(source: Source, mapping: Mapping) -> bytes:
    if mapping.request.wrap is not None:
        return filled(mapping.request.wrap, source)
    return mapping.wrap(source.raw, source.index)


def _map(sources: Sequence[Source], wrapped: Sequence[bytes], path: str) -> bytes:
    members: dict[str, bytes] = {}
    for source, value in zip(sources, wrapped, strict=True):
        try:
            name = source.as_text(path or "id")
        except CannotBuild:
            raise CannotBuild(NO_KEY) from None
        if name in members:
            raise CannotBuild(KEY_TWICE)
        members[name] = value
    inside = b", ".join(dumped(name) + b": " + value for name, value in members.items())
    return b"{" + inside + b"}"


def _rows(sources: Sequence[Source], columns: dict[str, str]) -> bytes:
    """CSV as RFC 4180 has it, but with plain line feeds: a heading and a row for each record."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(source, path) for path in columns.values()] for source in sources)
    return text.getvalue().encode()


def _cell(source: Source, path: str) -> str:
    """A record's value as it stands in a row; "" where it has none."""
    known = source.known(path)
    if known is not None:
        return known
    raw = raw_at(source.raw, path)
    if raw is None or raw == b"null":
        return ""
    value = msgspec.json.decode(raw) if raw[:1] == b'"' else None
    return value if isinstance(value, str) else raw.decode()
