"""A list of bills is whole, or the attempt says what is missing; what there is, is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import Login
from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT
from tests.bills.portals.list_pages import (
    Lists,
    documents,
    link,
    numbers,
    rows,
    script,
    table,
    table_row,
    whole,
)

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Pages, Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)
FEW_SECONDS = {"login": {"answer_seconds": 2.5}}


@pytest.fixture
def lists(pages: Pages) -> Lists:
    return Lists(pages)


def names(first: int, last: int) -> list[str]:
    return [f"INV-{n}" for n in range(first, last + 1)]


# More of the same page

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


# When it counts as whole

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


# What the page says of how many there are


COUNTS = {
    "3 invoices": True, "7 invoices": False, "1-3 of 3": True,
    "Showing 1 to 3 of 25 entries": False, "Visar 1–3 av 9": False,
    "Page 1 of 1": True, "Seite 1 von 4": False, "Only the last 12 invoices": True,
    "1 invoice is due": True, "Showing 3 of 12": False, "Showing 3 of 3": True,
    "Näytetään 3/12": False, "3 von 12 angezeigt": False, "12 results": False,
    "Invoices (12)": False, "Number of invoices: 12": False, "3 of 5 stars": True,
    "Show 25 entries": True,
}  # fmt: skip


def count(visitor: Visitor, said: str) -> AttemptReport:
    Lists(visitor.pages).show(table(rows(0, 2)) + f"<p>{said}</p>")
    return visitor.visit()


@pytest.mark.parametrize("said", COUNTS)
def test_the_pages_own_count_must_agree(together: Together, said: str) -> None:
    report = together(count, COUNTS)[said].report
    assert report.code is (None if COUNTS[said] else Code.LIST_INCOMPLETE)
    assert len(report.bills) == 3


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


# Whose list it is


def test_a_page_of_another_user_keeps_nothing(lists: Lists, visitor: Visitor) -> None:
    lists.show("<p>Logged in as Bo Ek (bo@other.test)</p>" + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, report.bills) == (Code.WRONG_ACCOUNT, [])
    assert "bo@other.test" in report.error
    lists.show(f"<p>Logged in as {EMAIL}</p>" + table(rows(0, 1)))
    assert numbers(visitor.visit()) == names(0, 1)


def test_a_page_with_another_customers_number_keeps_nothing(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show("<p>Customer number: 555777</p>" + table(rows(0, 1)))
    login = Login(EMAIL, CANARY, extra={"customer_no": "100200"})
    report = visitor.visit(login=login)
    assert (report.code, report.bills) == (Code.WRONG_ACCOUNT, [])
    recipe = {"bills": {"account_sign": "{customer_no}"}}
    lists.show("<p>Customer number: 555777. Payer 100200</p>" + table(rows(0, 1)))
    assert numbers(visitor.visit(recipe, login)) == names(0, 1)


# Other parts of the list

OF_YEAR = """const of = {{of}};
function show(year) { setTimeout(() => { list.innerHTML = of[year] }, 300) }"""


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


def years() -> dict[str, str]:
    return {
        year: "".join(table_row(f"{year}-{m}", f"{year}-{m:02}-03", f"$ {m}0.00") for m in months)
        for year, months in (("2026", (10, 9)), ("2025", (12, 11, 10)), ("2024", (3,)))
    }


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


def two_contracts(lists: Lists) -> None:
    """A dialog chooses which contract's bills the page shows."""
    chosen = ["770011"]

    def choose(query: dict[str, str]) -> Reply:
        chosen[0] = query["is"]
        return Reply(303, headers=[("Location", "/site/bills")])

    def give(_: dict[str, str]) -> Reply:
        links = "".join(f"<a href='/site/set?is={c}'>{c} Main Street</a> " for c in CONTRACTS)
        dialog = (
            f"<dialog id=choice>{links}<button onclick='choice.close()'>Close</button></dialog>"
        )
        switch = "<button onclick='choice.showModal()'>Switch contract</button>"
        own = "".join(table_row(f"{chosen[0]}-{n}", f"2026-{n:02}-03") for n in (9, 8))
        return whole(f"<p>{chosen[0]}</p>{switch}{dialog}{table(own)}")

    lists.show("")
    lists.answer("/set", choose)
    lists.answer("/bills", give)


CONTRACTS = ("770011", "880022")


def test_contracts_behind_a_dialog_are_all_walked_or_the_csvs_alone(
    lists: Lists, visitor: Visitor
) -> None:
    two_contracts(lists)
    every = [f"{contract}-{n}" for contract in CONTRACTS for n in (8, 9)]
    assert sorted(numbers(visitor.visit())) == every
    two_contracts(lists)
    login = Login(EMAIL, CANARY, extra={"contract": "880022"})
    assert sorted(numbers(visitor.visit(login=login))) == every[2:]


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


def test_a_box_that_adds_paid_bills_is_ticked(lists: Lists, visitor: Visitor) -> None:
    code = "const more = {{more}}; function add() { list.insertAdjacentHTML('beforeend', more) }"
    box = "<label><input type=checkbox onchange='add()'> Show paid bills</label>"
    lists.show(box + table(rows(0, 1)) + script(code, more=rows(2, 4)))
    assert numbers(visitor.visit()) == names(0, 4)


def test_more_that_replaces_what_was_shown_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    code = "const of = {{of}}; function more() { list.innerHTML = of }"
    lists.show(table(rows(0, 2)) + "<button onclick='more()'>Load more</button>"
               + script(code, of=rows(3, 5)))  # fmt: skip
    assert visitor.visit(FEW_SECONDS).code is Code.LIST_INCOMPLETE


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


# Accounts

ACCOUNTS = (
    "<label>Account <select onchange='show(this.value)'><option value=a>620001 - 1 Old Street"
    "<option value=b>620002 - 2 New Street</select></label>"
)


def show_accounts(lists: Lists) -> None:
    of = {
        "a": "".join(table_row(f"a{n}", f"2026-{n:02}-01") for n in (10, 9)),
        "b": "".join(table_row(f"b{n}", f"2026-{n:02}-01") for n in (10, 9, 8)),
    }
    lists.show(ACCOUNTS + table(of["a"]) + script(OF_YEAR, of=of))


def with_account(number: str) -> Login:
    return Login(EMAIL, CANARY, extra={"account_no": number})


def test_the_credentials_own_account_is_chosen(lists: Lists, visitor: Visitor) -> None:
    show_accounts(lists)
    assert numbers(visitor.visit(login=with_account("620002"))) == ["b10", "b9", "b8"]


def test_without_an_account_all_are_walked_and_named(lists: Lists, visitor: Visitor) -> None:
    show_accounts(lists)
    report = visitor.visit()
    assert documents(report) == ["a10", "a9", "b10", "b8", "b9"]
    assert {bill.contract.split()[0] for bill in report.bills} == {"620001", "620002"}


def test_a_missing_account_is_reported(lists: Lists, visitor: Visitor) -> None:
    show_accounts(lists)
    report = visitor.visit(login=with_account("620003"))
    assert (report.code, report.bills) == (Code.SEVERAL_ACCOUNTS, [])


def test_rows_of_other_accounts_are_ignored(lists: Lists, visitor: Visitor) -> None:
    shown = table(rows(0, 2)).replace("<th>Date", "<th>Account<th>Date")
    for number, account in (("INV-0", "62 00 02"), ("INV-1", "620001"), ("INV-2", "620002")):
        shown = shown.replace(f"<td>{number}", f"<td>{number}<td>{account}")
    lists.show(shown)
    report = visitor.visit(login=with_account("620002"))
    assert numbers(report) == ["INV-0", "INV-2"]
    assert report.not_ours == 1


def test_the_accounts_sign_must_be_shown(lists: Lists, visitor: Visitor) -> None:
    lists.show("<p>Customer 4711</p>" + table(rows(0, 1)))
    recipe = {"bills": {"account_sign": "{account_no}"}}
    assert visitor.visit(recipe, login=with_account("4711")).code is None
    report = visitor.visit(recipe, login=with_account("47"))
    assert (report.code, report.bills) == (Code.SEVERAL_ACCOUNTS, [])


# The recipe


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


def test_the_recipe_says_when_the_list_is_whole(lists: Lists, visitor: Visitor) -> None:
    code = "const all = {{all}}; const start = Date.now(); const look = () => Date.now() - start"
    code += " < 1500 ? requestAnimationFrame(look) : (list.innerHTML = all, done.hidden = false);"
    made = script(code + "look()", all=rows(0, 3))
    lists.show(table(rows(0, 1)) + "<p id=done hidden>All there</p>" + made)
    recipe = {"bills": {"wait": [{"selector": "#done"}]}}
    assert numbers(visitor.visit(recipe)) == names(0, 3)


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


def test_a_part_that_could_not_be_loaded_is_a_gap(lists: Lists, visitor: Visitor) -> None:
    lists.answer("/more", lambda _: Reply(500, b"broken"))
    code = "fetch('/site/more').then(r => { if (!r.ok) note.textContent = 'Try again later' })"
    lists.show(table(rows(0, 1)) + "<p id=note></p>" + script(code))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)
    assert "/site/more failed (HTTP 500)" in report.error


def test_a_last_page_that_leads_to_the_first_ends_the_list(lists: Lists, visitor: Visitor) -> None:
    def give(query: dict[str, str]) -> Reply:
        at = int(query.get("page", 1))
        after = at % 3 + 1
        return whole(table(rows(2 * at - 2, 2 * at - 1)) + f"<a href='?page={after}'>Next</a>")

    lists.show("")
    lists.answer("/bills", give)
    assert numbers(visitor.visit()) == names(0, 5)


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


def test_accounts_that_are_links_are_chosen_too(lists: Lists, visitor: Visitor) -> None:
    def give(query: dict[str, str]) -> Reply:
        at = query.get("a", "620001")
        made = "".join(table_row(f"{at[-1]}-{n}", f"2026-{n:02}-01") for n in (10, 9))
        links = "".join(f"<li><a href='?a={a}'>Account {a}</a></li>" for a in ("620001", "620002"))
        return whole(f"<ul>{links}</ul>" + table(made))

    lists.show("")
    lists.answer("/bills", give)
    assert numbers(visitor.visit(login=with_account("620002"))) == ["2-10", "2-9"]
    assert len(documents(visitor.visit())) == 4


def test_accounts_behind_a_button_are_a_doubt(lists: Lists, visitor: Visitor) -> None:
    lists.show("<p>Account 4711</p><button>Switch account</button>" + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.SEVERAL_ACCOUNTS, 2)
    assert visitor.visit(login=with_account("4711")).code is None


MENU = """<button aria-haspopup=menu>Account 4711 \u25be</button><div role=menu hidden>
<a role=menuitem href='?acc=4711'>%s</a><a role=menuitem href='?acc=4712'>%s</a></div>"""


@pytest.mark.parametrize("texts", [("4711", "4712"), ("1 Old Street", "2 New Street")])
def test_accounts_in_a_closed_menu_are_a_doubt_and_never_taken_for_the_own_one(
    lists: Lists, visitor: Visitor, texts: tuple[str, str]
) -> None:
    lists.show(MENU % texts + table(rows(0, 1)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.SEVERAL_ACCOUNTS, 2)
    report = visitor.visit(login=with_account("4712"))
    assert (report.code, len(report.bills)) == (Code.SEVERAL_ACCOUNTS, 0)
    assert visitor.visit(login=with_account("4711")).code is None


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
