"""What holds for every page: it fits a telephone, and a screen reader can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import fitness, pages
from tests.browser.chromium import sit_down

if TYPE_CHECKING:
    from typing import Any

    from playwright.sync_api import Browser, Page

    from tests.browser.installation import Installation


@pytest.fixture(scope="package")
def addresses(
    browser: Browser, logged_in: Any, installation: Installation, troubled: int, fetched: int
) -> dict[str, str]:
    """Every main page, with a job that has something on each of its tabs."""
    context = sit_down(browser, storage_state=logged_in)
    found = pages.of_admin(installation) | pages.of_job(installation, troubled)
    found |= pages.of_records(context.new_page(), installation, troubled)
    found |= pages.of_bills(context.new_page(), installation, fetched)
    context.close()
    return found


def test_no_page_has_to_be_scrolled_sideways_on_a_telephone(
    page: Page, addresses: dict[str, str]
) -> None:
    assert fitness.too_wide(page, addresses) == {}


def test_no_page_has_a_serious_obstacle_for_people_who_see_or_move_otherwise(
    page: Page, addresses: dict[str, str]
) -> None:
    assert fitness.obstacles(page, addresses) == {}


def test_dark_pages_have_as_much_contrast(page: Page, addresses: dict[str, str]) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(addresses["home"])
    assert "dark" in str(page.locator("html").get_attribute("class"))
    assert fitness.obstacles(page, addresses, "color-contrast") == {}
