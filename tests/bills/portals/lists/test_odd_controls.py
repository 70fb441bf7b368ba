"""Other parts of a list behind controls that are odd: walked by their effect, or a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from config.dev.sandbox.portal_pages import plain_pdf
from tests.bills.browsing import page
from tests.bills.portals.list_pages import Lists, numbers, rows, script, table, whole

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

FIRST, REST = rows(0, 2), rows(3, 5)
ALL, LISTED = [f"INV-{n}" for n in range(6)], [f"INV-{n}" for n in range(3)]


def each_shows(css: str, event: str = "onclick") -> str:
    """A script: the first of these shows the first three bills, the second the others."""
    return script(
        "document.querySelectorAll({{css}}).forEach((part, at, all) => { part[{{event}}] = () => {"
        "list.innerHTML = at ? {{rest}} : {{first}};"
        "all.forEach(one => { one.classList.toggle('active', one === part);"
        "one.setAttribute('aria-selected', one === part) }) } })",
        css=css, event=event, first=FIRST, rest=REST,
    )  # fmt: skip


def heard(code: str) -> str:
    return script("odd.addEventListener('click', () => { " + code + "; odd.remove() })", rest=REST)


ADDS = "list.insertAdjacentHTML('beforeend', {{rest}})"
SEGMENTS = "<div><button class=active>Household</button><button>Garage</button></div>"
WALKED = {
    "tabs whose names say nothing": "<p role=tablist><button role=tab aria-selected=true>Power"
    "</button><button role=tab>District heating</button></p>" + each_shows("[role=tab]"),
    "buttons of which one is chosen": SEGMENTS + each_shows("div > button"),
    "in-page links": "<p><a href='#a' class=active>Invoices</a> <a href='#b'>Credit notes</a></p>"
    + each_shows("p > a"),
    "dots with labels": "<p><button class=active aria-label='Go to page 1'></button>"
    "<button aria-label='Go to page 2'></button></p>" + each_shows("p > button"),
    "a pager to choose from": "<select id=pager><option>1<option>2</select>"
    + script(
        "pager.onchange = () => { list.innerHTML = pager.value == 2 ? {{rest}} : {{first}} }",
        first=FIRST, rest=REST,
    ),
    "how many more": "<button id=odd>+3</button>" + heard(ADDS),
    "a part that only a script makes a button": "<div id=odd>Load more</div>" + heard(ADDS),
    "the number of a page beside this one's": "<p>1 <a href='javascript:turn()'>2</a></p>"
    + script("function turn() { list.innerHTML = {{rest}}; document.querySelector('p').remove() }",
             rest=REST),
}  # fmt: skip
GAPS = {
    "a choice that nobody knows": (
        "<select id=home><option>Home<option>Summer house</select>"
        + script("home.onchange = () => { list.innerHTML = {{rest}} }", rest=REST),
        Code.OLDER_BILLS_ELSEWHERE,
    ),
    "a page's number to be typed": (
        "Page <input value=1> / 2 <button>Go</button>", Code.LIST_INCOMPLETE,
    ),
    "a box to choose from that is no select": (
        "<p role=combobox aria-expanded=false>My home</p><ul role=listbox hidden>"
        "<li role=option>My home<li role=option>My cabin</ul>", Code.SEVERAL_ACCOUNTS,
    ),
    "rows in a frame": ("<iframe src=/site/frame></iframe>", Code.LIST_INCOMPLETE),
}  # fmt: skip
NO_PARTS = (
    "<select><option>10<option>25</select><select onchange='x'><option>English<option>Svenska"
    "</select><select onchange='x'><option>Oldest first<option>Newest first</select>"
    "<p><a href=/site/home class=active>My page</a>"
    "<a href=/site/bills>Invoices</a></p><p><b class=active>Bills</b><button>Pay now</button></p>"
)


def see(visitor: Visitor, beside: str) -> AttemptReport:
    lists = Lists(visitor.pages)
    lists.answer("/frame", lambda _: page(table(REST)))
    lists.show(table(FIRST) + beside)
    return visitor.visit()


@pytest.mark.parametrize("kind", WALKED)
def test_a_part_behind_an_odd_control_is_walked(together: Together, kind: str) -> None:
    assert sorted(numbers(together(see, WALKED.values())[WALKED[kind]].report)) == ALL


def see_gap(visitor: Visitor, kind: str) -> AttemptReport:
    return see(visitor, GAPS[kind][0])


@pytest.mark.parametrize("kind", GAPS)
def test_what_may_divide_the_list_and_is_not_known_is_a_gap(together: Together, kind: str) -> None:
    report = together(see_gap, GAPS)[kind].report
    assert report.code is GAPS[kind][1], report.error
    assert sorted(bill.number for bill in report.bills) == LISTED


def test_what_divides_no_list_is_ignored(visitor: Visitor) -> None:
    assert numbers(see(visitor, NO_PARTS)) == LISTED


def test_links_to_this_page_asked_otherwise_are_followed(visitor: Visitor) -> None:
    lists = Lists(visitor.pages)
    homes = "<a href='?home=1'>My home</a> <a href='?home=2'>My cabin</a>"
    lists.show("")
    lists.answer("/bills", lambda asked: whole(
        homes + table(REST if asked.get("home") == "2" else FIRST)))  # fmt: skip
    assert numbers(visitor.visit()) == ALL


def test_a_bill_whose_button_is_disabled_is_a_gap_and_costs_no_other(visitor: Visitor) -> None:
    coming = "<tr><td>INV-9<td>2026-11-20<td>$ 9.00<td><button disabled>PDF</button>"
    lists = Lists(visitor.pages)
    lists.show(table(coming + FIRST))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 3)


def test_an_archive_is_followed(visitor: Visitor) -> None:
    lists = Lists(visitor.pages)
    lists.show(table(FIRST) + "<a href=/site/archive>Go to the old archive</a>")
    lists.answer("/archive", lambda _: whole(table(REST)))
    assert numbers(visitor.visit()) == ALL


def test_years_in_parts_that_only_a_script_folds_are_unfolded(visitor: Visitor) -> None:
    lists = Lists(visitor.pages)
    fold = "<h3 class=fold>Invoices {}</h3><div {}>{}</div>"
    lists.show(
        fold.format(2026, "", table(FIRST)) + fold.format(2025, "hidden", table(REST, "more"))
        + script("document.querySelectorAll('.fold').forEach(head => head.addEventListener("
                 "'click', () => { head.nextSibling.hidden = false }))")
    )  # fmt: skip
    assert sorted(numbers(visitor.visit())) == ALL


def test_a_document_that_shows_nothing_of_its_bill_is_not_kept(visitor: Visitor) -> None:
    lists = Lists(visitor.pages)
    lists.show(table(rows(0, 1)))
    said = "Invoice number INV-777 of 2026-01-03, to be paid by customer 9999: $ 55.00"
    wrong = Reply(200, plain_pdf(said), "application/pdf")
    plain = visitor.pages.handle
    visitor.pages.handle = (  # type: ignore[method-assign]
        lambda request: wrong if request.path.endswith("INV-1") else plain(request)
    )
    report = visitor.visit()
    assert report.code is Code.DOCUMENT_UNCLEAR
    assert [bill.number for bill in report.bills] == ["INV-0"]
