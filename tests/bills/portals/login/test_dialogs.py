"""Dialogs are read like the page's text, and answered so that nothing is agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from bills.portals.logins.signs import accepts, rule_for
from bills.portals.recipe_schema import DialogRule
from tests.bills.browsing import CANARY, LOG_OUT, LOGIN_PAGE, page

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"


def after_login(pages: Pages, script: str) -> None:
    """A login that is answered by a page with this script."""
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page(f"<p>One moment</p><script>{script}</script>"))
    pages.show("/bills", LOG_OUT + NO_BILLS)
    pages.show("/out", "<p>Good bye</p>")


def test_a_refusal_in_an_alert_is_one(pages: Pages, visitor: Visitor) -> None:
    after_login(pages, "alert('The password is not right. 2 tries left.'); location='/site/login'")
    report = visitor.visit()
    assert report.code is Code.LOGIN_FAILED
    assert 'A dialog said "The password is not right. 2 tries left."' in report.error
    assert report.evidence is not None
    assert "2 tries left" in report.evidence.html
    assert pages.passwords == [CANARY]


@pytest.mark.parametrize(
    ("question", "came"),
    [
        ("You are already logged in on another device. End that session and go on?", "bills"),
        ("Du är redan inloggad. Vill du fortsätta?", "bills"),
        ("Do you accept our new prices?", "out"),
        ("Delete your account?", "out"),
    ],
)
def test_a_question_is_answered_so_that_nothing_is_agreed_to(
    pages: Pages, visitor: Visitor, question: str, came: str
) -> None:
    after_login(pages, f"location = confirm({question!r}) ? '/site/bills' : '/site/out'")
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert f"GET /site/{came}" in pages.asked
    assert report.code is (None if came == "bills" else Code.UNRECOGNISED_PAGE)
    assert any(question in str(note) for note in report.notes)


def test_the_recipe_answers_dialogs(pages: Pages, visitor: Visitor) -> None:
    script = "if (confirm('New prices?') && prompt('Your number?') == '{}') location='/site/bills'"
    after_login(pages, script.format("ann@example.test"))
    rules = [
        {"text": "new prices", "answer": "accept"},
        {"text": "your number", "answer": "accept", "value": "{email}"},
    ]
    report = visitor.visit({"dialogs": rules})
    assert report.code is None, report.error


def test_a_page_that_asks_before_it_is_left_is_left(pages: Pages, visitor: Visitor) -> None:
    pages.portal(NO_BILLS)
    stays = (
        "<script>onbeforeunload = event => { event.preventDefault(); return 'Stay?'; }</script>"
    )
    pages.show("/home", LOG_OUT + stays + "<input autofocus>")
    pages.reply("POST /login", page(LOG_OUT + stays))
    report = visitor.visit()
    assert report.code is None, report.error


WITHOUT_END = ("alert('again')", "confirm('again')", "prompt('again')")


def be_asked_again(visitor: Visitor, kind: str) -> AttemptReport:
    after_login(visitor.pages, f"for (;;) {kind}")
    return visitor.visit()


@pytest.mark.parametrize("kind", WITHOUT_END)
def test_dialogs_without_an_end_end_the_attempt(together: Together, kind: str) -> None:
    report = together(be_asked_again, WITHOUT_END)[kind].report
    assert report.code is Code.NAVIGATION
    assert "more than 50 dialogs" in report.error
    assert len(report.notes) <= 30


def test_a_password_in_a_dialog_is_not_kept(pages: Pages, visitor: Visitor) -> None:
    after_login(pages, f"alert('Wrong password: ' + {CANARY!r})")
    report = visitor.visit()
    assert report.code is Code.LOGIN_FAILED
    assert "canary" not in repr(report) + str(report.notes)


def test_a_rule_is_chosen_by_what_the_dialog_says() -> None:
    rules = [DialogRule("prices", "accept"), DialogRule("go on", "dismiss")]
    assert rule_for("  New\n PRICES from May. ", rules) is rules[0]
    assert rule_for("Hello", rules) is None
    assert accepts("confirm", "New prices", rules[0])
    assert not accepts("confirm", "RetryFileMatches logged in: go on?", rules[1])
    assert accepts("beforeunload", "", None)
    assert not accepts("prompt", "RetryFileMatches logged in?", None)
