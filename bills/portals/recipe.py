"""A portal that does what its recipe says, and guesses the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bills.downloads import fetch_link, press_and_catch
from bills.portals import details
from bills.portals.base import ListedBill
from bills.portals.failures import Code, PortalError
from bills.portals.listing import Listing, link_targets
from bills.portals.login import log_in
from bills.portals.rows import amount_of, date_of, is_own, number_of
from bills.portals.targets import calmly_look, earliest, expect_overlays, filled

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator

    from bills.plan import BillKey
    from bills.portals.rows import Row
    from bills.visit import Visit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bill's link is: its page (from 1), its row (from 0), and the row's text as proof."""

    page_number: int
    index: int
    text: str
    href: str = ""


class RecipePortal:
    """Follows `visit.plan.recipe`. Made for each attempt."""

    def __init__(self) -> None:
        self._listing: Listing | None = None

    async def log_in(self, visit: Visit) -> None:
        """See `Portal.log_in`."""
        await expect_overlays(visit)
        await log_in(visit)

    async def list_bills(self, visit: Visit) -> list[ListedBill]:
        """See `Portal.list_bills`. Rows of others and rows that repeat a bill are noted."""
        self._listing = listing = Listing(visit)
        listed: dict[BillKey, ListedBill] = {}
        rows: list[Row] | None = await listing.open()
        seen = 0
        while rows:
            seen += len(rows)
            links = await listing.links(rows)
            for row in rows:
                place = Place(listing.page_number, row.index, row.text, links.get(row.index, ""))
                take(visit, row, place, listed)
            rows = await listing.turn(rows)
        if seen and not listed and visit.report.not_ours == seen:
            self._refuse_strangers(visit, seen)
        return list(listed.values())

    async def fetch(self, visit: Visit, bill: ListedBill, target: Path) -> None:
        """See `Portal.fetch`. A plain link is fetched as it is; everything else is pressed."""
        place = bill.place
        if not isinstance(place, Place) or self._listing is None:
            raise TypeError("fetch wants a bill that list_bills gave.")
        if place.href and await fetch_link(visit, place.href, target):
            return
        row = await self._row_of(place)
        link = await calmly_look(row, link_targets(visit.plan.recipe.bills.link))
        if link is None:
            raise PortalError(
                Code.NAVIGATION,
                details.NO_LINK.format(bill=bill),
            )
        await press_and_catch(visit, link, target)

    async def _row_of(self, place: Place) -> Locator:
        """The bill's row on the page that is shown, after turning to it where need be."""
        listing = self._listing
        if listing is None:
            raise TypeError("There is no list yet.")
        if not await self._is_shown(place):
            rows: list[Row] | None = await listing.reopen()
            while rows and listing.page_number < place.page_number:
                rows = await listing.turn(rows)
            if not await self._is_shown(place):
                raise PortalError(
                    Code.NAVIGATION,
                    details.ROW_CHANGED.format(row=place.index + 1),
                )
        return listing.row(place.index)

    async def _is_shown(self, place: Place) -> bool:
        if self._listing is None or self._listing.page_number != place.page_number:
            return False
        rows = await self._listing.rows()
        return any(row.index == place.index and row.text == place.text for row in rows)

    def _refuse_strangers(self, visit: Visit, seen: int) -> None:
        """Every row is somebody else's: proven by the recipe's own_row, else hard to believe."""
        if not visit.plan.recipe.bills.own_row:
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                details.ALL_OTHERS.format(seen=seen),
            )


def take(visit: Visit, row: Row, place: Place, listed: dict[BillKey, ListedBill]) -> None:
    """Add the row's bill, if it is one, is ours, and is not too old."""
    recipe, report = visit.plan.recipe.bills, visit.report
    if not is_own(row, recipe, filled(recipe.own_row, visit), visit.login.email):
        report.not_ours += 1
        return
    bill = read_bill(row, visit)
    since = earliest(recipe)
    if bill is None:
        return
    if since and bill.date and bill.date < since:
        report.older += 1
        return
    if bill.key in listed:
        report.notes.append(f"{bill} stands in the list twice: the first was taken.".strip())
        return
    listed[bill.key] = replace(bill, place=place)


def read_bill(row: Row, visit: Visit) -> ListedBill | None:
    """The row's bill. Without a recipe for its fields, a row with none of them is no bill."""
    recipe = visit.plan.recipe.bills
    number = number_of(row, recipe.number)
    day = date_of(row, recipe.issued)
    amount, currency = amount_of(row, recipe.amount)
    if number or day:
        return ListedBill(number, day, amount, currency)
    if recipe.rows:
        raise PortalError(
            Code.NAVIGATION,
            details.NO_IDENTITY.format(row=row),
        )
    return None
