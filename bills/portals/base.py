"""What a portal is: the Protocol that recipes and hand-written portals share, and their registry.

A hand-written portal is one file in this package with one class, decorated with `@portal("name")`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bills.plan import BillKey

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from decimal import Decimal
    from pathlib import Path

    from bills.visit import Visit


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
_portals: dict[str, PortalClass] = {}


def portal(name: str) -> Callable[[PortalClass], PortalClass]:
    """Registers a hand-written portal under the name that `PortalPlan.script` asks for."""

    def register(portal_class: PortalClass) -> PortalClass:
        _portals[name] = portal_class
        return portal_class

    return register


def portal_named(name: str) -> PortalClass:
    """The hand-written portal of that name. Raises ValueError that names those there are."""
    _load_all()
    if name not in _portals:
        known = ", ".join(sorted(_portals)) or "none"
        raise ValueError(f'There is no portal script "{name}". Known: {known}.')
    return _portals[name]


def portal_names() -> list[str]:
    """The names of all hand-written portals, sorted."""
    _load_all()
    return sorted(_portals)


def _load_all() -> None:
    package = importlib.import_module("bills.portals")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bills.portals.{module.name}")
