"""A page that stays open says so when its numbers stand still, and goes on by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import SLOW, press

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.browser.installation import Installation


@pytest.fixture
def running(page: Page, installation: Installation) -> Iterator[Page]:
    """The progress page of a job that runs for a while; it is cancelled in the end."""
    first = 4000
    files = installation.files(first, customers=100)
    walking.new_draft(page, installation, "Watched", files, **SLOW)
    walking.start(page)
    expect(walking.badge(page)).to_contain_text("Running")
    yield page
    press(page, "Cancel")
    press(page.get_by_role("dialog", name="Cancel this job?"), "Cancel the job")
    expect(walking.badge(page)).to_contain_text("Cancelled")


def test_a_lost_connection_and_a_lost_login_are_said_on_the_page(running: Page) -> None:
    page = running
    notification = page.get_by_role("alert")
    expect(notification).to_be_hidden()
    walking.watch(page)
    page.context.set_offline(True)
    expect(notification).to_contain_text("The connection to Redrive is lost")
    page.context.set_offline(False)
    expect(notification).to_be_hidden()
    assert walking.is_same_page(page)

    page.context.clear_cookies(name="sessionid")
    expect(notification).to_contain_text("You have been logged out")
    assert walking.is_same_page(page)
    notification.get_by_role("link", name="Log in again").click()
    walking.log_in(page)
    expect(page).to_have_url(re.compile(r"/progress/$"))
    expect(notification).to_be_hidden()
