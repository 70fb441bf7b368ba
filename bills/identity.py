"""Whether two bills are one: what a list shows of them, and what their documents hold. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bills.browser.plan import BillKey, KnownBill
    from bills.portals.base import ListedBill


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
