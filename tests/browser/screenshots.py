"""`python -m tests.browser.screenshots [DIR]`: pictures of the main pages, to be looked at.

Each in light and dark, 1,280 and 390 pixels wide. Without DIR they go beside this file, where
those that the README shows are kept.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser import pages, walking
from tests.browser.chromium import NARROW, PATIENCE_MS, WIDE, chromium, sit_down
from tests.browser.installation import installed
from tests.browser.walking import SLOW, press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.installation import Installation

BESIDE = Path(__file__).with_name("screenshots")
SIZES = {"wide": WIDE, "narrow": NARROW}
SCHEMES = ("light", "dark")


def main(arguments: list[str]) -> int:
    """Play the sample's first half, then photograph; the exit code."""
    target = Path(arguments[0]) if arguments else BESIDE
    target.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    with (
        tempfile.TemporaryDirectory() as home,
        installed(Path(home)) as installation,
        chromium() as browser,
    ):
        found = lived_in(browser, installation)
        for size in SIZES:
            for scheme in SCHEMES:
                photograph(browser, installation, found, target, size, scheme)
    sys.stdout.write(f"The pictures are in {target}\n")
    return 0


def lived_in(browser: Browser, installation: Installation) -> dict[str, str]:
    """Jobs in every state worth seeing; the pages' names and addresses."""
    context = sit_down(browser)
    page = context.new_page()
    page.goto(installation.admin())
    walking.log_in(page)
    page.get_by_role("link", name="Sample: 1,000 loyalty customers").click()
    sample = walking.start(page)
    press(walking.retry_dialog(page), "No")
    walking.new_draft(
        page, installation, "Members of week 47", installation.files(first=3000, customers=250)
    )
    files = installation.files(first=4000, customers=900, per_file=450)
    walking.new_draft(page, installation, "Members of week 48", files, **SLOW)
    running = walking.start(page)
    expect(page.locator("#rd-attempts .rd-timeline-item").nth(2)).to_be_visible()
    bills = installation.run_bills(installation.home / "samples" / "credentials.csv", "November")
    found = pages.of_admin(installation) | pages.of_job(installation, sample)
    found |= pages.of_records(page, installation, sample)
    found |= pages.of_bills(page, installation, bills)
    found["job_credentials"] = found.pop("bills_credentials")  # the README shows it
    context.close()
    return found | {"job_running": installation.job(running), "dialog": installation.job(sample)}


def photograph(
    browser: Browser, installation: Installation, found: dict[str, str], target: Path,
    size: str, scheme: str,
) -> None:  # fmt: skip
    """Every page once, by a visitor with that screen who has just logged in."""
    context = sit_down(browser, SIZES[size], color_scheme=scheme)
    page = context.new_page()
    page.goto(installation.admin())
    take(page, target / f"login_{size}_{scheme}.png")
    walking.log_in(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto(found["dialog"])
    expect(walking.retry_dialog(page)).to_be_visible()
    take(page, target / f"dialog_{size}_{scheme}.png")
    for name, address in found.items():
        if name != "dialog":
            page.goto(address)
            take(page, target / f"{name}_{size}_{scheme}.png")
    context.close()


def take(page: Page, path: Path) -> None:
    """What fits on the screen, once its letters are there."""
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path, animations="disabled")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
