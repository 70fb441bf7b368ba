"""A portal that does what its recipe says, and guesses the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bills.portals import details
from bills.portals.base import ListedBill
from bills.portals.document_links import OF_ROWS, DocumentLink, link_from
from bills.portals.document_scene import InRow, Offers, links_in
from bills.portals.document_words import Says
from bills.portals.documents import DocumentSearch
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
    links: tuple[DocumentLink, ...] | None = None  # all that can be pressed in it


class RecipePortal:
    """Follows `visit.plan.recipe`. Made for each attempt."""

    def __init__(self) -> None:
        self._listing: Listing | None = None
        self._offers = Offers()

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
            inside = await links_inside(visit)
            for row in rows:
                place = Place(
                    listing.page_number,
                    row.index,
                    row.text,
                    links.get(row.index, ""),
                    inside.get(row.index),
                )
                take(visit, row, place, listed)
            rows = await listing.turn(rows)
        if seen and not listed and visit.report.no_bills == seen:
            raise PortalError(Code.UNRECOGNISED_PAGE, details.NEITHER)  # terms prove no empty list
        if seen and not listed and visit.report.not_ours == seen:
            self._refuse_strangers(visit, seen)
        self._offers.numbers = frozenset(bill.number for bill in listed.values() if bill.number)
        return list(listed.values())

    async def fetch(self, visit: Visit, bill: ListedBill, target: Path) -> None:
        """See `Portal.fetch`. A plain link is fetched as it is; everything else is pressed."""
        place, recipe = bill.place, visit.plan.recipe.bills
        if not isinstance(place, Place) or self._listing is None:
            raise TypeError("fetch wants a bill that list_bills gave.")
        search = DocumentSearch(visit, bill, target, self._offers)
        if recipe.open:
            await search.by_steps(await self._row_of(place))
            return
        if recipe.link is None:
            row = InRow(lambda: self._row_of(place), bill)
            links = place.links
            if links is None:
                links = tuple(await links_in(await self._row_of(place)))
            if await search.from_links(links, row):
                return
        if place.href:
            await search.from_address(place.href)
            return
        link = await calmly_look(await self._row_of(place), link_targets(recipe.link))
        if link is None:
            raise PortalError(Code.NAVIGATION, details.NO_LINK.format(bill=bill))
        await search.press(link)

    async def _row_of(self, place: Place) -> Locator:
        """The bill's row on the page that is shown, after turning to it where need be."""
        listing = self._listing
        if listing is None:
            raise TypeError("There is no list yet.")
        if self._offers.is_stale or not await self._is_shown(place):
            self._offers.is_stale = False
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
    if place.links and belongs_to_no_bill(place.links):
        report.no_bills += 1
        names = ", ".join(f'"{link.shown}"' for link in place.links)
        report.notes.append(details.SKIPPED_ROW.format(row=row, names=names))
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


async def links_inside(visit: Visit) -> dict[int, tuple[DocumentLink, ...]]:
    """By row index, what can be pressed in the rows that are shown."""
    told = await visit.page.evaluate(OF_ROWS)
    found: dict[int, tuple[DocumentLink, ...]] = {}
    for index, links in told:
        found[index] = (*found.get(index, ()), *(link_from(link) for link in links))
    return found


def belongs_to_no_bill(links: tuple[DocumentLink, ...]) -> bool:
    """Whether all that the row leads to are terms, price lists and the like."""
    return all(link.says is Says.NEVER for link in links)


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
