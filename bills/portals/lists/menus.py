"""Parts of a list behind a menu or a dialog: opened once to see its options, then for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import TimeoutError as PlaywrightTimeout

from bills.portals import failures
from bills.portals.documents.scene import close_dialog
from bills.portals.failures import Code, PortalError
from bills.portals.lists.filters import (
    Filter,
    FilterKind,
    Option,
    is_everything,
    kind_of_menu,
    kind_of_options,
    menu_openers,
)
from bills.portals.lists.promises import clean
from bills.portals.targets import calmly

if TYPE_CHECKING:
    from bills.portals.lists.listing import Listing
    from bills.portals.lists.surroundings import Control

PRESS_SECONDS = 3.0
MOST_MENUS = 4  # that are opened to see what they offer


class Menus:
    """The filters of one list whose options show when something is pressed."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.filters: list[Filter] = []
        self.shut: list[tuple[FilterKind, str]] = []  # what could not be opened, and its words
        self._is_searched = False

    async def search(self, known: set[FilterKind]) -> None:
        """Open what may hold accounts or years, once; `known` kinds have filters of their own."""
        if self._is_searched:
            return
        self._is_searched = True
        for kind, opener in menu_openers(self.listing.sheet.around)[:MOST_MENUS]:
            taken = known | {each.kind for each in self.filters}
            if kind not in taken:
                found = await self._options(kind, opener)
                if found is not None and found.kind not in taken:
                    self.filters.append(found)

    async def _options(self, kind: FilterKind | None, opener: Control) -> Filter | None:
        try:
            shown = await self._opened(opener.selector)
        except PlaywrightTimeout:  # something covers it: nobody knows what is behind it
            self.shut.append((kind or FilterKind.ACCOUNT, clean(opener.text)))
            return None
        named = [one for one in shown if one.option]
        kind = kind or kind_of_options([one.text for one in named])
        of_kind = [one for one in shown if kind_of_menu(one) is kind or is_everything(one.text)]
        of_kind = named if len(named) > 1 else of_kind
        await self._close()
        if kind is None:
            return None
        if len(of_kind) < 2:
            if kind is FilterKind.PERIOD:
                self.shut.append((kind, clean(opener.text)))
            return None
        options = {
            clean(one.text): Option(
                clean(one.text), one.chosen or clean(one.text) in clean(opener.text)
            )
            for one in of_kind
        }
        return Filter(kind, clean(opener.text), tuple(options.values()), opener=opener.selector)

    async def apply(self, each: Filter, option: Option) -> None:
        """Open the menu and press the option. Raises PortalError OLDER_BILLS_ELSEWHERE."""
        listing, visit = self.listing, self.listing.visit
        if not await visit.page.locator(each.opener).first.is_visible():
            await listing.reopen()
        shown = await self._opened(each.opener)
        options = [one for one in listing.sheet.around.pressable if one.option]  # left open
        named = (one for one in [*shown, *options] if clean(one.text) == option.text)
        found = next(named, None)
        if found is None:
            raise PortalError(
                Code.OLDER_BILLS_ELSEWHERE,
                failures.FILTER_DEAD.format(name=each.name, option=option.text),
            )
        await visit.page.locator(found.selector).first.click(timeout=PRESS_SECONDS * 1000)
        await listing.settled()
        await listing.go_home()

    async def _opened(self, opener: str) -> list[Control]:
        """What can be pressed once the menu is open, and could not before."""
        listing = self.listing
        await listing.rows(deep=True)
        before = {(one.selector, one.text) for one in listing.sheet.around.pressable}
        button = listing.visit.page.locator(opener).first
        await button.click(timeout=PRESS_SECONDS * 1000)
        await listing.settled()
        around = listing.sheet.around
        return [one for one in around.pressable if (one.selector, one.text) not in before]

    async def _close(self) -> None:
        """Leave the list as it was; load it anew where the page it led to is another."""
        listing = self.listing
        if not listing.is_home() or not await calmly(close_dialog(listing.visit.page)):
            await listing.reopen()
        await listing.settled()
