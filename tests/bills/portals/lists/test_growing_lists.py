"""A list that loads more as one presses or scrolls is read to its end, or the rest is a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from tests.bills.portals.list_pages import (
    FEW_SECONDS,
    Lists,
    link,
    names,
    numbers,
    rows,
    script,
    table,
)

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

MORE = """let n = 3; const all = {{all}};
function more() { setTimeout(() => {
  list.insertAdjacentHTML("beforeend", all.slice(n, n + 3).join("")); n += 3;
  if (n >= all.length) document.getElementById("more")?.remove(); }, 400); }"""


def one_by_one(count: int) -> list[str]:
    return [rows(n, n) for n in range(count)]


LOAD_MORE = ("Load more", "Visa fler", "Mehr anzeigen", "Voir plus de factures")


def press_more(visitor: Visitor, words: str) -> AttemptReport:
    button = f"<button id=more onclick='more()'>{words}</button>"
    Lists(visitor.pages).show(table(rows(0, 2)) + button + script(MORE, all=one_by_one(8)))
    return visitor.visit()


@pytest.mark.parametrize("words", LOAD_MORE)
def test_load_more_is_pressed_until_it_is_gone(together: Together, words: str) -> None:
    assert numbers(together(press_more, LOAD_MORE)[words].report) == names(0, 7)


def test_load_more_that_brings_nothing_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    lists.show(table(rows(0, 2)) + "<button>Load more</button>")
    report = visitor.visit(FEW_SECONDS)
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 3)


def test_more_that_replaces_what_was_shown_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    code = "const of = {{of}}; function more() { list.innerHTML = of }"
    lists.show(table(rows(0, 2)) + "<button onclick='more()'>Load more</button>"
               + script(code, of=rows(3, 5)))  # fmt: skip
    assert visitor.visit(FEW_SECONDS).code is Code.LIST_INCOMPLETE


SCROLL = """let n = 12; const all = {{all}}, place = {{place}} ? box : window;
const near = () => {{place}} ? box.scrollTop + box.clientHeight > box.scrollHeight - 50
  : scrollY + innerHeight > document.body.scrollHeight - 50;
let busy = false;
place.addEventListener("scroll", () => { if (busy || !near()) return; busy = true;
  setTimeout(() => { list.insertAdjacentHTML("beforeend", all.slice(n, n + 12).join(""));
    n += 12; busy = false; }, 300); });"""
WATCHED = """let n = 12; const all = {{all}}; new IntersectionObserver(seen => {
  if (seen[0].isIntersecting && n < all.length) setTimeout(() => {
    list.insertAdjacentHTML("beforeend", all.slice(n, n + 6).join("")); n += 6; }, 900);
}).observe(end);"""


def test_a_list_that_grows_slowly_whenever_its_end_comes_into_view_is_read_to_its_end(
    lists: Lists, visitor: Visitor
) -> None:
    end = "<p id=end style='margin-top: 900px'>&nbsp;</p>"
    lists.show(table(rows(0, 11)) + end + script(WATCHED, all=one_by_one(36)))
    assert numbers(visitor.visit()) == names(0, 35)


@pytest.mark.parametrize("in_a_box", [False, True])
def test_a_list_that_grows_as_it_is_scrolled_is_scrolled_to_its_end(
    lists: Lists, visitor: Visitor, in_a_box: bool
) -> None:
    tall = "<style>td { padding: 40px } #box { height: 300px; overflow: auto }</style>"
    shown = table(rows(0, 11))
    shown = f"<div id=box>{shown}</div>" if in_a_box else shown
    lists.show(tall + shown + script(SCROLL, all=one_by_one(30), place=in_a_box))
    assert numbers(visitor.visit()) == names(0, 29)


IN_VIEW = """const all = {{all}}; const draw = () => {
  const from = Math.max(0, Math.floor(box.scrollTop / 50) - 1); high.innerHTML = "";
  for (let n = from; n < Math.min(all.length, from + 10); n += 1) high.insertAdjacentHTML(
    "beforeend", `<div class=bill style="position: absolute; height: 48px; top: ${n * 50}px">` +
    all[n] + "</div>"); };
box.onscroll = draw; draw()"""


def list_in_view(bills: list[str]) -> str:
    high = f"<div id=high style='position: relative; height: {50 * len(bills)}px'></div>"
    box = f"<div id=box style='height: 300px; overflow: auto; position: relative'>{high}</div>"
    return box + script(IN_VIEW, all=bills)


def test_a_list_that_keeps_only_what_is_in_view_is_read_step_by_step(
    lists: Lists, visitor: Visitor
) -> None:
    days = [f"2026-{12 - n // 28:02}-{28 - n % 28:02}" for n in range(30)]
    bills = [f"Invoice INV-{n} {day} $ {n}.50 {link(f'INV-{n}')}" for n, day in enumerate(days)]
    lists.show(list_in_view(bills))
    assert sorted(numbers(visitor.visit())) == sorted(names(0, 29))
    pressed = [text.replace("<a href='", "<button onclick=\"location='") for text in bills]
    lists.show(list_in_view([p.replace("'>PDF</a>", "'\">PDF</button>") for p in pressed]))
    assert visitor.visit(FEW_SECONDS).code is Code.LIST_INCOMPLETE
