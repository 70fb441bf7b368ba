"""What a login leaves in the browser is tried before the next login, where that is wanted."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bills.browser.evidence import scrub_zip, without_cookies
from bills.browser.plan import Login
from bills.portals.logins.page import without_session
from config.dev.sandbox.http_server import Reply
from imports.http.redaction import HIDDEN
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT, LOGIN_PAGE, page

if TYPE_CHECKING:
    from pathlib import Path

    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

SESSION, DEVICE = "s3ss10n-0123456789", "d3v1ce-0123456789"


@pytest.fixture(autouse=True)
def site(pages: Pages) -> Pages:
    """A portal whose list is there for whoever has the session's cookie."""
    lasting = ("Set-Cookie", f"device={DEVICE}; Path=/; Max-Age=86400")
    session = ("Set-Cookie", f"session={SESSION}; Path=/")

    def bills(request: Request) -> Reply:
        if request.cookies.get("session") != SESSION:
            return Reply(303, headers=[("Location", "/site/login")])
        return page(LOG_OUT + "<p>You have no bills yet.</p>")

    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(303, headers=[("Location", "/site/bills"), session, lasting]))
    pages.answers["GET /site/bills"] = bills
    return pages


def visit(visitor: Visitor, session: str = "", **settings: Any) -> AttemptReport:
    login = Login(EMAIL, CANARY, session=session, may_resume=settings.pop("may_resume", True))
    return visitor.visit(login=login, **{"keeps_devices": True, **settings})


def test_the_next_visit_needs_no_login(pages: Pages, visitor: Visitor) -> None:
    first = visit(visitor)
    assert (first.code, first.resumed, pages.passwords) == (None, False, [CANARY])
    second = visit(visitor, first.session)
    assert (second.code, second.resumed, pages.passwords) == (None, True, [CANARY])
    assert second.password_submissions == 0
    assert second.session


def test_a_session_that_holds_no_more_is_followed_by_a_login(
    pages: Pages, visitor: Visitor
) -> None:
    old = visit(visitor).session.replace(SESSION, "another-session")
    again = visit(visitor, old)
    assert (again.code, again.resumed, len(pages.passwords)) == (None, False, 2)


def test_another_try_always_logs_in(pages: Pages, visitor: Visitor) -> None:
    again = visit(visitor, visit(visitor).session, may_resume=False)
    assert (again.code, again.resumed) == (None, False)


def test_where_the_portal_keeps_no_devices_nothing_is_kept_or_brought(
    pages: Pages, visitor: Visitor
) -> None:
    kept = visit(visitor).session
    plain = visit(visitor, kept, keeps_devices=False)
    assert (plain.resumed, plain.session, len(pages.passwords)) == (False, "", 2)


def test_only_what_outlives_a_session_goes_into_another_try(visitor: Visitor) -> None:
    kept = without_session(visit(visitor).session)
    assert DEVICE in kept
    assert SESSION not in kept
    assert without_session("") == ""


def test_headers_that_open_a_session_are_hidden_in_a_log_of_requests() -> None:
    entry = {"headers": [{"name": "Cookie", "value": "a=b"}, {"name": "Accept", "value": "x"}],
             "cookies": [{"name": "a", "value": "b"}]}  # fmt: skip
    line = without_cookies(json.dumps(entry).encode() + b"\nno json\n")
    hidden, rest = line.splitlines()
    assert json.loads(hidden) == {
        "headers": [{"name": "Cookie", "value": HIDDEN}, {"name": "Accept", "value": "x"}],
        "cookies": [],
    }
    assert rest == b"no json"


def test_a_trace_is_kept_without_cookies(tmp_path: Path) -> None:
    entry = {"response": {"headers": [{"name": "Set-Cookie", "value": f"session={SESSION}"}]}}
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as old:
        old.writestr("trace.network", json.dumps(entry))
        old.writestr("trace.trace", json.dumps({"title": DEVICE}))
    scrub_zip(tmp_path / "old.zip", tmp_path / "new.zip", [DEVICE])
    with zipfile.ZipFile(tmp_path / "new.zip") as new:
        content = b"".join(new.read(name) for name in new.namelist())
    assert SESSION.encode() not in content
    assert DEVICE.encode() not in content
