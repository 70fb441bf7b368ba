"""Rows that a filter, a box to tick or a menu hides: shown, or a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from tests.bills.portals.list_pages import Lists, names, numbers, rows, script, table

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

FIRST, REST, EVERY = rows(0, 2), rows(3, 5), rows(0, 5)
TODAY = datetime.now(UTC).date()


def shows(name: str, event: str, what: str = EVERY) -> str:
    """Something happens to the part of this id: the list is another."""
    return script(f"{name}.{event} = () => {{ list.innerHTML = {{{{of}}}} }}", of=what)


SEEN = {
    "a box of its own beside its label": "<input type=checkbox id=a><label for=a>Show paid bills"
    "</label>" + script("a.onchange = () => { list.innerHTML = a.checked ? {{all}} : {{some}} }",
                        all=EVERY, some=FIRST),
    "a box that is ticked": "<label><input type=checkbox id=a checked>Only unpaid bills</label>"
    + shows("a", "onchange"),
    "a switch": "<button role=switch aria-checked=true id=a>Only open</button>"
    + shows("a", "onclick"),
    "a filter to clear": "<span>Unpaid <button id=a aria-label='Remove filter Unpaid'>x</button>"
    "</span>" + shows("a", "onclick"),
    "two radio buttons": "<input type=radio name=r id=a checked><label for=a>Unpaid</label>"
    "<input type=radio name=r id=b><label for=b>Paid</label>" + shows("a", "onchange", FIRST)
    + shows("b", "onchange", REST),
    "an arrow of a font": "<button id=a><i>chevron_right</i></button>" + script(
        "a.onclick = () => { list.innerHTML = {{of}}; a.disabled = true }", of=REST),
    "a plus behind the list": "<button id=a>+</button>" + script(
        "a.onclick = () => { list.innerHTML = {{of}}; a.remove() }", of=EVERY),
    "a list to choose from that opens": "<button id=a aria-haspopup=listbox>My home</button>"
    "<div id=b></div>" + script(
        "a.onclick = () => { b.innerHTML = '<ul role=listbox><li role=option>My home"
        "<li role=option>My cabin</ul>'; [...b.querySelectorAll('li')].forEach((one, at) => {"
        "one.onclick = () => { b.innerHTML = ''; list.innerHTML = {{of}}[at] } }) }",
        of=[FIRST, REST]),
    "a banner over the list": "<div id=c class=cookies style='position:fixed;inset:0'>We use "
    "cookies <button onclick='c.remove()'>Accept all</button></div><button id=a>Load more</button>"
    + script("a.onclick = () => { list.innerHTML = {{of}}; a.remove() }", of=EVERY),
    "a second list that another one closes": f"<details name=x open><summary>Power</summary>"
    f"</details><details name=x><summary>Grid</summary>{table(REST, 'more')}</details>",
    "links in menus of their rows": table(REST, "more").replace(
        "<a ", "<button><svg width=9 height=9></svg></button><a hidden "),
    "links that show under the pointer": "<style>.x a { visibility: hidden }</style>"
    f"<div class=x>{table(REST, 'more')}</div>",
}  # fmt: skip
GAPS = {
    "rows that are hidden": f"<table hidden><tbody>{REST}</tbody></table>",
    "a range in one box": "<label>Period <input value='29/08/2026 - 27/11/2026'></label>",
    "a year in a box": "<label>Year <input type=number value=2026></label>",
    "a period on a button": "<button>Last 90 days</button>",
    "a range until today": f"<p>{TODAY - timedelta(days=90)} to {TODAY}</p>",
    "a select made of other parts": "<p id=a>My home</p><ul hidden id=b><li>My home<li>My cabin"
    "</ul>" + script("a.onclick = () => { b.hidden = false };"
                     "[...b.children].forEach(one => one.onclick = () => 0)"),
    "another contract": "<b>Contract 440011</b> <a href=/site/c/440022>Contract 440022</a>",
    "a service that is away": "<p>This service is temporarily unavailable.</p>",
    "a choice that a form asks by": "<form><select name=f><option>Power AB<option>Grid AB"
    "</select><button>Show</button></form>",
}  # fmt: skip
WHOLE = {
    "the same rows for a phone": f"<div hidden><ul>{FIRST.replace('tr>', 'li>')}</ul></div>",
    "a range of another time": "<p>2026-01-01 to 2026-06-30</p>",
    "a form that asks a question": "<form><select name=f><option>Question<option>Complaint"
    "</select><textarea></textarea><button>Send</button></form>",
    "a box for news": "<label><input type=checkbox checked>Send me news</label>",
    "a chat that is away": "<p>Our chat is temporarily unavailable.</p>",
    "a menu of the user": "<p id=a>Ann</p><ul hidden id=b><li>Profile<li>Settings</ul>"
    + script("[a, ...b.children].forEach(one => one.onclick = () => 0)"),
    "a way of delivery": "<input type=radio name=r id=a checked><label for=a>By e-mail</label>"
    "<input type=radio name=r id=b><label for=b>On paper</label>" + shows("b", "onchange", ""),
    "its customer and its account": "<p>Account 771122</p><a href=/site/me>Customer 440011</a>",
    "its own contract": "<p>Contract 440011</p><a href=/site/c/440011>Contract 440011</a>",
}  # fmt: skip
GAP_CODES = (Code.LIST_INCOMPLETE, Code.OLDER_BILLS_ELSEWHERE, Code.SEVERAL_ACCOUNTS)
ALL = {**SEEN, **GAPS, **WHOLE}


def see(visitor: Visitor, kind: str) -> AttemptReport:
    lists = Lists(visitor.pages)
    lists.show(f"<div>{table(FIRST)}{ALL[kind]}</div>")
    return visitor.visit()


@pytest.mark.parametrize("kind", SEEN)
def test_what_is_hidden_is_shown_and_read(together: Together, kind: str) -> None:
    assert sorted(numbers(together(see, ALL)[kind].report)) == names(0, 5)


@pytest.mark.parametrize("kind", GAPS)
def test_what_stays_hidden_is_a_gap(together: Together, kind: str) -> None:
    report = together(see, ALL)[kind].report
    assert report.code in GAP_CODES, report.error
    assert sorted(bill.number for bill in report.bills) == names(0, 2)


@pytest.mark.parametrize("kind", WHOLE)
def test_what_hides_no_bill_is_no_gap(together: Together, kind: str) -> None:
    assert numbers(together(see, ALL)[kind].report) == names(0, 2)


def test_the_longest_page_is_chosen_where_nothing_turns_a_full_one(visitor: Visitor) -> None:
    sizes = "<select id=a><option>5<option>10<option>All</select>"
    lists = Lists(visitor.pages)
    lists.show(table(rows(0, 4)) + sizes + shows("a", "onchange", rows(0, 8)))
    assert numbers(visitor.visit()) == names(0, 8)
    lists.show(table(rows(0, 4)) + sizes)
    assert numbers(visitor.visit()) == names(0, 4)
