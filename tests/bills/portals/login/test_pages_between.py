"""What stands between the login and the bills is left for later; nothing is agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import LOG_OUT, LOGIN_PAGE

if TYPE_CHECKING:
    from tests.bills.browsing import Pages, Visitor

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


@pytest.mark.parametrize(
    "later",
    [
        "Remind me later", "Påminn mig senare", "Ikke nå", "Ikke nu", "Muistuta myöhemmin",
        "Jetzt nicht", "Niet nu", "Plus tard", "Ahora no", "Non ora", "Przypomnij później",
    ],
)  # fmt: skip
def test_an_offer_is_left_for_later(pages: Pages, visitor: Visitor, later: str) -> None:
    standing_between(pages, f"{CHANGE}<a href=/site/later>{later}</a>")
    report = visitor.visit()
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


@pytest.mark.parametrize(
    ("says", "button"),
    [
        ("You are already logged in on another device.", "Continue"),
        ("There is another active session.", "End the other session"),
        ("Sie sind bereits angemeldet.", "Andere Sitzung beenden"),
        ("Du är redan inloggad på en annan enhet.", "Fortsätt"),
        ("Une autre session est ouverte.", "Fermer l'autre session"),
    ],
)
def test_another_session_is_ended(pages: Pages, visitor: Visitor, says: str, button: str) -> None:
    form = f"<form method=post action=/site/later><button>{button}</button></form>"
    standing_between(pages, f"<p>{says}</p>{form}<a href=/site/login>Cancel</a>")
    report = visitor.visit()
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


def test_a_page_that_offers_later_for_ever_ends(pages: Pages, visitor: Visitor) -> None:
    standing_between(pages, "<a href=/site/between>Not now</a>")
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert report.code is Code.UNRECOGNISED_PAGE
    assert pages.asked.count("GET /site/between") == 7


@pytest.mark.parametrize(
    ("text", "button"),
    [
        ("We use cookies.", "Only necessary cookies"),
        ("Vi använder kakor.", "Endast nödvändiga"),
        ("Wir verwenden Cookies.", "Alle akzeptieren"),
        ("Nous utilisons des cookies.", "Tout refuser"),
        ("Käytämme evästeitä.", "Hyväksy kaikki evästeet"),
    ],
)
def test_a_cookie_banner_without_a_name_is_pressed_away(
    pages: Pages, visitor: Visitor, text: str, button: str
) -> None:
    banner = f"""<div id=x9 style="position:fixed;inset:0;background:white"><p>{text}</p>
    <button onclick="x9.remove()">{button}</button></div>"""
    pages.portal(NO_BILLS, LOGIN_PAGE + banner)
    report = visitor.visit()
    assert report.code is None, report.error
