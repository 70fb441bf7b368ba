"""Reads one cell as a date, a number or yes and no: strictly, so that nothing is guessed."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from imports.customers.files.errors import Fault, shown
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.messages import Message


IS_NO_DATE = sentence("ROW_IS_NO_DATE", _("{column} is “{value}”, which is no date as {format}"))
DATE_REMEDY = sentence("ROW_DATE_REMEDY", _("Write a date that exists, such as {example}"))
IS_NO_NUMBER = sentence("ROW_IS_NO_NUMBER", _("{column} is “{value}”, which is no number"))
NUMBER_REMEDY = sentence("ROW_NUMBER_REMEDY", _("Write it as in {example}"))
IS_NO_CHOICE = sentence(
    "ROW_IS_NO_CHOICE", _("{column} is “{value}”, which the record template does not know")
)
CHOICE_REMEDY = sentence("ROW_CHOICE_REMEDY", _("Use one of {allowed}, or add it to the template"))
IS_EMPTY = sentence("ROW_IS_EMPTY", _("{column} is empty"))
FILL_CELL = sentence("ROW_FILL_CELL", _("Fill it in"))
IS_DAMAGED = sentence(
    "ROW_IS_DAMAGED", _("{column} is “{value}”, which a spreadsheet made of something else")
)
DAMAGE_REMEDY = sentence(
    "ROW_DAMAGE_REMEDY", _("Give the column the format “Text” and fill in the original value")
)

# What a spreadsheet shows in place of a value: long numbers cut short, and its own errors.
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+")
_ERRORS = frozenset(
    ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SAKNAS!", "#NV")
)
YES = frozenset(("yes", "y", "true", "1", "x", "ja", "j", "sant", "sann", "wahr", "on"))
NO = frozenset(("no", "n", "false", "0", "nej", "nein", "falskt", "falsk", "falsch", "off"))
MIDDLE_OF_CENTURY = 50  # of a year with two digits: 49 is 2049, 50 is 1950
_TOKENS = {
    "yyyy": r"(?P<year>\d{4})", "yy": r"(?P<year>\d{2})",
    "mm": r"(?P<month>\d{1,2})", "m": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{1,2})", "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{1,2})", "MM": r"(?P<minute>\d{2})", "SS": r"(?P<second>\d{2})",
}  # fmt: skip
_TOKEN = re.compile(r"yyyy|yy|mm|m|dd|d|HH|MM|SS")
_WRITTEN = {
    "yyyy": "%Y", "yy": "%y", "mm": "%m", "m": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "MM": "%M", "SS": "%S",
}  # fmt: skip
CACHED = 100_000  # dates that come again and again


class BadCell(Exception):
    """A cell cannot be read. The fault lacks the column's name until `fault` gives it."""

    def __init__(self, code: str, what: Message, remedy: Message, **about: object) -> None:
        super().__init__(code)
        self._code, self._what, self._remedy, self._about = code, what, remedy, about

    def fault(self, column: str) -> Fault:
        """Why the row cannot be sent."""
        return Fault(
            self._code, self._what.format(column=shown(column), **self._about), self._remedy
        )


def empty() -> BadCell:
    """The refusal of an empty cell."""
    return BadCell("ROW_EMPTY", IS_EMPTY, FILL_CELL)


def refuse_damage(text: str) -> None:
    """Raise BadCell for what a spreadsheet has put in place of the value."""
    if text in _ERRORS or ("+" in text and _SCIENTIFIC.fullmatch(text)):
        raise BadCell("ROW_DAMAGED", IS_DAMAGED, DAMAGE_REMEDY, value=shown(text))


def complaint_about(pattern: str) -> bool:
    """Whether a date's format lacks a year, a month or a day, or names one twice."""
    found = [_TOKENS[token] for token in _TOKEN.findall(pattern)]
    names = [re.findall(r"<(\w+)>", each)[0] for each in found]
    return len(names) != len(set(names)) or not {"year", "month", "day"} <= set(names)


def date_reader(pattern: str, written_as: str) -> Callable[[str], str]:
    """Reads dates as `pattern` ("dd.mm.yyyy") or ISO, and writes them as `written_as`."""
    known = re.compile(_TOKEN.sub(lambda found: _TOKENS[found[0]], re.escape(pattern)))
    out = _TOKEN.sub(lambda found: _WRITTEN[found[0]], written_as.replace("%", "%%"))
    example = datetime(2024, 12, 31, 18, 30).strftime(  # noqa: DTZ001 - a date of no place
        _TOKEN.sub(lambda found: _WRITTEN[found[0]], pattern)
    )
    bad = {"format": pattern}
    remedy = DATE_REMEDY.format(example=example)

    @lru_cache(CACHED)
    def read(text: str) -> str | None:
        match = known.fullmatch(text) or _ISO.fullmatch(text)
        return _written(match, out) if match else None

    def reader(text: str) -> str:
        found = read(text)
        if found is None:
            raise BadCell("ROW_DATE", IS_NO_DATE, remedy, value=shown(text), **bad)
        return found

    return reader


_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)


def _written(match: re.Match[str], out: str) -> str | None:
    parts = {name: int(value) for name, value in match.groupdict().items() if value}
    if len(match["year"]) == 2:
        parts["year"] += 1900 if parts["year"] >= MIDDLE_OF_CENTURY else 2000
    try:
        found = datetime(**parts)  # type: ignore[arg-type]  # noqa: DTZ001 - of no place
    except ValueError:
        return None
    return found.strftime(out.replace("%Y", f"{found.year:04}"))


def number_reader(decimal: str, *, whole: bool) -> Callable[[str], msgspec.Raw]:
    """Reads numbers digit for digit, with their thousands apart or not; no exponent."""
    other = "." if decimal == "," else ","
    apart = rf"(?P<apart>[ \u00a0\u202f'’{re.escape(other)}])"
    groups = rf"\d{{1,3}}{apart}\d{{3}}(?:(?P=apart)\d{{3}})*"
    fraction = "" if whole else rf"(?:{re.escape(decimal)}(?P<fraction>\d+))?"
    known = re.compile(rf"(?P<sign>[+\-−]?)(?P<whole>{groups}|\d+){fraction}")
    example = "1234" if whole else f"1234{decimal}5"
    remedy = NUMBER_REMEDY.format(example=example)

    def reader(text: str) -> msgspec.Raw:
        match = known.fullmatch(text)
        if match is None:
            raise BadCell("ROW_NUMBER", IS_NO_NUMBER, remedy, value=shown(text))
        return msgspec.Raw(_digits(match, whole=whole).encode())

    return reader


def _digits(match: re.Match[str], *, whole: bool) -> str:
    digits = re.sub(r"\D", "", match["whole"]).lstrip("0") or "0"
    fraction = "" if whole else match["fraction"] or ""
    sign = "-" if match["sign"] in ("-", "−") else ""
    return f"{sign}{digits}.{fraction}" if fraction else f"{sign}{digits}"


def yes_or_no(text: str) -> bool:
    """Reads yes and no in a few languages, and what databases write for them."""
    folded = text.casefold()
    if folded in YES or folded in NO:
        return folded in YES
    remedy = CHOICE_REMEDY.format(allowed="yes, no, 1, 0, true, false, ja, nej")
    raise BadCell("ROW_VALUE", IS_NO_CHOICE, remedy, value=shown(text))


def date_text(value: date) -> str:
    """A spreadsheet's own date as text: ISO, without a time where it is midnight."""
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(timespec="seconds")
    return value.isoformat()
