"""Parses one record so that no key and no digit goes unseen. Slow: for records in doubt."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from imports.customers.files.errors import Fault, shown
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HAS_NUL = sentence("HAS_NUL", _("{path} contains the character NUL (\\u0000)"))
REMOVE_NUL = sentence("REMOVE_NUL", _("Remove it: databases refuse it"))
HAS_HALF = sentence(
    "HAS_HALF_CHARACTER", _("{path} contains half a character (a lone surrogate, \\ud800)")
)
WRITE_AGAIN = sentence("WRITE_AGAIN", _("Write the text again in the source system"))
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in `value` with the path to it ("person.emails.0.email"), keys included."""
    if isinstance(value, str):
        yield path or "the record", value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield f"a key in {path or 'the record'}", key
            yield from texts(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from texts(child, f"{path}.{index}" if path else str(index))


def unstorable(value: object) -> Fault | None:
    """The fault of a record with NUL or half a character in one of its texts."""
    for path, text in texts(value):
        if "\x00" in text:
            return Fault("BAD_TEXT", HAS_NUL.format(path=shown(path, 80)), REMOVE_NUL)
        if _HALF_CHARACTER.search(text):
            return Fault("BAD_TEXT", HAS_HALF.format(path=shown(path, 80)), WRITE_AGAIN)
    return None


KEY_TWICE = sentence("KEY_TWICE", _("the key “{key}” is given twice in one object"))
KEEP_ONE_KEY = sentence("KEEP_ONE_KEY", _("Keep the right one and remove the other"))
NO_NUMBER = sentence("NO_NUMBER", _("{value} is not a JSON number"))
USE_A_NUMBER = sentence("USE_A_NUMBER", _("Use a number or null"))
LONG_NUMBER = sentence("LONG_NUMBER", _("a number has {n} characters"))
WRITE_IDS_AS_TEXT = sentence("WRITE_IDS_AS_TEXT", _("Write long identifiers as text, in quotes"))
HUGE_NUMBER = sentence("HUGE_NUMBER", _("the number {value} is too large for any receiver"))
TEXT_OR_CORRECT = sentence("TEXT_OR_CORRECT", _("Write it as text or correct it"))
LOSES_DIGITS = sentence(
    "LOSES_DIGITS",
    _(
        "the number {value} has more digits than most receivers keep; it is sent unchanged. "
        "Write long identifiers as text"
    ),
)
NESTED_TOO_DEEP = sentence("NESTED_TOO_DEEP", _("it is nested more than {most} levels deep"))
CORRECT_EXPORT = sentence(
    "CORRECT_EXPORT", _("Correct the export; no customer is nested this deeply")
)

DEEPEST = 100  # levels; Jackson, .NET and others stop between 64 and 1,000
LONGEST_NUMBER = 400  # characters; a double's largest integer has 309 digits


class _Refused(Exception):
    """Carries a fault out of the parser's hooks."""

    def __init__(self, code: str, what: Message, remedy: Message) -> None:
        super().__init__(code)
        self.fault = Fault(code, what, remedy)


def inspect(raw: bytes) -> tuple[Fault | None, tuple[Message, ...]]:
    """The fault or None, and the warnings: hooks see every key and the digits of every number."""
    warnings: list[Message] = []

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
    counts = Counter(key for key, _ in pairs)
    twice = next(key for key, count in counts.items() if count > 1)
    what = KEY_TWICE.format(key=shown(twice))
    raise _Refused("DUPLICATE_KEY", what, KEEP_ONE_KEY)


def _constant(word: str) -> object:
    raise _Refused("BAD_NUMBER", NO_NUMBER.format(value=word), USE_A_NUMBER)


def _number(digits: str, warnings: list[Message]) -> float:
    if len(digits) > LONGEST_NUMBER:
        what = LONG_NUMBER.format(n=len(digits))
        raise _Refused("BAD_NUMBER", what, WRITE_IDS_AS_TEXT)
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        what = HUGE_NUMBER.format(value=shown(digits))
        raise _Refused("BAD_NUMBER", what, TEXT_OR_CORRECT)
    if _loses_digits(digits, number):
        warnings.append(LOSES_DIGITS.format(value=shown(digits)))
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
    for _level in range(DEEPEST):
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
    what = NESTED_TOO_DEEP.format(most=DEEPEST)
    return Fault("TOO_DEEP", what, CORRECT_EXPORT)


def lenient(raw: bytes) -> object:
    """What the standard library makes of a record that msgspec refuses, or None: for its name."""
    try:
        return json.loads(raw.decode())
    except (RecursionError, ValueError):
        return None
