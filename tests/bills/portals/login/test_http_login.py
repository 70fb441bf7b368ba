"""A portal that asks with HTTP 401 is answered on its own origin, once, and nowhere else."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import Login, Watch
from bills.browser.report import Stage
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, EMAIL, bill_row, bill_table, page, pdf

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.http_server import Request
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

SENT = base64.b64encode(f"{EMAIL}:{CANARY}".encode()).decode()


def guarded(
    pages: Pages, answer: Callable[[], Reply], scheme: str = 'Basic realm="Bills"'
) -> list[str]:
    """What the portal was sent to be let in."""
    sent: list[str] = []

    def handle(request: Request) -> Reply:
        given = request.headers.get("authorization", "")
        if given:
            sent.append(given)
        if given == f"Basic {SENT}":
            return answer()
        return Reply(401, b"<h1>401</h1>", "text/html", [("WWW-Authenticate", scheme)])

    for path in ("/login", "/bills", "/1.pdf"):
        pages.answers[f"GET /site{path}"] = handle
    return sent


def test_a_portal_that_asks_by_http_is_answered(pages: Pages, visitor: Visitor) -> None:
    sent = guarded(pages, lambda: page(bill_table(bill_row("F1", "<a href=/site/1.pdf>PDF</a>"))))
    pages.answers["GET /site/1.pdf"] = lambda request: (
        pdf() if request.headers.get("authorization") else Reply(401)
    )
    report = visitor.visit()
    assert report.code is None, report.error
    assert len(report.bills) == 1
    assert report.password_submissions == 1
    assert set(sent) == {f"Basic {SENT}"}


def test_a_refusal_by_http_is_one_and_is_sent_once(pages: Pages, visitor: Visitor) -> None:
    sent = guarded(pages, lambda: page(""))
    report = visitor.visit(login=Login(EMAIL, "wrong-password"))
    assert (report.code, report.stage) == (Code.LOGIN_FAILED, Stage.JUDGE)
    assert (len(sent), report.password_submissions) == (1, 1)


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM", "Bearer"])
def test_another_scheme_is_named_and_not_answered(
    pages: Pages, visitor: Visitor, scheme: str
) -> None:
    sent = guarded(pages, lambda: page(""), scheme)
    report = visitor.visit()
    assert (report.code, report.password_submissions, sent) == (Code.NAVIGATION, 0, [])
    assert f"HTTP authentication ({scheme.lower()})" in report.error


def test_another_origin_that_asks_by_http_gets_no_credentials(
    pages: Pages, visitor: Visitor
) -> None:
    sent = guarded(pages, lambda: page(""))
    elsewhere = pages.url.replace("127.0.0.1", "localhost") + "/site/bills"
    pages.reply("GET /login", Reply(303, headers=[("Location", elsewhere)]))
    report = visitor.visit({"hosts": ["localhost"]})
    assert (report.code, report.password_submissions, sent) == (Code.OTHER_SITE, 0, [])


def test_the_caller_may_forbid_it(pages: Pages, visitor: Visitor) -> None:
    sent = guarded(pages, lambda: page(""))

    def forbid() -> None:
        raise PortalError(Code.LOGIN_FAILED, "It was sent often enough.")

    watch = Watch(before_password=forbid)
    report = visitor.browser.submit(Login(EMAIL, CANARY), visitor.plan(), watch=watch).result(90)
    assert (report.code, report.password_submissions, sent) == (Code.LOGIN_FAILED, 0, [])
