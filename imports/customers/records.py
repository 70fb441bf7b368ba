"""Judges one customer of a file: what it is called, and whether it can be sent as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from imports.customers.encoded_twice import encoded_twice
from imports.customers.gk_rules import gk_fault
from imports.customers.hazards import hazards
from imports.customers.record_names import first_name, kind_of, split_paths, storable
from imports.customers.strict_json import lenient
from imports.customers.unreadable import RECORD_FAULT, RECORD_WARNING, Fault, shown
from imports.messages import Message, render, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from imports.customers.boundaries import Element
    from imports.customers.checks import Checks

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
            fault, notes = hazards(raw, value, parsed=parsed)
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
