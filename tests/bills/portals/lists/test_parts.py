"""Each part of a list (years, periods, tabs, what is older) is walked, or is a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from tests.bills.portals.list_pages import (
    FEW_SECONDS,
    OF_YEAR,
    Lists,
    documents,
    names,
    numbers,
    rows,
    script,
    table,
    table_row,
    whole,
    years,
)

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from config.dev.sandbox.http_server import Reply
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)


def test_years_that_fold_are_unfolded(lists: Lists, visitor: Visitor) -> None:
    of = years()
    heads = "".join(
        f"<h2><button aria-expanded={str(y == '2026').lower()} onclick='fold(this, {y})'>"
        f"Invoices {y}</button></h2><div id=y{y}>{table(of[y]) if y == '2026' else ''}</div>"
        for y in of
    )
    code = """const of = {{of}}; function fold(head, year) {
      const open = head.getAttribute("aria-expanded") === "true";
      head.setAttribute("aria-expanded", !open);
      document.getElementById("y" + year).innerHTML = open ? "" : of[year]; }"""
    lists.show(heads + script(code, of={year: table(found) for year, found in of.items()}))
    assert len(numbers(visitor.visit())) == 6


YEARS = {
    "a select": "<select aria-label=Year onchange='show(this.value)'>"
    "<option>2026<option>2025<option>2024</select>",
    "tabs": "<div role=tablist><button role=tab aria-selected=true onclick='show(2026)'>2026"
    "</button><button role=tab onclick='show(2025)'>2025</button>"
    "<button role=tab onclick='show(2024)'>2024</button></div>",
    "buttons": "<div><button onclick='show(2026)'>2026</button><button onclick='show(2025)'>2025"
    "</button><button onclick='show(2024)'>2024 (1)</button></div>",
    "the other years": "<p>2026 <a href=# onclick='show(2025)'>2025</a> "
    "<a href=# onclick='show(2024)'>2024</a></p>",
}
AS_LINKS_OR_BUTTONS = [(kind, how) for kind in YEARS for how in ("links", "buttons")]


def walk_years(visitor: Visitor, way: tuple[str, str]) -> AttemptReport:
    of, lists = years(), Lists(visitor.pages)
    kind, how = way
    if how == "buttons":
        for year in of:
            of[year] = (
                of[year]
                .replace("<a href='", "<button onclick=\"location='")
                .replace("'>PDF</a>", "'\">PDF</button>")
            )
    lists.show(YEARS[kind] + table(of["2026"]) + script(OF_YEAR, of=of))
    return visitor.visit()


@pytest.mark.parametrize("way", AS_LINKS_OR_BUTTONS, ids="-".join)
def test_every_year_is_walked(together: Together, way: tuple[str, str]) -> None:
    report, pages = together(walk_years, AS_LINKS_OR_BUTTONS)[way]
    expected = ["2026-10", "2026-9", "2025-12", "2025-11", "2025-10", "2024-3"]
    assert sorted(numbers(report)) == sorted(expected)
    fetched = [each for each in pages.asked if "/doc/" in each]
    assert sorted(fetched) == sorted(f"GET /site/doc/{each}" for each in expected)


@pytest.mark.parametrize("kind", ["tabs", "select"])
def test_a_part_that_comes_late_is_waited_for_at_each_choice(
    lists: Lists, visitor: Visitor, kind: str
) -> None:
    of = {str(y): table_row(f"{y}-1", f"{y}-03-03", "$ 10.00") for y in range(2026, 2021, -1)}
    head = "<div role=tablist>" + "".join(
        f"<button role=tab aria-selected={str(year == '2026').lower()} onclick='show({year})'>"
        f"{year}</button>"
        for year in of
    )
    if kind == "select":
        options = "".join(f"<option>{year}" for year in of)
        head = f"<select aria-label=Year onchange='show(this.value)'>{options}</select>"
    late = OF_YEAR.replace("300", "900")
    lists.show(head + table(of["2026"]) + script(late, of=of))
    assert numbers(visitor.visit()) == [f"{year}-1" for year in of]


def test_years_and_accounts_behind_a_menu_are_walked(lists: Lists, visitor: Visitor) -> None:
    of = years()
    options = "".join(
        f'<li role=option onclick="show({y}); head.firstChild.data={y}">{y}' for y in of
    )
    menu = (
        "<button id=head aria-haspopup=listbox onclick='menu.hidden = !menu.hidden'>2026 ▾"
        f"</button><ul id=menu role=listbox hidden>{options}</ul>"
    )
    lists.show(menu + table(of["2026"]) + script(OF_YEAR, of=of))
    assert len(numbers(visitor.visit())) == 6


def test_a_form_of_years_is_sent_with_its_button(lists: Lists, visitor: Visitor) -> None:
    def give(query: dict[str, str]) -> Reply:
        of, chosen = years(), query.get("year", "2026")
        options = "".join(f"<option{' selected' * (y == chosen)}>{y}</option>" for y in of)
        form = (
            f"<form><label>Year <select name=year>{options}</select></label><button>Show</button>"
        )
        return whole(f"{form}</form>" + table(of[chosen]))

    lists.show("")
    lists.answer("/bills", give)
    assert len(numbers(visitor.visit())) == 6


def test_a_choice_beside_a_button_that_sounds_like_a_bills_is_no_row(
    lists: Lists, visitor: Visitor
) -> None:
    of = years()
    options = "".join(f"<option>{year}" for year in of)
    choice = (
        f"<div><select aria-label=Year id=year>{options}</select>"
        "<button onclick='show(year.value)'>View invoices</button></div>"
    )
    lists.show(choice + table(of["2026"]) + script(OF_YEAR, of=of))
    report = visitor.visit(FEW_SECONDS)
    assert report.code in (None, Code.OLDER_BILLS_ELSEWHERE)
    assert len(report.bills) == 6 if report.code is None else 2


def test_a_year_that_cannot_be_shown_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    dead = "<select aria-label=Year><option>2026<option>2025</select>"
    lists.show(dead + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.OLDER_BILLS_ELSEWHERE, 2)
    assert "2025" in report.error


@pytest.mark.parametrize("box", ["type=date value=2026-09-01", "value=01.09.2026"])
def test_a_date_that_limits_the_list_is_a_gap(lists: Lists, visitor: Visitor, box: str) -> None:
    lists.show(f"<label>From <input {box}></label>" + table(rows(0, 1)))
    assert visitor.visit().code is Code.OLDER_BILLS_ELSEWHERE


ARROWS = """const of = {{of}}; let year = 2026;
function step(by) { year += by; at.textContent = year; list.innerHTML = of[year];
  before.disabled = year === 2024; after.disabled = year === 2026; }"""


def test_arrows_beside_a_year_lead_to_the_years_before(lists: Lists, visitor: Visitor) -> None:
    of = years()
    arrows = (
        "<div><button id=before onclick='step(-1)'>‹</button> <span id=at>2026</span> "
        "<button id=after disabled onclick='step(1)'>›</button></div>"
    )
    lists.show(arrows + table(of["2026"]) + script(ARROWS, of=of))
    assert len(numbers(visitor.visit())) == 6


def test_a_box_that_adds_paid_bills_is_ticked(lists: Lists, visitor: Visitor) -> None:
    code = "const more = {{more}}; function add() { list.insertAdjacentHTML('beforeend', more) }"
    box = "<label><input type=checkbox onchange='add()'> Show paid bills</label>"
    lists.show(box + table(rows(0, 1)) + script(code, more=rows(2, 4)))
    assert numbers(visitor.visit()) == names(0, 4)


OLDER = (
    "Older invoices", "Archive", "Äldre fakturor", "Previous year", "Show older",
    "Se ældre regninger", "Visualizza bollette precedenti", "Voir les factures précédentes",
    "Mostrar facturas anteriores", "Ältere Rechnungen anzeigen", "Faktury archiwalne",
    "Bekijk oudere facturen", "Näytä vanhemmat",
)  # fmt: skip


def follow_older(visitor: Visitor, word: str) -> AttemptReport:
    lists = Lists(visitor.pages)
    lists.show(table(rows(0, 1)) + f"<p><a href='/site/old'>{word}</a></p>")
    lists.answer("/old", lambda _: whole(table(rows(2, 4))))
    return visitor.visit()


@pytest.mark.parametrize("word", OLDER)
def test_what_leads_to_older_bills_is_followed(together: Together, word: str) -> None:
    assert numbers(together(follow_older, OLDER)[word].report) == names(0, 4)


def test_paid_and_unpaid_bills_are_both_walked(lists: Lists, visitor: Visitor) -> None:
    of = {"unpaid": rows(0, 0), "paid": rows(1, 3)}
    tabs = "".join(f"<button onclick=\"show('{k}')\">{k.title()}</button>" for k in of)
    lists.show(f"<div>{tabs}</div>" + table(of["unpaid"]) + script(OF_YEAR, of=of))
    assert numbers(visitor.visit()) == names(0, 3)


def test_of_periods_the_one_of_all_is_chosen(lists: Lists, visitor: Visitor) -> None:
    of = {"3": rows(0, 1), "12": rows(0, 5), "all": rows(0, 8)}
    options = "<option value=3>Last 3 months<option value=12>Last 12 months<option value=all>All"
    select = f"<select name=period onchange='show(this.value)'>{options}</select>"
    lists.show(select + table(of["3"]) + script(OF_YEAR, of=of))
    assert numbers(visitor.visit()) == names(0, 8)


def test_a_page_size_or_a_language_is_no_part_of_the_list(lists: Lists, visitor: Visitor) -> None:
    sizes = "<select name=size><option>10<option>25<option>100</select>"
    tongues = "<select name=lang><option>English<option>Svenska</select>"
    lists.show(sizes + tongues + table(rows(0, 1)))
    assert numbers(visitor.visit()) == names(0, 1)


def test_a_status_that_hides_bills_is_set_to_all(lists: Lists, visitor: Visitor) -> None:
    of = {"open": rows(0, 0), "paid": rows(1, 3), "all": rows(0, 3)}
    options = "<option value=open>Open<option value=paid>Paid<option value=all>All"
    select = f"<select name=status onchange='show(this.value)'>{options}</select>"
    lists.show(select + table(of["open"]) + script(OF_YEAR, of=of))
    assert numbers(visitor.visit()) == names(0, 3)


FOLDS = """const of = {{of}}; function fold(button) { const year = button.textContent;
const opens = button.getAttribute("aria-expanded") === "false";
button.setAttribute("aria-expanded", opens);
setTimeout(() => { document.getElementById("y" + year).innerHTML = opens
  ? "<table><tbody>" + of[year] + "</tbody></table>" : "" }, 200); }"""


def test_years_that_are_folded_are_unfolded(lists: Lists, visitor: Visitor) -> None:
    of = years()
    folds = "".join(
        f"<h3><button aria-expanded={'true' if y == '2026' else 'false'} onclick='fold(this)'>{y}"
        f"</button></h3><div id=y{y}>{table(of[y]) if y == '2026' else ''}</div>"
        for y in of
    )
    lists.show(folds + script(FOLDS, of=of))
    report = visitor.visit()
    assert len(documents(report)) == 6
    details = "".join(
        f"<details><summary>{y}</summary>{table(of[y], 't' + y)}</details>" for y in of
    )
    lists.show(details)
    assert len(documents(visitor.visit())) == 6


def test_years_in_a_closed_menu_are_a_gap(lists: Lists, visitor: Visitor) -> None:
    menu = "<ul hidden><li><a href='?y=2025'>2025</a><li><a href='?y=2024'>2024</a></ul>"
    lists.show(menu + table(rows(0, 1)))
    assert visitor.visit().code is Code.OLDER_BILLS_ELSEWHERE


YEAR_MENU = "<button aria-haspopup=listbox %s>2026 \u25be</button>"
COVER = "<div style='position:fixed;inset:0 0 auto;height:3em'></div>"


def test_a_disabled_menu_of_years_costs_nothing(lists: Lists, visitor: Visitor) -> None:
    lists.show(YEAR_MENU % "disabled" + table(rows(0, 1)))
    assert numbers(visitor.visit()) == names(0, 1)


def test_years_that_cannot_be_reached_are_a_gap_and_cost_no_bill(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show(YEAR_MENU % "" + COVER + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.OLDER_BILLS_ELSEWHERE, 2)


def test_the_recipe_names_the_parts(lists: Lists, visitor: Visitor) -> None:
    of = {"x": rows(0, 1), "y": rows(2, 2), "z": rows(3, 4)}
    chips = "".join(f"<i onclick=\"show('{k}')\">Box {k}</i>" for k in of)
    lists.show(chips + table("") + script(OF_YEAR, of=of))
    recipe = {"bills": {"each": [{"click": {"selector": "i"}, "kind": "tab"}]}}
    assert numbers(visitor.visit(recipe)) == names(0, 4)


def test_the_recipe_may_say_that_there_are_no_other_parts(lists: Lists, visitor: Visitor) -> None:
    dead = "<select aria-label=Year><option>2026<option>2025</select>"
    lists.show(dead + table(rows(0, 1)))
    assert numbers(visitor.visit({"bills": {"each": []}})) == names(0, 1)
