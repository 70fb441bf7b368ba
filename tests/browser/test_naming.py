"""One job over time: renamed, retried in smaller batches, seen as one row, and duplicated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import button, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation

REFUSED = (6203, 6204, 6205)


def choose(page: Page, name: str) -> None:
    """Something of the menu More."""
    page.locator("#rd-head summary").filter(has_text="More").click()
    press(page, name)


def test_a_job_is_renamed_retried_in_smaller_batches_and_duplicated(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=6200, customers=20)
    installation.refuse(*REFUSED)
    job = installation.run_import(files, "Misspelt")
    installation.forgive()
    page.goto(installation.job(job))
    press(walking.retry_dialog(page), "No")

    choose(page, "Rename")
    dialog = page.get_by_role("dialog", name="Rename this job")
    walking.await_focus(dialog.get_by_label("Name"))
    dialog.get_by_label("Name").fill("Members of May")
    press(dialog, "Rename")
    expect(page.locator(".rd-title", has_text="Members of May")).to_be_visible()

    page.get_by_role("link", name="Retry options").click()
    question = page.get_by_role("dialog", name="Retry 3 customers?")
    question.get_by_label("Customers per batch").fill("2")
    press(question, "Retry 3 customers")
    expect(page).to_have_url(re.compile(r"/progress/$"))
    expect(page.get_by_text("20 of 20 imported after 1 retry")).to_be_visible()
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    retry = walking.job_of(page)

    page.goto(installation.admin("imports/importjob/?q=Members+of+May"))
    row = page.locator("#result_list .data-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("20 of 20 imported after 1 retry")
    row.get_by_role("link", name=f"Retry 1 · job {retry}").click()
    expect(page.locator(".rd-title", has_text="Members of May · retry 1")).to_be_visible()

    page.goto(installation.job(job))
    choose(page, "Duplicate as a draft")
    expect(page.locator(".rd-title", has_text="Members of May (copy)")).to_be_visible()
    expect(button(page, "Start")).to_be_visible()
    assert installation.effects(6200, 20) == {1}
