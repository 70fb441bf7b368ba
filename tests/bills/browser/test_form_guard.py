"""A form that is sent to a host that may not know the password is stopped on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, LOGIN_PAGE

if TYPE_CHECKING:
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
NAMED = {"hosts": ["localhost"]}  # may be read, but not be told the password


def elsewhere(pages: Pages) -> str:
    return pages.url.replace("127.0.0.1", "localhost") + "/site/stolen"


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_form_that_a_script_turns_elsewhere_as_it_is_sent_is_stopped(
    pages: Pages, visitor: Visitor, method: str
) -> None:
    turned = f'<form method="{method}" onsubmit="this.action=\'{elsewhere(pages)}\'"'
    pages.portal(NO_BILLS, LOGIN_PAGE.replace('<form method="post"', turned))
    report = visitor.visit(NAMED)
    assert report.code is Code.OTHER_SITE, report.error
    assert "It was stopped." in report.error
    assert not [asked for asked in pages.asked if "stolen" in asked]


def test_a_form_that_a_script_turns_elsewhere_once_it_is_filled_in_is_not_sent(
    pages: Pages, visitor: Visitor
) -> None:
    turns = f'oninput="this.form.action=\'{elsewhere(pages)}\'" type="password"'
    pages.portal(NO_BILLS, LOGIN_PAGE.replace('type="password"', turns))
    report = visitor.visit(NAMED)
    assert report.code is Code.OTHER_SITE, report.error
    assert "It was stopped." in report.error
    assert pages.passwords == []


def test_an_answer_that_has_the_form_sent_again_elsewhere_is_stopped(
    pages: Pages, visitor: Visitor
) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(307, headers=[("Location", elsewhere(pages))]))
    report = visitor.visit(NAMED)
    assert report.code is Code.OTHER_SITE, report.error
    assert pages.passwords == [CANARY]  # by the login itself


def test_a_button_outside_of_its_form_counts_with_it(pages: Pages, visitor: Visitor) -> None:
    button = f'<button form=f formaction="{elsewhere(pages)}">Log in</button>'
    form = LOGIN_PAGE.replace("<form", "<form id=f").replace("<button>Log in</button>", "")
    pages.portal(NO_BILLS, form + button)
    report = visitor.visit(NAMED)
    assert (report.code, pages.passwords) == (Code.OTHER_SITE, [])
    assert "Nothing was typed." in report.error


def test_what_does_not_hold_the_password_passes(pages: Pages, visitor: Visitor) -> None:
    """A log-in at one host that is answered with a form for another (SAML)."""
    pages.show("/login", LOGIN_PAGE)
    token = f"<form id=f method=post action={elsewhere(pages)}><input name=token value=t></form>"
    pages.reply(
        "POST /login", Reply(200, f"{token}<script>f.submit()</script>".encode(), "text/html")
    )
    pages.reply("POST /stolen", Reply(303, headers=[("Location", pages.url + "/site/bills")]))
    pages.show("/bills", "<button>Log out</button>" + NO_BILLS)
    report = visitor.visit(NAMED)
    assert report.code is None, report.error
    assert "POST /site/stolen" in pages.asked
