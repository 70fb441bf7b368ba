"""What a page asks for and does not get is a gap, under whatever status the answer comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.portals.list_pages import Lists, names, numbers, rows, script, table

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

PASSWORD = b"<form><input name=u><input type=password name=p></form>"
ERROR, FALSE = b'{"error": {"message": "broken"}}', b'{"success": false, "message": "broken"}'
# Adds what it is sent as rows, and passes over everything else in silence.
ASKS = """async function ask() { try { const answer = await fetch("/site/more");
  const kind = answer.headers.get("content-type"); if (!answer.ok) return;
  const got = kind.includes("json") ? (await answer.json()).rows : await answer.text();
  list.insertAdjacentHTML("beforeend", new DOMParser().parseFromString(
    `<table>${got || ""}`, "text/html").querySelector("tbody")?.innerHTML || "") } catch {} }"""
BY_PRESS = "<button id=more>Load more</button>" + script(
    ASKS + "; more.onclick = async () => { await ask(); more.remove() }"
)
BY_SCROLL = "<p style='height:1500px'></p><p id=end>End</p>" + script(
    ASKS + "; new IntersectionObserver(([seen], watch) => { if (seen.isIntersecting) {"
    "watch.disconnect(); ask() } }).observe(end)"
)
HTML = "text/html; charset=utf-8"
GAPS = {
    f"{name}, {way}": (body, Reply(*answer))
    for way, body in (("pressed", BY_PRESS), ("scrolled", BY_SCROLL))
    for name, answer in {
        "refused": (403, b"no", HTML), "too many": (429, b"no", HTML), "bad": (400, b"no", HTML),
        "an error in JSON": (200, ERROR, "application/json"),
        "no success": (200, FALSE, "application/json"), "the log-in page": (200, PASSWORD, HTML),
    }.items()
}  # fmt: skip
GAPS["not found, pressed"] = (BY_PRESS, Reply(404, b"no", HTML))
GAPS["a button that is disabled, and asks nobody"] = (
    "<button id=more>Load more</button>" + script("more.onclick = () => { more.disabled = true }"),
    Reply(),
)
GAPS["a part that the page was refused at first"] = (script("fetch('/site/more')"), Reply(403))
WHOLE = {
    "the end of a list, not found": (BY_SCROLL, Reply(404, b"no", HTML)),
    "the end of a list, empty": (BY_SCROLL, Reply(200, b'{"rows": ""}')),
    "a part that does not exist": (script("fetch('/site/more')"), Reply(404)),
    "words of the page's own": (script("fetch('/site/more').then(r => r.json())"),
                                Reply(200, b'{"error": "Error", "close": "Close"}')),
}  # fmt: skip
ALL = {**GAPS, **WHOLE}


def see(visitor: Visitor, kind: str) -> AttemptReport:
    body, answer = ALL[kind]
    lists = Lists(visitor.pages)
    lists.answer("/more", lambda _: answer)
    lists.show(table(rows(0, 2)) + body)
    return visitor.visit()


@pytest.mark.parametrize("kind", GAPS)
def test_what_did_not_come_is_a_gap(together: Together, kind: str) -> None:
    report = together(see, ALL)[kind].report
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 3), report.error


@pytest.mark.parametrize("kind", WHOLE)
def test_what_the_list_does_not_need_is_no_gap(together: Together, kind: str) -> None:
    assert numbers(together(see, ALL)[kind].report) == names(0, 2)
