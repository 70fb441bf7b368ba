"""Of all the forms on a page, the password is typed into the one that logs in, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser.report import Stage
from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT, LOGIN_PAGE, page

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
NEWSLETTER = """<form method=post action=/site/wrong><label>Get our newsletter
<input type=email name=mail autocomplete=email></label><button>Subscribe</button></form>"""
SEARCH = """<form role=search method=post action=/site/wrong><input type=search name=q>
<button>Search</button></form>"""
SIGN_UP = """<section><h2>Not a customer yet?</h2><form method=post action=/site/wrong>
<label>E-mail <input type=email name=e></label><label>Password <input type=password name=password>
</label><button>Create your account</button></form></section>"""
NEW_PASSWORD = """<form method=post action=/site/wrong><label>E-mail <input type=email></label>
<label>%s <input type=password name=password></label><button>%s</button></form>"""
NUMBER = """<form method=post action=/site/login><label>Customer number <input name=kid></label>
<label>Password <input name=password type=password></label><button>Sign in</button></form>"""
# Without a <form>, names that change with every page, a button that a script listens to.
FORMLESS = """<h1>Connectez-vous</h1><div><div><label for=a81>Adresse e-mail</label>
<input id=a81 type=text></div><div><label for=a82>Mot de passe</label>
<input id=a82 type=password></div><button type=button onclick="send()">Se connecter</button></div>
<script>function send() {
  const form = document.createElement("form");
  form.method = "post"; form.action = "/site/login";
  for (const [name, box] of [["email", a81], ["password", a82]]) {
    const hidden = document.createElement("input");
    hidden.name = name; hidden.value = box.value; hidden.type = "hidden"; form.append(hidden);
  }
  document.body.append(form); form.submit();
}</script>"""
SHADOW = """<log-in></log-in><script>customElements.define("log-in", class extends HTMLElement {
  connectedCallback() { this.attachShadow({mode: "open"}).innerHTML = `%s`; }});</script>"""
REDRAWN = """<div id=app></div><script>
const draw = value => { app.innerHTML = `<form method=post action=/site/login>
  <label>E-mail <input id=e name=email value="${value}"></label>
  <label>Password <input name=password type=password></label><button>Log in</button></form>`;
  e.onchange = () => draw(e.value); };
draw("");</script>"""
ENABLED_LATER = (
    LOGIN_PAGE.replace("<button>", "<button disabled id=go>")
    + """<script>
document.querySelector("[type=password]").oninput = () =>
  setTimeout(() => go.disabled = false, 200);
</script>"""
)


WITHOUT_BUTTON = LOGIN_PAGE.replace(
    "<button>Log in</button>", "<div onclick=this.parentNode.submit()>Log in</div>"
)
MASKED = LOGIN_PAGE.replace('type="password"', 'style="-webkit-text-security: disc"')
SEVERAL_WAYS = f"""<button>Log in with BankID</button>
<a href=/site/forgot>Forgot your password?</a>
<button role=tab onclick="b.hidden = false">With e-mail and password</button>
<div id=b hidden>{LOGIN_PAGE}</div>"""
MY_PAGES = f"""<header><a href=# onclick="setTimeout(() => b.hidden = false, 100)">My account</a>
</header><dialog open id=b hidden>{LOGIN_PAGE}</dialog>"""
PASSKEY = f"""<h1>Sign in with a passkey</h1><button>Use a passkey</button>
<a href=# onclick="b.hidden = false">Try another way</a><div id=b hidden>{LOGIN_PAGE}</div>"""
NAMED = f"""<h1>Welcome back</h1><p>{EMAIL} <a href=/site/other>Not you?</a></p>
<form method=post action=/site/login><label>Password <input type=password name=password></label>
<button>Log in</button></form>"""
FIXED = LOGIN_PAGE.replace('name="email"', 'name="email" readonly value="a*****@example.test"')
COOKIE_WALL = """<div id=w style="position:fixed;inset:0"><p>Wir verwenden Cookies.</p>
<button onclick="w.remove(); app.innerHTML = page">Alle akzeptieren</button></div>
<div id=app></div>
<script>const page = `%s`;</script>"""


def frame(source: str) -> str:
    return f"<h1>Welcome</h1><iframe width=600 height=400 {source}></iframe>"


FORMS: dict[str, str] = {
    "after a newsletter, a search and a sign-up": NEWSLETTER + SEARCH + SIGN_UP + LOGIN_PAGE,
    "before them": LOGIN_PAGE + SIGN_UP + f"<footer>{NEWSLETTER}</footer>",
    "a customer number": NUMBER + f"<footer>{NEWSLETTER}</footer>",
    "beside a new password": NEW_PASSWORD % ("Choose a password", "Go") + LOGIN_PAGE,
    "beside one that its name gives away": NEW_PASSWORD.replace("=password>", "=password2>")
    % ("Password", "Go")
    + LOGIN_PAGE,
    "with a name that changes": LOGIN_PAGE.replace(
        'name="password"', 'name="password" id="u3f2a92"'
    ),
    "beside a sign-up in Swedish": NEW_PASSWORD % ("Lösenord", "Bli kund") + LOGIN_PAGE,
    "without a form": FORMLESS,
    "in a shadow tree": SHADOW % LOGIN_PAGE,
    "drawn anew when typed into": REDRAWN,
    "a button enabled late": ENABLED_LATER,
    "beside a trap": LOGIN_PAGE
    + '<dialog id=d></dialog><input type=password style="opacity:0" name=trap>',
    "without a button": WITHOUT_BUTTON,
    "masked by its style": MASKED,
    "behind a choice": SEVERAL_WAYS,
    "behind a cookie wall": COOKIE_WALL % LOGIN_PAGE,
    "behind a button": (
        f"<button onclick='b.hidden = false'>Log in</button><div id=b hidden>{LOGIN_PAGE}</div>"
    ),
    "read-only until it has the focus": LOGIN_PAGE.replace(
        "<input", "<input readonly onfocus=\"this.removeAttribute('readonly')\""
    ),
    "in a dialog behind my pages": MY_PAGES,
    "behind another way than a passkey": PASSKEY,
    "that knows the user by a cookie": NAMED,
    "that shows a part of the user": FIXED,
    "in a frame without an address": frame(
        "srcdoc='" + LOGIN_PAGE.replace("<form", "<form target=_top") + "'"
    ),
}


def log_in(visitor: Visitor, form: str) -> AttemptReport:
    visitor.pages.portal(NO_BILLS, FORMS[form])
    return visitor.visit()


@pytest.mark.parametrize("form", FORMS)
def test_the_password_goes_into_the_form_that_logs_in(together: Together, form: str) -> None:
    report, pages = together(log_in, FORMS)[form]
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]
    assert "POST /site/wrong" not in pages.asked
    assert report.password_submissions == 1


def test_a_form_in_a_frame_of_the_same_host_is_filled_in(pages: Pages, visitor: Visitor) -> None:
    pages.portal(NO_BILLS, frame("src=/site/form"))
    pages.show("/form", LOGIN_PAGE.replace("<form", "<form target=_top"))
    report = visitor.visit()
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_a_form_in_a_frame_of_another_host_is_filled_in_only_where_the_recipe_names_it(
    pages: Pages, visitor: Visitor
) -> None:
    other = pages.url.replace("127.0.0.1", "localhost")
    here = f'<form target=_top method=post action="{pages.url}/site/login">'
    pages.show("/form", LOGIN_PAGE.replace('<form method="post" action="/site/login">', here))
    pages.portal(NO_BILLS, frame(f"src={other}/site/form"))
    quick = {"answer_seconds": 2}
    report = visitor.visit({"hosts": ["localhost"], "login": quick})
    assert (report.code, report.stage) == (Code.NAVIGATION, Stage.LOGIN)
    assert (pages.passwords, report.password_submissions) == ([], 0)
    report = visitor.visit({"password_hosts": ["localhost"], "login": quick})
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_single_sign_on_needs_the_recipes_word(pages: Pages, visitor: Visitor) -> None:
    other = pages.url.replace("127.0.0.1", "localhost")
    pages.portal(NO_BILLS)
    pages.reply("GET /login", Reply(303, headers=[("Location", other + "/site/sso")]))
    pages.show("/sso", LOGIN_PAGE.replace("/site/login", "/site/in"))
    back = Reply(303, headers=[("Location", pages.url + "/site/bills")])
    pages.reply("POST /in", back)
    assert visitor.visit({"hosts": ["localhost"]}).code is Code.OTHER_SITE
    assert pages.passwords == []
    report = visitor.visit({"password_hosts": ["localhost"]})
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


@pytest.mark.parametrize(
    "login",
    [
        NEW_PASSWORD % ("Choose a password", "Go"),
        NEW_PASSWORD.replace("<button>", "<label>Again <input type=password></label><button>")
        % ("Password", "Go"),
        NEW_PASSWORD.replace("type=password", "type=password autocomplete=new-password")
        % ("Password", "Log in"),
        SIGN_UP,
        "<h1>Forgot your password?</h1>" + NEW_PASSWORD % ("Password", "Submit"),
        "<section><h2>Byt lösenord</h2>" + NEW_PASSWORD % ("Lösenord", "Spara") + "</section>",
        NEW_PASSWORD.replace("=password>", "=code>") % ("Access code", "Show invoice"),
    ],
)
def test_a_page_that_wants_a_new_password_or_a_code_gets_none(
    pages: Pages, visitor: Visitor, login: str
) -> None:
    pages.portal(NO_BILLS, login)
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert (report.code, report.stage) == (Code.NAVIGATION, Stage.LOGIN)
    assert "Nothing was typed." in report.error
    assert (pages.passwords, report.password_submissions) == ([], 0)


def test_two_forms_that_are_equally_likely_are_a_question(pages: Pages, visitor: Visitor) -> None:
    business = LOGIN_PAGE.replace("/site/login", "/site/business").replace("<h1>Log in</h1>", "")
    pages.portal(NO_BILLS, LOGIN_PAGE + business)
    report = visitor.visit()
    assert (report.code, pages.passwords) == (Code.NAVIGATION, [])
    assert "two log-in forms" in report.error
    right = {"selector": "form[action$=login] [type=password]"}
    assert visitor.visit({"login": {"password": right}}).code is None
    assert pages.passwords == [CANARY]


def test_a_further_box_that_must_not_stay_empty_is_named(pages: Pages, visitor: Visitor) -> None:
    form = LOGIN_PAGE.replace("<button>", "<label>Company code <input required></label><button>")
    pages.portal(NO_BILLS, form)
    report = visitor.visit()
    assert (report.code, pages.passwords) == (Code.NAVIGATION, [])
    assert 'also asks for "company code"' in report.error
    fill = [{"fill": {"label": "Company code"}, "value": "{company}"}]
    from bills.browser.plan import Login

    login = Login(EMAIL, CANARY, extra={"company": "77"})
    assert visitor.visit({"login": {"steps": fill}}, login).code is None


@pytest.mark.parametrize(
    "form",
    [
        NAMED.replace(EMAIL, "bob@example.test"),
        NAMED.replace(EMAIL, "x" + EMAIL),
        FIXED.replace("a*****", "b*****"),
    ],
)
def test_a_form_that_is_filled_in_for_another_user_gets_no_password(
    pages: Pages, visitor: Visitor, form: str
) -> None:
    pages.portal(NO_BILLS, form)
    report = visitor.visit()
    assert (report.code, pages.passwords) == (Code.NAVIGATION, [])
    assert report.password_submissions == 0


def two_pages(pages: Pages, first: str, known: bool = True) -> list[bytes]:
    """A portal that asks for the user alone, and then for the password."""
    summary: list[bytes] = []

    def answer(request: Request) -> Reply:
        summary.append(request.body)
        if not known:
            return page("<p>We do not recognise that e-mail address.</p>" + first)
        return page(
            f"<p>{EMAIL}</p><form method=post action=/site/login>"
            "<label>Password <input type=password name=password></label><button>Sign in</button>"
            "</form>"
        )

    pages.portal(NO_BILLS, NEWSLETTER + SEARCH + first)
    pages.answers["POST /site/user"] = answer
    return summary


@pytest.mark.parametrize(
    "first",
    [
        "<h1>Log in</h1><form method=post action=/site/user><label>E-mail <input name=user "
        "autocomplete=username></label><button>Continue</button></form>",
        "<form method=post action=/site/user><label>Card number <input name=user></label>"
        "<input type=submit value=Weiter></form>",
        "<form method=post action=/site/user><label>Kundnummer <input name=user type=tel></label>"
        "<button>Nästa</button></form>",
    ],
)
def test_the_user_is_asked_for_first_and_the_password_second(
    pages: Pages, visitor: Visitor, first: str
) -> None:
    summary = two_pages(pages, first)
    report = visitor.visit()
    assert report.code is None, report.error
    assert (summary, pages.passwords) == ([b"user=ann%40example.test"], [CANARY])
    assert "POST /site/wrong" not in pages.asked


def test_a_password_box_that_comes_as_the_user_is_typed_needs_no_button(
    pages: Pages, visitor: Visitor
) -> None:
    form = (
        "<h1>Log in</h1><form method=post action=/site/login><label>E-mail <input name=email "
        "type=email onchange='rest.hidden = false'></label><div id=rest hidden><label>Password "
        "<input name=password type=password></label><button>Log in</button></div></form>"
    )
    pages.portal(NO_BILLS, form)
    report = visitor.visit()
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_a_form_for_new_customers_is_no_login(pages: Pages, visitor: Visitor) -> None:
    boxes = (
        "<label>Sähköposti <input name=email type=email></label><label>Salasana "
        "<input name=password type=password></label><button>Jatka</button></form></div>"
    )
    new = f"<div><h3>Uusi asiakas</h3><form method=post action=/site/wrong>{boxes}"
    old = f"<div><h3>Vanha asiakas</h3><form method=post action=/site/login>{boxes}"
    pages.portal(NO_BILLS, new + old)
    assert visitor.visit().code is None
    assert "POST /site/wrong" not in pages.asked


def test_a_user_that_is_refused_at_once_costs_no_password(pages: Pages, visitor: Visitor) -> None:
    first = (
        "<form method=post action=/site/user><label>E-mail <input name=user type=email></label>"
        "<button>Next</button></form>"
    )
    summary = two_pages(pages, first, known=False)
    report = visitor.visit()
    assert (report.code, report.stage) == (Code.LOGIN_FAILED, Stage.LOGIN)
    assert (len(summary), report.password_submissions) == (1, 0)


def test_a_login_form_that_comes_back_without_a_word_is_not_called_a_refusal(
    pages: Pages, visitor: Visitor
) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page(LOGIN_PAGE))
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.UNRECOGNISED_PAGE
    assert "still asks for a password" in report.error


def test_a_way_out_that_is_an_icon_or_in_a_closed_menu_proves_the_login(
    pages: Pages, visitor: Visitor
) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", Reply(303, headers=[("Location", "/site/bills")]))
    for way_out in (
        "<a href=/site/logout><svg width=9 height=9></svg></a>",
        "<div hidden><form method=post action=/site/sign-out><button>x</button></form></div>",
        "<button aria-label='Abmelden'><svg width=9 height=9></svg></button>",
    ):
        pages.show("/bills", way_out + NO_BILLS)
        assert visitor.visit().code is None
    pages.show("/bills", "<a href=/site/blog/logout-explained>Read</a>" + NO_BILLS)
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.UNRECOGNISED_PAGE


def test_a_way_out_that_was_hidden_before_the_login_counts_when_it_is_shown(
    pages: Pages, visitor: Visitor
) -> None:
    hidden = "<nav hidden><a href=/site/logout>Log out</a></nav>"
    pages.portal(NO_BILLS, hidden + LOGIN_PAGE)
    assert visitor.visit().code is None
    pages.reply("POST /login", page(hidden + "<p>Hello</p>"))
    report = visitor.visit({"login": {"answer_seconds": 1}})
    assert report.code is Code.UNRECOGNISED_PAGE


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_login_that_opens_a_window_of_the_portals_own_goes_on_there(
    pages: Pages, visitor: Visitor, host: str
) -> None:
    home = pages.url.replace("127.0.0.1", host) + "/site/home"
    opens = f"<p>Your pages open in a new window.</p><script>open('{home}')</script>"
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page(opens))
    pages.show("/home", LOG_OUT)
    pages.show("/bills", LOG_OUT + NO_BILLS)
    report = visitor.visit({"login": {"answer_seconds": 3}})
    if host == "127.0.0.1":
        assert report.code is None, report.error
    else:
        assert report.code is Code.UNRECOGNISED_PAGE
        assert "GET /site/home" not in pages.asked


def test_the_recipes_frame_and_steps_after_the_form(pages: Pages, visitor: Visitor) -> None:
    framed = LOGIN_PAGE.replace("<form", "<form target=_top")
    pages.portal(NO_BILLS, frame(f"name=f srcdoc='{framed}'"))
    pages.reply(
        "POST /login",
        page("<p>One moment</p><button onclick=\"location='/site/bills'\">Open my pages</button>"),
    )
    pages.show("/bills", LOG_OUT + NO_BILLS)
    boxes = {
        "email": {"label": "E-mail", "frame": "[name=f]"},
        "password": {"label": "Password", "frame": "[name=f]"},
        "submit": {"role": "button", "name": "Log in", "frame": "[name=f]"},
        "then": [
            {"click": {"text": "Not there"}, "optional": True, "seconds": 0.2},
            {"wait": {"text": "One moment"}},
            {"wait": 0.1},
            {"click": {"text": "Open my pages"}},
        ],
    }
    report = visitor.visit({"login": boxes})
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_a_refusal_ends_the_steps_after_the_form(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE)
    pages.reply("POST /login", page("<p>Wrong password</p>" + LOGIN_PAGE))
    report = visitor.visit({"login": {"then": [{"click": {"text": "Open my pages"}}]}})
    assert report.code is Code.LOGIN_FAILED
