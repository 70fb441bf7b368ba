"""A customer API is set up on its page: its secrets go in, and never come out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.walking import press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation

SANDBOX_PATH = "/api/customers-import/v1/customers"
SECRET, HEADER = "sandbox-token", "canary-of-the-header"


def test_secrets_are_kept_from_the_page_and_the_connection_is_tested_in_a_sentence(
    page: Page, installation: Installation
) -> None:
    page.goto(installation.admin("imports/customerapi/add/"))
    page.locator("#id_name").fill("By hand")
    page.locator("#id_url").fill(installation.sandbox + SANDBOX_PATH)
    page.locator("#id_secret").fill(SECRET)
    page.locator("#id_extra_headers").fill(f"GK-Passport: {HEADER}")
    press(page, "Conservative")
    expect(page.locator("#id_concurrency")).to_have_value("2")
    press(page, "Test connection")  # of what is not saved yet
    expect(page.locator("#rd-probe .rd-success")).to_contain_text("Connected: 127.0.0.1")
    press(page, "Save and continue editing")
    expect(page.get_by_text("A secret is stored, encrypted, and not shown.")).to_be_visible()
    expect(page.get_by_text("Stored: GK-Passport.")).to_be_visible()
    assert_nothing_shown(page)

    press(page, "Test connection")
    expect(page.locator("#rd-probe")).to_contain_text("Connected: 127.0.0.1")
    expect(page.locator("#rd-probe")).to_contain_text("No customer was sent.")
    assert_nothing_shown(page)

    page.get_by_text("Complete mapping: every value").click()
    page.locator("#id_mapping").fill('{ "request":  {"max_records": 88} }')
    page.locator("#id_mapping").blur()
    expect(page.locator("#rd-in-force")).to_contain_text("request.max_records")
    expect(page.locator("#rd-in-force tr", has_text="request.max_records")).to_contain_text("88")

    page.locator("#id_secret").fill("not-the-token")
    press(page, "Test connection")
    expect(page.locator("#rd-probe")).to_contain_text("401")
    assert "not-the-token" not in page.content()
    press(page, "Save and continue editing")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    expect(page.locator("#id_mapping")).to_have_value('{ "request":  {"max_records": 88} }')


def assert_nothing_shown(page: Page) -> None:
    """Neither secret is in what the server sent, nor in a field."""
    html = page.content()
    values = page.locator("input, textarea").evaluate_all("all => all.map(each => each.value)")
    for secret in (SECRET, HEADER):
        assert secret not in html
        assert not any(secret in value for value in values)
