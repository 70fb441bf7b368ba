"""Templates of a mapping: JSON or text with {placeholders}, filled from one record. Pure.

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

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from imports.customers.api.json_paths import steps
from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from imports.customers.api.mapping import Mapping, RecordKey

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
