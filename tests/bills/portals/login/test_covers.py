"""What lies over a button is pressed away where that agrees to nothing, or is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, LOGIN_PAGE, bill_row, bill_table, pdf

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
OVER = "position:fixed;inset:0;background:white"
# Each comes as the password is typed: no look at the page has seen it.
COMES = """<script>document.querySelector("[type=password]").oninput = () => {%s};</script>"""
IN_SHADOW = """const box = document.createElement("div"); document.body.append(box);
const root = box.attachShadow({mode: "open"});
root.innerHTML = `<div style="%s"><p>Wir nutzen Cookies</p><button>Ablehnen</button></div>`;
root.querySelector("button").onclick = () => box.remove();""".replace("%s", OVER)
IN_FRAME = """document.body.insertAdjacentHTML("beforeend",
  '<div id=w style="%s"><iframe src="/site/wall"></iframe></div>');
addEventListener("message", () => w.remove());""".replace("%s", OVER)
WALL = "<p>We use cookies</p><button onclick=\"parent.postMessage('', '*')\">Accept all</button>"
SURVEY = """document.body.insertAdjacentHTML("beforeend", `<div id=w role=dialog style="%s">
<p>Do you like us?</p><button>Yes</button>
<button aria-label=Close onclick="w.remove()">×</button></div>`);""".replace("%s", OVER)
ELSEWHERE = """document.body.insertAdjacentHTML("beforeend",
  '<div style="%s"><iframe src="http://localhost:1/wall"></iframe></div>');""".replace("%s", OVER)
COVERS = {
    "a banner in a shadow tree": IN_SHADOW,
    "a wall in a frame": IN_FRAME,
    "a survey": SURVEY,
    "a wall from a host that is not named": ELSEWHERE,  # Enter sends the form all the same
}


def log_in(visitor: Visitor, cover: str) -> AttemptReport:
    visitor.pages.portal(NO_BILLS, LOGIN_PAGE + COMES % COVERS[cover])
    visitor.pages.show("/wall", WALL)
    return visitor.visit()


@pytest.mark.parametrize("cover", COVERS)
def test_the_form_is_sent_whatever_lies_over_its_button(together: Together, cover: str) -> None:
    report, pages = together(log_in, COVERS)[cover]
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]


def test_a_banner_that_comes_over_the_list_is_no_obstacle(pages: Pages, visitor: Visitor) -> None:
    late = f"""<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend",
      `<div id=w role=dialog style="{OVER}"><h2>Wir schätzen Ihre Privatsphäre</h2>
      <button onclick="w.remove()">Alle akzeptieren</button></div>`), 700)</script>"""
    button = "<button onclick=\"location='/site/1.pdf'\">PDF</button>"
    pages.portal(bill_table(bill_row("F1", button)) + late)
    pages.reply("GET /1.pdf", pdf())
    report = visitor.visit()
    assert report.code is None, report.error
    assert len(report.bills) == 1


def test_what_would_bind_the_owner_is_not_pressed_and_is_named(
    pages: Pages, visitor: Visitor
) -> None:
    terms = f"""<div id=terms role=dialog style="{OVER}"><p>Our new prices</p>
    <button onclick="location='/site/agreed'">Accept</button></div>"""
    button = "<button onclick=\"location='/site/1.pdf'\">PDF</button>"
    pages.portal(bill_table(bill_row("F1", button)) + terms)
    pages.reply("GET /1.pdf", pdf())
    pages.reply("GET /agreed", Reply(204))
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert report.code is Code.NAVIGATION
    assert 'id="terms"' in report.error
    assert "GET /site/agreed" not in pages.asked


def test_a_box_that_does_not_keep_the_password_sends_nothing(
    pages: Pages, visitor: Visitor
) -> None:
    empties = "addEventListener('input', ({target: box}) => { if (box.type === 'password') "
    empties += "box.value = '' }, true);"
    pages.portal(NO_BILLS, f"{LOGIN_PAGE}<script>{empties}</script>")
    report = visitor.visit()
    assert (report.code, pages.passwords) == (Code.NAVIGATION, [])
    assert "does not keep what is typed" in report.error


def test_a_focus_that_a_script_moves_puts_the_password_nowhere_else(
    pages: Pages, visitor: Visitor
) -> None:
    moves = "setInterval(() => document.querySelector('[name=email]').focus(), 1);"
    pages.portal(NO_BILLS, f"{LOGIN_PAGE}<script>{moves}</script>")
    sent: list[bytes] = []
    answer = Reply(303, headers=[("Location", "/site/bills")])
    pages.answers["POST /site/login"] = lambda ask: sent.append(ask.body) or answer  # type: ignore[func-returns-value]
    report = visitor.visit()
    assert report.code is None, report.error
    assert pages.passwords == [CANARY]
    assert sent[0].startswith(b"email=ann%40example.test&password=")
