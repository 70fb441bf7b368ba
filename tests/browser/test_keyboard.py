"""The whole way without a mouse: log in, open the draft, start, answer the dialog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation

MOST_TABS = 120
FOCUSED = """() => {
    const each = document.activeElement;
    const look = getComputedStyle(each);
    const name = each.getAttribute("aria-label") || each.innerText || "";
    const isSeen = look.outlineStyle !== "none" || look.boxShadow !== "none";
    return {name: name.trim(), isSeen};
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus, which must show."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["name"].splitlines()[-1:] == [name]:
            assert focused["isSeen"], f"{name!r} has the focus, but nothing shows it"
            return
    raise AssertionError(f"{name!r} cannot be reached with Tab")


def tab_into(page: Page, field: Locator) -> None:
    """Press Tab until the field has the focus, should the page not have given it already."""
    for _ in range(MOST_TABS):
        if walking.has_focus(field):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the field cannot be reached with Tab")


def test_an_import_and_its_retry_need_no_mouse(page: Page, installation: Installation) -> None:
    name = "Without a mouse"
    files = installation.files(first=5000, customers=20)
    installation.refuse(5007)
    walking.new_draft(page, installation, name, files)
    page.context.clear_cookies()

    page.goto(installation.admin())
    page.bring_to_front()
    tab_into(page, page.get_by_label("Username"))
    page.keyboard.type(walking.LOGIN)
    tab_into(page, page.get_by_label("Password"))
    page.keyboard.type(walking.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=name)).to_be_visible()
    tab_to(page, name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    tab_to(page, "Start")
    page.keyboard.press("Enter")

    yes = walking.button(walking.retry_dialog(page), "Yes, load them")
    walking.await_focus(yes)
    installation.forgive()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/files/$"))
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    expect(page.get_by_text("20 of 20 imported after 1 retry")).to_be_visible()
