"""A list that still has something to come is waited for, whatever is to bring it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.http_server import Reply
from tests.bills.portals.list_pages import (
    Lists,
    numbers,
    rows,
    script,
    table,
    table_row,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

ALL, FIRST = [f"INV-{n}" for n in range(4)], table(rows(0, 1))
EMPTY = "<p>You have no invoices yet.</p>"
REST = f"<template id=rest>{table(rows(0, 3))}</template>"
COMES = "box.innerHTML = rest.innerHTML"
BY_PAGE = {
    "a script that takes itself out of the page": script(
        f"document.currentScript.remove(); setTimeout(() => {{ {COMES} }}, 900)"
    ),
    "a handler in an attribute": f"<svg onload='setTimeout(() => {{ {COMES} }}, 900)'></svg>",
    "a timer with its work in words": script(f'setTimeout("{COMES}", 900)'),
    "an animation that uncovers it": "<style>@keyframes show { to { visibility: visible } }"
    "#late { visibility: hidden; animation: show 0s 900ms forwards }</style>"
    f"<div id=late>{table(rows(0, 3))}</div><script>late.onanimationend = () => box.remove()"
    "</script>",
    "a worker": script(
        "const work = new Blob(['setTimeout(() => postMessage(1), 800)']);"
        f"new Worker(URL.createObjectURL(work)).onmessage = () => {{ {COMES} }}"
    ),
    "an event of the server": script(
        "const events = new EventSource('/site/events');"
        f"events.onmessage = () => {{ events.close(); {COMES} }}"
    ),
    "frames that are counted": script(
        f"let n = 0; (function count() {{ if (++n < 50) requestAnimationFrame(count); "
        f"else {COMES} }})()"
    ),
    "a browser that is idle for long": script(
        "const began = performance.now(); (function wait() { if (performance.now() < began + 900)"
        f" requestIdleCallback(wait); else {COMES} }})()"
    ),
    "a worker that answers in two parts": script(
        "const work = new Blob(['postMessage(0); setTimeout(() => postMessage(1), 900)']);"
        "new Worker(URL.createObjectURL(work)).onmessage = ({data}) => {"
        f" if (data) {COMES}; else box.append(document.createElement('hr')) }}"
    ),
    "a frame beside it": "<iframe src=/site/frame hidden></iframe>",
}
ARRIVALS = [(first, kind) for first in (EMPTY, FIRST) for kind in BY_PAGE]


def wait_for_page(visitor: Visitor, arrival: tuple[str, str]) -> AttemptReport:
    first, kind = arrival
    lists = Lists(visitor.pages)
    late = "setTimeout(() => { const page = parent.document;"
    late += "page.getElementById('box').innerHTML = page.getElementById('rest').innerHTML }, 900)"
    lists.answer("/frame", lambda _: script(late))
    event = Reply(200, b"data: 1\n\n", "text/event-stream", drip_seconds=0.05)
    lists.answer("/events", lambda _: event)
    lists.show(f"<div id=box>{first}</div>{REST}{BY_PAGE[kind]}")
    return visitor.visit()


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda a: f"{a[1]}, {len(a[0])}")
def test_what_comes_late_is_waited_for(together: Together, arrival: tuple[str, str]) -> None:
    assert numbers(together(wait_for_page, ARRIVALS)[arrival].report) == ALL


def by_meta(first: str) -> Reply:
    return whole(f"{first}<meta http-equiv=refresh content=1>")


def by_header(first: str) -> Reply:
    reply = whole(first)
    reply.headers.append(("Refresh", "1; url=/site/bills"))
    return reply


REFRESHES: list[tuple[str, Callable[[str], Reply]]] = [
    (first, ask) for first in (EMPTY, FIRST) for ask in (by_meta, by_header)
]


def wait_for_refresh(
    visitor: Visitor, refresh: tuple[str, Callable[[str], Reply]]
) -> AttemptReport:
    first, ask = refresh
    lists, shown = Lists(visitor.pages), iter((ask(first),))
    lists.show("")
    lists.answer("/bills", lambda _: next(shown, whole(table(rows(0, 3)))))
    return visitor.visit()


@pytest.mark.parametrize("refresh", REFRESHES, ids=lambda r: f"{r[1].__name__}, {len(r[0])}")
def test_a_page_that_asks_for_itself_again_is_waited_for(
    together: Together, refresh: tuple[str, Callable[[str], Reply]]
) -> None:
    assert numbers(together(wait_for_refresh, REFRESHES)[refresh].report) == ALL


def test_what_is_asked_and_never_answers_keeps_nobody_waiting(visitor: Visitor) -> None:
    asks = "const silent = new Worker(URL.createObjectURL(new Blob([''])));"
    Lists(visitor.pages).show(
        FIRST + script(asks + "setInterval(() => silent.postMessage(1), 300)")
    )
    assert numbers(visitor.visit()) == ALL[:2]


def test_a_drawing_that_never_ends_keeps_nobody_waiting(visitor: Visitor) -> None:
    draws = "(function draw() { art.getContext('2d').fillRect(0, 0, 9, 9);"
    draws += "requestAnimationFrame(draw) })()"
    Lists(visitor.pages).show(FIRST + "<canvas id=art></canvas>" + script(draws))
    assert numbers(visitor.visit({"login": {"answer_seconds": 30}})) == ALL[:2]


IN_SHADOW = {
    "made by a script": ("", "host.attachShadow({mode: 'open'}).innerHTML = {{shown}};"),
    "declared": ("<template shadowrootmode=open>{}</template>", ""),
}


def shadow(kind: str, shown: str, code: str, **values: object) -> str:
    """What is shown in a shadow root, and a script that calls it `root`."""
    declared, made = IN_SHADOW[kind]
    code = f"{made} const root = host.shadowRoot; {code}"
    return f"<div id=host>{declared.format(shown)}</div>" + script(code, shown=shown, **values)


@pytest.mark.parametrize("kind", IN_SHADOW)
def test_a_list_in_a_shadow_root_that_grows_row_by_row_is_waited_for(
    visitor: Visitor, kind: str
) -> None:
    grows = """const list = root.querySelector("tbody"), late = {{late}};
      const growth = setInterval(() => { list.insertAdjacentHTML("beforeend", late.shift());
        if (!late.length) clearInterval(growth) }, 700)"""
    late = [rows(n, n) for n in range(2, 8)]
    Lists(visitor.pages).show(shadow(kind, FIRST, grows, late=late))
    assert numbers(visitor.visit()) == [f"INV-{n}" for n in range(8)]


def test_a_select_in_a_shadow_root_is_waited_for_at_each_choice(visitor: Visitor) -> None:
    of = {str(year): table_row(f"{year}-1", f"{year}-03-03") for year in range(2026, 2021, -1)}
    select = f"<select aria-label=Year>{''.join(f'<option>{year}' for year in of)}</select>"
    shows = """const of = {{of}}, [list, box] = ["tbody", "select"].map(
      css => root.querySelector(css));
      box.onchange = () => setTimeout(() => { list.innerHTML = of[box.value] }, 900)"""
    Lists(visitor.pages).show(shadow("declared", select + table(of["2026"]), shows, of=of))
    assert numbers(visitor.visit()) == [f"{year}-1" for year in of]
