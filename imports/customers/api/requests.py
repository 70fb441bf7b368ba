"""From a stored batch to the request that is sent: its address and its bytes. Pure.

A batch is stored as a list of the records' own bytes. Most APIs are sent just that; for the others
the request is made of it here, the same each time. A mapping's templates are JSON or text with
{placeholders}, filled from one record:

    {record}      the record itself, byte for byte
    {index}       its position in the batch, from 0; {number} counts from 1
    {id}          its id, as `record.id` finds it; {username} and {email} likewise
    {key}         the batch's idempotency key; {record_key}: that, with the position
    {name.first}  any other field of the record, by its path

A text that is nothing but a placeholder becomes the value itself, so that numbers stay numbers;
`:number` makes a number of a text that is one, as in {index:number}. The member "..." puts the
members of a record in.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from imports.customers.api.json_paths import steps
from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.api.mapping import Mapping, RecordKey


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


PLACEHOLDER = re.compile(r"\{([^\s{}]+)\}")
SPREAD = "..."
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NO_FIELD = sentence(
    "NO_FIELD_FOR_REQUEST",
    _("The mapping puts “{field}” of each customer into the request, and this one has none."),
)
NO_NUMBER = sentence(
    "NO_NUMBER_FOR_REQUEST", _("The mapping wants “{field}” as a number, and this is none.")
)
NO_SEGMENT = sentence(
    "NO_SEGMENT_FOR_URL", _("“{field}” of this customer cannot be part of a URL.")
)


class CannotBuild(MessageError):
    """A request cannot be made of a record. The message says what it lacks."""


@dataclass(frozen=True)
class Source:
    """One record, and what else a template may take in."""

    raw: bytes
    index: int
    batch_key: str
    mapping: Mapping

    @cached_property
    def names(self) -> RecordKey:
        return self.mapping.key_of(msgspec.json.decode(self.raw))

    def known(self, name: str) -> str | None:
        """The value of a placeholder that is no field of the record; None for any other."""
        match name:
            case "index":
                return str(self.index)
            case "number":
                return str(self.index + 1)
            case "key":
                return self.batch_key
            case "record_key":
                return f"{self.batch_key}-{self.index}"
            case "id":
                return self.names.record_id
            case "username" | "email":
                return str(getattr(self.names, name))
        return None

    def as_json(self, placeholder: str) -> bytes:
        """A placeholder's value as JSON, of the record's own bytes. Raises CannotBuild."""
        name, _colon, kind = placeholder.partition(":")
        if name == "record":
            return self.raw
        if kind == "number":
            text = self.as_text(name)
            if not NUMBER.fullmatch(text):
                raise CannotBuild(NO_NUMBER.format(field=name))
            return text.encode()
        text_or_none = self.known(name)
        if text_or_none is None:
            return self._field(name)
        if not text_or_none:
            raise CannotBuild(NO_FIELD.format(field=name))
        return dumped(text_or_none)

    def as_text(self, placeholder: str) -> str:
        """A placeholder's value inside a text. Raises CannotBuild."""
        name = placeholder.partition(":")[0]
        text = self.known(name)
        if text is None:
            raw = self.raw if name == "record" else self._field(name)
            value = raw[:1] == b'"' and msgspec.json.decode(raw)
            text = value if isinstance(value, str) else raw.decode()
        if not text:
            raise CannotBuild(NO_FIELD.format(field=name))
        return text

    def _field(self, path: str) -> bytes:
        found = raw_at(self.raw, path)
        if found is None or found == b"null":
            raise CannotBuild(NO_FIELD.format(field=path))
        return found


def raw_at(raw: bytes, path: str) -> bytes | None:
    """The bytes of what stands at a path in a JSON text; None where it leads nowhere."""
    for step in steps(path):
        try:
            if step.isdecimal() and raw.lstrip()[:1] == b"[":
                raw = bytes(msgspec.json.decode(raw, type=list[msgspec.Raw])[int(step)])
            else:
                raw = bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[step])
        except (msgspec.MsgspecError, LookupError):
            return None
    return raw.strip()


def filled(template: Any, source: Source) -> bytes:
    """A template as JSON with a record's values in it. Raises CannotBuild."""
    if isinstance(template, str):
        alone = PLACEHOLDER.fullmatch(template)
        return source.as_json(alone[1]) if alone else dumped(filled_text(template, source))
    if isinstance(template, list):
        return b"[" + b", ".join(filled(item, source) for item in template) + b"]"
    if isinstance(template, dict):
        members = [_member(name, value, source) for name, value in template.items()]
        return b"{" + b", ".join(each for each in members if each) + b"}"
    return dumped(template)


def _member(name: str, value: Any, source: Source) -> bytes:
    if name == SPREAD:
        inside = filled(value, source).strip()
        return inside[1:-1].strip() if inside[:1] == b"{" else b""
    return dumped(filled_text(name, source)) + b": " + filled(value, source)


def filled_text(template: str, source: Source) -> str:
    """A text with a record's values in it. Raises CannotBuild."""
    return PLACEHOLDER.sub(lambda found: source.as_text(found[1]), template)


def filled_url(template: str, source: Source) -> str:
    """A URL with a record's values in it, each quoted whole. Raises CannotBuild."""

    def segment(found: re.Match[str]) -> str:
        value = source.as_text(found[1])
        if value in (".", ".."):
            raise CannotBuild(NO_SEGMENT.format(field=found[1]))
        return quote(value, safe="")

    return PLACEHOLDER.sub(segment, template)


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
