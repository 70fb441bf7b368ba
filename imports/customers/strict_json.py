"""Parses one record so that no key and no digit goes by unseen: slow, for records in doubt."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from imports.customers.texts import unstorable
from imports.customers.unreadable import Fault, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

DEEPEST = 100  # levels; Jackson, .NET and others stop between 64 and 1,000
LONGEST_NUMBER = 400  # characters; a double's largest integer has 309 digits


class _Refused(Exception):
    """Carries a fault out of the parser's hooks."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        super().__init__(what)
        self.fault = Fault(code, what, remedy)


def inspect(raw: bytes) -> tuple[Fault | None, tuple[str, ...]]:
    """The fault or None, and the warnings: hooks see every key and the digits of every number."""
    warnings: list[str] = []

    def number(digits: str) -> float:
        return _number(digits, warnings)

    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=number,
            parse_int=number,
        )
        _check_depth(value)
    except _Refused as refused:
        return refused.fault, ()
    except RecursionError:
        return _too_deep(), ()
    return unstorable(value), tuple(warnings)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    keys = [key for key, _ in pairs]
    twice = next(key for key in members if keys.count(key) > 1)
    what = f"the key “{shown(twice)}” is given twice in one object"
    raise _Refused("DUPLICATE_KEY", what, "Keep the right one and remove the other")


def _constant(word: str) -> object:
    raise _Refused("BAD_NUMBER", f"{word} is not a JSON number", "Use a number or null")


def _number(digits: str, warnings: list[str]) -> float:
    if len(digits) > LONGEST_NUMBER:
        what = f"a number has {len(digits):,} characters"
        raise _Refused("BAD_NUMBER", what, "Write long identifiers as text, in quotes")
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        what = f"the number {shown(digits)} is too large for any receiver"
        raise _Refused("BAD_NUMBER", what, "Write it as text or correct it")
    if _loses_digits(digits, number):
        warnings.append(
            f"the number {shown(digits)} has more digits than most receivers keep; "
            "it is sent as it stands. Write long identifiers as text"
        )
    return number


def _loses_digits(digits: str, number: float) -> bool:
    """Whether a double holds less than was written: integers exactly, fractions as they print."""
    kept = Decimal(int(number)) if digits.lstrip("-").isdigit() else Decimal(repr(number))
    try:
        return Decimal(digits) != kept
    except ArithmeticError:  # an exponent that even Decimal cannot hold
        return True


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise RecursionError


def _children(value: object) -> list[object]:
    """The objects and lists directly inside an object or a list."""
    inside: Iterable[object] = ()
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list):
        inside = value
    return [child for child in inside if isinstance(child, dict | list)]


def _too_deep() -> Fault:
    what = f"it is nested more than {DEEPEST} levels deep"
    return Fault("TOO_DEEP", what, "Correct the export; no customer is built like that")


def lenient(raw: bytes) -> object:
    """What the standard library makes of a record that msgspec refuses, or None: for its name."""
    try:
        return json.loads(raw.decode())
    except (RecursionError, ValueError):
        return None
