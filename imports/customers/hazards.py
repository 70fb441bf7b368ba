"""What a parser accepts in silence and a receiver may not: found in one record, not altered."""

from __future__ import annotations

import re
from typing import Any

from imports.customers.strict_json import DEEPEST, inspect
from imports.customers.unreadable import Fault
from imports.messages import Message, sentence
from imports.messages import marked as _

NOT_READ_AS_JSON = sentence("NOT_READ_AS_JSON", _("it cannot be read as JSON"))
CORRECT_AT_SOURCE = sentence("CORRECT_AT_SOURCE", _("Correct it in the source system"))

EXACT_INTEGERS = 2**53  # beyond it JavaScript and every other double-based reader rounds
NUL_ESCAPE = b"\\u0000"

# A number of up to 15 digits, without an exponent, comes out of a double as it went in.
_LONG_NUMBER = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9.]{17}|[0-9.]+[eE])")
_KEY_COLON = re.compile(rb'"[ \t\r\n]*:')


class _LookCloser(Exception):
    """The quick look cannot rule a hazard out."""


def hazards(
    raw: bytes, value: object, *, parsed: bool
) -> tuple[Fault | None, tuple[Message, ...]]:
    """The fault (or None) and the warnings of one record, whose `value` msgspec made of `raw`.

    A quick look rules hazards out for ordinary records; only the rest is parsed once more.
    """
    if parsed and isinstance(value, dict) and _looks_harmless(raw, value):
        return None, ()
    fault, warnings = inspect(raw)
    if fault is None and not parsed:
        fault = Fault("BAD_JSON", NOT_READ_AS_JSON, CORRECT_AT_SOURCE)
    return fault, warnings


def _looks_harmless(raw: bytes, value: dict[str, Any]) -> bool:
    """Whether no hazard can be in `raw`; False says only that it takes a closer look.

    The colons behind quotes are never fewer than the keys in the text: where the parsed value
    has as many, no key was given twice.
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
