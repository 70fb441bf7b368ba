"""The Chromium that walks through the pages, and how a visitor sits in front of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from config.dev.browser import REMEDY, find_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 40_000  # how long a busy machine may take for one step; never waited for in vain
WIDE, NARROW = (1280, 900), (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. No query may be made in this thread while it is open."""
    executable = find_browser()
    assert executable, REMEDY
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*QUIET, *as_root], timeout=PATIENCE_MS
        )
        try:
            yield browser
        finally:
            browser.close()


def sit_down(browser: Browser, size: tuple[int, int] = WIDE, **options: Any) -> BrowserContext:
    """A visitor of her own: no cookies but those in `storage_state`."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Europe/Stockholm",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def opened(context: BrowserContext) -> Iterator[Page]:
    """A page of that context. Scripts and server must have had nothing to complain about."""
    page = context.new_page()
    complaints = Complaints(page)
    yield page
    context.close()
    assert not complaints.found


class Complaints:
    """What went wrong in a page without anybody seeing it: errors of scripts and of the server."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("response", self._look)
        page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.found.append(f"blocked: {message.text}")

    def _look(self, response: Response) -> None:
        if response.status >= 500:
            self.found.append(f"HTTP {response.status}: {response.url}")
