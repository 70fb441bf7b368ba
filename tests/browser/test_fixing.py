"""One failed customer is put right in the editor, and goes out; two windows on one customer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from config.dev.sandbox.samples import customer_id
from tests.browser import walking
from tests.browser.walking import press

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation

FIRST = 2400


@pytest.fixture(scope="module")
def refused(installation: Installation) -> int:
    """A job in which two customers were refused."""
    files = installation.files(first=FIRST, customers=20)
    installation.refuse(FIRST + 3, FIRST + 4)
    job = installation.run_import(files, "Two are misspelt")
    installation.forgive()
    return job


def editor(page: Page) -> Locator:
    return page.get_by_label("The customer, as JSON")


def find(page: Page, number: int) -> None:
    """By the search at the head of whatever page is open."""
    page.locator("#rd-find").fill(customer_id(number))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/importresult/\d+/change/"))


def rewrite(page: Page, old: str, new: str) -> None:
    """In the editor, as somebody types: replace the first one."""
    text = editor(page).input_value()
    assert old in text
    editor(page).fill(text.replace(old, new, 1))


def test_a_refused_customer_is_found_put_right_and_imported(
    page: Page, installation: Installation, refused: int
) -> None:
    page.goto(installation.admin("imports/attempt/"))
    find(page, FIRST + 3)
    expect(page.locator("#rd-sentence")).to_contain_text("was refused on")
    page.get_by_role("link", name="Fix and send again").click()
    walking.arrived(page, "fix/")
    summary = page.locator("#rd-checked")
    expect(summary).to_contain_text("You have not changed anything yet")

    rewrite(page, '"firstName": "', '"firstName": ')
    expect(summary).to_contain_text("A value is expected here")
    summary.get_by_role("button", name=re.compile(r"line \d+, character \d+")).click()
    walking.await_focus(editor(page))
    rewrite(page, '"firstName": ', '"firstName": "Mary ')
    expect(summary).to_contain_text("it can be sent")
    expect(summary.locator("mark")).to_contain_text("Mary")
    page.get_by_label("What was wrong").fill("Her first name was cut off")
    press(page, "Save and send")

    sentence = page.locator("#rd-sentence")
    expect(sentence).to_contain_text("was corrected by admin")
    expect(sentence).to_contain_text("and was imported on")
    expect(page.get_by_text("Her first name was cut off").first).to_be_visible()
    assert installation.effects(FIRST + 3, 1) == {1}


def test_the_second_of_two_windows_gets_a_conflict_and_loses_nothing(
    page: Page, installation: Installation, refused: int
) -> None:
    page.goto(installation.admin())
    find(page, FIRST + 4)
    page.get_by_role("link", name="Fix and send again").click()
    walking.arrived(page, "fix/")
    other = page.context.new_page()
    other.goto(page.url)
    for window, name in ((page, "Anna "), (other, "Eva ")):
        rewrite(window, '"firstName": "', f'"firstName": "{name}')
        window.get_by_label("What was wrong").fill("The name")
    press(page, "Save and send")
    expect(page.locator("#rd-sentence")).to_contain_text("and was imported on")

    press(other, "Save and send")
    expect(other.get_by_text("admin was faster")).to_be_visible()
    expect(editor(other)).to_have_value(re.compile('"firstName": "Eva '))
    expect(other.get_by_label("What was wrong")).to_have_value("The name")
    assert installation.effects(FIRST + 4, 1) == {1}
