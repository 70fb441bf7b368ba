"""From a CSV of credentials to bills, failures that explain themselves, and a corrected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from config.dev.sandbox.portal_accounts import CORRECT_PASSWORD
from config.dev.sandbox.samples import NAMES, PASSWORD, login_address
from tests.browser import walking
from tests.browser.walking import press

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation

LONG_MS = 240_000  # twelve credentials, one with pauses, on a machine that others use too
FAILED = {
    "wrongpassword1": ("LOGIN_FAILED", "refused the e-mail or the password", "2 attempts"),
    "locked1": ("LOCKED", "has locked this account", "1 attempt"),
    "otp1": ("OTP_NEEDED", "asks for a one-time code", "1 attempt"),
}


def row(page: Page, name: str) -> Locator:
    return page.locator("#rd-credentials tbody tr").filter(has_text=login_address(name))


def open_tab(page: Page, name: str) -> None:
    page.locator(".rd-tab-link", has_text=name).click()
    walking.arrived(page, "credentials/")


def test_twelve_credentials_are_fetched_and_one_is_corrected_and_turns_green(
    page: Page, installation: Installation
) -> None:
    page.goto(installation.admin())
    page.get_by_role("link", name="New bill download").first.click()
    csv = page.locator("input[type=file]")
    csv.set_input_files(str(installation.home / "samples" / "credentials.csv"))
    press(page, "Next: check the file")
    expect(page.get_by_text("stored encrypted and never shown")).to_be_visible()
    expect(page.get_by_role("columnheader", name="cred_id")).to_be_visible()
    assert PASSWORD not in page.content()
    press(page, f"Use {len(NAMES)} accounts")
    walking.start(page)

    open_tab(page, "Accounts")
    walking.watch(page)
    expect(page.locator("#rd-credentials [role=status]").first).to_contain_text("of 5")
    expect(walking.badge(page)).to_contain_text("Finished with failures", timeout=LONG_MS)
    expect(row(page, "flaky1")).to_contain_text("3 attempts")
    for name, said in FAILED.items():
        for words in (*said, "You:"):
            expect(row(page, name)).to_contain_text(words)
    for name in set(NAMES) - set(FAILED):
        expect(row(page, name)).to_contain_text("Success")
    assert walking.is_same_page(page)

    see_a_bill(page, "good1")
    page.go_back()
    row(page, "wrongpassword1").get_by_role("link").first.click()
    page.get_by_label("New password").fill(CORRECT_PASSWORD)
    press(page, "Save")
    changed = f"The password of {login_address('wrongpassword1')} is changed."
    expect(page.get_by_text(changed)).to_be_visible()
    assert CORRECT_PASSWORD not in page.content()

    # The other two need a person first: it asks, and leaves them out.
    walking.click(page.get_by_role("link", name="Retry failed (1)"))
    press(page.get_by_role("dialog"), "Retry 1 account")
    expect(page.locator("#rd-head")).to_contain_text("retry 1")
    open_tab(page, "Accounts")
    expect(row(page, "wrongpassword1")).to_contain_text("Success", timeout=LONG_MS)
    expect(row(page, "wrongpassword1")).to_contain_text("3 new")


def see_a_bill(page: Page, name: str) -> None:
    """Open the page of that account, and download the first of its bills."""
    row(page, name).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Bills from this job")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="PDF", exact=True).first.click()
    assert coming.value.path().read_bytes().startswith(b"%PDF-")
    shown = page.locator("a[href$='/pdf/']").first
    answer = page.request.get(page.evaluate("each => each.href", shown.element_handle()))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("inline")
