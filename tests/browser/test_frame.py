"""What stands around every page: for keys, for a telephone, and where no script runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.chromium import NARROW, sit_down
from tests.browser.walking import press

if TYPE_CHECKING:
    from typing import Any

    from playwright.sync_api import Browser, Page

    from tests.browser.installation import Installation

FOCUS_IS_IN = "each => each.contains(document.activeElement)"


def test_keys_reach_the_content_the_account_and_on_a_telephone_the_menu(
    page: Page, installation: Installation
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(installation.admin())
    page.keyboard.press("Tab")
    walking.await_focus(page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    walking.await_focus(page.get_by_role("main"))
    assert not [url for url in asked if "chart.js" in url]

    account = page.get_by_label("Account of admin")
    account.focus()
    page.keyboard.press("Enter")
    log_out = page.get_by_role("button", name="Log out")
    expect(log_out).to_be_visible()
    dark = page.get_by_role("button", name="Dark", exact=True)
    dark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))

    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    menu = page.get_by_role("navigation", name="Main menu")
    expect(menu).to_be_hidden()
    page.get_by_role("link", name="Open the menu").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name="Home", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    page.wait_for_function(FOCUS_IS_IN, arg=page.locator("#nav-sidebar").element_handle())
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_an_import_and_its_retry_need_no_script(
    browser: Browser, logged_in: Any, installation: Installation
) -> None:
    """Files, Start, what failed and its retry: forms and links alone, reloaded by hand."""
    files = installation.files(first=6500, customers=10)
    installation.refuse(6504)
    context = sit_down(browser, storage_state=logged_in, java_script_enabled=False)
    page = context.new_page()
    page.goto(installation.admin("imports/importjob/add/"))
    expect(page.locator(".rd-without-script")).to_be_visible()
    page.get_by_label("Name").fill("Without a script")
    page.get_by_label("API").select_option("Sandbox")
    press(page, "Next: add files")
    page.get_by_label("Add files").set_input_files([str(file) for file in files])
    page.locator("noscript button", has_text="Upload").click()
    walking.start(page)
    reload_until_shown(page, "Yes, load them")
    expect(walking.badge(page)).to_contain_text("Finished with failures")
    installation.forgive()
    press(page, "Yes, load them")
    walking.start(page)
    reload_until_shown(page, "1 of 1 imported")
    assert installation.effects(6500, 10) == {1}
    context.close()


def reload_until_shown(page: Page, text: str) -> None:
    """Reload as a reader would; each page waits for the server, so this asks no clock."""
    for _ in range(600):
        if page.get_by_text(text).count():
            return
        page.reload()
    raise AssertionError(f"never shown: {text}")


def test_the_payoff_is_the_largest_thing_on_its_page(
    page: Page, installation: Installation
) -> None:
    job = installation.run_import(installation.files(first=6600, customers=5), "Paid off")
    page.goto(installation.job(job))
    payoff = page.get_by_text("5 of 5 imported", exact=True)
    size = "each => parseFloat(getComputedStyle(each).fontSize)"
    largest = page.evaluate(
        """Math.max(...[...document.querySelectorAll("#rd-main *")]
            .filter(each => each.checkVisibility() && each.innerText)
            .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
    )
    assert payoff.evaluate(size) == largest
