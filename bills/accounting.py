"""Which document belongs to which bill, and whether every row of a list is accounted for. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.identity import differ
from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bills.browser.plan import BillKey, FetchedBill, KnownBill


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
