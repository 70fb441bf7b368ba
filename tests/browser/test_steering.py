"""Pause, other settings, resume and cancel, on a job that runs while its page is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import walking
from tests.browser.walking import SLOW, button, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.installation import Installation


def test_a_running_job_is_paused_made_faster_and_resumed(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=3000, customers=60)
    walking.new_draft(page, installation, "Paused and resumed", files, **SLOW)
    walking.start(page)
    press(page, "Pause")
    expect(page.get_by_text("Paused by admin")).to_be_visible()
    expect(walking.badge(page)).to_contain_text("Paused")
    expect(button(page, "Pause")).to_have_count(0)

    page.get_by_role("link", name="Settings", exact=True).click()
    walking.fill_settings(page, concurrency=3, delay_seconds=0)
    press(page, "Resume")
    expect(page.get_by_text("60 of 60 imported", exact=True)).to_be_visible()
    assert installation.effects(3000, 60) == {1}


def test_a_cancelled_job_keeps_what_was_not_sent_as_failed(
    page: Page, installation: Installation
) -> None:
    files = installation.files(first=3100, customers=60)
    walking.new_draft(page, installation, "Cancelled", files, **SLOW)
    job = walking.start(page)
    press(page, "Cancel")
    dialog = page.get_by_role("dialog", name="Cancel this job?")
    walking.await_focus(button(dialog, "Keep it"))
    press(dialog, "Cancel the job")
    expect(walking.badge(page)).to_contain_text("Cancelled")
    press(walking.retry_dialog(page), "No")

    summary = walking.details(page, installation, job)["job"]
    assert summary["error"] > 0
    assert summary["success"] + summary["error"] == summary["total"] == 60
    expect(page.get_by_text(f"{summary['error']} customers failed", exact=True)).to_be_visible()
    assert installation.effects(3100, 60) <= {0, 1}


def test_a_draft_is_discarded_after_a_question(page: Page, installation: Installation) -> None:
    files = installation.files(first=3200, customers=5)
    walking.new_draft(page, installation, "Made by mistake", files)
    press(page, "Discard draft")
    dialog = page.get_by_role("dialog", name="Discard this draft?")
    press(dialog, "Keep it")
    expect(dialog).to_be_hidden()
    press(page, "Discard draft")
    press(dialog, "Discard the draft")
    expect(page.get_by_text("The draft “Made by mistake” was discarded.")).to_be_visible()
