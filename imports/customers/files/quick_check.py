"""Judges many records at once, in C: says of a stretch of a list that all its records can be sent,
or nothing at all.

What it says, `validation.Judge` would say of each record: no fault, no warning, the same names
(a property test compares them). Where it says nothing, the judge finds out why.
"""

from __future__ import annotations

import re
from functools import cache
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from imports.customers.files.gk import GkRecord
from imports.customers.files.record_names import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.files.limits import Checks

DEEPEST_QUICK = 8  # levels; the judge looks at deeper records
EXACT_INTEGERS = 2**53
_LONG_NUMBER = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9.]{17}|[0-9.]+[eE])")
# What may be text that was encoded twice, as validation.encoded_twice looks for it, and the same
# with one or both of the two characters escaped.
_PAIR = re.compile(rb"\xc3[\x82-\xb4](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
_ESCAPED_PAIR = re.compile(rb"\\u00[c-fC-F][0-9a-fA-F](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
RULES: dict[str, Any] = {"gk": GkRecord}  # as validation.RULES, as types

Name = str | int | None
Paths = tuple[str, ...]


class Stretch(NamedTuple):
    """Records that stand behind each other and can all be sent: as validation.Record has them."""

    raws: list[bytes]
    keys: list[str]
    emails: list[str]


class _LookCloser(Exception):
    """This stretch cannot be judged at once."""


class QuickCheck:
    """Judges stretches of one file. Made once for a file."""

    def __init__(self, checks: Checks) -> None:
        self._largest = checks.largest_record
        self._id_required = checks.id_required
        self._rule = _list_of(RULES[checks.rules]) if checks.rules else None
        self._names = _NameColumns(checks.id_paths, checks.username_paths, checks.email_paths)

    def stretch(self, text: bytes, between: bytes) -> Stretch | None:
        """The records of a part of a list, from the first one's `{` to the last one's `}`.

        `between` stands between any two of them. None: look at each by itself.
        """
        whole = b"[" + text + b"]"
        try:
            records = _decoded(whole)
            _refuse_doubts(text, records)
            raws = list(map(bytes, _raws().decode(whole)))
            if between.join(raws) != text or max(map(len, raws)) > self._largest:
                return None
            if self._rule is not None:
                msgspec.convert(records, self._rule)
            keys, emails = self._names.of(records)
        except (ValueError, RecursionError, _LookCloser):  # msgspec's errors are ValueErrors
            return None
        if self._id_required and not all(keys):
            return None
        return Stretch(raws, keys, emails)


def _decoded(whole: bytes) -> list[dict[str, Any]]:
    """The records, if none is deep or has a number that a receiver may round."""
    try:
        return _without_fractions().decode(whole)
    except msgspec.ValidationError:
        if _LONG_NUMBER.search(whole):
            raise
        return _with_fractions().decode(whole)


def _refuse_doubts(text: bytes, records: list[dict[str, Any]]) -> None:
    """Raise _LookCloser where a key may stand twice, or a text may hold NUL or be garbled.

    Each key has a colon. Written anew, the records have as many as before, unless a key stood
    twice: a colon in a text remains one, as none is escaped.
    """
    if b"\\u00" in text and (
        b"\\u0000" in text or b"\\u003" in text or _ESCAPED_PAIR.search(text)
    ):
        raise _LookCloser
    if _PAIR.search(text) or msgspec.json.encode(records).count(b":") != text.count(b":"):
        raise _LookCloser


@cache
def _without_fractions() -> msgspec.json.Decoder[list[dict[str, Any]]]:
    return _decoder(Annotated[int, msgspec.Meta(ge=-EXACT_INTEGERS, le=EXACT_INTEGERS)])


@cache
def _with_fractions() -> msgspec.json.Decoder[list[dict[str, Any]]]:
    return _decoder(Annotated[int, msgspec.Meta(ge=-EXACT_INTEGERS, le=EXACT_INTEGERS)] | float)


def _decoder(number: Any) -> msgspec.json.Decoder[list[dict[str, Any]]]:
    """A decoder of records with such numbers, and with no more than so many levels."""
    scalar = value = number | str | bool | None
    for _level in range(DEEPEST_QUICK - 1):
        value = scalar | _object_of(value) | _list_of(value)
    return msgspec.json.Decoder(_list_of(_object_of(value)))


def _list_of(inside: Any) -> Any:
    return GenericAlias(list, (inside,))


def _object_of(inside: Any) -> Any:
    return GenericAlias(dict, (str, inside))


@cache
def _raws() -> msgspec.json.Decoder[list[msgspec.Raw]]:
    return msgspec.json.Decoder(list[msgspec.Raw])


class _Node:
    """What the paths of names lead through: the fields of an object, or positions in a list."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.is_name = False

    def add(self, steps: Sequence[str]) -> None:
        if steps:
            self.children.setdefault(steps[0], _Node()).add(steps[1:])
        else:
            self.is_name = True

    @property
    def is_list(self) -> bool:
        return all(step.isdecimal() for step in self.children)

    def type(self) -> Any:
        """The type of what stands here. Raises _LookCloser where it could be of several."""
        if self.is_name:
            if self.children:
                raise _LookCloser
            return Name
        if self.is_list:
            inside = _Node()
            for child in self.children.values():
                inside.is_name |= child.is_name
                inside.children |= child.children
            return _list_of(inside.type()) | None
        fields = [
            (f"f{n}", child.type(), msgspec.field(name=step, default=None))
            for n, (step, child) in enumerate(self.children.items())
        ]
        return msgspec.defstruct("Names", fields, gc=False) | None

    def columns(self, values: list[Any], path: str, found: dict[str, list[Any]]) -> None:
        """Put the values at each path of names below `path` into `found`."""
        if self.is_name:
            found[path] = values
            return
        for n, (step, child) in enumerate(self.children.items()):
            inside = _items(values, int(step)) if self.is_list else _fields(values, f"f{n}")
            child.columns(inside, f"{path}.{step}" if path else step, found)


def _fields(values: list[Any], field: str) -> list[Any]:
    get = attrgetter(field)
    if None in values:
        return [None if value is None else get(value) for value in values]
    return list(map(get, values))


def _items(values: list[Any], index: int) -> list[Any]:
    return [value[index] if value is not None and len(value) > index else None for value in values]


class _NameColumns:
    """Finds the names of many records: each path for all of them."""

    def __init__(self, ids: Paths, usernames: Paths, emails: Paths) -> None:
        self._ids, self._emails = (*ids, *usernames), emails
        self._root = _Node()
        for path in (*ids, *usernames, *emails):
            self._root.add(path.split("."))
        try:
            self._type = _list_of(self._root.type()) if self._root.children else None
        except _LookCloser:
            self._type = None

    def of(self, records: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
        """The keys and e-mails, "" for none. Raises where a name is none or is too long."""
        if self._type is None:
            raise _LookCloser
        columns: dict[str, list[Any]] = {}
        self._root.columns(msgspec.convert(records, self._type), "", columns)
        emails = _first([columns[path] for path in self._emails], len(records))
        keys = _first([columns[path] for path in self._ids], len(records))
        if not all(keys):
            keys = [key or email for key, email in zip(keys, emails, strict=True)]
        return keys, emails


def _first(columns: list[list[Any]], count: int) -> list[str]:
    """Of each record the first name in one of the columns."""
    found = [""] * count
    for column in columns:
        if column.count(None) < count and not all(found):
            names = _names(column)
            found = list(map(_either, found, names)) if any(found) else names
    return found


def _either(first: str, second: str) -> str:
    return first or second


def _names(column: list[Any]) -> list[str]:
    """The values as names; "" for a blank one and for none."""
    kinds = set(map(type, column))
    if kinds != {str}:
        column = ["" if value is None else str(value) for value in column]
    if max(map(len, column)) > LONGEST_NAME:
        raise _LookCloser
    if not all(map(str.strip, column)):
        return [name if name.strip() else "" for name in column]
    return column
