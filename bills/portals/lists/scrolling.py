"""Lists that keep only what is in view: read step by step, each step joined to the one before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.documents.scene import links_inside
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import SCROLL_STEP, SCROLL_UP

if TYPE_CHECKING:
    from bills.portals.documents.links import DocumentLink
    from bills.portals.lists.listing import Listing
    from bills.portals.lists.rows import Name, Row

MOST_STEPS = 400


class InView:
    """The rows of such a list, from its top to its end; `links` are what each row leads to."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.rows: dict[Name, Row] = {}
        self.links: dict[Name, tuple[DocumentLink, ...]] = {}

    async def read(self, lost: int) -> list[Row]:
        """All rows. Raises PortalError LIST_INCOMPLETE where a step may have passed over some.

        `lost` is how many were seen to vanish.
        """
        page = self.listing.visit.page
        vanished = PortalError(Code.LIST_INCOMPLETE, failures.ROWS_VANISH.format(n=lost))
        await page.evaluate(SCROLL_UP)
        before = await self._take()
        for _ in range(MOST_STEPS):
            is_end = await page.evaluate(SCROLL_STEP)
            shown = await self._take()
            # A row that is pressed could not be found again, nor distinguished from one like it.
            if not shown & before or not all(row.href for row in self.rows.values()):
                raise vanished
            if is_end and shown <= before:
                return [replace(row, index=at) for at, row in enumerate(self.rows.values())]
            before = shown
        raise PortalError(Code.LIST_INCOMPLETE, failures.ENDLESS.format(n=len(self.rows)))

    async def _take(self) -> set[Name]:
        """Take in the rows that are in view; their names."""
        rows = await self.listing.settled()
        inside = await links_inside(self.listing.visit.page)
        for row in rows:
            self.rows.setdefault(row.name, row)
            self.links.setdefault(row.name, inside.get(row.index, ()))
        return {row.name for row in rows}
