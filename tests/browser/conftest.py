"""One Redrive and one Chromium for all walks; each walk has a visitor of its own.

Playwright keeps an event loop in this thread while it is open, and Django refuses queries beside
one: so it closes with this package, and nothing here reads the ledger but through pages and
commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from config.dev.sandbox.samples import write_csv
from tests.browser.chromium import PATIENCE_MS, chromium, opened, sit_down
from tests.browser.installation import installed
from tests.browser.walking import log_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.installation import Installation


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Redrive as `make run` leaves it after a first start: a login, and a draft to click."""
    with installed(tmp_path_factory.mktemp("redrive")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def logged_in(browser: Browser, installation: Installation) -> Any:
    """The cookies of somebody who has logged in as admin."""
    context = sit_down(browser)
    page = context.new_page()
    page.goto(installation.admin())
    log_in(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture(scope="package")
def troubled(installation: Installation) -> int:
    """A job that ended with failures, and has something on each of its tabs."""
    files = installation.files(first=9000, customers=40)
    installation.refuse(9004, 9005, 9021)
    job = installation.run_import(files, "Last week's new members")
    installation.forgive()
    return job


@pytest.fixture(scope="package")
def fetched(installation: Installation) -> int:
    """A job of bills that ended: one account's are here, the other's need a code."""
    path = write_csv(installation.home / "walks" / "two.csv", ["good9", "otp9"])
    return installation.run_bills(path, "Bills of two")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page in front of somebody who has not logged in."""
    yield from opened(sit_down(browser))


@pytest.fixture
def page(browser: Browser, logged_in: Any) -> Iterator[Page]:
    """A page in front of admin, who has logged in."""
    yield from opened(sit_down(browser, storage_state=logged_in))
