""" "Tell me when it ends": the browser's own message, asked for by a click, without reloading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.chromium import opened, sit_down
from tests.browser.walking import SLOW, button, press

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.installation import Installation

TELL, SUMMARY = "Notify me when it ends", "You will be notified"
# The browser's own messages, of which a copy is kept for the test to look at.
KEPT = """
window.said = [];
window.Notification = class extends window.Notification {
    constructor(title, options) {
        super(title, options);
        window.said.push(`${title}: ${options.body}`);
    }
};
"""


@pytest.fixture
def context(browser: Browser, logged_in: Any) -> BrowserContext:
    """Admin's browser, which keeps what it said in `window.said`."""
    context = sit_down(browser, storage_state=logged_in)
    context.add_init_script(KEPT)
    return context


@pytest.fixture
def listener(context: BrowserContext, installation: Installation) -> Iterator[Page]:
    """A page whose browser lets Redrive send messages."""
    context.grant_permissions(["notifications"], origin=installation.url)
    yield from opened(context)


@pytest.fixture
def deaf(context: BrowserContext) -> Iterator[Page]:
    """A page whose browser does not."""
    yield from opened(context)


def running(page: Page, installation: Installation, first: int) -> int:
    """A job that takes a while, on the page in front; its id."""
    files = installation.files(first=first, customers=60)
    walking.new_draft(page, installation, f"Members from {first}", files, **SLOW)
    return walking.start(page)


def said(page: Page, count: int = 0) -> list[str]:
    """What the browser has said, once it is so much: a page changes a moment before it speaks."""
    page.wait_for_function("count => window.said.length >= count", arg=count)
    found: list[str] = page.evaluate("window.said")
    return found


def test_the_browser_says_that_the_job_paused_and_that_it_was_cancelled(
    listener: Page, installation: Installation
) -> None:
    job = running(listener, installation, 6000)
    assert said(listener) == []
    press(listener, TELL)
    expect(button(listener, SUMMARY)).to_have_attribute("aria-pressed", "true")
    walking.watch(listener)

    colleague = listener.context.new_page()
    colleague.goto(installation.job(job))
    press(colleague, "Pause")
    expect(walking.badge(listener)).to_contain_text("Paused")
    (paused,) = said(listener, 1)
    assert paused.startswith("Members from 6000: Paused. ")

    press(colleague, "Cancel")
    press(colleague.get_by_role("dialog", name="Cancel this job?"), "Cancel the job")
    expect(walking.badge(listener)).to_contain_text("Cancelled")
    assert [each.partition(". ")[0] for each in said(listener, 2)] == [
        "Members from 6000: Paused",
        "Members from 6000: Cancelled",
    ]
    assert walking.is_same_page(listener)
    assert said(colleague) == []  # nobody asked there


def test_switching_notifications_off_again_sends_nothing(
    listener: Page, installation: Installation
) -> None:
    job = running(listener, installation, 6100)
    press(listener, TELL)
    press(listener, SUMMARY)
    expect(button(listener, TELL)).to_have_attribute("aria-pressed", "false")
    colleague = listener.context.new_page()
    colleague.goto(installation.job(job))
    press(colleague, "Pause")
    expect(walking.badge(listener)).to_contain_text("Paused")
    assert said(listener) == []


def test_a_browser_that_blocks_messages_is_explained(
    deaf: Page, installation: Installation
) -> None:
    running(deaf, installation, 6200)
    expect(deaf.get_by_text("Your browser blocks messages")).to_be_hidden()
    press(deaf, TELL)
    expect(deaf.get_by_text("Your browser blocks messages")).to_be_visible()
    expect(button(deaf, TELL)).to_have_attribute("aria-pressed", "false")
