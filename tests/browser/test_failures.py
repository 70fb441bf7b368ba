"""Failures as an operator works them off: sent again, left out, or found to be none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import button, press

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation

REFUSED, IN_CONFLICT = (9503, 9517), (9508, 9511, 9520)
LOST = (9704, 9709)


def cause(page: Page, code: str) -> Locator:
    """The group of failures with that code."""
    return page.locator(".rd-cause").filter(has=page.locator(".rd-code", has_text=code))


def test_one_cause_is_retried_and_the_other_excluded_with_a_reason(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=9500, customers=30)
    installation.refuse(*REFUSED)
    installation.refuse(*IN_CONFLICT, fault="result_conflict")
    job = installation.run_import(files, "Two causes")
    installation.forgive()

    page.goto(installation.job(job, "failures/"))
    press(walking.retry_dialog(page), "No")
    expect(cause(page, "ERROR")).to_contain_text("2 customers")
    expect(cause(page, "CONFLICT")).to_contain_text("3 customers")

    page.locator("#rd-head").get_by_text("Export").click()
    listed = page.get_by_role("link", name="Results, CSV")
    expect(listed).to_be_in_viewport(ratio=1)
    listed.click(trial=True)  # nothing covers it: the list opens beside the side bar, not under it
    page.keyboard.press("Escape")
    page.get_by_label("Select all on this page").check()
    expect(button(page, "Retry selected (5)")).to_be_in_viewport()
    page.get_by_label("Select all on this page").uncheck()

    walking.click(cause(page, "CONFLICT").get_by_role("link", name="Exclude (3)"))
    question = page.get_by_role("dialog", name="Exclude 3 customers?")
    expect(question).to_contain_text("For example 50000010508")
    press(question, "Back")
    expect(question).to_have_count(0)
    expect(page.get_by_text("0 excluded")).to_be_visible()

    walking.click(cause(page, "CONFLICT").get_by_role("link", name="Exclude (3)"))
    walking.await_focus(question.get_by_label("Reason"))
    question.get_by_label("Reason").fill("They are members already")
    press(question, "Exclude 3 customers")
    expect(page.get_by_text("Excluded 3 customers.")).to_be_visible()
    expect(button(page, "Retry failed (2)")).to_be_visible()

    walking.click(cause(page, "ERROR").get_by_role("link", name="Retry (2)"))
    press(page.get_by_role("dialog", name="Retry 2 customers?"), "Retry 2 customers")
    expect(page).to_have_url(re.compile(r"/progress/$"))
    expect(page.get_by_text("2 of 2 imported", exact=True)).to_be_visible()
    summary = walking.details(page, installation, walking.job_of(page))
    assert {each["customer"] for each in summary["results"]} == {"50000010503", "50000010517"}

    page.goto(installation.job(job, "log/"))
    expect(page.get_by_text("They are members already")).to_be_visible()
    arrived = installation.account()["customers"]
    assert not {f"500000{1000 + number}" for number in IN_CONFLICT} & set(arrived)


def test_unknown_customers_are_decided_about_with_a_reason(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=9700, customers=20)
    installation.refuse(*LOST, fault="missing_entry")
    job = installation.run_import(files, "Two without an answer")
    installation.forgive()

    page.goto(installation.job(job, "failures/"))
    expect(cause(page, "NOT_IN_ANSWER")).to_contain_text("2 customers")
    expect(page.get_by_role("button", name="Retry failed")).to_have_count(0)
    walking.click(cause(page, "NOT_IN_ANSWER").get_by_role("link", name="Resolve (2)"))
    question = page.get_by_role("dialog", name="2 customers may have arrived")
    expect(question).to_contain_text("For example 50000010704")
    press(question, "Mark as imported")
    expect(question).to_be_visible()  # not without a reason
    question.get_by_label("Reason").fill("Both stand in the API's own list")
    press(question, "Mark as imported")

    expect(page.get_by_text("Marked 2 customers as imported.")).to_be_visible()
    expect(cause(page, "NOT_IN_ANSWER")).to_have_count(0)
    summary = walking.details(page, installation, job)
    assert {each["status"] for each in summary["results"]} == {"success"}
    assert installation.effects(9700, 20) == {1}  # nothing was sent twice
    page.locator("#rd-find").fill("50000010704")
    page.keyboard.press("Enter")
    expect(page.locator("#rd-sentence")).to_contain_text("admin")
    expect(page.get_by_text("Both stand in the API's own list").first).to_be_visible()
