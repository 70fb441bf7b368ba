"""One part of a portal's list of bills on the page: read when it has stopped, shown, turned."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.portals import failures, guesses
from bills.portals.documents.links import by_row
from bills.portals.documents.pages import reason_of, text_of
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import FOUND_LINKS, FOUND_ROWS, READ_LIST, SCROLL_DOWN
from bills.portals.lists import words
from bills.portals.lists.cells import dates_in
from bills.portals.lists.choices import Choices
from bills.portals.lists.rows import picks, rows_from
from bills.portals.lists.scrolling import InView
from bills.portals.lists.stillness import QUIET_SECONDS, TIMERS_WITHIN_SECONDS, Stillness
from bills.portals.lists.surroundings import (
    LOADING,
    Around,
    Control,
    around_from,
    more_in,
    next_in,
    says_more,
)
from bills.portals.logins.page import is_asking, unrecognised
from bills.portals.logins.signs import FOUND, Mark, glance, marks_for, race, refuse
from bills.portals.packing import unpacked
from bills.portals.targets import LOOK_SECONDS, calmly, calmly_look, do_steps, locators

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.browser.visit import Visit
    from bills.portals.documents.links import DocumentLink
    from bills.portals.lists.choices import Chosen
    from bills.portals.lists.rows import Row
    from bills.portals.recipe_schema import BillsPart, Target

EMPTY = "empty"
WHILE_LISTING = ("maintenance", "rate_limited", "captcha", "code", "password_expired")

LONGEST_SCROLL = 200
NO_MORE = (404, 410, 416)  # what a page that asks beyond the list's end may be answered


@dataclass(frozen=True, slots=True)
class Sheet:
    """One look at the list."""

    rows: list[Row] = field(default_factory=list)
    is_loaded: bool = False
    is_linked: bool = False  # whether the rows' links have been looked for
    lang: str = ""
    busy: str = ""
    has_scripts: bool = True  # or whatever else may change a page without a press
    timers: int = 0  # that are about to go off
    still: float = 0.0  # seconds since it last changed; 0: not known
    refresh: str = ""  # what the page says of when it asks for itself again
    refused: str = ""  # what an answer to the page said in place of what it was asked for
    around: Around = field(default_factory=Around)
    inside: dict[int, tuple[DocumentLink, ...]] = field(default_factory=dict)  # by row, if deep


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
        self.is_followed = False  # a link to older bills, or to an archive, was
        self._question = question(self.recipe)
        self.stillness, self.choices = Stillness(self), Choices(self)
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
        self.choices.begin()
        if self.recipe.steps:
            await do_steps(self.visit, self.recipe.steps, "bills.steps")
        rows = await self._rows_or_none()
        self._home = self.visit.page.url
        return rows

    # Reading

    async def rows(self, *, deep: bool = False) -> list[Row]:
        """The rows that are shown now."""
        page, asked = self.visit.page, json.dumps({**self._question, "deep": deep})
        read = unpacked(await page.evaluate(READ_LIST, asked))
        if read["rows"] is None:
            found = page.locator(self.recipe.rows)
            read = unpacked(await found.evaluate_all(FOUND_ROWS, asked))
            read["css"] = self.recipe.rows
        self.sheet = Sheet(
            rows_from(read["rows"], read.get("css", "")),
            read["state"] == "complete",
            read["linked"],
            read["lang"],
            read["busy"],
            read["scripted"],
            read["due"],
            read["still"],
            read["refresh"],
            read["refused"],
            around_from(read) if deep else self.sheet.around,
            by_row(read["inside"]) if deep else {},
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

    async def rows_in_frames(self) -> int:
        """How many rows that look like bills stand in the portal's own frames."""
        found: list[Row] = []
        for frame in self.visit.permitted_frames():
            asked = json.dumps({**self._question, "rows": "", "deep": False})
            read = unpacked(await calmly(frame.evaluate(READ_LIST, asked)))
            found += rows_from(read["rows"]) if read else []
        return sum(row.is_linked and bool(dates_in(row.text)) for row in found)

    def row(self, index: int) -> Locator:
        """The row at this index, also where a script has drawn the list anew."""
        page = self.visit.page
        row = next((row for row in self.sheet.rows if row.index == index), None)
        if row is not None and row.css:
            found = page.locator(row.css)
            return found.nth(index) if row.css == self.recipe.rows else found
        return page.locator(f'[data-redrive-row="{index}"]')

    # Whether it has stopped

    async def settled(self, *, has_come: bool = False, has_looked: bool = False) -> list[Row]:
        """The rows once the page is at rest. Raises PortalError LIST_INCOMPLETE: see Stillness."""
        return await self.stillness.rows(has_come=has_come, has_looked=has_looked)

    # The first look

    async def _rows_or_none(self) -> list[Row]:
        """Wait for rows, or for the page to say that there are none; then until it is at rest."""
        limit = self.visit.plan.recipe.login.answer_seconds
        marks = [*self._empty_marks(), *marks_for(self.visit, WHILE_LISTING)]
        mark = await race(self.visit, marks, limit=limit, sooner=self._shows_something)
        if mark is None:
            if await is_asking(self.visit):
                raise PortalError(Code.NAVIGATION, failures.ASKED_AGAIN)
            await self._refuse_what_owners_do()
            if (lost := reason_of(await text_of(self.visit.page))).code is Code.SESSION_LOST:
                raise lost
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                failures.NEITHER + await unrecognised(self.visit),
            )
        refuse(self.visit, mark)
        rows = await self.settled(has_come=not self.recipe.steps, has_looked=mark is FOUND)
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
        if await self.rows(deep=True):
            return True
        if self.visit.open_requests or not self.sheet.is_loaded:
            return False
        return bool(self.recipe.each) or self.choices.may_lead_to_rows()

    async def _believe_empty(self) -> None:
        """Raise PortalError where a page without rows neither says so nor has other parts."""
        said = await self.says_empty() and not LOADING.search(self.sheet.around.around)
        self.said_empty = self.said_empty or said
        if not (said or self.recipe.each or self.choices.shown()):
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                failures.NEITHER + await unrecognised(self.visit),
            )

    async def says_empty(self) -> bool:
        """Whether the page says that there are no bills."""
        return bool(await glance(self.visit, self._empty_marks()))

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
                following = await self._scrolled()
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

    async def _scrolled(self) -> list[Row]:
        """The rows once the end was in view. Raises PortalError where what it asked for failed."""
        self.visit.refused_requests.clear()
        await self.visit.page.evaluate(SCROLL_DOWN)
        following = await self.settled()
        for address, status in self.visit.refused_requests.items():
            if status not in NO_MORE:
                said = failures.REQUEST_FAILED.format(address=address, why=f"HTTP {status}")
                raise PortalError(Code.LIST_INCOMPLETE, said)
        return following

    async def _more_button(self) -> Locator | None:
        if self.recipe.more is not None:
            button = await calmly_look(self.visit.page, (self.recipe.more,))
            return button if button is not None and await button.is_enabled() else None
        control = more_in(self.sheet.around)
        return self._locate(control) if control else None

    async def _pressed_more(self, button: Locator, rows: list[Row]) -> list[Row]:
        """The rows with those that came. Raises PortalError where none came and it still asks."""
        asked = self.visit.requests_made
        self.visit.refused_requests.clear()
        await button.click()
        following = await self.settled()
        if len(following) <= len(rows) and self.visit.requests_made == asked:
            await asyncio.sleep(QUIET_SECONDS)
            following = await self.settled()
        failed = self.visit.failed_requests or self.visit.refused_requests
        was_answered = self.visit.requests_made > asked and not failed
        is_left = bool(failed) or await self._is_more_left()
        if len(following) <= len(rows) and not was_answered and is_left:
            raise PortalError(Code.LIST_INCOMPLETE, failures.NO_MORE_CAME.format(n=len(rows)))
        return following

    async def _is_more_left(self) -> bool:
        """Whether a button still speaks of further rows; an arrow may only turn round."""
        if self.recipe.more is not None:
            return await self._more_button() is not None
        return says_more(self.sheet.around)

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
            is_older = control is not None and (control.says("older") or control.says("all_bills"))
            self.is_followed = self.is_followed or is_older
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
        names = [row.name for row in before]
        limit = self.visit.plan.recipe.login.answer_seconds
        gives_up_at = time.monotonic() + limit
        while time.monotonic() < gives_up_at:
            rows = await self.stillness.rows_now()
            if rows and [row.name for row in rows] != names:
                return await self.settled(has_come=True)
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
        return await self.says_empty()

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

    async def show(self, view: tuple[Chosen, ...], page_number: int) -> None:
        """Go to this part of the list and this page of it, from the start."""
        await self.reopen()
        await self.choices.repeat(view)
        rows: list[Row] | None = await self.load_all()
        while rows and self.page_number < page_number:
            rows = await self.turn(rows)
            if rows:
                rows = await self.load_all()

    def _locate(self, control: Control) -> Locator:
        return self.visit.page.locator(control.place).first


def missing_from(following: list[Row], rows: list[Row]) -> int:
    """How many of the rows have gone: a list may drop what is out of view."""
    return (Counter(row.name for row in rows) - Counter(row.name for row in following)).total()


def question(recipe: BillsPart) -> dict[str, object]:
    """What the list's script is asked: the recipe's own kinds, else the usual ones."""
    return {
        "rows": recipe.rows,
        "kinds": [kind.as_json() for kind in guesses.BILL_LINKS],
        "spare": [kind.as_json() for kind in guesses.SPARE_LINKS],
        "links": by_css(recipe.link) if recipe.link else None,
        "picks": picks(recipe),
        "unwanted": words.NOT_A_DOCUMENT_LINK,
        "noBill": words.NOT_A_BILL,
        "soon": TIMERS_WITHIN_SECONDS,
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
