"""Whatever a page holds, an attempt ends at its time limit, with a cause that is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser import evidence, screenshots, visit
from bills.browser.browser import Browser
from bills.portals.failures import Code
from config.dev.browser import find_browser
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import LOG_OUT, LOGIN_PAGE, Visitor, page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.browsing import Pages

pytest_plugins = ("tests.bills.browser_fixtures",)

MANY = 400_000
HUGE = f"""<div id=x></div><script>
x.innerHTML = "<i>\\\\\\\\&amp;%25</i>".repeat({MANY});</script>"""
LONG = "<p>" + "\\&amp;%25<" * 200_000
DEEP = "<div>" * 20_000
REDIRECTING = "<script>location = '/site/again?' + Math.random()</script>"
TAMPERED = """<script>Array.prototype.map = () => { throw "no"; };
Object.fromEntries = String.prototype.trim = () => null; document.querySelectorAll = null;
</script>"""
STUCK = "<script>while (true);</script>"
NUL_AND_SURROGATE = "<p id=p></p><script>p.textContent = 'a\\u0000b\\ud800c'</script>"
FRAMES = "<iframe src=/site/frame></iframe>" * 40
TITLE = "<script>document.title = 'x'.repeat(1e6)</script>"


@pytest.fixture
def own(pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A browser of the test's own: it may be broken."""
    monkeypatch.setattr(evidence, "PIECE_SECONDS", 1.0)
    monkeypatch.setattr(screenshots, "PIECE_SECONDS", 1.0)
    return Visitor(Browser(find_browser() or "", tmp_path), pages)


@pytest.mark.parametrize(
    "body",
    [HUGE, LONG, DEEP, REDIRECTING, TAMPERED, STUCK, NUL_AND_SURROGATE, FRAMES, TITLE],
    ids=[
        "a huge tree", "a long text", "a deep tree", "redirects by script", "a tampered page",
        "a script that never ends", "text that cannot be stored", "many frames", "a long title",
    ],
)  # fmt: skip
def test_a_hostile_answer_to_the_login_ends_with_a_known_cause(
    pages: Pages, own: Visitor, body: str
) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page(body))
    pages.show("/again", REDIRECTING)
    pages.show("/frame", "<p>a frame</p>")
    with own.browser:
        report = own.visit({"login": {"answer_seconds": 3}}, attempt_timeout=8.0, keep_trace=True)
        assert report.code in {
            Code.UNRECOGNISED_PAGE, Code.TIMEOUT, Code.NAVIGATION, Code.BROWSER_CRASH,
        }, report.error  # fmt: skip
        assert len(report.error) < 2000
        assert report.evidence is not None
        assert len(report.evidence.html) <= evidence.LONGEST_HTML
        report.error.encode()
        report.evidence.html.encode()
        pages.portal("<p>You have no bills yet.</p>")
        assert own.visit().code is None  # the next one is not held up


def test_windows_without_an_end_end_the_attempt(
    pages: Pages, own: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "MOST_WINDOWS", 10)
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page("<script>setInterval(() => open('/site/more'), 20)</script>"))
    pages.show("/more", "<p>more</p>")
    with own.browser:
        report = own.visit()
        assert report.code is Code.NAVIGATION, report.error
        assert "more than 10 windows" in report.error
        pages.portal("<p>You have no bills yet.</p>")
        assert own.visit().code is None


def test_a_redirect_loop_is_reported(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(303, headers=[("Location", "/site/circle")]))
    pages.reply("GET /circle", Reply(303, headers=[("Location", "/site/circle")]))
    report = visitor.visit()
    assert report.code is Code.NAVIGATION
    assert "ERR_TOO_MANY_REDIRECTS" in report.error


def test_a_page_that_never_stops_loading_ends_at_the_time_limit(
    pages: Pages, own: Visitor
) -> None:
    with own.browser:
        pages.reply("GET /login", Reply(200, b"<p>" + b"x" * 5000, "text/html", drip_seconds=0.01))
        report = own.visit(attempt_timeout=4.0)
        assert report.code is Code.TIMEOUT
        assert "The attempt's 4 s were over." in report.error


def test_a_title_is_cut(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page("<script>document.title = 'x'.repeat(1e5)</script>"))
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.UNRECOGNISED_PAGE
    assert "x" * 99 + "…" in report.error
    assert "x" * 100 not in report.error


def test_a_portal_that_turns_the_browser_away_is_said_to(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", "<h1>Access Denied</h1>", 403)
    report = visitor.visit()
    assert (report.code, report.password_submissions) == (Code.FORBIDDEN, 0)
    pages.show("/login", LOGIN_PAGE, 403)  # some say 403 where they mean "log in"
    pages.reply("POST /login", page("<h1>Request blocked</h1>", 403))
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert (report.code, report.password_submissions) == (Code.FORBIDDEN, 1)
    pages.reply("POST /login", page("<p>Wrong password</p>" + LOGIN_PAGE, 403))
    assert visitor.visit().code is Code.LOGIN_FAILED
    pages.portal("<p>You have no bills yet.</p>")
    assert LOG_OUT
    assert visitor.visit().code is None
