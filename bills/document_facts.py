"""What a bill's PDF says of itself, beside what the portal's list said of the bill."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bills.browser.plan import Differs, DocumentFacts
from bills.portals.lists import words
from bills.portals.lists.cells import DateOrder, dates_in, read_amount
from bills.portals.lists.rows import number_in

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from decimal import Decimal

SHORTEST_TEXT = 40  # characters: less is a scanned picture with a stamp, and says nothing
SHORTEST_NUMBER = 4  # characters of a bill's number that can't stand there by chance
DUE_WITHIN = 40  # characters between "due" and its date
DUE = re.compile(words.DUE, re.IGNORECASE)
AMOUNT = re.compile(r"(?<![\d.,])\d(?:[\d\s.,'’\u00a0\u202f\u2009]*\d)?(?![\d])")
LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list shows of the bill, and the numbers of all that are listed."""

    number: str = ""
    date: datetime.date | None = None
    amount: Decimal | None = None
    all_numbers: frozenset[str] = frozenset()


def facts_in(text: str, listed: Listed) -> DocumentFacts:
    """What the text says, as far as it says anything."""
    if len(text) < SHORTEST_TEXT or not any(letter.isdigit() for letter in text):
        return DocumentFacts()
    differs = tuple(_differences(text, listed))
    other = _other(text, listed) or (number_in(text) if len(differs) == len(Differs) else "")
    return DocumentFacts(_due_date(text), differs, other)


def _differences(text: str, listed: Listed) -> Iterable[Differs]:
    if listed.number and not _names(text, listed.number):
        yield Differs.NUMBER
    if listed.date is not None and not _has_day(text, listed.date):
        yield Differs.DATE
    if listed.amount is not None and abs(listed.amount) not in _amounts(text):
        yield Differs.AMOUNT


def _names(text: str, number: str) -> bool:
    """Whether the number stands there, however it is set: "INV 2026/17" is "inv-2026-17"."""
    parts = [re.escape(part) for part in LETTERS.split(number.lower()) if part]
    pattern = r"[\W_]*".join(parts)
    return bool(parts and re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text.lower()))


def _other(text: str, listed: Listed) -> str:
    """Another bill that is named while this one is not."""
    if not listed.number or _names(text, listed.number):
        return ""
    others = sorted(listed.all_numbers - {listed.number})
    long = (other for other in others if len(LETTERS.sub("", other)) >= SHORTEST_NUMBER)
    return next((other for other in long if _names(text, other)), "")


def _has_day(text: str, day: datetime.date) -> bool:
    readings = (DateOrder(month_first=False), DateOrder(month_first=True))
    return any(found.day == day for order in readings for found in dates_in(text, order))


def _amounts(text: str) -> set[Decimal]:
    found = (read_amount(each[0])[0] for each in AMOUNT.finditer(text))
    whole = {abs(each) for each in found if each is not None}
    # "Total 3 1 234,50": numbers that stand beside each other are read one by one, too.
    for each in re.findall(r"\d[\d.,'’]*", text):
        amount = read_amount(each.rstrip(".,"))[0]
        if amount is not None:
            whole.add(abs(amount))
    return whole


def _due_date(text: str) -> datetime.date | None:
    """The day behind "due" where its reading is certain."""
    for found in DUE.finditer(text):
        behind = text[found.end() : found.end() + DUE_WITHIN]
        day = next((each.day for each in dates_in(behind)), None)
        if day is not None:
            return day
    return None
