"""Dates and amounts as portals write them, in all their languages. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from bills.portals.lists.languages import is_month_first, language_of, month_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CURRENCIES = {"sek": "SEK", "€": "EUR", "eur": "EUR", "$": "USD", "usd": "USD"}
CURRENCIES |= {"£": "GBP", "gbp": "GBP", "nok": "NOK", "dkk": "DKK", "chf": "CHF"}
CURRENCIES |= {"zł": "PLN", "pln": "PLN"}
CROWNS = {"sv": "SEK", "nb": "NOK", "da": "DKK"}  # whose "kr" it is

# After the year may come a time ("2026-11-03T00:00"), but no further digit or part of a number.
ISO_DATE = re.compile(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d|-\d)")
NUMERIC = re.compile(r"(?<![\d/.,-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-]|[.,]\d)")
_NAME = r"[^\W\d_]{3,}"
DAY_MONTH_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:\.|st|nd|rd|th|er|º|ª)?(?:\s+de)?[\s-]*({_NAME})\.?,?"
    rf"(?:\s+(?:de|del)\s|[\s-])\s*(\d{{4}})(?!\d)",
    re.I,
)
MONTH_NAME_DAY = re.compile(
    rf"\b({_NAME})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})(?!\d)", re.I
)
MONTH_NAME_YEAR = re.compile(rf"\b({_NAME})\.?,?(?:\s+(?:de|del))?[\s-]+(\d{{4}})(?!\d)", re.I)
YEAR_MONTH_NAME = re.compile(rf"(?<!\d)(\d{{4}})\.?[\s-]+({_NAME})(?!\w)", re.I)
DAY_MONTH = re.compile(
    rf"(?<![\d.,])(\d{{1,2}})\.?(?:\s+de)?\s+({_NAME})(?!\w)|\b({_NAME})\.?\s+(\d{{1,2}})(?![\d.,/])",
    re.I,
)
MONTH_YEAR = re.compile(r"(?<![\d/.,-])(\d{1,2})[/.-](\d{4})(?![\d/.,-]*\d)")
YEAR_MONTH = re.compile(r"(?<![\d/.,-])(\d{4})[/.-](\d{1,2})(?![\d/.,-]*\d)")

LONGEST_AMOUNT = 15  # characters: what is longer is no amount
SPACES = re.compile(r"[\s\u00a0\u202f\u2009'\u2019]+")
UNIT = r"(?:kr|sek|eur|usd|gbp|nok|dkk|chf|pln|zł|[€$£])"
NUMBER = r"\d(?:[\d\s\u00a0\u202f\u2009.,'\u2019]*\d)?"
MONEY = re.compile(
    rf"(?<![a-z]){UNIT}\.?\s*(?P<inner>[-\u2212\u2013(]?)\s*(?P<after>{NUMBER})"
    rf"|(?P<before>{NUMBER})(?P<late>-?)\s*{UNIT}(?![a-z])",
    re.I,
)
WITH_DECIMALS = re.compile(
    r"(?<![\d/.,-])(\d[\d\s\u00a0\u202f\u2009.,'\u2019]*?[.,]\d\d)(?![\d/]|[.,-]\d)"
)
LEADING_MINUS = re.compile(r"[-\u2212\u2013(]\s*$")
# A hyphen between two words is none: "INV-12.50".
LEADING_JOIN = re.compile(r"\w[-\u2212\u2013]$")
TRAILING_MINUS = re.compile(r"\s*(?:[-\u2212\u2013](?!\s*\d)|\)|CR\b)")


@dataclass(frozen=True, slots=True)
class DateOrder:
    """How a column of dates is to be read. `month_first` None: the page does not tell."""

    month_first: bool | None = False
    lang: str = ""


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text: where it stands, and the day; None where only a month is shown."""

    start: int
    end: int
    text: str
    day: date | None


def read_date(text: str, form: str = "", order: DateOrder | None = None) -> date | None:
    """The first date in the text; `form` in strptime's letters. None when there is none.

    12/11/2026 is read with the day first unless `order` says otherwise.
    """
    if form:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).date()
        except ValueError:
            return None
    return next((found.day for found in dates_in(text, order) if found.day is not None), None)


def dates_in(text: str, order: DateOrder | None = None) -> list[FoundDate]:
    """All dates and months in the text, in its order. A month is none where a whole date is."""
    how = order or DateOrder()
    days = sorted(_days_in(text, how), key=lambda found: found.start)
    months = [
        found
        for found in _months_in(text, how.lang)
        if not any(found.start < day.end and day.start < found.end for day in days)
    ]
    return sorted([*days, *_apart(months)], key=lambda found: found.start)


def _apart(found: list[FoundDate]) -> list[FoundDate]:
    """Without those that overlap one before: "Nov 20" in "Nov 2026"."""
    kept: list[FoundDate] = []
    for each in found:
        if not any(each.start < one.end and one.start < each.end for one in kept):
            kept.append(each)
    return kept


def _days_in(text: str, how: DateOrder) -> Iterator[FoundDate]:
    for found in ISO_DATE.finditer(text):
        yield from _made(found, _date(int(found[1]), int(found[3]), int(found[4])))
    for found in NUMERIC.finditer(text):
        yield from _numeric(found, how)
    for found in DAY_MONTH_NAME.finditer(text):
        month = month_number(found[2], how.lang) or 0
        yield from _made(found, _date(int(found[3]), month, int(found[1])))
    for found in MONTH_NAME_DAY.finditer(text):
        month = month_number(found[1], how.lang) or 0
        yield from _made(found, _date(int(found[3]), month, int(found[2])))


def _made(found: re.Match[str], day: date | None) -> Iterator[FoundDate]:
    if day is not None:
        yield FoundDate(found.start(), found.end(), found[0], day)


def _numeric(found: re.Match[str], how: DateOrder) -> Iterator[FoundDate]:
    """Read the date; leave its day out where either number may be the month."""
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    year += 2000 if year < 100 else 0
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if day_first is None and month_first is None:
        return
    if how.month_first is None:
        only = day_first if month_first is None else month_first if day_first is None else None
        same = day_first if day_first == month_first else None
        yield FoundDate(found.start(), found.end(), found[0], only or same)
    else:
        yield from _made(found, month_first if how.month_first else day_first)


def _months_in(text: str, lang: str) -> Iterator[FoundDate]:
    for pattern, name in ((MONTH_NAME_YEAR, 1), (YEAR_MONTH_NAME, 2)):
        for found in pattern.finditer(text):
            if month_number(found[name], lang):
                yield FoundDate(found.start(), found.end(), found[0], None)
    for found in DAY_MONTH.finditer(text):
        day = int(found[1] or found[4])
        if 1 <= day <= 31 and month_number(found[2] or found[3], lang):
            yield FoundDate(found.start(), found.end(), found[0], None)
    for pattern, name in ((MONTH_YEAR, 1), (YEAR_MONTH, 2)):
        for found in pattern.finditer(text):
            year = int(found[3 - name])
            if 1 <= int(found[name]) <= 12 and 1990 <= year <= 2100:
                yield FoundDate(found.start(), found.end(), found[0], None)


def order_of(texts: Iterable[str], lang: str, today: date) -> DateOrder:
    """How a whole column's dates are to be read: never one row by itself.

    A 14 tells the order. Else the separator does, or the page's language; else, of the two
    readings, the one that is in order of time while the other is not, or that lies in the past.
    """
    found = [match for text in texts for match in NUMERIC.finditer(text)]
    firsts = any(int(match[1]) > 12 for match in found)
    seconds = any(int(match[3]) > 12 for match in found)
    if firsts and seconds:
        return DateOrder(None, lang)
    if firsts or seconds:
        return DateOrder(seconds, lang)
    if not any(match[2] == "/" for match in found):
        return DateOrder(False, lang)
    summary = is_month_first(lang)
    return DateOrder(_likelier(found, today) if summary is None else summary, lang)


def _likelier(found: list[re.Match[str]], today: date) -> bool | None:
    readings = {
        is_first: [_read_as(match, month_first=is_first) for match in found]
        for is_first in (True, False)
    }
    past = {key: max(days) <= today for key, days in readings.items()}
    if past[True] != past[False]:
        return past[True]
    if len(found) < 3:
        return None
    sorted_ = {key: _is_sorted(days) for key, days in readings.items()}
    return sorted_[True] if sorted_[True] != sorted_[False] else None


def _read_as(match: re.Match[str], *, month_first: bool) -> date:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    month, day = (first, second) if month_first else (second, first)
    return _date(year + (2000 if year < 100 else 0), month, day) or date.max


def _is_sorted(days: list[date]) -> bool:
    return days in (sorted(days), sorted(days, reverse=True))


def without_dates(text: str) -> str:
    """The text with a gap where each of its dates was."""
    for found in reversed(dates_in(text)):
        text = f"{text[: found.start]} | {text[found.end :]}"
    return text


def read_amount(text: str, lang: str = "") -> tuple[Decimal | None, str]:
    """(amount, ISO currency or "") of "1 234,50 kr", "- 12,30 €", "12,30-" or "($12.30)"."""
    found = MONEY.search(text)
    if found is None:
        bare = WITH_DECIMALS.search(text)
        if bare is None:
            return _decimal(text), _currency(text, lang)
        return _signed(text, bare, bare[1]), _currency(text, lang)
    number = found["after"] or found["before"]
    amount = _signed(text, found, number)
    if amount is not None and (found["inner"] or found["late"]):
        amount = -abs(amount)
    return amount, _currency(found[0], lang)


def _signed(text: str, found: re.Match[str], number: str) -> Decimal | None:
    """The number, below zero where a minus or a bracket stands beside it."""
    amount = _decimal(number)
    before, after = text[: found.start()], text[found.end() :]
    if amount is None:
        return None
    leads = LEADING_MINUS.search(before) and not LEADING_JOIN.search(before)
    closes = TRAILING_MINUS.match(after)
    if closes and ")" in closes[0] and "(" not in before[-3:] + found[0]:
        closes = None
    return -abs(amount) if leads or closes else amount


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _currency(text: str, lang: str) -> str:
    small = text.lower()
    named = next((code for sign, code in CURRENCIES.items() if sign in small), "")
    if not named and re.search(r"(?<![a-zåäöøæ])kr(?![a-zåäöøæ])", small):
        return CROWNS.get(language_of(lang), "SEK")
    return named


def _decimal(text: str) -> Decimal | None:
    """The last of , and . is the decimal sign, unless it stands alone before three digits."""
    digits = SPACES.sub("", text).replace("\u2212", "-").replace("\u2013", "-")
    comma, point = digits.rfind(","), digits.rfind(".")
    last = max(comma, point)
    if last >= 0:
        sign, other = digits[last], "." if digits[last] == "," else ","
        thousands = len(digits) - last == 4 and other not in digits
        digits = digits.replace(other, "")
        digits = digits.replace(sign, "" if thousands or digits.count(sign) > 1 else ".")
    try:
        return Decimal(digits) if len(digits) <= LONGEST_AMOUNT else None
    except InvalidOperation:
        return None
