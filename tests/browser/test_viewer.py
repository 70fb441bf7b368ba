"""Somebody who may only look sees no buttons, and gets 403 where she tries by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from imports.admin import permissions
from imports.admin.job import page as job_page
from tests.browser import walking
from tests.browser.chromium import opened, sit_down

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import APIResponse, Browser, Page

    from tests.browser.installation import Installation

NAME, PASSWORD = "vera", "only-looks-7"
VIEWER = """
from django.contrib.auth.models import Group, User
viewer = User.objects.create_user({name!r}, password={password!r}, is_staff=True)
viewer.groups.add(Group.objects.get(name="Viewers"))
"""


@pytest.fixture(scope="package")
def viewer(browser: Browser, installation: Installation) -> Any:
    """The cookies of a member of staff who has logged in and may only look."""
    installation.manage("shell", "--command", VIEWER.format(name=NAME, password=PASSWORD))
    context = sit_down(browser)
    page = context.new_page()
    page.goto(installation.admin())
    walking.log_in(page, NAME, PASSWORD)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture
def seen(browser: Browser, viewer: Any) -> Iterator[Page]:
    """A page in front of the viewer."""
    yield from opened(sit_down(browser, storage_state=viewer))


def test_a_viewer_sees_every_tab_and_no_button(
    seen: Page, installation: Installation, troubled: int
) -> None:
    seen.goto(installation.admin())
    expect(seen.get_by_role("heading", name="Overview")).to_be_visible()
    expect(seen.get_by_role("link", name="New import")).to_have_count(0)
    for tab in ("files", "settings", "progress", "failures", "retry-files", "log"):
        seen.goto(installation.job(troubled, f"{tab}/"))
        expect(seen.locator(".rd-tab")).to_be_visible()
        shown = seen.locator(".rd-page button:visible").all_inner_texts()
        reading = ("Search", "Show")  # the log is filtered by a button
        assert [text for text in shown if not text.endswith(reading)] == [], tab
        expect(seen.get_by_role("dialog")).to_have_count(0)


def test_a_viewer_reads_an_api_and_a_portal_without_an_error_of_a_script(
    seen: Page, installation: Installation
) -> None:
    for page in ("imports/customerapi/1/change/", "bills/portal/1/change/"):
        seen.goto(installation.admin(page))
        expect(seen.get_by_role("button", name="Save")).to_have_count(0)


def test_a_viewer_gets_403_for_every_act_by_hand(
    seen: Page, installation: Installation, troubled: int
) -> None:
    tabs = job_page.of("customers").tabs
    acts = [(tab.slug, name, act) for tab in tabs for name, act in tab.acts.items()]
    forbidden = [each for each in acts if each[2].permission != permissions.VIEW]
    assert len(forbidden) >= 14
    for tab, name, act in forbidden:
        for method in act.methods:
            answer = by_hand(seen, method, installation.job(troubled, f"{tab}/{name}/"))
            assert answer.status == 403, f"{method} {tab}/{name}"
            assert "CSRF" not in answer.text()  # it is the permission that is missing
    assert by_hand(seen, "GET", installation.job(troubled, "progress/live/")).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "imports/importjob/add/"),
        ("POST", "imports/importjob/add/"),
        ("GET", "imports/customerapi/add/"),
        ("POST", "imports/customerapi/1/test/"),
        ("POST", "imports/customerapi/1/change/"),
        ("GET", "auth/user/"),
        ("GET", "bills/portal/add/"),
        ("GET", "bills/portal/new-job/"),
        ("GET", "queue/"),
    ],
)
def test_a_viewer_gets_403_where_she_may_not_be(
    method: str, path: str, seen: Page, installation: Installation
) -> None:
    answer = by_hand(seen, method, installation.admin(path))
    assert answer.status == 403
    assert "CSRF" not in answer.text()


def by_hand(page: Page, method: str, url: str) -> APIResponse:
    """Ask as the page would, with its cookies and its token against forged requests."""
    cookies: list[Any] = list(page.context.cookies())
    token = next(each["value"] for each in cookies if each["name"] == "csrftoken")
    return page.request.fetch(url, method=method, headers={"X-CSRFToken": token}, max_redirects=0)
