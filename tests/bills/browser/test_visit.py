"""Where a password may go, and what an HTTP status says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bills.browser.plan import PortalPlan
from bills.browser.sites import same_site, site
from bills.browser.visit import Visit, refuse_status
from bills.portals.failures import Code, PortalError
from bills.portals.recipe_schema import load_recipe


@pytest.mark.parametrize(
    ("url", "is_home"),
    [
        ("https://portal.example/login/form", True),
        ("https://portal.example:443/", True),
        ("https://portal.example:8443/", False),
        ("http://portal.example/", False),
        ("https://www.portal.example/", False),
        ("https://portal.example.evil.test/", False),
        ("https://portal.example@evil.test/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("about:blank", False),
    ],
)
def test_a_password_stays_on_the_login_urls_origin(url: str, is_home: bool) -> None:
    assert same_site(url, "https://portal.example/login") is is_home


def test_plain_http_may_become_https_but_never_the_reverse() -> None:
    assert same_site("https://portal.example/", "http://portal.example/login")
    assert not same_site("https://portal.example:444/", "http://portal.example/login")
    assert not same_site("http://portal.example/", "https://portal.example/login")


def test_a_site_is_named_without_path_and_user() -> None:
    assert site("https://ann:pw@portal.example:8/x?token=1") == "https://portal.example:8"
    assert site("javascript:alert(1)") == "javascript"


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (429, {}, Code.RATE_LIMITED),
        (503, {"retry-after": "9"}, Code.MAINTENANCE),
        (503, {}, Code.SITE_5XX),
        (502, {}, Code.SITE_5XX),
    ],
)
def test_an_error_status_has_its_code(status: int, headers: dict[str, str], code: Code) -> None:
    with pytest.raises(PortalError) as refusal:
        refuse_status(status, headers)
    assert refusal.value.code is code


@pytest.mark.parametrize("status", [0, 200, 302, 403, 404])
def test_other_statuses_are_left_to_what_the_page_says(status: int) -> None:
    refuse_status(status, {})


def test_a_plan_names_its_hosts() -> None:
    recipe = load_recipe({"hosts": ["cdn.example", "*.files.example"]})
    plan = PortalPlan("https://login.example/", "https://Bills.example/", recipe)
    for host in (
        "login.example",
        "bills.example",
        "cdn.example",
        "a.files.example",
        "CDN.example.",
    ):
        assert plan.permits(host), host
    for host in ("example", "files.example", "xfiles.example", "evil.test", ""):
        assert not plan.permits(host), host


class Deaf:
    """A page without a browser: its events are told by hand."""

    def __init__(self) -> None:
        self.main_frame = object()
        self.context = self

    def __getattr__(self, _: str) -> Any:
        return lambda *args, **named: None


class Asked(SimpleNamespace):
    """A request, which like Playwright's is only equal to itself."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


def test_a_visits_clock_stands_still_while_the_portal_owes_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("bills.browser.visit.time.monotonic", lambda: now[0])
    page, plan = Deaf(), PortalPlan("https://p.example/", "", load_recipe({}))
    nobody: Any = None
    visit = Visit(cast("Any", page), nobody, plan, nobody, nobody, nobody)
    asked: Any = Asked(
        url="https://p.example/",
        frame=page.main_frame,
        is_navigation_request=lambda: True,
        resource_type="document",
    )
    visit._on_request(asked)
    now[0] += 40.0
    assert visit.clock() == 100.0  # however long it takes
    visit._on_response(
        cast("Any", SimpleNamespace(request=asked, url=asked.url, status=303, headers={}))
    )
    now[0] += 2.0
    assert visit.clock() == 100.0  # it was sent on: the page has not come yet
    visit._on_response(
        cast("Any", SimpleNamespace(request=asked, url=asked.url, status=200, headers={}))
    )
    now[0] += 3.0
    assert visit.clock() == 103.0
