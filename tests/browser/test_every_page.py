"""What holds for every page: it fits a telephone, and a screen reader can read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import fitness, pages
from tests.browser.chromium import sit_down

if TYPE_CHECKING:
    from typing import Any

    from playwright.sync_api import Browser, Page

    from tests.browser.installation import Installation


@pytest.fixture(scope="package")
def survey(
    browser: Browser, logged_in: Any, installation: Installation, troubled: int, fetched: int
) -> fitness.Survey:
    """What is wrong with any of the main pages, of jobs that have something on each tab."""
    context = sit_down(browser, storage_state=logged_in)
    page = context.new_page()
    addresses = pages.of_admin(installation) | pages.of_job(installation, troubled)
    addresses |= pages.of_records(page, installation, troubled)
    addresses |= pages.of_bills(page, installation, fetched)
    found = fitness.survey(page, addresses)
    context.close()
    return found


def test_axe_finds_nothing_on_any_page_wide_or_narrow_light_or_dark(
    survey: fitness.Survey,
) -> None:
    assert survey.obstacles == {}


def test_all_that_can_be_clicked_can_be_reached_and_no_icon_is_read_out(
    survey: fitness.Survey,
) -> None:
    assert survey.out_of_reach == {}


def test_no_page_has_a_script_or_a_style_of_its_own(survey: fitness.Survey) -> None:
    assert survey.inline == {}


def test_no_page_has_to_be_scrolled_sideways_on_a_telephone(survey: fitness.Survey) -> None:
    assert survey.too_wide == {}


def test_pages_are_dark_for_those_whose_computer_is(
    page: Page, installation: Installation
) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(installation.admin())
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
