"""Judges many records at once, in C: says of a stretch of a list that all its records can be sent,
or nothing at all.

What it says, `validation.Judge` would say of each record: no fault, no warning, the same names
(a property test compares them). Where it says nothing, the judge finds out why.
"""

from __future__ import annotations

import re
from functools import cache
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from imports.customers.files.gk import GkRecord
from imports.customers.name_columns import LookCloser, NameColumns, list_of

if TYPE_CHECKING:
    from imports.customers.files.limits import Checks

DEEPEST_QUICK = 8  # levels; the judge looks at deeper records
EXACT_INTEGERS = 2**53
_LONG_NUMBER = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9.]{17}|[0-9.]+[eE])")
# What may be text that was encoded twice, as validation.encoded_twice looks for it, and the same
# with one or both of the two characters escaped.
_PAIR = re.compile(rb"\xc3[\x82-\xb4](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
_ESCAPED_PAIR = re.compile(rb"\\u00[c-fC-F][0-9a-fA-F](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
RULES: dict[str, Any] = {"gk": GkRecord}  # as validation.RULES, as types


class Stretch(NamedTuple):
    """Records that stand behind each other and can all be sent: as validation.Record has them."""

    raws: list[bytes]
    keys: list[str]
    emails: list[str]


class QuickCheck:
    """Judges stretches of one file. Made once for a file."""

    def __init__(self, checks: Checks) -> None:
        self._largest = checks.largest_record
        self._id_required = checks.id_required
        self._rule = list_of(RULES[checks.rules]) if checks.rules else None
        ids = (*checks.id_paths, *checks.username_paths)
        self._names = NameColumns(ids, checks.email_paths)

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
        except (ValueError, RecursionError, LookCloser):  # msgspec's errors are ValueErrors
            return None
        if not all(keys):
            keys = [key or email for key, email in zip(keys, emails, strict=True)]
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
    """Raise LookCloser where a key may stand twice, or a text may hold NUL or be garbled.

    Each key has a colon. Written anew, the records have as many as before, unless a key stood
    twice: a colon in a text remains one, as none is escaped.
    """
    if b"\\u00" in text and (
        b"\\u0000" in text or b"\\u003" in text or _ESCAPED_PAIR.search(text)
    ):
        raise LookCloser
    if _PAIR.search(text) or msgspec.json.encode(records).count(b":") != text.count(b":"):
        raise LookCloser


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
        value = scalar | _object_of(value) | list_of(value)
    return msgspec.json.Decoder(list_of(_object_of(value)))


def _object_of(inside: Any) -> Any:
    return GenericAlias(dict, (str, inside))


@cache
def _raws() -> msgspec.json.Decoder[list[msgspec.Raw]]:
    return msgspec.json.Decoder(list[msgspec.Raw])
