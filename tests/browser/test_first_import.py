"""From the first login to 1,000 of 1,000, as a new user walks it: no terminal, no reload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import button, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation

CUSTOMERS = 1000


def test_a_new_user_imports_the_sample_answers_yes_and_sees_all_of_it_imported(
    visitor: Page, installation: Installation
) -> None:
    page = visitor
    page.goto(installation.url)
    walking.log_in(page)
    page.get_by_role("link", name="Sample: 1,000 loyalty customers").click()
    expect(page.get_by_text("This is a draft").or_(button(page, "Start"))).to_be_visible()
    first = walking.start(page)
    walking.watch(page)

    dialog = walking.retry_dialog(page)
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("100 customers failed")
    assert dialog.evaluate("each => each.matches(':modal')")
    walking.await_focus(button(dialog, "Yes, load them"))
    expect(page.locator("#rd-progress")).to_contain_text("18 of 20 done")
    expect(page.locator("#rd-progress")).to_contain_text("2 with failures")
    expect(walking.badge(page)).to_contain_text("Finished with failures")
    assert walking.is_same_page(page)
    press(dialog, "Yes, load them")

    expect(page).to_have_url(re.compile(r"/files/$"))
    expect(page.get_by_text("a retry file")).to_have_count(2)
    second = walking.start(page)
    walking.watch(page)
    expect(page.get_by_text("1,000 of 1,000 imported after 1 retry")).to_be_visible()
    expect(page.get_by_text("100 of 100 imported", exact=True)).to_be_visible()
    expect(walking.badge(page)).to_have_text(re.compile(r"Finished\s*$"))
    assert walking.is_same_page(page)

    page.goto(installation.job(first))
    expect(page.get_by_text("1,000 of 1,000 imported after 1 retry")).to_be_visible()
    assert len(walking.details(page, installation, second)["results"]) == 100
    assert installation.effects(0, CUSTOMERS) == {1}
    account = installation.account()
    assert (account["more_than_once"], account["sent_again"]) == ([], {})


def test_retry_failed_sends_the_failed_customers_and_no_others(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=2000, customers=30)
    installation.refuse(2003, 2017)
    walking.new_draft(page, installation, "Retried by the button", files, batch_size=10)
    job = walking.start(page)
    press(walking.retry_dialog(page), "No")
    expect(walking.retry_dialog(page)).to_be_hidden()
    expect(page.get_by_text("2 customers failed", exact=True)).to_be_visible()
    installation.forgive()

    press(page, "Retry failed (2)")
    expect(page.get_by_text("30 of 30 imported after 1 retry")).to_be_visible()
    retried = walking.job_of(page)
    summary = walking.details(page, installation, retried)
    assert {each["customer"] for each in summary["results"]} == {"50000003003", "50000003017"}
    assert summary["job"]["retry_of"] == job
    assert installation.effects(2000, 30) == {1}


def test_the_failures_tab_says_what_happened_to_a_customer_and_who_must_act(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=2100, customers=20)
    installation.refuse(2105)
    walking.new_draft(page, installation, "One is refused", files)
    walking.start(page)
    press(walking.retry_dialog(page), "No")
    page.get_by_role("link", name="Show failures").click()
    cause = page.locator(".rd-cause")
    expect(cause).to_have_count(1)
    expect(cause).to_contain_text("1 customer")
    expect(cause.locator(".rd-remedy")).to_be_visible()

    page.locator("#rd-records").get_by_role("link", name="50000003105", exact=True).click()
    expect(page.get_by_text("Customer 50000003105 was refused on")).to_be_visible()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    installation.forgive()
