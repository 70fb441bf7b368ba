"""A list that comes late is waited for; an empty one is believed once the page has stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from tests.bills.browsing import LOG_OUT
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

ARRIVALS = {
    "late": "setTimeout(() => { box.innerHTML = all }, 1200)",
    "in two parts": "box.innerHTML = two; setTimeout(() => { box.innerHTML = all }, 1000)",
    "by two requests": "fetch('/site/part').then(() => { box.innerHTML = two; "
    "fetch('/site/part').then(() => { box.innerHTML = all }) })",
    "after a timer and a request": "box.innerHTML = two; setTimeout(() => fetch('/site/part')"
    ".then(() => { box.innerHTML = all }), 700)",
    "row by row, on an interval": "let n = 0; const t = setInterval(() => { n += 1; "
    "box.innerHTML = all.replace(/(<tr.*?<.tr>){4}/s, m => "
    "m.split('<tr>').slice(0, n + 2).join('<tr>')); if (n === 4) clearInterval(t) }, 700)",
    "while the page says that it is busy": "box.setAttribute('aria-busy', 'true'); "
    "box.innerHTML = two; const start = Date.now(); const look = () => Date.now() - start < 1500 "
    "? requestAnimationFrame(look) : (box.innerHTML = all, box.removeAttribute('aria-busy')); "
    "look()",
}
FIRST = ("", "<p>No invoices found.</p>", "<p>Loading…</p>")
ARRIVALS_AFTER = [(kind, first) for kind in ARRIVALS for first in FIRST]


def wait_for_list(visitor: Visitor, arrival: tuple[str, str]) -> AttemptReport:
    kind, first = arrival
    lists = Lists(visitor.pages)
    lists.answer("/part", lambda _: "")
    code = f"const two = {{{{two}}}}, all = {{{{all}}}}; {ARRIVALS[kind]}"
    made = script(code, two=table(rows(0, 1)), all=table(rows(0, 3)))
    lists.show(f"<h1>Bills</h1><div id=box>{first}</div>{made}")
    return visitor.visit()


@pytest.mark.parametrize("arrival", ARRIVALS_AFTER, ids="-".join)
def test_a_list_that_comes_late_or_in_parts_is_waited_for(
    together: Together, arrival: tuple[str, str]
) -> None:
    assert numbers(together(wait_for_list, ARRIVALS_AFTER)[arrival].report) == names(0, 3)


def test_a_list_that_never_comes_to_rest_is_a_failure(lists: Lists, visitor: Visitor) -> None:
    turning = script("let n = 0; setInterval(() => { clock.textContent = ++n }, 100)")
    lists.show(table(rows(0, 1)).replace("<td>$ 10.00", "<td id=clock>0") + turning)
    report = visitor.visit(FEW_SECONDS)
    assert report.code is Code.LIST_INCOMPLETE
    assert "did not come to rest" in report.error


def test_a_clock_beside_the_list_keeps_nobody_waiting(lists: Lists, visitor: Visitor) -> None:
    tick = "const tick = () => { clock.textContent = Date.now(); setTimeout(tick, 200) }; tick()"
    lists.show(table(rows(0, 1)) + "<p id=clock></p>" + script(tick))
    assert numbers(visitor.visit(FEW_SECONDS)) == names(0, 1)


def test_the_recipe_says_when_the_list_is_whole(lists: Lists, visitor: Visitor) -> None:
    code = "const all = {{all}}; const start = Date.now(); const look = () => Date.now() - start"
    code += " < 1500 ? requestAnimationFrame(look) : (list.innerHTML = all, done.hidden = false);"
    made = script(code + "look()", all=rows(0, 3))
    lists.show(table(rows(0, 1)) + "<p id=done hidden>All there</p>" + made)
    recipe = {"bills": {"wait": [{"selector": "#done"}]}}
    assert numbers(visitor.visit(recipe)) == names(0, 3)


NONE_YET = {
    "sv": "Du har inga fakturor.", "de": "Keine Rechnungen vorhanden",
    "fr": "Vous n'avez aucune facture", "pl": "Brak faktur", "fi": "Ei laskuja",
    "nl": "Geen facturen gevonden", "es": "No hay facturas", "nb": "Ingen fakturaer",
    "it": "Nessuna fattura", "en": "There are no bills yet",
}  # fmt: skip


def see_none(visitor: Visitor, lang: str) -> AttemptReport:
    Lists(visitor.pages).show(f"<h1>Bills</h1><p>{NONE_YET[lang]}</p>", lang)
    return visitor.visit()


@pytest.mark.parametrize("lang", NONE_YET)
def test_an_empty_list_is_believed_once_the_page_has_stopped(
    together: Together, lang: str
) -> None:
    report = together(see_none, NONE_YET)[lang].report
    assert (report.code, report.rows.seen) == (None, 0)


def test_a_page_that_says_nothing_of_bills_is_no_empty_list(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show(f"<h1>Bills</h1><p>{LOG_OUT} {link('x')}</p>")
    assert visitor.visit(FEW_SECONDS).code is Code.UNRECOGNISED_PAGE
