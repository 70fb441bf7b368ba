"""Validates one customer record: its name, and whether it can be sent unchanged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from imports.customers.files.errors import (
    RECORD_FAULT,
    RECORD_WARNING,
    Fault,
    carries_faults,
    faults_of,
    shown,
)
from imports.customers.files.gk import gk_fault
from imports.customers.files.record_names import first_name, kind_of, split_paths, storable
from imports.customers.files.strict_json import DEEPEST, inspect, lenient, texts
from imports.messages import Message, render, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.customers.files.json_stream import Element
    from imports.customers.files.limits import Checks

NOT_READ_AS_JSON = sentence("NOT_READ_AS_JSON", _("it cannot be read as JSON"))
CORRECT_AT_SOURCE = sentence("CORRECT_AT_SOURCE", _("Correct it in the source system"))

EXACT_INTEGERS = 2**53  # beyond it JavaScript and every other double-based reader rounds
NUL_ESCAPE = b"\\u0000"

# A number of up to 15 digits, without an exponent, comes out of a double as it went in.
_LONG_NUMBER = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9.]{17}|[0-9.]+[eE])")
_KEY_COLON = re.compile(rb'"[ \t\r\n]*:')


class _LookCloser(Exception):
    """The quick check cannot rule out an unsafe value."""


def unsafe_values(
    raw: bytes, value: object, *, parsed: bool
) -> tuple[Fault | None, tuple[Message, ...]]:
    """The fault (or None) and the warnings of one record, whose `value` msgspec made of `raw`.

    A quick check clears ordinary records; only the rest is parsed again.
    """
    if parsed and isinstance(value, dict) and _looks_harmless(raw, value):
        return None, ()
    fault, warnings = inspect(raw)
    if fault is None and not parsed:
        fault = Fault("BAD_JSON", NOT_READ_AS_JSON, CORRECT_AT_SOURCE)
    return fault, warnings


def _looks_harmless(raw: bytes, value: dict[str, Any]) -> bool:
    """Whether `raw` cannot hold an unsafe value; False only means that it needs a closer look.

    The text has at least as many colons behind quotes as keys: if the parsed value has as many
    keys as that, no key was given twice.
    """
    if NUL_ESCAPE in raw:
        return False
    fractions: list[float] = []
    try:
        keys = _count_keys(value, DEEPEST, fractions)
    except _LookCloser:
        return False
    if fractions and _LONG_NUMBER.search(raw):
        return False
    return keys == raw.count(b":") or keys == len(_KEY_COLON.findall(raw))


def _count_keys(value: Any, room: int, fractions: list[float]) -> int:
    """The keys in a decoded value. Raises _LookCloser for depth, and integers that may round."""
    if not room:
        raise _LookCloser
    keys = 0
    if isinstance(value, dict):
        keys, value = len(value), value.values()
    for child in value:
        kind = type(child)
        if kind is str:
            continue
        if kind is dict or kind is list:
            keys += _count_keys(child, room - 1, fractions)
        elif kind is float:
            fractions.append(child)
        elif kind is int and not -EXACT_INTEGERS <= child <= EXACT_INTEGERS:
            raise _LookCloser
    return keys


TWICE = sentence(
    "ENCODED_TWICE",
    _(
        "{path} “{value}” looks encoded twice and would read “{other}”. It is sent unchanged:"
        " correct the file if it is wrong"
    ),
)
MOST_WARNINGS = 3  # for one record: after that the operator has understood

# What Windows-1252 puts where Latin-1 has control characters: the second reading's usual form.
_SPECIALS = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_AS_LATIN_1 = {ord(c): c.encode("cp1252")[0] for c in _SPECIALS}

# A UTF-8 lead byte and a continuation byte, both read as characters. A capital that Nordic and
# German words end in, before a dash, quote or dots, is left alone: UMEÅ, dash, KIRUNA is right.
_PAIR = re.compile(rf"(?![ÅÄÖÆØÜ][–’”…])[\u00c2-\u00f4][\u0080-\u00bf{_SPECIALS}]")
# The same pair as it stands in a UTF-8 file, a little wider: cheap to look for in raw bytes.
_RAW_PAIR = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]")


def reads_as(text: str) -> str | None:
    """What `text` says when one encoding too many is undone, or None where it looks right."""
    if not _PAIR.search(text):
        return None
    try:
        undone = text.translate(_AS_LATIN_1).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None  # it holds characters that a second encoding cannot have made
    return undone if len(undone) < len(text) else None


def encoded_twice(raw: bytes, value: object) -> tuple[Message, ...]:
    """Warnings, at most three, for one record: the field, its text and what it would read as."""
    if not _RAW_PAIR.search(raw) and b"\\u00" not in raw:
        return ()
    warnings = []
    for warning in _warnings(value):
        warnings.append(warning)
        if len(warnings) == MOST_WARNINGS:
            break
    return tuple(warnings)


def _warnings(value: object) -> Iterator[Message]:
    for path, text in texts(value):
        undone = reads_as(text)
        if undone is not None:
            yield TWICE.format(path=shown(path, 80), value=shown(text), other=shown(undone))


NO_NAME = sentence("NO_NAME", _("it has no customer id, user name or e-mail"))
FILL_IN_ONE = sentence("FILL_IN_ONE", _("Fill in one of {paths}"))
NO_OBJECT = sentence("NO_OBJECT", _("it is {value}, not an object"))
MAKE_AN_OBJECT = sentence("MAKE_AN_OBJECT", _("Make it an object with the customer's fields"))
TOO_LARGE = sentence("RECORD_TOO_LARGE", _("it has {n} bytes, and at most {most} can be sent"))
SHORTEN_OR_LEAVE_OUT = sentence("SHORTEN_OR_LEAVE_OUT", _("Shorten it, or leave it out"))
RULES = {"gk": gk_fault}  # what an API refuses beyond identity and size, by the name of its preset


class Refusal(msgspec.Struct, frozen=True):
    """Why a record is excluded: a code to filter on, and a message for the operator."""

    code: str
    message: Any  # Message or somebody's own words: msgspec need not look into it

    @property
    def sentence(self) -> str:
        """The message in English."""
        return render(self.message)


class Record(msgspec.Struct, frozen=True):
    """One element of the list. `raw` is byte for byte what stands in the file at `offset`.

    `position` counts from 1. `key` is what the record is called (id, else user name, else
    e-mail; "" if it has none): text from outside, never to be used for a file name. A record
    with a `refusal` must be excluded; `warnings` are messages and change nothing. `size` is in
    bytes; `raw` is empty only for a refused record of more than 16 MiB.
    """

    position: int
    offset: int
    size: int
    raw: bytes
    key: str
    email: str
    refusal: Refusal | None = None
    warnings: tuple[Any, ...] = ()


class Judged(NamedTuple):
    """One element's fault or None, its names, and its warnings: phrases without a full stop."""

    fault: Fault | None
    key: str
    email: str
    warnings: tuple[Message, ...]


class Judge:
    """Makes records of one file's elements. Made once for a file, because paths are split once."""

    def __init__(self, name: str, checks: Checks) -> None:
        self._name = name
        self._checks = checks
        self._largest = checks.largest_record
        known = (*checks.id_paths, *checks.username_paths, *checks.email_paths)
        self._no_name = Fault("NO_ID", NO_NAME, FILL_IN_ONE.format(paths=", ".join(known)))
        self._rule = RULES.get(checks.rules)
        self._ids = split_paths(checks.id_paths)
        self._usernames = split_paths(checks.username_paths)
        self._emails = split_paths(checks.email_paths)

    def record(self, element: Element, position: int) -> Record:
        """The record that an element is, with its refusal or its warnings."""
        start, size, raw, _value, _parsed = element
        fault, key, email, warned = self.judge(element)
        if carries_faults(raw) and (carried := faults_of(raw)):
            fault, raw = carried
        if fault is None and not warned:
            return Record(position, start, size, raw, key, email)
        place = {"file": shown(self._name, 200), "record": position}
        warnings = tuple(RECORD_WARNING.format(**place, what=each) for each in warned)
        if fault is None:
            return Record(position, start, size, raw, key, email, None, warnings)
        message = RECORD_FAULT.format(**place, what=fault.what, remedy=fault.remedy)
        refusal = Refusal(fault.code, message)
        return Record(position, start, size, raw, storable(key), storable(email), refusal)

    def judge(self, element: Element) -> Judged:
        """What is wrong with it, what it is called, and what is strange about it."""
        _start, size, raw, value, parsed = element
        notes: tuple[Message, ...] = ()
        if size > self._largest:
            fault: Fault | None = _too_large(size, self._largest)
        else:
            fault, notes = unsafe_values(raw, value, parsed=parsed)
        key, email, unnamed = self._names(value if parsed else lenient(raw))
        if fault is None:
            fault = self._content_fault(value) or unnamed
        return Judged(fault, key, email, () if fault else (*notes, *encoded_twice(raw, value)))

    def _content_fault(self, value: object) -> Fault | None:
        if isinstance(value, dict):
            return self._rule(value) if self._rule else None
        return Fault("NOT_AN_OBJECT", NO_OBJECT.format(value=kind_of(value)), MAKE_AN_OBJECT)

    def _names(self, value: object) -> tuple[str, str, Fault | None]:
        """What a record is called, its e-mail, and the fault if it has no usable name."""
        email, fault = first_name(value, self._emails)
        key = ""
        for paths in (self._ids, self._usernames):
            if not key and fault is None:
                key, fault = first_name(value, paths)
        if fault is None and not key and not email and self._checks.id_required:
            fault = self._no_name
        return key or email, email, fault


def _too_large(size: int, limit: int) -> Fault:
    return Fault("TOO_LARGE", TOO_LARGE.format(n=size, most=limit), SHORTEN_OR_LEAVE_OUT)
