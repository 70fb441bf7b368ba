"""Failures as an operator works them off: one cause goes out again, another is left out."""

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

    cause(page, "CONFLICT").get_by_role("link", name="Exclude").click()
    question = page.get_by_role("dialog", name="Exclude 3 customers?")
    expect(question).to_contain_text("For example 50000010508")
    press(question, "Back")
    expect(question).to_have_count(0)
    expect(page.get_by_text("0 excluded")).to_be_visible()

    cause(page, "CONFLICT").get_by_role("link", name="Exclude").click()
    walking.await_focus(question.get_by_label("Reason"))
    question.get_by_label("Reason").fill("They are members already")
    press(question, "Exclude 3 customers")
    expect(page.get_by_text("Excluded 3 customers.")).to_be_visible()
    expect(button(page, "Retry failed (2)")).to_be_visible()

    cause(page, "ERROR").get_by_role("link", name="Retry these").click()
    press(page.get_by_role("dialog", name="Retry 2 customers?"), "Retry 2 customers")
    expect(page).to_have_url(re.compile(r"/progress/$"))
    expect(page.get_by_text("All 2 customers imported")).to_be_visible()
    told = walking.details(page, installation, walking.job_of(page))
    assert {each["customer"] for each in told["results"]} == {"50000010503", "50000010517"}

    page.goto(installation.job(job, "log/"))
    expect(page.get_by_text("They are members already")).to_be_visible()
    arrived = installation.account()["customers"]
    assert not {f"500000{1000 + number}" for number in IN_CONFLICT} & set(arrived)
