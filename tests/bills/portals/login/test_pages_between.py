"""What stands between the login and the bills is left for later; nothing is agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import LOG_OUT, LOGIN_PAGE

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
CHANGE = """<h1>Your password will expire in 5 days</h1><p>Please change your password.</p>
<form method=post action=/site/agreed><label>Current password <input type=password name=password>
</label><label>New password <input type=password name=new autocomplete=new-password></label>
<button>Change password</button></form>"""


def standing_between(pages: Pages, body: str, *, at_bills: bool = False) -> None:
    """A page that comes after the login (or in place of the bills) until it is answered."""
    passed: list[bool] = []
    pages.show("/login", LOGIN_PAGE)
    first = "/site/bills" if at_bills else "/site/between"
    pages.reply("POST /login", Reply(303, headers=[("Location", first)]))
    pages.show("/between", body)
    between, bills = (pages.answers["GET /site/between"], LOG_OUT + NO_BILLS)
    pages.show("/bills", bills)
    shown = pages.answers["GET /site/bills"]

    def later(_: object) -> Reply:
        passed.append(True)
        return Reply(303, headers=[("Location", "/site/bills")])

    pages.answers["GET /site/later"] = later
    pages.answers["POST /site/later"] = later
    if at_bills:
        pages.answers["GET /site/bills"] = lambda ask: shown(ask) if passed else between(ask)


LATER = (
    "Remind me later", "Påminn mig senare", "Ikke nå", "Ikke nu", "Muistuta myöhemmin",
    "Jetzt nicht", "Niet nu", "Plus tard", "Ahora no", "Non ora", "Przypomnij później",
)  # fmt: skip


def put_off(visitor: Visitor, later: str) -> AttemptReport:
    standing_between(visitor.pages, f"{CHANGE}<a href=/site/later>{later}</a>")
    return visitor.visit()


@pytest.mark.parametrize("later", LATER)
def test_an_offer_is_left_for_later(together: Together, later: str) -> None:
    report, pages = together(put_off, LATER)[later]
    assert report.code is None, report.error
    assert "POST /site/agreed" not in pages.asked
    assert any(later in str(note) for note in report.notes)


def test_a_page_that_comes_in_place_of_the_bills_is_passed_too(
    pages: Pages, visitor: Visitor
) -> None:
    standing_between(
        pages, LOG_OUT + CHANGE + "<button onclick=\"location='/site/later'\">Skip</button>",
        at_bills=True,
    )  # fmt: skip
    report = visitor.visit()
    assert report.code is None, report.error


SESSIONS = {
    "You are already logged in on another device.": "Continue",
    "There is another active session.": "End the other session",
    "Sie sind bereits angemeldet.": "Andere Sitzung beenden",
    "Du är redan inloggad på en annan enhet.": "Fortsätt",
    "Une autre session est ouverte.": "Fermer l'autre session",
}


def end_session(visitor: Visitor, says: str) -> AttemptReport:
    form = f"<form method=post action=/site/later><button>{SESSIONS[says]}</button></form>"
    standing_between(visitor.pages, f"<p>{says}</p>{form}<a href=/site/login>Cancel</a>")
    return visitor.visit()


@pytest.mark.parametrize("says", SESSIONS)
def test_another_session_is_ended(together: Together, says: str) -> None:
    report = together(end_session, SESSIONS)[says].report
    assert report.code is None, report.error


def test_terms_are_not_agreed_to_unless_the_recipe_says_so(pages: Pages, visitor: Visitor) -> None:
    terms = """<div role=dialog><p>Please accept our new terms to continue.</p>
    <button onclick="location='/site/agreed'">I agree</button>
    <button onclick="location='/site/later'">Accept</button></div>"""
    standing_between(pages, terms)
    quick = {"answer_seconds": 2}
    assert visitor.visit({"login": quick}).code is Code.ACTION_NEEDED
    assert "GET /site/agreed" not in pages.asked
    assert "GET /site/later" not in pages.asked
    step = {"click": {"role": "button", "name": "Accept"}}
    recipe = {"login": {**quick, "then": [step]}, "outcomes": {"action": []}}
    assert visitor.visit(recipe).code is None


def test_terms_that_come_in_place_of_the_list_wait_for_the_owner(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal("<h1>Our terms have changed</h1><p>Please accept them to continue.</p>")
    assert visitor.visit({"login": {"answer_seconds": 2}}).code is Code.ACTION_NEEDED


def test_a_page_that_offers_later_for_ever_ends(pages: Pages, visitor: Visitor) -> None:
    standing_between(pages, "<a href=/site/between>Not now</a>")
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert report.code is Code.UNRECOGNISED_PAGE
    assert pages.asked.count("GET /site/between") == 7


BANNERS = {
    "We use cookies.": "Only necessary cookies",
    "Vi använder kakor.": "Endast nödvändiga",
    "Wir verwenden Cookies.": "Alle akzeptieren",
    "Nous utilisons des cookies.": "Tout refuser",
    "Käytämme evästeitä.": "Hyväksy kaikki evästeet",
}


def press_away(visitor: Visitor, text: str) -> AttemptReport:
    banner = f"""<div id=x9 style="position:fixed;inset:0;background:white"><p>{text}</p>
    <button onclick="x9.remove()">{BANNERS[text]}</button></div>"""
    visitor.pages.portal(NO_BILLS, LOGIN_PAGE + banner)
    return visitor.visit()


@pytest.mark.parametrize("text", BANNERS)
def test_a_cookie_banner_without_a_name_is_pressed_away(together: Together, text: str) -> None:
    report = together(press_away, BANNERS)[text].report
    assert report.code is None, report.error
