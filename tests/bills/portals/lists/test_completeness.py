"""A list of bills is whole, or the attempt says what is missing; what there is, is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.portals.list_pages import (
    FEW_SECONDS,
    Lists,
    names,
    numbers,
    rows,
    script,
    table,
    whole,
)

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

# What the page says beside three rows: whether that is all; None where it says that it is not.
COUNTS: dict[str, bool | None] = {
    "3 invoices": True, "7 invoices": False, "1-3 of 3": True,
    "Showing 1 to 3 of 25 entries": False, "Visar 1–3 av 9": False,
    "Page 1 of 1": True, "Seite 1 von 4": False, "Only the last 12 invoices": True,
    "1 invoice is due": True, "Showing 3 of 12": False, "Showing 3 of 3": True,
    "Näytetään 3/12": False, "3 von 12 angezeigt": False, "12 results": False,
    "Invoices (12)": False, "Number of invoices: 12": False, "3 of 5 stars": True,
    "Show 25 entries": True, "Invoices <b>9</b>": False, "3 / 9": False, "3 av 9": False,
    "3 of 9 invoices": False, "Customer 1234</p><p>Invoices": True, "Invoices <b>2</b>": True,
    "Only your 3 latest invoices are shown": None, "Older invoices: contact us": None,
    "Invoices of the last 12 months": None, "Older invoices are in the archive": None,
    "Only your 4 latest invoices are shown": True, "You paid all invoices last year": True,
}  # fmt: skip


def count(visitor: Visitor, said: str) -> AttemptReport:
    Lists(visitor.pages).show(table(rows(0, 2)) + f"<p>{said}</p>")
    return visitor.visit()


@pytest.mark.parametrize("said", COUNTS)
def test_the_pages_own_count_must_agree(together: Together, said: str) -> None:
    report = together(count, COUNTS)[said].report
    gaps = {True: None, False: Code.LIST_INCOMPLETE, None: Code.OLDER_BILLS_ELSEWHERE}
    assert report.code is gaps[COUNTS[said]], report.error
    assert len(report.bills) == 3


def test_what_is_said_to_be_elsewhere_is_no_gap_where_it_was_seen(
    lists: Lists, visitor: Visitor
) -> None:
    said = "<p>Older invoices are in the archive.</p><a href=/site/archive>Invoice archive</a>"
    lists.show(table(rows(0, 2)) + said)
    lists.answer("/archive", lambda _: whole(table(rows(3, 5))))
    assert numbers(visitor.visit()) == names(0, 5)
    lists.show(table(rows(0, 2)) + "<p>Older invoices: contact us</p>")
    assert numbers(visitor.visit({"bills": {"each": []}})) == names(0, 2)


def test_the_recipe_says_where_the_count_stands(lists: Lists, visitor: Visitor) -> None:
    lists.show(table(rows(0, 2)) + "<p>You own 4 of them</p>")
    recipe = {"bills": {"count": {"selector": "p", "pattern": r"own (\d+)"}}}
    assert visitor.visit(recipe).code is Code.LIST_INCOMPLETE
    lists.show(table(rows(0, 2)) + "<p>You own 3 of them</p>")
    assert visitor.visit(recipe).code is None


def test_a_pager_whose_pages_are_hidden_behind_dots_is_a_gap(
    lists: Lists, visitor: Visitor
) -> None:
    pager = "".join(f"<button onclick='show({n})'>{n}</button>" for n in (1, 2, 5))
    of = {n: rows(2 * n, 2 * n + 1) for n in (1, 2, 5)}
    code = "const of = {{of}}; function show(n) { list.innerHTML = of[n] }"
    lists.show(table(of[1]) + f"<div>{pager}</div>" + script(code, of=of))
    report = visitor.visit(FEW_SECONDS)
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 4)


def test_pages_that_are_only_numbered_are_all_visited(lists: Lists, visitor: Visitor) -> None:
    def give(query: dict[str, str]) -> Reply:
        at = int(query.get("page", 1))
        pager = "".join(
            f"<li>{n}</li>" if n == at else f"<li><a href='?page={n}'>{n}</a></li>"
            for n in (1, 2, 3)
        )
        return whole(table(rows(3 * at - 3, 3 * at - 1)) + f"<ul>{pager}</ul>")

    lists.show("")
    lists.answer("/bills", give)
    assert numbers(visitor.visit()) == names(0, 8)


def test_a_page_that_says_that_a_part_did_not_come_is_a_gap(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show(table(rows(0, 1)) + "<p>Some invoices could not be loaded.</p>")
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)


def test_a_bill_that_stands_in_no_row_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    stray = "<h2>Current bill</h2><p>$ 40.00</p><p>See</p><p><a href='/site/now.pdf'>Your bill</a>"
    lists.show(stray + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)


NO_STRAYS = ("Price list", "How to read your bill", "Download all bills", "Last receipt")


def test_other_files_beside_the_list_are_no_gap(lists: Lists, visitor: Visitor) -> None:
    others = "".join(f"<p><a href='/site/{n}.pdf'>{w}</a>" for n, w in enumerate(NO_STRAYS))
    lists.show(table(rows(0, 1)) + others)
    assert numbers(visitor.visit()) == names(0, 1)


def test_the_buttons_of_a_survey_are_no_pager(lists: Lists, visitor: Visitor) -> None:
    asked = "".join(f"<button>{n}</button>" for n in range(1, 6))
    survey = f"<div role=dialog><h2>Would you recommend us?</h2>{asked}</div>"
    lists.show(survey + table(rows(0, 2)))
    assert numbers(visitor.visit(FEW_SECONDS)) == names(0, 2)


PAGER = """const of = {{of}}; let n = 0; const turn = by => { n += by; list.innerHTML = of[n];
  at.textContent = (n + 1) + " / 3"; forth.disabled = n === 2; }; turn(0)"""


def test_a_pager_of_icons_is_turned_or_its_count_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    of = [rows(2 * n, 2 * n + 1) for n in range(3)]
    icon = "<svg width=9 height=9></svg>"
    pager = f"<p id=at></p><button id=forth class='{{}}' onclick='turn(1)'>{icon}</button>"
    lists.show(table(of[0]) + pager.format("pg-next") + script(PAGER, of=of))
    assert numbers(visitor.visit()) == names(0, 5)
    lists.show(table(of[0]) + pager.format("odd") + script(PAGER, of=of))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)


def test_an_optional_step_is_left_out_where_its_target_is_not(
    lists: Lists, visitor: Visitor
) -> None:
    step = {"click": {"text": "Remind me later"}, "optional": True}
    recipe = {"bills": {"steps": [step]}}
    lists.show(table(rows(0, 1)))
    assert numbers(visitor.visit(recipe)) == names(0, 1)
    notification = (
        "<p id=note>News <button onclick='list.hidden = false; note.remove()'>Remind me later"
    )
    lists.show(
        f"{notification}</button></p>{table(rows(0, 2)).replace('id=list', 'id=list hidden')}"
    )
    assert numbers(visitor.visit(recipe)) == names(0, 2)


def test_a_part_that_could_not_be_loaded_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    lists.answer("/more", lambda _: Reply(500, b"broken"))
    code = "fetch('/site/more').then(r => { if (!r.ok) note.textContent = 'Try again later' })"
    lists.show(table(rows(0, 1)) + "<p id=note></p>" + script(code))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)
    assert "/site/more failed (HTTP 500)" in report.error
    assert visitor.visit({"bills": {"not_needed": ["*/site/more"]}}).code is None
    assert visitor.visit({"bills": {"not_needed": ["*/site/m"]}}).code == Code.LIST_INCOMPLETE


def test_what_a_script_asks_of_another_host_is_no_part_of_the_list(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show(table(rows(0, 1)) + script("fetch('http://offers.test/now').catch(() => 0)"))
    assert numbers(visitor.visit()) == names(0, 1)


def test_a_last_page_that_leads_to_the_first_ends_the_list(lists: Lists, visitor: Visitor) -> None:
    def give(query: dict[str, str]) -> Reply:
        at = int(query.get("page", 1))
        after = at % 3 + 1
        return whole(table(rows(2 * at - 2, 2 * at - 1)) + f"<a href='?page={after}'>Next</a>")

    lists.show("")
    lists.answer("/bills", give)
    assert numbers(visitor.visit()) == names(0, 5)
