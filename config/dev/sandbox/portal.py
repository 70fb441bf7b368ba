"""The sandbox portal: a made-up energy company's customer pages, with a fault for every e-mail
address.
"""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from config.dev.sandbox import portal_pages as pages
from config.dev.sandbox.http_server import Reply, Request, json_reply
from config.dev.sandbox.portal_accounts import Accounts, Answer, Codes, Scenario, Session
from config.dev.sandbox.portal_pages import bill_pdf, without_trailer

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.portal_accounts import Bill


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /portal/control. Absent fields stay unchanged."""

    scenarios: dict[str, Scenario | None] = {}  # e-mail: scenario; null: the address's own
    heals_after: dict[str, int] = {}  # e-mail: submissions, after which the account is good
    new_bills: dict[str, int] = {}  # e-mail: so many more months pass
    passwords: dict[str, str] = {}  # e-mail: the only password accepted from now on
    answer_seconds: float | None = None  # this and the rest: see `Settings`
    slow_seconds: float | None = None
    drip_seconds: float | None = None
    lock_after: int | None = None
    retry_after_seconds: int | None = None
    elsewhere: str | None = None
    banner_on_login: bool | None = None
    end_sessions: bool = False  # everybody has to log in again; known devices stay known


SETTINGS = (
    "answer_seconds",
    "slow_seconds",
    "drip_seconds",
    "lock_after",
    "retry_after_seconds",
    "elsewhere",
    "banner_on_login",
)


def obey(order: Order, accounts: Accounts) -> None:
    """Carry out the whole order. E-mails are taken in lower case, as at the login."""
    for email, scenario in order.scenarios.items():
        accounts.choose(email.lower(), scenario)
    for email, submissions in order.heals_after.items():
        accounts.heal(email.lower(), submissions)
    for email, months in order.new_bills.items():
        accounts.add_bills(email.lower(), months)
    for email, password in order.passwords.items():
        accounts.set_password(email.lower(), password)
    if order.end_sessions:
        accounts.end_sessions()
    for name in SETTINGS:
        value = getattr(order, name)
        if value is not None:
            setattr(accounts.settings, name, value)


ROWS_PER_PAGE = 10
NO_STORE = ("Cache-Control", "no-store")
AFTER_LOGIN = {
    Scenario.CHANGE_PASSWORD: "/portal/change-password",
    Scenario.OTP: "/portal/verify",
    Scenario.CAPTCHA: "/portal/challenge",
    Scenario.UNKNOWN_PAGE: "/portal/survey",
}


class PortalSite:
    """The site at /portal. In-process tests order through `accounts` instead of control."""

    prefix = "/portal"

    def __init__(self, seed: int = 0) -> None:
        self.accounts = Accounts(seed)
        self.codes = Codes()
        self.routes: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "/portal"): lambda _: see_other("/portal/bills"),
            ("GET", "/portal/login"): self.show_login,
            ("POST", "/portal/login"): self.log_in,
            ("POST", "/portal/logout"): self.log_out,
            ("GET", "/portal/bills"): self.show_bills,
            ("POST", "/portal/bills/download"): self.post_download,
            ("GET", "/portal/change-password"): lambda _: html(pages.change_password()),
            ("GET", "/portal/verify"): lambda _: html(pages.one_time_code()),
            ("POST", "/portal/verify"): self.verify,
            ("GET", "/portal/phone"): lambda _: html(pages.phone(self.codes.on_the_phone())),
            ("GET", "/portal/challenge"): lambda _: html(pages.captcha()),
            ("GET", "/portal/survey"): lambda _: html(pages.survey()),
            ("GET", "/portal/elsewhere"): self.elsewhere,
            ("POST", "/portal/elsewhere"): self.elsewhere,
            ("GET", "/portal/account"): lambda _: json_reply(self.accounts.happened()),
            ("POST", "/portal/control"): self.order,
            ("DELETE", "/portal/control"): self.forget,
        }

    def handle(self, request: Request) -> Reply:
        """One request's answer. Called from many threads at once."""
        reply = self._answer(request)
        if request.path not in ("/portal/account", "/portal/control"):
            reply.delay_seconds = reply.delay_seconds or self.accounts.settings.answer_seconds
        return reply

    def _answer(self, request: Request) -> Reply:
        method = "GET" if request.method == "HEAD" else request.method
        path = request.path.rstrip("/")
        found = re.fullmatch(r"/portal/bills/(\d+)\.pdf", path)
        if method == "GET" and found:
            return self.download(request, found[1])
        route = self.routes.get((method, path))
        if route is None:
            return html(pages.message("Page not found", "There is nothing at this address."), 404)
        return route(request)

    # Logging in and out

    def show_login(self, request: Request) -> Reply:
        wanted = self.accounts.settings.banner_on_login and not accepted_cookies(request)
        return html(pages.login(form=new_form(), banner=wanted))

    def log_in(self, request: Request) -> Reply:
        form = fields(request)
        email = form.get("email", "").strip().lower()
        answer, scenario = self.accounts.submit(
            email, form.get("password", ""), form.get("form", "")
        )
        match answer:
            case Answer.WELCOME:
                return self.welcome(request, email, scenario)
            case Answer.REFUSED:
                return html(pages.login(form=new_form(), message="Wrong e-mail or password"))
            case Answer.LOCKED:
                reason = "Too many failed attempts. Call customer service to open it again."
                return html(pages.message("Your account is locked", reason))
            case Answer.RESET:
                return Reply(reset=True)
        return self.refuse_for_now(answer)

    def refuse_for_now(self, answer: Answer) -> Reply:
        """The answers that blame nobody's password: 503, 429 and 500."""
        later = ("Retry-After", str(self.accounts.settings.retry_after_seconds))
        if answer is Answer.MAINTENANCE:
            body = pages.message("Closed for maintenance", "We will be back soon.")
            return html(body, HTTPStatus.SERVICE_UNAVAILABLE, [later])
        if answer is Answer.RATE_LIMITED:
            body = pages.message("Too many requests", "Please wait a moment and try again.")
            return html(body, HTTPStatus.TOO_MANY_REQUESTS, [later])
        body = pages.message("Something went wrong", "An error occurred. Try again later.")
        return html(body, HTTPStatus.INTERNAL_SERVER_ERROR)

    def welcome(self, request: Request, email: str, scenario: Scenario) -> Reply:
        """The right password. Only what leads to the bills opens a session."""
        if scenario in AFTER_LOGIN:
            return see_other(AFTER_LOGIN[scenario])
        device = request.cookies.get("portal_device", "")
        if scenario in (Scenario.TOTP, Scenario.SMS) and not self.codes.knows(email, device):
            token = self.codes.begin(email, scenario)
            cookie = f"portal_login={token}; Path=/portal; HttpOnly; SameSite=Lax"
            return see_other("/portal/verify", ("Set-Cookie", cookie))
        if scenario is Scenario.REDIRECT:
            return see_other(self.accounts.settings.elsewhere or other_site(request))
        reply = self.enter(email, scenario)
        if scenario is Scenario.SLOW:
            reply.delay_seconds = self.accounts.settings.slow_seconds
        return reply

    def enter(self, email: str, scenario: Scenario, *more: tuple[str, str]) -> Reply:
        """Open a session."""
        token = self.accounts.open_session(email, scenario).token
        cookie = f"portal_session={token}; Path=/portal; HttpOnly; SameSite=Lax"
        return see_other("/portal/bills", ("Set-Cookie", cookie), *more)

    def verify(self, request: Request) -> Reply:
        """The second step: a code, each of which is good for one login."""
        form = fields(request)
        login = self.codes.take(request.cookies.get("portal_login", ""), form.get("code", ""))
        if login is None:
            return html(pages.one_time_code("Wrong code. Try again."))
        if not form.get("remember"):
            return self.enter(login.email, login.scenario)
        token = self.codes.remember(login.email)
        cookie = f"portal_device={token}; Path=/portal; HttpOnly; SameSite=Lax; Max-Age=31536000"
        return self.enter(login.email, login.scenario, ("Set-Cookie", cookie))

    def log_out(self, request: Request) -> Reply:
        self.accounts.close_session(request.cookies.get("portal_session", ""))
        return see_other(
            "/portal/login", ("Set-Cookie", "portal_session=; Path=/portal; Max-Age=0")
        )

    def elsewhere(self, request: Request) -> Reply:
        """The other site: it asks for the password again, and counts who comes."""
        self.accounts.count_elsewhere()
        return html(
            pages.login(action="/portal/elsewhere", form="", message="Please log in again")
        )

    # Bills

    def session(self, request: Request) -> Session | None:
        return self.accounts.session(request.cookies.get("portal_session", ""))

    def show_bills(self, request: Request) -> Reply:
        session = self.session(request)
        if session is None:
            return see_other("/portal/login")
        bills = self.accounts.bills(session)
        last = max(1, -(-len(bills) // ROWS_PER_PAGE))
        asked = request.query.get("page", "1")
        number = min(max(int(asked), 1), last) if asked.isdecimal() else 1
        shown = bills[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE]
        banner = session.scenario is Scenario.COOKIE_BANNER and not accepted_cookies(request)
        return html(pages.bills(session, shown, number, last, banner=banner))

    def post_download(self, request: Request) -> Reply:
        return self.download(request, fields(request).get("number", ""))

    def download(self, request: Request, number: str) -> Reply:
        """A bill of the session's list; without a session the login page, as portals do."""
        session = self.session(request)
        if session is None:
            return see_other("/portal/login")
        bills = {bill.number: bill for bill in self.accounts.bills(session)}
        if number not in bills:
            return html(pages.message("Page not found", "You have no such bill."), 404)
        self.accounts.count_download(session.email, number)
        return self.pdf(session.scenario, bills[number])

    def pdf(self, scenario: Scenario, bill: Bill) -> Reply:
        """The bill, broken as the scenario says."""
        kind, name = "attachment", f'filename="bill-{bill.number}.pdf"'
        body = bill_pdf(bill)
        if scenario is Scenario.INLINE:
            kind = "inline"
        elif scenario is Scenario.POST:
            name = f'filename= "F{bill.number}.pdf"'  # the odd space is seen in the field
        elif scenario is Scenario.HTML_PDF:
            body = pages.message("Document archive", "Your document could not be found.")
        elif scenario is Scenario.EMPTY:
            body = b""
        elif scenario is Scenario.TRUNCATED:
            body = without_trailer(body)
        headers = [NO_STORE, ("Content-Disposition", f"{kind}; {name}")]
        reply = Reply(200, body, "application/pdf", headers)
        if scenario is Scenario.CUT:
            reply.cut_after = len(body) // 2
        elif scenario is Scenario.DRIP:
            reply.drip_seconds = self.accounts.settings.drip_seconds
        return reply

    # Control

    def order(self, request: Request) -> Reply:
        try:
            order = msgspec.json.decode(request.body, type=Order)
        except msgspec.MsgspecError as refusal:
            return json_reply({"error": f"The order can't be read: {refusal}"}, 400)
        obey(order, self.accounts)
        return json_reply({"ok": True})

    def forget(self, request: Request) -> Reply:
        email = request.query.get("email")
        if email is None:
            self.accounts.reset()
        else:
            self.accounts.forget(email.lower())
        return json_reply({"ok": True})


def html(body: bytes, status: int = 200, extra: list[tuple[str, str]] | None = None) -> Reply:
    return Reply(status, body, "text/html; charset=utf-8", [NO_STORE, *(extra or [])])


def see_other(location: str, *headers: tuple[str, str]) -> Reply:
    return Reply(303, b"", "text/html", [("Location", location), NO_STORE, *headers])


def fields(request: Request) -> dict[str, str]:
    """The fields of a posted form, exactly as typed."""
    pairs = parse_qsl(request.body.decode("ascii", "replace"), keep_blank_values=True)
    return dict(pairs)


def new_form() -> str:
    """Marks one showing of the login form, as a CSRF token does."""
    return secrets.token_hex(8)


def accepted_cookies(request: Request) -> bool:
    return request.cookies.get("portal_cookies") == "accepted"


def other_site(request: Request) -> str:
    """The same server by its other name: to a browser another site, and one that answers."""
    host, _, port = request.headers.get("host", "").partition(":")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    return f"http://{other}:{port or 80}/portal/elsewhere"
