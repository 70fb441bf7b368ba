"""Other parts of a list: accounts, years, periods and tabs, chosen on the page as it is now.

A menu or a dialog is opened once to see its options, then for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bills.portals import failures
from bills.portals.documents.scene import close_dialog
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import OPTIONS
from bills.portals.lists.filters import (
    Filter,
    FilterKind,
    Option,
    filters_in,
    is_everything,
    kind_of_menu,
    kind_of_options,
    menu_openers,
)
from bills.portals.lists.promises import clean
from bills.portals.lists.rows import has_word
from bills.portals.lists.surroundings import Choice
from bills.portals.targets import calmly, filled, find, locators

if TYPE_CHECKING:
    from bills.portals.lists.listing import Listing
    from bills.portals.lists.rows import Name
    from bills.portals.lists.surroundings import Control
    from bills.portals.recipe_schema import Each


ORDER = list(FilterKind)
WALKED = (FilterKind.ACCOUNT, FilterKind.YEAR, FilterKind.PERIOD)
PRESS_SECONDS = 3.0
MOST_MENUS = 4  # that are opened to see what they offer


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice that led to a part of the list: which filter, and which of its options."""

    kind: FilterKind
    filter_name: str
    option: str


class Choices:
    """The filters of one list, and what they are set to."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.menus = Menus(listing)
        self._pressed: set[FilterKind] = set()  # of which something was pressed on this page

    def begin(self) -> None:
        """The list has been opened anew."""
        self._pressed.clear()

    # Which there are

    def shown(self) -> list[Filter]:
        """Those that are there, but for what the recipe's own steps have chosen."""
        sheet = self.listing.sheet
        found = filters_in(sheet.around, len(sheet.rows))
        return [each for each in found if not self._is_by_recipe(each)]

    def may_lead_to_rows(self) -> bool:
        """Whether a list without rows may have some in another part."""
        return any(each.kind in WALKED for each in self.shown())

    def _is_by_recipe(self, each: Filter) -> bool:
        listing = self.listing
        set_by_steps = [filled(s.value, listing.visit) for s in listing.recipe.steps if s.select]
        chosen = each.chosen
        return chosen is not None and any(
            value in (chosen.value, chosen.text) for value in set_by_steps
        )

    async def all(self) -> list[Filter]:
        """The recipe's, where it names any; else those that are there."""
        given = self.listing.recipe.each
        if given is None:
            plain = self.shown()
            await self.menus.search({each.kind for each in plain})
            return sorted([*plain, *self.menus.filters], key=lambda f: ORDER.index(f.kind))
        return [await self._given(each) for each in given]

    async def _given(self, each: Each) -> Filter:
        """The recipe's filter as the page shows it. Raises PortalError NAVIGATION."""
        target, visit = each.select or each.click, self.listing.visit
        if target is None:  # the schema does not allow it
            raise TypeError("An `each` needs a target.")
        await find(visit, [target], "bills.each")
        read: list[Choice] = []
        for locator in locators(visit.page, target):
            shown = locator.filter(visible=True)
            read = msgspec.convert(await shown.evaluate_all(OPTIONS, each.kind), list[Choice])
            if read:
                break
        only = filled(each.only, visit)
        mark = f'[data-redrive-each="{each.kind}"]'
        options = tuple(
            Option(o.text, o.chosen, f"{mark} >> nth={index}", o.value)
            for index, o in enumerate(read)
            if not o.dead and (not only or has_word(o.text, only) or o.value == only)
        )
        if not options:
            raise PortalError(Code.NAVIGATION, failures.NO_FILTER.format(what=only or target))
        return Filter(FilterKind(each.kind), str(target), options, mark if each.select else "")

    # Choosing

    async def choose(self, each: Filter, option: Option) -> None:
        """Show the part of the list that this option stands for.

        Raises PortalError OLDER_BILLS_ELSEWHERE where choosing it changes nothing.
        """
        listing = self.listing
        chosen = Chosen(each.kind, each.name, option.text)
        if not option.is_chosen:
            await self._apply(each, option)
        listing.view, listing.page_number = (*self._above(each.kind), chosen), 1
        if not listing.sheet.rows and await listing.says_empty():
            listing.said_empty = True

    def _above(self, kind: FilterKind) -> list[Chosen]:
        """What was chosen before a filter of this kind is set."""
        return [
            one for one in self.listing.view if ORDER.index(one.kind) < ORDER.index(kind)
        ]  # fmt: skip

    async def choose_again(self, each: Filter, option: Option) -> None:
        """As `choose`, on the page as it is now: it may have been drawn anew, or left."""
        chosen = Chosen(each.kind, each.name, option.text)
        above = self._above(each.kind)
        try:
            found = find_again(await self.all(), chosen)
        except PortalError:
            await self.listing.reopen()
            await self.repeat(above)
            found = find_again(await self.all(), chosen)
        await self.choose(*found)

    async def repeat(self, view: list[Chosen] | tuple[Chosen, ...]) -> None:
        """Make these choices once more, one within another, on a list that was opened anew."""
        for chosen in view:
            await self.choose(*find_again(await self.all(), chosen))

    async def _apply(self, each: Filter, option: Option) -> None:
        page, listing = self.listing.visit.page, self.listing
        before = self._traces()
        if each.opener:
            await self.menus.apply(each, option)
        elif each.selector:
            await page.locator(each.selector).first.select_option(value=option.value)
        else:
            await page.locator(option.selector).first.click()
        await listing.settled()
        if self._traces() == before and each.submits:
            box = page.locator(each.selector).first
            number = await box.get_attribute("data-redrive-select")
            await page.locator(f'[data-redrive-submit="{number}"]').first.click()
            await listing.settled()
        if each.is_unsure and not listing.is_home():
            await listing.reopen()  # it was no part of the list
        is_first = each.kind not in self._pressed and each.chosen is None
        self._pressed.add(each.kind)
        # The first to be pressed may be what the list has opened with.
        if self._traces() == before and not (each.is_unsure or (is_first and before[2])):
            raise PortalError(
                Code.OLDER_BILLS_ELSEWHERE,
                failures.FILTER_DEAD.format(name=each.name, option=option.text),
            )

    def _traces(self) -> tuple[str, int, list[Name]]:
        """What a choice that has an effect changes one of."""
        visit = self.listing.visit
        return visit.page.url, visit.requests_made, [row.name for row in self.listing.sheet.rows]


def find_again(filters: list[Filter], chosen: Chosen) -> tuple[Filter, Option]:
    """The filter and option of a choice that was made before. Raises PortalError."""
    for each in filters:
        if each.kind is chosen.kind:
            for option in each.options:
                if option.text == chosen.option:
                    return each, option
    raise PortalError(
        Code.OLDER_BILLS_ELSEWHERE,
        failures.FILTER_DEAD.format(name=chosen.filter_name, option=chosen.option),
    )


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
