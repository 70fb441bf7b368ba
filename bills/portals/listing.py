"""Walks through a portal's list of bills, page by page, and says which of them are ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bills.portals import details, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.list_script import FOUND_LINKS, FOUND_ROWS, READ_LIST
from bills.portals.login import is_asking, unrecognised
from bills.portals.rows import picks, rows_from
from bills.portals.signs import Mark, marks_for, race, refuse
from bills.portals.targets import (
    LOOK_SECONDS,
    calmly,
    calmly_look,
    do_steps,
    locators,
)

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.portals.recipe_schema import BillsPart, Target
    from bills.portals.rows import Row
    from bills.visit import Visit

EMPTY = "empty"
WHILE_LISTING = ("maintenance", "rate_limited", "captcha", "code", "password_expired")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One look at the list. `turns` is None where the page could not say whether it can turn."""

    rows: list[Row]
    is_loaded: bool
    is_linked: bool  # whether the rows' links have been looked for
    turns: bool | None
    selector: str  # of the rows; "" where only our marks on them tell


class Listing:
    """The list as it is walked through. `page_number` is the page that is shown, from 1."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.recipe = visit.plan.recipe.bills
        self.page_number = 0
        self.sheet = Sheet([], False, False, None, "")
        self._question = question(self.recipe)

    async def open(self) -> list[Row]:
        """Go to the first page; its rows. [] only where the page says that there are none."""
        visit = self.visit
        if visit.plan.billing_url and not is_same_page(visit.page.url, visit.plan.billing_url):
            await visit.goto(visit.plan.billing_url)
        await do_steps(visit, self.recipe.steps, "bills.steps")
        self.page_number = 1
        return await self._rows_or_none()

    async def reopen(self) -> list[Row]:
        """Go to the first page again, from wherever a download has led."""
        visit = self.visit
        if visit.plan.billing_url:
            await visit.goto(visit.plan.billing_url)
            await do_steps(visit, self.recipe.steps, "bills.steps")
        else:
            await visit.page.go_back()
        self.page_number = 1
        return await self._rows_or_none()

    async def turn(self, rows: list[Row]) -> list[Row] | None:
        """Go to the next page; its rows, or None where this is the last one."""
        button = await self._next_button()
        if button is None:
            return None
        if self.page_number >= self.recipe.max_pages:
            raise PortalError(
                Code.NAVIGATION,
                details.TOO_MANY_PAGES.format(most=self.recipe.max_pages),
            )
        address = self.visit.page.url
        await button.click()
        following = await self._changed(rows, address)
        if following is not None:
            self.page_number += 1
        return following

    async def rows(self) -> list[Row]:
        """The rows that are shown now."""
        page = self.visit.page
        read = await page.evaluate(READ_LIST, self._question)
        if read["rows"] is None:
            found = page.locator(self.recipe.rows)
            read = await found.evaluate_all(FOUND_ROWS, self._question)
            read["css"] = self.recipe.rows
        self.sheet = Sheet(
            rows_from(read["rows"]),
            read["state"] == "complete",
            read["linked"],
            read["next"],
            read["css"],
        )
        return self.sheet.rows

    async def links(self, rows: list[Row]) -> dict[int, str]:
        """By row index, the address behind the bill's link; "" where it must be pressed.

        The surest way to find a link is tried first, the others while a row has none.
        """
        if self.sheet.is_linked:
            return {row.index: row.href for row in rows}
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
        if self.sheet.selector:
            return page.locator(self.sheet.selector).nth(index)
        return page.locator(f'[data-redrive-row="{index}"]')

    async def _shows_rows(self) -> bool:
        return bool(await self.rows()) and not self.visit.is_waiting

    async def _rows_or_none(self) -> list[Row]:
        limit = self.visit.plan.recipe.login.answer_seconds
        marks = [*self._empty_marks(), *marks_for(self.visit, WHILE_LISTING)]
        mark = await race(self.visit, marks, limit=limit, sooner=self._shows_rows)
        if mark is None:
            if await is_asking(self.visit):
                raise PortalError(Code.NAVIGATION, details.ASKED_AGAIN)
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                f"{details.NEITHER} {await unrecognised(self.visit)}",
            )
        refuse(self.visit, mark)
        return [] if mark.outcome == EMPTY else await self._settled()

    def _empty_marks(self) -> list[Mark]:
        if self.recipe.empty is not None:
            return [Mark(EMPTY, sign) for sign in self.recipe.empty]
        return [Mark(EMPTY, phrase=phrase) for phrase in guesses.NO_BILLS]

    async def _settled(self) -> list[Row]:
        """The rows once the page is whole: scripts may still be adding some.

        Two looks right after each other would see the same while rows come one by one.
        """
        while True:
            before = self.sheet
            await asyncio.sleep(LOOK_SECONDS)
            rows = await self.rows()
            if before.is_loaded and before.rows == rows:
                return rows

    async def _next_button(self) -> Locator | None:
        if self.sheet.turns is False:
            return None
        following = (self.recipe.next,) if self.recipe.next else guesses.NEXT_PAGE
        button = await calmly_look(self.visit.page, following)
        if button is None or not await button.is_enabled():
            return None
        dead = "e => e.getAttribute('aria-disabled') === 'true' || !!e.closest('.disabled')"
        return None if await button.evaluate(dead) else button

    async def _changed(self, before: list[Row], address: str) -> list[Row] | None:
        """The next page's rows. None where the same page came again: it was the last.

        Raises PortalError when nothing comes: bills that are not seen must not go unnoticed.
        """
        texts = [row.text for row in before]
        limit = self.visit.plan.recipe.login.answer_seconds
        try:
            async with asyncio.timeout(limit):
                while True:
                    self.visit.check_site()
                    rows = await self._calm_rows()
                    if rows and [row.text for row in rows] != texts:
                        return await self._settled()
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            if rows and self.visit.page.url != address:
                return None
            raise PortalError(
                Code.NAVIGATION,
                details.NO_NEXT_PAGE.format(page=self.page_number + 1, limit=f"{limit:g}"),
            ) from None

    async def _calm_rows(self) -> list[Row]:
        if self.visit.is_waiting:
            return []
        self.visit.check_status()
        return await calmly(self.rows()) or []


def question(recipe: BillsPart) -> dict[str, object]:
    """What the list's script is asked: the recipe's own kinds, else the usual ones."""
    links = [kind.as_json() for kind in guesses.BILL_LINKS]
    rows: list[dict[str, object]] = [{"css": css, "has": links} for css in guesses.BILL_ROWS]
    following = [kind.as_json() for kind in guesses.NEXT_PAGE]
    return {
        "rows": [{"css": recipe.rows}] if recipe.rows else rows,
        "links": by_css(recipe.link) if recipe.link else links,
        "next": by_css(recipe.next) if recipe.next else following,
        "picks": picks(recipe),
    }


def by_css(target: Target) -> list[dict[str, str]] | None:
    """The target as a browser knows it; None for one that only Playwright finds."""
    return [{"css": target.selector}] if target.selector else None


def link_targets(given: Target | None) -> tuple[Target | guesses.Kind, ...]:
    """What may lead to a bill, within its row."""
    return (given,) if given is not None else guesses.BILL_LINKS


def is_same_page(url: str, other: str) -> bool:
    """Whether two addresses differ at most in a fragment or a closing slash."""
    return url.partition("#")[0].rstrip("/") == other.partition("#")[0].rstrip("/")
