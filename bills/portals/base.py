"""What a portal is: the Protocol that recipes and hand-written portals share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bills.browser.plan import BillKey

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from bills.browser.visit import Visit


@dataclass(frozen=True, slots=True)
class ListedBill:
    """One bill in the portal's list. `place` is the portal's own note of where its link is.

    `contract` is which of the customer's accounts or lines it is of, `date_text` how the list
    writes its date, `document` the address of its document where that is a plain link.
    """

    number: str
    date: datetime.date | None
    amount: Decimal | None
    currency: str = ""
    place: object = None
    contract: str = ""
    date_text: str = ""
    document: str = ""

    @property
    def key(self) -> BillKey:
        return BillKey.of(
            self.number, self.date, self.amount, self.contract, self.date_text, self.document
        )

    def __str__(self) -> str:
        return str(self.key)


class Portal(Protocol):
    """One visit's portal: made for each attempt, so it may keep state. Raises PortalError."""

    async def log_in(self, visit: Visit) -> None:
        """Log in, or raise what the portal says. Call `visit.enter` for LOGIN and JUDGE.

        Returns only when the page proves that we are logged in.
        """
        ...

    async def list_bills(self, visit: Visit) -> list[ListedBill]:
        """This customer's bills and nobody else's, in the portal's order. [] only with proof."""
        ...

    async def fetch(self, visit: Visit, bill: ListedBill, target: Path) -> None:
        """Save the bill's PDF as `target`. The caller checks it."""
        ...


PortalClass = type[Portal]
registered: dict[str, PortalClass] = {}  # by name; `scripts` keeps it as the files are now


def portal(name: str) -> Callable[[PortalClass], PortalClass]:
    """Registers a hand-written portal under the name that `PortalPlan.script` asks for."""

    def register(portal_class: PortalClass) -> PortalClass:
        registered[name] = portal_class
        return portal_class

    return register
