"""What every walk does: log in, make a draft, start, look at a job's numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser.installation import Installation

LOGIN, PASSWORD = "admin", "redrive"
RETRY_DIALOG = "Retry files created. Load them now?"
# A job that runs long enough to be steered: a batch of five every five seconds.
SLOW = {"batch_size": 5, "concurrency": 1, "delay_seconds": 5}


def log_in(page: Page, name: str = LOGIN, password: str = PASSWORD) -> None:
    """Fill in the login page that is open."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def button(page: Page | Locator, name: str) -> Locator:
    """A button by its whole name."""
    return page.get_by_role("button", name=name, exact=True)


def press(page: Page | Locator, name: str) -> None:
    """Press it."""
    click(button(page, name))


def click(target: Locator) -> None:
    """Click it once its page's scripts run: before, it would do what it does without them."""
    target.wait_for()
    target.page.wait_for_load_state()
    target.click()


def new_draft(
    page: Page, installation: Installation, name: str, files: Sequence[Path], **settings: object
) -> int:
    """A draft with these files and settings, made on the pages; the job's id."""
    page.goto(installation.admin("imports/importjob/add/"))
    page.get_by_label("Name").fill(name)
    page.get_by_label("API").select_option("Sandbox")
    press(page, "Next: add files")
    arrived(page, "files/")
    page.get_by_label("Add files").set_input_files([str(file) for file in files])
    expect(page.locator(".rd-start")).to_be_visible()
    job_id = job_of(page)
    if settings:
        page.get_by_role("link", name="Settings", exact=True).click()
        fill_settings(page, **settings)
        page.goto(installation.job(job_id, "files/"))
    return job_id


def fill_settings(page: Page, **settings: object) -> None:
    """On the Settings tab: these fields, then Save."""
    for field, value in settings.items():
        page.locator(f"#id_{field}").fill(str(value))
    press(page, "Save")
    expect(page.get_by_text("The settings are saved.")).to_be_visible()


def start(page: Page) -> int:
    """Press Start on a draft; the job's id."""
    press(page, "Start")
    arrived(page, "progress/")
    return job_of(page)


def arrived(page: Page, tab: str) -> None:
    """Wait until the page that a click leads to is here, and its scripts run."""
    expect(page).to_have_url(re.compile(rf"/{tab}$"))
    page.wait_for_load_state()


def job_of(page: Page) -> int:
    """The id of the job whose page is open."""
    found = re.search(r"/importjob/(\d+)/", page.url)
    assert found, page.url
    return int(found[1])


def retry_dialog(page: Page) -> Locator:
    """The dialog that opens when retry files are there."""
    return page.get_by_role("dialog", name=RETRY_DIALOG)


def badge(page: Page) -> Locator:
    """The job's status in the head of its page."""
    return page.locator("#rd-head").get_by_role("status")


def has_focus(target: Locator) -> bool:
    """Whether it has the focus of its page now."""
    return bool(target.evaluate("each => document.activeElement === each"))


def await_focus(target: Locator) -> None:
    """Wait until it has the focus of its page, whether or not the browser's window has it too."""
    handle = target.element_handle()
    target.page.wait_for_function("each => document.activeElement === each", arg=handle)


def watch(page: Page) -> None:
    """From now on `is_same_page` tells whether the page was loaded anew. It must have arrived."""
    page.evaluate("window.watchedByTest = true")


def is_same_page(page: Page) -> bool:
    """Whether nothing was loaded anew since `watch`."""
    return bool(page.evaluate("window.watchedByTest === true"))


def details(page: Page, installation: Installation, job_id: int) -> dict[str, Any]:
    """The JSON view of a job, for whoever is logged in."""
    answer = page.request.get(installation.job(job_id, "details/"))
    assert answer.status == 200
    found: dict[str, Any] = answer.json()
    return found
