"""A login that ends while somebody types: the text is still there, a secret never was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation

STORED = "JSON.stringify(sessionStorage)"
NOTE = "What you typed here before is back"


def test_what_was_typed_outlives_a_login_and_a_secret_is_not_kept(
    page: Page, installation: Installation
) -> None:
    page.goto(installation.admin("imports/customerapi/add/"))
    page.locator("#id_name").fill("An API with a long name")
    page.locator("#id_url").fill("ftp://nowhere")
    page.locator("#id_secret").fill("typed-secret-1")
    page.locator("#id_extra_headers").fill("X-Key: typed-secret-2")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save", exact=True).click()
    walking.log_in(page)
    expect(page.locator("#id_name")).to_have_value("An API with a long name")
    expect(page.get_by_text(NOTE)).to_be_visible()
    expect(page.locator("#id_secret")).to_have_value("")
    assert "typed-secret" not in page.evaluate(STORED)
    press(page, "Discard it")
    expect(page.locator("#id_name")).to_have_value("")
    expect(page.get_by_text(NOTE)).to_be_hidden()
    page.reload()
    expect(page.locator("#id_name")).to_have_value("")


def test_what_was_saved_does_not_come_back(page: Page, installation: Installation) -> None:
    channel = installation.admin("imports/channel/add/")
    page.goto(channel)
    page.locator("#id_name").fill("Drafts of a test")
    page.get_by_label("Recipients").fill("somebody@example.com")
    assert "Drafts of a test" in page.evaluate(STORED)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert "Drafts of a test" not in page.evaluate(STORED)
    page.goto(channel)
    expect(page.locator("#id_name")).to_have_value("")
    expect(page.get_by_text(NOTE)).to_be_hidden()
