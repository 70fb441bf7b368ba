"""A JSON field says where it is wrong while somebody types, and what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation


def test_a_recipe_is_checked_while_it_is_typed_and_completed_from_its_schema(
    page: Page, installation: Installation
) -> None:
    page.goto(installation.admin("bills/portal/add/"))
    editor = page.get_by_role("textbox", name="Recipe")
    status = page.locator("[data-code-status]")
    expect(page.get_by_label("Example")).to_be_visible()  # the schema is there
    editor.fill('{\n "bills": {\n')
    expect(status).to_contain_text("Line 3")
    editor.fill('{\n "bills": {"rowz": "tr"}\n}')
    expect(status).to_contain_text("Line 2: “rowz” is not known here")
    editor.fill('{"bills": {"max_pages": "many"}}')
    expect(status).to_contain_text("Line 1: Expected: integer")
    expect(page.locator("#id_recipe")).to_have_value('{"bills": {"max_pages": "many"}}')

    editor.fill("")
    editor.press_sequentially('{"bills": {"max')
    expect(page.locator(".cm-completionInfo")).to_contain_text("more pages than this")
    page.get_by_role("option", name="max_pages").click()
    expect(page.locator("#id_recipe")).to_have_value('{"bills": {"max_pages": }}')

    page.get_by_label("Example").select_option("A list of bills by its rows and columns")
    expect(status).to_have_text("Valid")
    page.locator("#id_name").fill("Z, after the Sandbox portal")
    page.locator("#id_login_url").fill(f"{installation.sandbox}/portal/login")
    page.locator("#id_billing_url").fill(f"{installation.sandbox}/portal/bills")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(editor).to_contain_text("table#bills tbody tr")
    expect(status).to_have_text("Valid")
