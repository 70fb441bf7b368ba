"""Reads numbers, dates and amounts as portals write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

MONTHS = {
    name[:3]: number
    for names in (
        "january february march april may june july august september october november december",
        "januari februari mars april maj juni juli augusti september oktober november december",
    )
    for number, name in enumerate(names.split(), start=1)
}
CURRENCIES = {"kr": "SEK", "sek": "SEK", "€": "EUR", "eur": "EUR", "$": "USD", "usd": "USD"}
CURRENCIES |= {"£": "GBP", "gbp": "GBP", "nok": "NOK", "dkk": "DKK", "chf": "CHF"}

ISO_DATE = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
DAY_MONTH_NAME = re.compile(r"(?<!\d)(\d{1,2})\.?\s+([a-zå-ö]{3,})\.?,?\s+(\d{4})(?!\d)", re.I)
MONTH_NAME_DAY = re.compile(r"\b([a-z]{3,})\.?\s+(\d{1,2}),?\s+(\d{4})(?!\d)", re.I)
SPACES = re.compile(r"[\s\u00a0\u202f\u2009']+")
UNIT = r"(?:kr|sek|eur|usd|gbp|nok|dkk|chf|[€$£])"
NUMBER = r"[-\u2212]?\d(?:[\d\s\u00a0\u202f\u2009.,']*\d)?"  # noqa: RUF100
MONEY = re.compile(rf"{UNIT}\.?\s*({NUMBER})|({NUMBER})\s*{UNIT}(?![a-z])", re.I)
WITH_DECIMALS = re.compile(rf"({NUMBER}[.,]\d\d)(?!\d)")


def read_date(text: str, form: str = "") -> date | None:
    """The first date in the text; `form` in strptime's letters. None when there is none.

    12/11/2026 is read with the day first; a portal that writes the month first needs `form`.
    """
    if form:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).date()
        except ValueError:
            return None
    for pattern, order in ((ISO_DATE, (1, 2, 3)), (DAY_FIRST, (3, 2, 1))):
        for found in pattern.finditer(text):
            day = _date(*(int(found[group]) for group in order))
            if day is not None:
                return day
    for pattern, groups in ((DAY_MONTH_NAME, (3, 2, 1)), (MONTH_NAME_DAY, (3, 1, 2))):
        for found in pattern.finditer(text):
            year, month, number = (found[group] for group in groups)
            day = _date(int(year), MONTHS.get(month[:3].lower(), 0), int(number))
            if day is not None:
                return day
    return None


def read_amount(text: str) -> tuple[Decimal | None, str]:
    """(amount, ISO currency or "") of "1 234,50 kr", "$1,234.50" or "1.234,50 €"."""
    found = MONEY.search(text)
    number = (found[1] or found[2]) if found else None
    if number is None:
        bare = WITH_DECIMALS.search(text)
        number = bare[1] if bare else text
    return _decimal(number), _currency(found[0] if found else text)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _currency(text: str) -> str:
    small = text.lower()
    return next((code for sign, code in CURRENCIES.items() if sign in small), "")


def _decimal(text: str) -> Decimal | None:
    """The last of , and . is the decimal sign, unless it stands alone before three digits."""
    digits = SPACES.sub("", text).replace("\u2212", "-")
    comma, point = digits.rfind(","), digits.rfind(".")
    last = max(comma, point)
    if last >= 0:
        sign, other = digits[last], "." if digits[last] == "," else ","
        thousands = len(digits) - last == 4 and other not in digits
        digits = digits.replace(other, "")
        digits = digits.replace(sign, "" if thousands or digits.count(sign) > 1 else ".")
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
