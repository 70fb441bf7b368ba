"""One batch first, then the rest; and a ramp that stops itself, and goes on when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import button, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation


def test_one_batch_goes_out_first_and_the_rest_when_somebody_has_looked_at_it(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=7000, customers=30)
    walking.new_draft(page, installation, "One batch first", files, batch_size=10)
    press(page, "Start with one batch, then ask me")
    walking.arrived(page, "progress/")
    walking.watch(page)
    expect(page.get_by_text("The first batch was sent: 10 of 10 imported")).to_be_visible()
    expect(page.get_by_text("Then all the rest is sent.")).to_be_visible()
    expect(walking.badge(page)).to_contain_text("Paused")
    assert walking.is_same_page(page)
    assert installation.effects(7000, 10) == {1}
    assert installation.effects(7010, 20) == {0}

    press(page, "Continue")
    expect(page.get_by_text("30 of 30 imported", exact=True)).to_be_visible()
    expect(button(page, "Continue")).to_have_count(0)
    assert installation.effects(7000, 30) == {1}
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.get_by_text("All the rest is sent.")).to_be_visible()


def test_a_ramp_stops_itself_at_the_same_error_and_goes_on_when_the_cause_is_gone(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=7100, customers=30)
    installation.refuse(*range(7100, 7130))
    # Two batches: a third that fails for the same cause would stop the import itself.
    walking.new_draft(page, installation, "Refused as a whole", files, batch_size=15)
    walking.start(page)
    press(walking.retry_dialog(page), "No")
    page.get_by_role("link", name="Retry options").click()
    page.get_by_role(
        "checkbox", name="Ramp up: 1 batch, then 5, then 50, then all the rest"
    ).check()
    press(page, "Retry 30 customers")
    expect(page.get_by_text("The first batch failed again with the same error")).to_be_visible()
    expect(page.get_by_text("Then all the rest is sent.")).to_be_visible()
    assert installation.effects(7100, 30) == {0}

    installation.forgive()
    press(page, "Continue")
    press(walking.retry_dialog(page), "No")
    expect(page.get_by_text("15 of 30 imported after 1 retry")).to_be_visible()
    expect(page.get_by_text("15 customers failed", exact=True)).to_be_visible()
    assert installation.effects(7100, 15) == {0}
    assert installation.effects(7115, 15) == {1}
