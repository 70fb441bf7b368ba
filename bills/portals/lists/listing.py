"""One part of a portal's list of bills on the page: read when it has stopped, shown, turned."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from bills.portals import failures, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import (
    FOUND_LINKS,
    FOUND_ROWS,
    OPTIONS,
    READ_LIST,
    SCROLL_DOWN,
    TIMERS_DUE,
)
from bills.portals.lists import words
from bills.portals.lists.menus import Menus
from bills.portals.lists.rows import has_word, picks, rows_from
from bills.portals.lists.scrolling import InView
from bills.portals.lists.surroundings import (
    LOADING,
    Around,
    Choice,
    Control,
    Filter,
    FilterKind,
    Option,
    around_from,
    filters_in,
    more_in,
    next_in,
)
from bills.portals.logins.page import is_asking, unrecognised
from bills.portals.logins.signs import Mark, glance, marks_for, race, refuse
from bills.portals.targets import (
    LOOK_SECONDS,
    calmly,
    calmly_look,
    do_steps,
    filled,
    find,
    locators,
)

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.browser.visit import Visit
    from bills.portals.lists.rows import Row
    from bills.portals.recipe_schema import BillsPart, Each, Target
    from imports.messages import Text

EMPTY = "empty"
WHILE_LISTING = ("maintenance", "rate_limited", "captcha", "code", "password_expired")

# How long nothing may change before the list counts as whole. A page without scripts can't change
# by itself; "No bills" may stand there until they have come.
QUIET_SECONDS = 0.3
QUIET_BY_SCRIPT_SECONDS = 0.5  # where scripts fetch parts of the page, or ask again and again
QUIET_WITHOUT_SCRIPTS_SECONDS = 0.1
QUIET_EMPTY_SECONDS = 1.5
TIMERS_WITHIN_SECONDS = 2.5  # a page's timer that is due later brings no part of the list
SPINNER_SECONDS = 5.0  # what only looks like one may turn for ever
LONGEST_SCROLL = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """One look at the list."""

    rows: list[Row] = field(default_factory=list)
    is_loaded: bool = False
    is_linked: bool = False  # whether the rows' links have been looked for
    lang: str = ""
    busy: str = ""
    has_scripts: bool = True
    around: Around = field(default_factory=Around)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice that led to a part of the list: which filter, and which of its options."""

    kind: FilterKind
    filter_name: str
    option: str


class Listing:
    """The list as it is walked through. `page_number` is the page that is shown, from 1."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.recipe = visit.plan.recipe.bills
        self.page_number = 0
        self.view: tuple[Chosen, ...] = ()
        self._home = ""  # where the list has opened
        self.sheet = Sheet()
        self.said_empty = False  # the page said so, and had stopped
        self._pressed: set[FilterKind] = set()  # of which something was pressed on this page
        self._question = question(self.recipe)
        self.menus = Menus(self)
        self.in_view: InView | None = None  # where the list keeps only what is in view

    # Getting there

    async def open(self) -> list[Row]:
        """Go to the first page; its rows. [] only where the page says so, or has filters."""
        visit = self.visit
        if visit.plan.billing_url and not is_same_page(visit.page.url, visit.plan.billing_url):
            await visit.goto(visit.plan.billing_url)
        return await self._begin()

    async def reopen(self) -> list[Row]:
        """Go to the first page again, from wherever a download has led."""
        if self.visit.plan.billing_url:
            await self.visit.goto(self.visit.plan.billing_url)
        else:
            await self.visit.page.go_back()
        return await self._begin()

    def is_home(self) -> bool:
        """Whether the list's own page is shown, whatever was asked of it."""
        url, home = (each.partition("?")[0] for each in (self.visit.page.url, self._home))
        return is_same_page(url, home)

    async def go_home(self) -> None:
        """Go to the list's page where a choice of another account has led elsewhere."""
        if not self.is_home():
            await self.visit.goto(self._home)
            await self.settled()

    async def _begin(self) -> list[Row]:
        self.page_number, self.view = 1, ()
        self._pressed.clear()
        if self.recipe.steps:
            await do_steps(self.visit, self.recipe.steps, "bills.steps")
        rows = await self._rows_or_none()
        self._home = self.visit.page.url
        return rows

    # Reading

    async def rows(self, *, deep: bool = False) -> list[Row]:
        """The rows that are shown now."""
        page, asked = self.visit.page, {**self._question, "deep": deep}
        read = await page.evaluate(READ_LIST, asked)
        if read["rows"] is None:
            found = page.locator(self.recipe.rows)
            read = await found.evaluate_all(FOUND_ROWS, asked)
            read["css"] = self.recipe.rows
        self.sheet = Sheet(
            rows_from(read["rows"], read.get("css", "")),
            read["state"] == "complete",
            read["linked"],
            read["lang"],
            read["busy"],
            read["scripted"],
            around_from(read) if deep else self.sheet.around,
        )
        return self.sheet.rows

    async def links(self, rows: list[Row]) -> dict[int, str]:
        """By row index, the address behind the bill's link; "" where it must be pressed.

        Rows without a link are left out. The surest way to find one is tried first.
        """
        if self.sheet.is_linked:
            return {row.index: row.href for row in rows if row.is_linked}
        place = self.visit.page.locator("[data-redrive-row]")
        found: dict[int, str] = {}
        for target in link_targets(self.recipe.link):
            for locator in locators(place, target):
                shown = locator.filter(visible=True)
                for index, address in await shown.evaluate_all(FOUND_LINKS):
                    found.setdefault(index, address)
                if all(row.index in found for row in rows):
                    return found
        return found

    def row(self, index: int) -> Locator:
        """The row at this index, also where a script has drawn the list anew."""
        page = self.visit.page
        row = next((row for row in self.sheet.rows if row.index == index), None)
        if row is not None and row.css:
            found = page.locator(row.css)
            return found.nth(index) if row.css == self.recipe.rows else found
        return page.locator(f'[data-redrive-row="{index}"]')

    # Whether it has stopped

    async def settled(self) -> list[Row]:
        """The rows once the page is at rest: nothing asked for, nothing about to happen.

        Raises PortalError LIST_INCOMPLETE where it does not come to rest.
        """
        limit = self.visit.plan.recipe.login.answer_seconds
        began = still_since = time.monotonic()
        before: object = None
        while True:
            rows = await self._calm_rows()
            now = time.monotonic()
            seen = (
                self.visit.page.url,
                self.visit.requests_made,
                [(row.text, row.href) for row in rows or ()],
            )
            why = await self._why_not_still(now - began) if rows is not None else failures.LOADING
            if seen != before or why:
                before, still_since = seen, now
            elif now - still_since >= self._quiet_seconds(rows):
                return await self.rows(deep=True)
            if now - began > limit and not self.visit.is_waiting:
                raise PortalError(
                    Code.LIST_INCOMPLETE,
                    failures.NOT_STILL.format(limit=f"{limit:g}", why=why or failures.CHANGING),
                )
            await self.visit.pause(LOOK_SECONDS)

    def _quiet_seconds(self, rows: list[Row] | None) -> float:
        if not self.sheet.has_scripts:
            return QUIET_WITHOUT_SCRIPTS_SECONDS
        if not rows:
            return QUIET_EMPTY_SECONDS
        return QUIET_BY_SCRIPT_SECONDS if self.visit.asked_by_script else QUIET_SECONDS

    async def _why_not_still(self, waited: float) -> Text:
        """What is still going on; "" where nothing is."""
        if self.recipe.wait:
            seen = await glance(self.visit, [Mark("wait", sign) for sign in self.recipe.wait])
            return "" if seen else failures.NO_WAIT_SIGN
        if not self.sheet.is_loaded:
            return failures.LOADING
        open_requests = self.visit.open_requests
        if open_requests:
            return failures.REQUEST_OPEN.format(address=open_requests[0])
        if self.sheet.busy == "busy" or (self.sheet.busy and waited < SPINNER_SECONDS):
            return failures.BUSY
        if self.sheet.has_scripts:
            due = await calmly(self.visit.page.evaluate(TIMERS_DUE, TIMERS_WITHIN_SECONDS))
            return failures.CHANGING if due else ""
        return ""

    async def _calm_rows(self) -> list[Row] | None:
        """The rows; None while a page is on its way."""
        self.visit.check_site()
        if self.visit.is_waiting:
            return None
        self.visit.check_status()
        return await calmly(self.rows())

    # The first look

    async def _rows_or_none(self) -> list[Row]:
        """Wait for rows, or for the page to say that there are none: and to stop saying so."""
        limit = self.visit.plan.recipe.login.answer_seconds
        marks = [*self._empty_marks(), *marks_for(self.visit, WHILE_LISTING)]
        mark = await race(self.visit, marks, limit=limit, sooner=self._shows_something)
        if mark is None:
            if await is_asking(self.visit):
                raise PortalError(Code.NAVIGATION, failures.ASKED_AGAIN)
            await self._refuse_what_owners_do()
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                failures.NEITHER + await unrecognised(self.visit),
            )
        refuse(self.visit, mark)
        rows = await self.settled()
        if not rows:
            await self._believe_empty()
        return rows

    async def _refuse_what_owners_do(self) -> None:
        """Raise PortalError where a page in place of the list waits for the account's owner."""
        for mark in await glance(self.visit, marks_for(self.visit, ("action",))) or {}:
            refuse(self.visit, mark)

    async def _shows_something(self) -> bool:
        """Rows; or filters that may lead to some."""
        if self.visit.is_waiting:
            return False
        if await self.rows():
            return True
        if self.visit.open_requests or not self.sheet.is_loaded:
            return False
        await self.rows(deep=True)
        return bool(self.recipe.each) or any(each.kind in WALKED for each in self.filters())

    async def _believe_empty(self) -> None:
        """The page has stopped without a row: whether it says that there are none."""
        is_said = bool(await glance(self.visit, self._empty_marks()))
        said = is_said and not LOADING.search(self.sheet.around.around)
        self.said_empty = self.said_empty or said
        if not (said or self.recipe.each or self.filters()):
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                failures.NEITHER + await unrecognised(self.visit),
            )

    def _empty_marks(self) -> list[Mark]:
        if self.recipe.empty is not None:
            return [Mark(EMPTY, sign) for sign in self.recipe.empty]
        return [Mark(EMPTY, phrase=phrase) for phrase in guesses.NO_BILLS]

    # All of one page: what is loaded as one asks for it

    async def load_all(self) -> list[Row]:
        """Press "Load more" and scroll down until nothing more comes; the rows."""
        rows, self.in_view = self.sheet.rows, None
        for _ in range(LONGEST_SCROLL):
            more = await self._more_button()
            if more is not None:
                following = await self._pressed_more(more, rows)
            elif self.sheet.around.scrolls and self.sheet.has_scripts:
                await self.visit.page.evaluate(SCROLL_DOWN)
                following = await self.settled()
            else:
                return rows
            lost = missing_from(following, rows)
            if lost and more is not None:
                raise PortalError(Code.LIST_INCOMPLETE, failures.ROWS_VANISH.format(n=lost))
            if lost:
                in_view = InView(self)
                rows = await in_view.read(lost)
                self.in_view = in_view  # only what was read whole stands for the page
                return rows
            if len(following) == len(rows):
                return following
            rows = following
        raise PortalError(Code.LIST_INCOMPLETE, failures.ENDLESS.format(n=len(rows)))

    async def _more_button(self) -> Locator | None:
        if self.recipe.more is not None:
            button = await calmly_look(self.visit.page, (self.recipe.more,))
            return button if button is not None and await button.is_enabled() else None
        control = more_in(self.sheet.around)
        return self._locate(control) if control else None

    async def _pressed_more(self, button: Locator, rows: list[Row]) -> list[Row]:
        """The rows with those that came. Raises PortalError where none came and it still asks."""
        asked = self.visit.requests_made
        await button.click()
        following = await self.settled()
        if len(following) <= len(rows) and self.visit.requests_made == asked:
            await asyncio.sleep(QUIET_SECONDS)
            following = await self.settled()
        was_answered = self.visit.requests_made > asked and not self.visit.failed_requests
        if len(following) <= len(rows) and not was_answered and await self._more_button():
            raise PortalError(Code.LIST_INCOMPLETE, failures.NO_MORE_CAME.format(n=len(rows)))
        return following

    # The next page

    async def turn(self, rows: list[Row]) -> list[Row] | None:
        """Go to the next page; its rows, or None where this is the last one."""
        button = await self._next_button()
        if button is None:
            return None
        if self.page_number >= self.recipe.max_pages:
            raise PortalError(
                Code.LIST_INCOMPLETE,
                failures.TOO_MANY_PAGES.format(most=self.recipe.max_pages),
            )
        address = self.visit.page.url
        await button.click()
        following = await self._changed(rows, address)
        if following is not None:
            self.page_number += 1
        return following

    async def _next_button(self) -> Locator | None:
        if self.recipe.next is None:
            control = next_in(self.sheet.around, self.page_number)
            return self._locate(control) if control else None
        button = await calmly_look(self.visit.page, (self.recipe.next,))
        if button is None or not await button.is_enabled():
            return None
        dead = "e => e.getAttribute('aria-disabled') === 'true' || !!e.closest('.disabled')"
        return None if await button.evaluate(dead) else button

    async def _changed(self, before: list[Row], address: str) -> list[Row] | None:
        """The next page's rows. None where the same page came again: it was the last.

        Raises PortalError when nothing comes: bills that are not seen must not go unnoticed.
        """
        texts = [(row.text, row.href) for row in before]
        limit = self.visit.plan.recipe.login.answer_seconds
        gives_up_at = time.monotonic() + limit
        while time.monotonic() < gives_up_at:
            rows = await self._calm_rows()
            if rows and [(row.text, row.href) for row in rows] != texts:
                return await self.settled()
            if rows == [] and await self._ends_here():
                return await self.settled()
            await asyncio.sleep(LOOK_SECONDS)
        if rows and self.visit.page.url != address:
            return None
        raise PortalError(
            Code.LIST_INCOMPLETE,
            failures.NO_NEXT_PAGE.format(page=self.page_number + 1, limit=f"{limit:g}"),
        )

    async def _ends_here(self) -> bool:
        """Whether the page that came says that there are no bills on it."""
        if self.visit.is_waiting:
            return False
        return bool(await glance(self.visit, self._empty_marks()))

    # Other parts of the list

    def filters(self) -> list[Filter]:
        """Those that are there, but for what the recipe's own steps have chosen."""
        return [f for f in filters_in(self.sheet.around) if not self._is_by_recipe(f)]

    def _is_by_recipe(self, each: Filter) -> bool:
        set_by_steps = [filled(s.value, self.visit) for s in self.recipe.steps if s.select]
        chosen = each.chosen
        return chosen is not None and any(
            value in (chosen.value, chosen.text) for value in set_by_steps
        )

    async def choose(self, each: Filter, option: Option) -> None:
        """Show the part of the list that this option stands for.

        Raises PortalError OLDER_BILLS_ELSEWHERE where choosing it changes nothing.
        """
        chosen = Chosen(each.kind, each.name, option.text)
        if not option.is_chosen:
            await self._apply(each, option)
        self.view, self.page_number = (*self._above(each.kind), chosen), 1
        if not self.sheet.rows and await glance(self.visit, self._empty_marks()):
            self.said_empty = True

    def _above(self, kind: FilterKind) -> list[Chosen]:
        """What was chosen before a filter of this kind is set."""
        order = list(FilterKind)
        return [one for one in self.view if order.index(one.kind) < order.index(kind)]

    async def choose_again(self, each: Filter, option: Option) -> None:
        """As `choose`, on the page as it is now: it may have been drawn anew, or left."""
        chosen = Chosen(each.kind, each.name, option.text)
        above = self._above(each.kind)
        try:
            found = find_again(await self.all_filters(), chosen)
        except PortalError:
            await self.reopen()
            for one in above:
                await self.choose(*find_again(await self.all_filters(), one))
            found = find_again(await self.all_filters(), chosen)
        await self.choose(*found)

    async def all_filters(self) -> list[Filter]:
        """The recipe's, where it names any; else those that are there."""
        if self.recipe.each is None:
            plain = self.filters()
            await self.menus.search({each.kind for each in plain})
            return sorted([*plain, *self.menus.filters], key=lambda f: ORDER.index(f.kind))
        return [await self._given_filter(each) for each in self.recipe.each]

    async def _given_filter(self, each: Each) -> Filter:
        """The recipe's filter as the page shows it. Raises PortalError NAVIGATION."""
        target = each.select or each.click
        if target is None:  # the schema does not allow it
            raise TypeError("An `each` needs a target.")
        await find(self.visit, [target], "bills.each")
        read: list[Choice] = []
        for locator in locators(self.visit.page, target):
            shown = locator.filter(visible=True)
            read = msgspec.convert(await shown.evaluate_all(OPTIONS, each.kind), list[Choice])
            if read:
                break
        only = filled(each.only, self.visit)
        mark = f'[data-redrive-each="{each.kind}"]'
        options = tuple(
            Option(o.text, o.chosen, f"{mark} >> nth={index}", o.value)
            for index, o in enumerate(read)
            if not o.dead and (not only or has_word(o.text, only) or o.value == only)
        )
        if not options:
            raise PortalError(Code.NAVIGATION, failures.NO_FILTER.format(what=only or target))
        return Filter(FilterKind(each.kind), str(target), options, mark if each.select else "")

    async def count_shown(self) -> int | None:
        """What the page says of how many rows there are, where the recipe says where.

        Raises PortalError NAVIGATION where it does not say it there.
        """
        cell = self.recipe.count
        if cell is None:
            return None
        text = self.sheet.around.around
        if cell.selector:
            text = await self.visit.page.locator(cell.selector).first.inner_text()
        found = re.search(cell.pattern or r"\d+", text)
        number = re.sub(r"\D", "", found[1] if found.re.groups else found[0]) if found else ""
        if not number:
            raise PortalError(Code.NAVIGATION, failures.NO_COUNT)
        return int(number)

    async def _apply(self, each: Filter, option: Option) -> None:
        before = self._traces()
        if each.opener:
            await self.menus.apply(each, option)
        elif each.selector:
            box = self.visit.page.locator(each.selector).first
            await box.select_option(value=option.value)
        else:
            await self.visit.page.locator(option.selector).first.click()
        await self.settled()
        if self._traces() == before and each.submits:
            number = await self.visit.page.locator(each.selector).first.get_attribute(
                "data-redrive-select"
            )
            await self.visit.page.locator(f'[data-redrive-submit="{number}"]').first.click()
            await self.settled()
        is_first = each.kind not in self._pressed and each.chosen is None
        self._pressed.add(each.kind)
        # The first to be pressed may be what the list has opened with.
        if self._traces() == before and not (is_first and before[2]):
            raise PortalError(
                Code.OLDER_BILLS_ELSEWHERE,
                failures.FILTER_DEAD.format(name=each.name, option=option.text),
            )

    def _traces(self) -> tuple[str, int, list[tuple[str, str]]]:
        """What a choice that has an effect changes one of."""
        rows = [(row.text, row.href) for row in self.sheet.rows]
        return self.visit.page.url, self.visit.requests_made, rows

    async def show(self, view: tuple[Chosen, ...], page_number: int) -> None:
        """Go to this part of the list and this page of it, from the start."""
        rows: list[Row] | None = await self.reopen()
        for chosen in view:
            await self.choose(*find_again(await self.all_filters(), chosen))
        rows = await self.load_all()
        while rows and self.page_number < page_number:
            rows = await self.turn(rows)
            if rows:
                rows = await self.load_all()

    def _locate(self, control: Control) -> Locator:
        return self.visit.page.locator(control.selector).first


ORDER = list(FilterKind)
WALKED = (FilterKind.ACCOUNT, FilterKind.YEAR, FilterKind.PERIOD)


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


def missing_from(following: list[Row], rows: list[Row]) -> int:
    """How many of the rows are not among those that followed: lists that drop what is not seen."""
    left = [(row.text, row.href) for row in following]
    count = 0
    for row in rows:
        try:
            left.remove((row.text, row.href))
        except ValueError:
            count += 1
    return count


def question(recipe: BillsPart) -> dict[str, object]:
    """What the list's script is asked: the recipe's own kinds, else the usual ones."""
    return {
        "rows": recipe.rows,
        "kinds": [kind.as_json() for kind in guesses.BILL_LINKS],
        "spare": [kind.as_json() for kind in guesses.SPARE_LINKS],
        "links": by_css(recipe.link) if recipe.link else None,
        "picks": picks(recipe),
        "unwanted": words.NOT_A_DOCUMENT_LINK,
    }


def by_css(target: Target) -> list[dict[str, str]]:
    """The target as a browser knows it; a selector that none knows where only Playwright does."""
    return [{"css": target.selector or "::by-playwright("}]


def link_targets(given: Target | None) -> tuple[Target | guesses.ElementPattern, ...]:
    """What may lead to a bill, within its row."""
    return (given,) if given is not None else (*guesses.BILL_LINKS, *guesses.SPARE_LINKS)


def is_same_page(url: str, other: str) -> bool:
    """Whether two addresses differ at most in a fragment or a closing slash."""
    return url.partition("#")[0].rstrip("/") == other.partition("#")[0].rstrip("/")
