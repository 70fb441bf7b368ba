"""A portal that does what its recipe says, and guesses the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.documents.scene import InRow, Offers, links_in
from bills.portals.documents.search import DocumentSearch
from bills.portals.failures import Code, PortalError
from bills.portals.lists.listing import Listing, link_targets
from bills.portals.lists.reading import Asked, Other, read_list
from bills.portals.lists.walk import Place, Walk, own_accounts
from bills.portals.logins.page import log_in
from bills.portals.targets import calmly_look, earliest, expect_overlays, filled, today

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator

    from bills.browser.visit import Visit
    from bills.portals.base import ListedBill
    from bills.portals.lists.reading import Seen


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
        """See `Portal.list_bills`. The report counts every row; what is in doubt is a gap."""
        self._listing = Listing(visit)
        walk = Walk(self._listing)
        seen = await walk.all()
        reading = read_list(seen, asked_of(visit))
        report = visit.report
        report.rows.seen = reading.seen
        report.rows.others.update({str(key): n for key, n in reading.others.items()})
        report.not_ours, report.older = (reading.others[k] for k in (Other.NOT_OURS, Other.OLDER))
        report.notes += reading.notes
        report.gaps += walk.gaps
        report.gaps += [PortalError(Code.LIST_INCOMPLETE, doubt) for doubt in reading.doubts]
        self._offers.numbers = frozenset(bill.number for bill in reading.bills if bill.number)
        if seen and not reading.bills:
            self._doubt_none(visit, seen)
        return reading.bills

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
            raise PortalError(Code.NAVIGATION, failures.NO_LINK.format(bill=bill))
        await search.press(link)

    async def _row_of(self, place: Place) -> Locator:
        """The bill's row on the page that is shown, after turning to it where need be."""
        listing = self._listing
        if listing is None:
            raise TypeError("There is no list yet.")
        if self._offers.is_stale or not await self._is_shown(place):
            self._offers.is_stale = False
            await listing.show(place.view, place.page_number)
            if not await self._is_shown(place):
                raise PortalError(
                    Code.NAVIGATION,
                    failures.ROW_CHANGED.format(row=place.index + 1),
                )
        return listing.row(place.index)

    async def _is_shown(self, place: Place) -> bool:
        listing = self._listing
        if listing is None or listing.page_number != place.page_number:
            return False
        if listing.view != place.view:
            return False
        rows = await listing.rows()
        return any(row.index == place.index and row.text == place.text for row in rows)

    def _said_empty(self) -> bool:
        return self._listing is not None and self._listing.said_empty

    def _doubt_none(self, visit: Visit, seen: list[Seen]) -> None:
        """There are rows, but no bill among them. Raises PortalError where that is no proof."""
        recipe = visit.plan.recipe.bills
        if visit.report.not_ours == len(seen) and not recipe.own_row:
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                failures.ALL_OTHERS.format(seen=len(seen)),
            )
        real = {Other.OLDER, Other.NOT_OURS}
        others = {key for key, count in visit.report.rows.others.items() if count}
        if not recipe.rows and not others & real and not self._said_empty():
            raise PortalError(Code.UNRECOGNISED_PAGE, failures.NEITHER)
        if recipe.rows and not any(each.is_linked for each in seen):
            raise PortalError(Code.NAVIGATION, failures.NO_LINK.format(bill=seen[0].row))


def asked_of(visit: Visit) -> Asked:
    """Whose bills are read, and how the recipe says to."""
    recipe = visit.plan.recipe.bills
    return Asked(
        recipe,
        visit.login.email,
        today(),
        filled(recipe.own_row, visit),
        earliest(recipe),
        tuple(own_accounts(visit.login.extra)),
    )
