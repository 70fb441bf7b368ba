"""A portal is recorded by pressing its picture, and the recorded recipe fetches its bills."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped] # has none
from playwright.sync_api import expect

from config.dev.sandbox.samples import PASSWORD
from tests.browser import fitness
from tests.browser.chromium import NARROW, WIDE, sit_down
from tests.browser.walking import press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.installation import Installation

EMAIL = "good77@example.test"
LONG_MS = 120_000  # a worker opens its browser, on a machine that others use too


@pytest.fixture
def portal(page: Page, installation: Installation) -> str:
    """A portal without a recipe, and one account: the address of its form."""
    where = [f"{installation.sandbox}/portal/{path}" for path in ("login", "bills")]
    page.goto(installation.admin("bills/portal/add/"))
    page.get_by_label("Name", exact=False).first.fill("Recorded")
    page.locator("#id_login_url").fill(where[0])
    page.locator("#id_billing_url").fill(where[1])
    press(page, "Save")
    page.goto(installation.admin("bills/portal/?q=Recorded"))
    page.get_by_role("link", name="Recorded").first.click()
    form = page.url
    page.goto(installation.admin("bills/credential/add/"))
    page.locator("#id_portal").select_option("Recorded")
    page.locator("#id_email").fill(EMAIL)
    page.locator("#id_password").fill(PASSWORD)
    press(page, "Save")
    return form


class Picture:
    """The browser's picture on the page, pressed where the same page beside it has something."""

    def __init__(self, page: Page, beside: Page) -> None:
        self.page, self.beside = page, beside

    def press(self, target: Locator) -> None:
        box = target.bounding_box()
        assert box
        shown = self.page.locator("[data-remote]")
        size = shown.bounding_box()
        assert size
        scale = size["width"] / 1280  # the page shows it smaller
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        with self.page.expect_response(re.compile("/act/$")):
            shown.click(position={"x": x * scale, "y": y * scale})
        self.is_done()

    def button(self, name: str) -> None:
        with self.page.expect_response(re.compile("/act/$")):
            press(self.page, name)
        self.is_done()

    def is_done(self) -> None:
        expect(self.page.get_by_text("The browser is doing it.")).to_have_count(0, timeout=LONG_MS)


def test_a_portal_is_recorded_in_its_picture(
    page: Page, browser: Browser, installation: Installation, portal: str
) -> None:
    page.goto(portal)
    page.get_by_role("link", name="Record in a browser").click()
    page.locator("#id_email").fill(EMAIL)
    press(page, "Open the browser")
    expect(page.locator("[data-remote]")).to_be_visible(timeout=LONG_MS)
    context = sit_down(browser)
    beside = context.new_page()
    beside.set_viewport_size({"width": 1280, "height": 720})
    picture = Picture(page, beside)

    beside.goto(f"{installation.sandbox}/portal/login")
    picture.press(beside.get_by_label("E-mail"))
    expect(page.get_by_text("The cursor is in “E-mail”")).to_be_visible()
    picture.button("User name")
    picture.press(beside.get_by_label("Password"))
    picture.button("Password")
    assert PASSWORD not in page.content()
    picture.press(beside.get_by_role("button", name="Log in"))
    picture.button("This is the list of bills")
    expect(page.get_by_text("Redrive reads 3 bills here")).to_be_visible()
    page.evaluate(AXE_SCRIPT)
    assert fitness.obstacles(page) == []
    fitness.use_screen(page, NARROW)
    assert page.evaluate(fitness.TOO_WIDE) == []
    fitness.use_screen(page, WIDE)

    beside.get_by_label("E-mail").fill(EMAIL)
    beside.get_by_label("Password").fill(PASSWORD)
    beside.get_by_role("button", name="Log in").click()
    picture.press(beside.locator("tbody a").first)
    expect(page.get_by_text("a bill’s document")).to_be_visible()
    context.close()
    press(page, "Finish")
    expect(page.get_by_text("Nothing is saved yet")).to_be_visible()
    recipe = json.loads(page.locator("#id_recipe").input_value())
    assert recipe["login"] == {
        "email": {"label": "E-mail"},
        "password": {"label": "Password"},
        "submit": {"role": "button", "name": "Log in"},
    }
    assert recipe["bills"] == {"link": {"role": "link", "name": "Download"}}
    press(page, "Save")

    page.goto(portal)
    page.get_by_role("link", name="Test as saved").click()
    page.get_by_label("E-mail or user name").fill(EMAIL)
    press(page, "Start the test")
    expect(page.get_by_text("It works")).to_be_visible(timeout=LONG_MS)
