"""Walks through a portal's list of bills, page by page, and says which of them are ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from bills.portals import guesses
from bills.portals.failures import Code, PortalError
from bills.portals.login import is_asking, unrecognised, wanted
from bills.portals.recipe_schema import Sign
from bills.portals.rows import READ_LINKS, READ_ROWS, picks, rows_from
from bills.portals.signs import Mark, marks_for, race, refuse
from bills.portals.targets import (
    LOOK_SECONDS,
    calmly_look,
    do_steps,
    is_between_pages,
    locators,
)

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.portals.rows import Row
    from bills.visit import Visit

ROWS, EMPTY = "rows", "empty"
WHILE_LISTING = ("maintenance", "rate_limited", "captcha", "code", "password_expired")


class Listing:
    """The list as it is walked through. `page_number` is the page that is shown, from 1."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.recipe = visit.plan.recipe.bills
        self.page_number = 0
        self.selector = self.recipe.rows

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
                f"bills.max_pages: there are more than {self.recipe.max_pages} pages of bills.",
            )
        address = self.visit.page.url
        await button.click()
        following = await self._changed(rows, address)
        if following is not None:
            self.page_number += 1
        return following

    async def rows(self) -> list[Row]:
        """The rows that are shown now."""
        return (await self._read())[0]

    async def _read(self) -> tuple[list[Row], bool]:
        """The rows that are shown now, and whether the page is loaded."""
        found = self.visit.page.locator(self.selector)
        read = await found.evaluate_all(READ_ROWS, picks(self.recipe))
        return rows_from(read["rows"]), read["state"] == "complete"

    async def links(self, rows: list[Row]) -> dict[int, str]:
        """By row index, the address behind the bill's link; "" where it must be pressed.

        The surest way to find a link is tried first, the others while a row has none.
        """
        place = self.visit.page.locator(self.selector)
        found: dict[int, str] = {}
        for target in wanted(self.recipe.link, guesses.BILL_LINKS):
            for locator in locators(place, target):
                for index, address in await locator.filter(visible=True).evaluate_all(READ_LINKS):
                    found.setdefault(index, address)
                if all(row.index in found for row in rows):
                    return found
        return found

    def row(self, index: int) -> Locator:
        """The row at this index on the page that is shown."""
        return self.visit.page.locator(self.selector).nth(index)

    async def _rows_or_none(self) -> list[Row]:
        selectors = (self.recipe.rows,) if self.recipe.rows else guesses.BILL_ROWS
        by_rows = [Mark(ROWS, Sign(selector=selector)) for selector in selectors]
        limit = self.visit.plan.recipe.login.answer_seconds
        marks = [*by_rows, *self._empty_marks(), *marks_for(self.visit, WHILE_LISTING)]
        mark = await race(self.visit, marks, limit=limit)
        if mark is None:
            if await is_asking(self.visit):
                raise PortalError(
                    Code.NAVIGATION, "The portal asked for the password again when listing."
                )
            raise PortalError(
                Code.UNRECOGNISED_PAGE,
                "It shows neither bills nor that there are none. "
                + await unrecognised(self.visit),
            )
        refuse(self.visit, mark)
        if mark.outcome == EMPTY or mark.sign is None:
            return []
        self.selector = mark.sign.selector
        return await self._settled()

    def _empty_marks(self) -> list[Mark]:
        if self.recipe.empty is not None:
            return [Mark(EMPTY, sign) for sign in self.recipe.empty]
        return [Mark(EMPTY, phrase=phrase) for phrase in guesses.NO_BILLS]

    async def _settled(self) -> list[Row]:
        """The rows once the page is whole: scripts may still be adding some."""
        rows, loaded = await self._read()
        while True:
            was_loaded = loaded
            again, loaded = await self._read()
            if was_loaded and again == rows:
                return rows
            rows = again
            await asyncio.sleep(LOOK_SECONDS)

    async def _next_button(self) -> Locator | None:
        button = await calmly_look(self.visit.page, wanted(self.recipe.next, guesses.NEXT_PAGE))
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
                f"bills.next: page {self.page_number + 1} did not come within {limit:g} s.",
            ) from None

    async def _calm_rows(self) -> list[Row]:
        if self.visit.is_waiting:
            return []
        self.visit.check_status()
        try:
            return await self.rows()
        except PlaywrightError as problem:
            if is_between_pages(problem):
                return []
            raise


def is_same_page(url: str, other: str) -> bool:
    """Whether two addresses differ at most in a fragment or a closing slash."""
    return url.partition("#")[0].rstrip("/") == other.partition("#")[0].rstrip("/")
