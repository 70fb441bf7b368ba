"""Where a bill's document is looked for: pages and dialogs that open, and what they showed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from playwright.async_api import Error as PlaywrightError

from bills.portals import failures
from bills.portals.documents.links import (
    OF_PAGE,
    OF_ROW,
    OF_ROWS,
    PRESSED,
    DocumentLink,
    by_row,
    link_from,
)
from bills.portals.documents.words import CLOSE, Says
from bills.portals.failures import Code, PortalError
from bills.portals.targets import LOOK_SECONDS, calmly

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from bills.browser.downloads import Catch

CLOSE_SECONDS = 1.0  # for a dialog to go


@dataclass(slots=True)
class Offers:
    """What one visit has seen at other bills, so that nothing of theirs is taken for this one."""

    numbers: frozenset[str] = frozenset()  # of all bills in the list
    addresses: dict[str, str] = field(default_factory=dict)  # shown in a dialog: for which bill
    taken: dict[str, str] = field(default_factory=dict)  # followed on a page: for which bill
    is_stale: bool = False  # the list's page is not as it was: it must be opened again
    notes_printing: bool = False


@dataclass(slots=True)
class Scene:
    """A page that is watched for a document. `said_before` is a reason it gave all along."""

    page: Page
    catch: Catch
    depth: int = 0
    is_list: bool = False  # the list's own page: only what is new on it counts
    began_at: float = 0.0
    said_before: Code = Code.DOWNLOAD_BAD
    candidate: tuple[str, str] = ("", "")
    candidate_since: float = 0.0
    has_more: bool = False  # something new is shown
    dialog: bool = False  # a dialog was opened and used


class Finder(Protocol):
    """Finds on its page what a script told of."""

    async def locate(self, link: DocumentLink) -> Locator:
        """The link, to be pressed."""
        ...


@dataclass(frozen=True, slots=True)
class OnPage:
    """Finds what OF_PAGE has marked."""

    page: Page

    async def locate(self, link: DocumentLink) -> Locator:
        """See `Finder.locate`."""
        return self.page.locator(f'[data-redrive-document="{link.mark}"]')


@dataclass(frozen=True, slots=True)
class InRow:
    """Finds a row's link again, also where a script has drawn the list anew."""

    open_row: Callable[[], Awaitable[Locator]]
    bill: object

    async def locate(self, link: DocumentLink) -> Locator:
        """See `Finder.locate`."""
        row = await self.open_row()
        links = await links_in(row)
        for place, found in enumerate(links):
            if replace(found, mark=link.mark) == link:
                # By its place where that is sure: marks go when the list is drawn anew.
                shown = row.locator(PRESSED).filter(visible=True)
                if await shown.count() == len(links):
                    return shown.nth(place)
                return row.page.locator(f'[data-redrive-document="{found.mark}"]')
        raise PortalError(Code.NAVIGATION, failures.NO_LINK.format(bill=self.bill))


async def links_in(row: Locator) -> list[DocumentLink]:
    """What can be pressed in a row that is shown."""
    return [link_from(summary) for summary in await row.evaluate_all(OF_ROW)]


async def links_inside(page: Page) -> dict[int, tuple[DocumentLink, ...]]:
    """By the index of each marked row, what can be pressed in it."""
    return by_row(await page.evaluate(OF_ROWS))


def belongs_to_no_bill(links: tuple[DocumentLink, ...]) -> bool:
    """Whether all that a row leads to are terms, price lists and the like."""
    return bool(links) and all(link.says is Says.NEVER for link in links)


async def close_dialog(page: Page) -> bool:
    """Close the dialog by its own button, else by the Escape key; whether it is gone."""
    links = [link_from(link) for link in (await page.evaluate(OF_PAGE, True))["links"]]
    for link in links:
        if link.in_dialog and (CLOSE.match(link.text) or CLOSE.match(link.label)):
            button = await OnPage(page).locate(link)
            await button.click(timeout=CLOSE_SECONDS * 1000)
            break
    else:
        await page.keyboard.press("Escape")
    gives_up_at = asyncio.get_running_loop().time() + CLOSE_SECONDS
    while asyncio.get_running_loop().time() < gives_up_at:
        summary = await calmly(page.evaluate(OF_PAGE, True)) or {"links": []}
        if not any(link["in_dialog"] for link in summary["links"]):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def print_page(page: Page, target: Path) -> None:
    """Print a page to a PDF. Raises PortalError DOWNLOAD_BAD where the browser can't."""
    try:
        await page.pdf(path=target, print_background=True, prefer_css_page_size=True)
    except PlaywrightError as problem:
        reason = problem.message.splitlines()[0][:200]
        raise PortalError(Code.DOWNLOAD_BAD, failures.NOT_PRINTED.format(reason=reason)) from None
