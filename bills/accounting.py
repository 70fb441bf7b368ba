"""Which document belongs to which bill, and whether every row of a list is accounted for. Pure.

Bills are compared by what their lists show of them, and by what their documents hold: what a PDF
says of itself, beside what the list said of the bill.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.browser.plan import Differs, DocumentFacts
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.lists import words
from bills.portals.lists.cells import DateOrder, dates_in, read_amount
from bills.portals.lists.rows import number_in

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from bills.browser.plan import BillKey, FetchedBill, KnownBill
    from bills.portals.base import ListedBill


SHORTEST_TEXT = 40  # characters: less is a scanned picture with a stamp, and says nothing
SHORTEST_NUMBER = 4  # characters of a bill's number that can't stand there by chance
DUE_WITHIN = 40  # characters between "due" and its date
DUE = re.compile(words.DUE, re.IGNORECASE)
AMOUNT = re.compile(r"(?<![\d.,])\d(?:[\d\s.,'’\u00a0\u202f\u2009]*\d)?(?![\d])")
LETTERS = re.compile(r"[\W_]+")


@dataclass(slots=True)
class RowCounts:
    """The outcome of the rows of a list: seen = kept + known + others + missing.

    `others` counts rows that are not bills to fetch, by reason (see `reading.Other`).
    """

    seen: int = 0
    kept: int = 0
    known: int = 0
    others: Counter[str] = field(default_factory=Counter)

    @property
    def missing(self) -> int:
        return self.seen - self.kept - self.known - self.others.total()

    def as_json(self) -> dict[str, object]:
        return {
            "seen": self.seen,
            "kept": self.kept,
            "known": self.known,
            "others": {
                str(reason): count for reason, count in sorted(self.others.items()) if count
            },
            "missing": self.missing,
        }


def _tells(key: BillKey) -> int:
    """How much of a bill the list shows."""
    return sum(map(bool, (key.number, key.date, key.date_text, key.amount, key.contract)))


def place_document(
    fetched: FetchedBill, before: list[FetchedBill], known: Iterable[KnownBill]
) -> str:
    """The kind of a document: "new", "known" (stored before) or "repeated" in this list.

    Raises PortalError TWO_BILLS_ONE_KEY if two different bills got the same document:
    one of them is wrong, so neither stays in `before`.
    """
    for kept in known:
        if kept.sha256 == fetched.sha256:
            if kept.key.number and fetched.number and kept.key.number != fetched.number:
                raise PortalError(
                    Code.TWO_BILLS_ONE_KEY,
                    failures.KNOWN_DOCUMENT.format(first=kept.key, second=fetched.key),
                )
            return "known"
    for other in before:
        if other.sha256 == fetched.sha256:
            if differ(other.key, fetched.key):
                before.remove(other)
                raise PortalError(
                    Code.TWO_BILLS_ONE_KEY,
                    failures.ONE_DOCUMENT.format(first=other.key, second=fetched.key),
                )
            if _tells(fetched.key) > _tells(other.key):  # the box above a list says less
                before[before.index(other)] = fetched
            return "repeated"
    return "new"


def differ(one: BillKey, other: BillKey) -> bool:
    """Whether something that both show is not the same: then they are two bills."""
    if one.number and other.number and one.number != other.number:
        return True
    if one.amount is not None and other.amount is not None and one.amount != other.amount:
        return True
    if one.contract and other.contract and _bare(one.contract) != _bare(other.contract):
        return True
    same_words = one.date_text and one.date_text == other.date_text
    if one.date and other.date:
        return one.date != other.date and not same_words
    both_written = one.date_text and other.date_text and not (one.date or other.date)
    return bool(both_written) and not same_words


def are_one(one: BillKey, other: BillKey) -> bool:
    """Whether they are one bill by all that the list shows: nothing differs, and something agrees.

    An amount alone agrees with too many.
    """
    if differ(one, other):
        return False
    agrees = (
        (one.number and one.number == other.number)
        or (one.date and one.date == other.date)
        or (one.date_text and one.date_text == other.date_text)
        or (one.document and one.document == other.document)
    )
    return bool(agrees)


def _bare(contract: str) -> str:
    """Spaces, points and small letters make no other contract."""
    return re.sub(r"[\W_]+", "", contract.casefold())


@dataclass(slots=True)
class SortedOut:
    """Which of the listed bills are new. For `unsure` ones only the document can decide."""

    new: list[ListedBill] = field(default_factory=list)
    known: list[ListedBill] = field(default_factory=list)
    unsure: list[ListedBill] = field(default_factory=list)  # to be fetched, too


def sort_out(listed: Sequence[ListedBill], known: Iterable[KnownBill]) -> SortedOut:
    """Compare the list with the stored bills.

    If several rows look alike, as many as are stored are known. If only some are, the addresses
    of their documents decide which, otherwise the documents do.
    """
    found, kept = SortedOut(), list(known)
    left = list(listed)
    while left:
        first = left[0]
        alike = [bill for bill in left if bill is first or are_one(bill.key, first.key)]
        left = [bill for bill in left if bill not in alike]
        before = [bill for bill in kept if are_one(bill.key, first.key)]
        _sort_alike(alike, before, found)
    return found


def _sort_alike(alike: list[ListedBill], kept: list[KnownBill], found: SortedOut) -> None:
    if len(kept) >= len(alike):
        found.known += alike
        return
    addresses = [bill.key.document for bill in kept if bill.key.document]
    rest = []
    for bill in alike:
        if bill.document and bill.document in addresses:
            addresses.remove(bill.document)
            kept = [one for one in kept if one.key.document != bill.document]
            found.known.append(bill)
        else:
            rest.append(bill)
    (found.unsure if kept else found.new).extend(rest)


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
