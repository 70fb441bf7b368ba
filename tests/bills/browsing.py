"""Pages to order on a real socket, and visits to them: for the tests of the browser side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qs

from bills.browser.plan import Login, PortalPlan
from bills.portals.recipe_schema import load_recipe
from config.dev.sandbox.http_server import Reply, running
from config.dev.sandbox.portal_pages import plain_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from bills.browser.browser import Browser
    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Request

CANARY = "canary &<>\"';åé 7%/+"  # a password that every encoding writes differently
EMAIL = "ann@example.test"
PDF = plain_pdf("A bill")  # as sent, it names what was asked for: see `Pages.handle`
ANSWER_SECONDS = 8.0
AT_ONCE = 4  # visits: each mostly waits for its page, not for the processor

LOGIN_PAGE = """<h1>Log in</h1><form method="post" action="/site/login">
<label>E-mail <input name="email"></label>
<label>Password <input name="password" type="password"></label>
<button>Log in</button></form>"""
LOG_OUT = "<button>Log out</button>"


@dataclass
class Pages:
    """A made-up portal at /site: each path has a page. Logging in leads to /site/bills."""

    url: str = ""
    prefix: str = "/site"
    answers: dict[str, Callable[[Request], Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # "GET /site/bills"
    passwords: list[str] = field(default_factory=list)

    def handle(self, request: Request) -> Reply:
        self.asked.append(f"{request.method} {request.path}")
        form = parse_qs(request.body.decode("ascii", "replace"))
        self.passwords += form.get("password", [])
        answer = self.answers.get(f"{request.method} {request.path}")
        reply = answer(request) if answer else page("<h1>Page not found</h1>", 404)
        if reply.body == PDF:  # no two bills have the same document
            return replace(reply, body=plain_pdf(request.path, *request.query.values()))
        return reply

    def show(self, path: str, body: str, status: int = 200) -> None:
        """Let GET give this page."""
        self.answers[f"GET /site{path}"] = lambda _: page(body, status)

    def reply(self, method_and_path: str, reply: Reply) -> None:
        """Let "POST /login" give this answer."""
        method, path = method_and_path.split(" ")
        self.answers[f"{method} /site{path}"] = lambda _: reply

    def portal(self, bills: str, login: str = LOGIN_PAGE) -> None:
        """A login page that leads to a page with this list of bills."""
        self.show("/login", login)
        self.reply("POST /login", Reply(303, headers=[("Location", "/site/bills")]))
        self.show("/bills", LOG_OUT + bills)


def page(body: str, status: int = 200) -> Reply:
    text = f"<!doctype html><meta charset=utf-8><title>A page</title>{body}"
    return Reply(status, text.encode(), "text/html; charset=utf-8")


def pdf(disposition: str = "attachment") -> Reply:
    return Reply(200, PDF, "application/pdf", [("Content-Disposition", disposition)])


def bill_row(number: str, link: str, more: str = "") -> str:
    return f"<tr><td>{number}</td><td>2026-10-01</td><td>100,00 kr</td>{more}<td>{link}</td></tr>"


def bill_table(*rows: str, headings: str = "Bill number|Date|Amount|PDF") -> str:
    cells = "".join(f"<th>{heading}</th>" for heading in headings.split("|"))
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


@dataclass
class Visitor:
    """Visits the pages with the shared browser."""

    browser: Browser
    pages: Pages

    def plan(self, recipe: dict[str, Any] | None = None, **settings: Any) -> PortalPlan:
        content = dict(recipe or {})
        content["login"] = {"answer_seconds": ANSWER_SECONDS, **content.get("login", {})}
        # A job traces no first attempt either: it takes a third of a visit's time.
        defaults: dict[str, Any] = {
            "attempt_timeout": 90.0, "allow_private": True, "keep_trace": False,
        }  # fmt: skip
        return PortalPlan(
            login_url=f"{self.pages.url}/site/login",
            billing_url=f"{self.pages.url}/site/bills",
            recipe=load_recipe(content),
            **(defaults | settings),
        )

    def visit(
        self, recipe: dict[str, Any] | None = None, login: Login | None = None, **settings: Any
    ) -> AttemptReport:
        """One attempt, from the login page to its report."""
        who = login or Login(EMAIL, CANARY)
        return self.browser.submit(who, self.plan(recipe, **settings)).result(180)


Case = TypeVar("Case", bound="Hashable")


class Visited(NamedTuple):
    """What a visit came to, and the pages that it was made to."""

    report: AttemptReport
    pages: Pages


class Together:
    """Makes all the visits of a parametrised test when its first case asks, several at once.

    Each has pages of its own, so that it is what it would be alone; only the waiting is shared.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.made: dict[Any, dict[Any, Visited]] = {}

    def __call__(
        self, visit: Callable[[Visitor, Case], AttemptReport], cases: Iterable[Case]
    ) -> dict[Case, Visited]:
        """What `visit` came to for each of the cases."""

        def one(case: Case) -> Visited:
            pages = Pages()
            with running(pages) as pages.url:
                return Visited(visit(Visitor(self.browser, pages), case), pages)

        if visit not in self.made:
            every = list(cases)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                self.made[visit] = dict(zip(every, pool.map(one, every), strict=True))
        return self.made[visit]
