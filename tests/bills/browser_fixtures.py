"""One browser for all tests of a run, and pages for each.

A test module asks for these with `pytest_plugins = ("tests.bills.browser_fixtures",)`.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from bills.browser.browser import Browser
from config.dev.browser import find_browser
from config.dev.sandbox.http_server import running
from tests.bills.browsing import Pages, Together, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_browser()
    assert executable, "these tests need a Chromium: make browser"
    with Browser(executable, tmp_path_factory.mktemp("b")) as browser:
        yield browser


@pytest.fixture
def warm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that the test runs share that browser. Starting one for each is what scenarios do."""

    def shared(*_: object) -> AbstractContextManager[Browser]:
        return nullcontext(request.getfixturevalue("browser"))

    monkeypatch.setattr("bills.browser.browser.Browser", shared)


@pytest.fixture
def pages() -> Iterator[Pages]:
    pages = Pages()
    with running(pages) as url:
        pages.url = url
        yield pages


@pytest.fixture
def visitor(browser: Browser, pages: Pages) -> Visitor:
    return Visitor(browser, pages)


@pytest.fixture(scope="module")
def together(browser: Browser) -> Together:
    return Together(browser)
