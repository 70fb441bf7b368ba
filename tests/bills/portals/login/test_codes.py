"""One-time codes: found, typed on the login's own site, once in each window, or asked for."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

import pytest

from bills.browser.attempt import _until_done
from bills.browser.plan import Login, Watch
from bills.browser.report import Stage, outcome_of
from bills.portals.failures import Code
from bills.portals.logins.totp import read_totp
from config.dev.sandbox.http_server import Reply
from imports.policy import Verdict
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT, LOGIN_PAGE, page

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

SECRET = "JBSWY3DPEHPK3PXP"
NO_BILLS = LOG_OUT + "<p>You have no bills yet.</p>"
ONE_BOX = """<h1>Two-step verification</h1><form method=post action=/site/code>
<label>Enter the 6-digit verification code from your authenticator app
<input name=code inputmode=numeric autocomplete=one-time-code></label><button>Verify</button>
</form>"""
BY_LABEL = """<form role=search><input name=q placeholder=Search></form>
<p>We have sent a security code to +46 •• 12.</p><form method=post action=/site/code>
<label>Security code <input name=x1></label><label><input type=checkbox name=remember value=yes>
Remember this device for 30 days</label><input type=submit value=Continue></form>"""
SIX_BOXES = """<p>Enter the verification code</p><form id=f method=post action=/site/code>
<input type=hidden name=code>""" + "".join(
    f'<input maxlength=1 aria-label="Digit {n}">' for n in range(1, 7)
) + """<button>Verify</button></form><script>
const boxes = [...f.querySelectorAll("[maxlength]")];
f.onsubmit = () => { f.code.value = boxes.map(box => box.value).join(""); };
</script>"""  # fmt: skip
SENT_FIRST = """<p>Choose how to get your verification code. We will enter your account then.</p>
<form method=post action=/site/send><button>Send me a code</button></form>
<p>Please enter a verification code to go on.</p>"""
SWEDISH = """<p>Ange engångskoden som vi har skickat</p><form method=post action=/site/code>
<label>Engångskod <input name=kod></label><button>Verifiera</button></form>"""
FORMS = {
    "one box": ONE_BOX, "by its label": BY_LABEL, "six boxes": SIX_BOXES, "Swedish": SWEDISH,
}  # fmt: skip


@dataclass
class People:
    """Gives the codes in turn, and notes what was asked. Without codes nobody answers."""

    codes: list[str] = field(default_factory=list)
    seconds: float = 60.0
    used: set[int] = field(default_factory=set)
    hints: list[str] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def may_use(self, window: int) -> bool:
        self.windows.append(window)
        is_new = window not in self.used
        self.used.add(window)
        return is_new

    def ask(self, hint: str) -> float:
        self.hints.append(hint)
        self.threads.add(threading.current_thread().name)
        return self.seconds

    def answer(self) -> str:
        return self.codes.pop(0) if self.codes else ""


class CodeSite:
    """A portal that asks for a code after the password, and takes what `accepts` says."""

    def __init__(self, pages: Pages, form: str) -> None:
        self.typed: list[str] = []
        self.posted: list[dict[str, list[str]]] = []
        self.accepted: set[str] = set()
        self.form = form
        self.refusal = "<p>Wrong code</p>"
        pages.show("/login", LOGIN_PAGE)
        pages.show("/code", form)
        pages.show("/bills", NO_BILLS)
        pages.reply("POST /login", Reply(303, headers=[("Location", "/site/code")]))
        pages.answers["POST /site/code"] = self.post

    def post(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode())
        self.posted.append(form)
        code = next(iter(form.get("code", form.get("x1", form.get("kod", [""])))))
        self.typed.append(code)
        if code in self.accepted:
            return Reply(303, headers=[("Location", "/site/bills")])
        return page(self.refusal)


def visit(visitor: Visitor, people: People | None, secret: str = "", **plan: Any) -> AttemptReport:
    totp = read_totp(secret) if secret else None
    login = Login(EMAIL, CANARY, totp=totp)
    made = visitor.plan(plan.pop("recipe", None), **plan)
    return visitor.browser.submit(login, made, watch=Watch(codes=people)).result(180)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_code_of_a_person_is_typed_where_the_page_wants_it(
    pages: Pages, visitor: Visitor, form: str
) -> None:
    site, people = CodeSite(pages, form), People(["493021"])
    site.accepted.add("493021")
    report = visit(visitor, people)
    assert report.code is None, report.error
    assert (site.typed, report.codes_typed, len(people.hints)) == (["493021"], 1, 1)
    assert pages.passwords == [CANARY]
    assert report.seconds["code"] > 0


def test_a_totp_secret_gives_the_code_of_this_window(pages: Pages, visitor: Visitor) -> None:
    site, people, totp = CodeSite(pages, ONE_BOX), People(), read_totp(SECRET)
    now = totp.window(time.time())
    site.accepted |= {totp.code(window) for window in range(now, now + 20)}
    report = visit(visitor, people, SECRET)
    assert report.code is None, report.error
    assert site.typed == [totp.code(people.windows[-1])]
    assert people.hints == []


def test_a_window_that_is_used_is_waited_out(pages: Pages, visitor: Visitor) -> None:
    quick = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=10"
    site, people, totp = CodeSite(pages, ONE_BOX), People(), read_totp(quick)
    now = totp.window(time.time())
    people.used |= {now, now + 1}
    site.accepted |= {totp.code(window) for window in range(now, now + 60)}
    report = visit(visitor, people, quick)
    assert report.code is None, report.error
    assert len(site.typed) == 1
    assert min(set(people.windows) - {now, now + 1}) == people.windows[-1]


def test_a_refused_code_is_followed_by_another_and_then_by_a_failure(
    pages: Pages, visitor: Visitor
) -> None:
    site, people = CodeSite(pages, ONE_BOX), People(["111111", "222222", "333333", "444444"])
    site.refusal = "<p>Wrong code, try again.</p>" + ONE_BOX
    report = visit(visitor, people)
    assert (report.code, report.waits_in_vain) == (Code.OTP_NEEDED, False)
    assert site.typed == ["111111", "222222", "333333"]
    assert outcome_of(report).counted


def test_a_page_that_only_says_that_the_code_is_wrong_is_no_riddle(
    pages: Pages, visitor: Visitor
) -> None:
    CodeSite(pages, ONE_BOX)
    report = visit(visitor, People(["111111"]))
    assert report.code is Code.OTP_NEEDED, report.error


def test_nobody_answers_and_it_costs_no_attempt(pages: Pages, visitor: Visitor) -> None:
    site = CodeSite(pages, ONE_BOX)
    report = visit(visitor, People(seconds=0.5))
    outcome = outcome_of(report)
    assert (report.code, report.stage, site.typed) == (Code.OTP_NEEDED, Stage.CODE, [])
    assert (outcome.verdict, outcome.counted) == (Verdict.REJECTED, False)


def test_without_anybody_to_ask_it_ends_at_once(pages: Pages, visitor: Visitor) -> None:
    CodeSite(pages, ONE_BOX)
    for people in (None, People(seconds=0)):
        report = visit(visitor, people)
        assert (report.code, report.codes_typed) == (Code.OTP_NEEDED, 0)
        assert outcome_of(report).counted


@pytest.mark.parametrize("stood_still", [0.0, 1000.0])
def test_the_attempts_time_does_not_run_while_somebody_is_asked(stood_still: float) -> None:
    """Its deadline is over: it goes on for as long as its clock has stood still."""
    visit = cast("Any", SimpleNamespace(seconds_still=stood_still))

    async def goes_on() -> bool:
        work = asyncio.ensure_future(asyncio.sleep(0))
        await _until_done(visit, (work,), asyncio.get_running_loop().time() - 1.0)
        is_done = work.done()
        work.cancel()
        return is_done

    assert asyncio.run(goes_on()) is bool(stood_still)


def test_a_code_is_asked_for_where_the_page_does_not_send_it_by_itself(
    pages: Pages, visitor: Visitor
) -> None:
    site = CodeSite(pages, SENT_FIRST)
    site.accepted.add("493021")
    pages.reply("POST /send", Reply(303, headers=[("Location", "/site/enter")]))
    pages.show("/enter", BY_LABEL)
    people = People(["493021"])
    report = visit(visitor, people)
    assert report.code is None, report.error
    assert pages.asked.count("POST /site/send") == 1


BESIDE = LOGIN_PAGE.replace(
    "<button>", "<label>One-time code <input name=code %s></label><button>"
)


def log_in_with_code(pages: Pages, need: str) -> list[dict[str, list[str]]]:
    """A form that takes password and code together; what was posted."""
    posted: list[dict[str, list[str]]] = []

    def answer(request: Request) -> Reply:
        form = parse_qs(request.body.decode(), keep_blank_values=True)
        posted.append(form)
        if form["code"] == ["wrong"]:
            return page("<p>Wrong code</p>" + BESIDE % need)
        return Reply(303, headers=[("Location", "/site/bills")])

    pages.show("/login", BESIDE % need)
    pages.show("/bills", NO_BILLS)
    pages.answers["POST /site/login"] = answer
    return posted


@pytest.mark.parametrize("need", ["required", "autocomplete=one-time-code"])
def test_a_code_that_the_login_form_takes_is_sent_with_the_password(
    pages: Pages, visitor: Visitor, need: str
) -> None:
    posted, people = log_in_with_code(pages, need), People()
    report = visit(visitor, people, SECRET)
    assert report.code is None, report.error
    assert posted[0]["code"] == [read_totp(SECRET).code(people.windows[-1])]
    assert (posted[0]["password"], report.codes_typed) == ([CANARY], 1)


def test_without_a_code_that_the_login_form_needs_no_password_is_sent(
    pages: Pages, visitor: Visitor
) -> None:
    posted = log_in_with_code(pages, "required")
    report = visit(visitor, None)
    assert (report.code, posted) == (Code.OTP_NEEDED, [])
    assert report.password_submissions == 0
    log_in_with_code(pages, "")  # not every account has one
    assert visit(visitor, None).code is None


def test_a_wrong_code_beside_the_password_is_not_sent_again_without_it(
    pages: Pages, visitor: Visitor
) -> None:
    posted = log_in_with_code(pages, "required")
    report = visit(visitor, People(["wrong", "other"]))
    assert (report.code, len(posted)) == (Code.OTP_NEEDED, 1)


def test_the_code_goes_to_no_other_site(pages: Pages, visitor: Visitor) -> None:
    elsewhere = pages.url.replace("127.0.0.1", "localhost")
    site = CodeSite(pages, ONE_BOX.replace("/site/code", f"{elsewhere}/site/code"))
    report = visit(visitor, People(["493021"]))
    assert (report.code, site.typed) == (Code.OTHER_SITE, [])


def test_the_recipe_names_box_and_button(pages: Pages, visitor: Visitor) -> None:
    odd = """<p>Enter your verification code</p><form method=post action=/site/code>
    <input name=other><input name=code class=mine><button name=no>Cancel</button>
    <button class=go>Weiter</button></form>"""
    site = CodeSite(pages, odd)
    site.accepted.add("493021")
    recipe = {"login": {"code": {
        "box": {"selector": ".mine"}, "submit": {"selector": ".go"},
    }}}  # fmt: skip
    report = visit(visitor, People(["493021"]), recipe=recipe)
    assert report.code is None, report.error
    assert "no" not in site.posted[0]


def test_the_device_is_remembered_only_where_the_portal_keeps_devices(
    pages: Pages, visitor: Visitor
) -> None:
    site = CodeSite(pages, BY_LABEL)
    site.accepted.add("493021")
    for keeps in (False, True):
        report = visit(visitor, People(["493021"]), keeps_devices=keeps)
        assert report.code is None, report.error
        assert ("remember" in site.posted[-1]) is keeps
        assert bool(report.session) is False  # this portal has set no cookie


def test_a_failure_keeps_no_code(pages: Pages, visitor: Visitor) -> None:
    site = CodeSite(pages, ONE_BOX)
    site.refusal = "<p>The code 493021 is wrong</p>"
    report = visit(visitor, People(["493021"]))
    assert report.evidence is not None
    assert "is wrong" in report.evidence.html
    assert report.evidence.screenshot is None
    assert "493021" not in report.evidence.html + repr(report) + report.error
