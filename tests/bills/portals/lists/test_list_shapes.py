"""Lists of bills as portals lay them out, none of which a recipe describes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from tests.bills.portals.list_pages import (
    HEADS,
    Lists,
    document,
    documents,
    link,
    numbers,
    rows,
    table,
    table_row,
)

if TYPE_CHECKING:
    from bills.browser.report import AttemptReport
    from tests.bills.browsing import Together, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)


def cards(make: str, *months: int) -> str:
    return "".join(make.replace("MM", f"{m:02}").replace("LINK", link(f"9{m:02}")) for m in months)


CARDS = {
    "cards": "<div class=c><div>Invoice 9MM</div><div>2026-MM-03</div><div>$ 1MM.00</div>"
    "<div>LINK</div></div>",
    "cards whose parts are wrapped": "<div class=c><div><h3>Invoice 9MM</h3></div><div><div>"
    "<span>2026-MM-03</span> <b>$ 1MM.00</b></div><div><p>LINK</p></div></div></div>",
    "items of a list": "<li>Invoice 9MM, 2026-MM-03 <b>$ 1MM.00</b> LINK</li>",
    "articles": "<article><h3>Invoice no. 9MM</h3><time datetime=2026-MM-03>lately</time>"
    "<p>$ 1MM.00</p><ul><li>LINK</li></ul></article>",
    "a list of terms for each": "<div class=b><dl><dt>Invoice number</dt><dd>9MM</dd><dt>Date</dt>"
    "<dd>2026-MM-03</dd><dt>Total</dt><dd>$ 1MM.00</dd></dl>LINK</div>",
    "rows of roles": "<div role=row><span role=cell>Invoice 9MM</span><span role=cell>2026-MM-03"
    "</span><span role=cell>$ 1MM.00</span><span role=cell>LINK</span></div>",
    "links without a word": "<div class=c><p>Invoice 9MM</p><p>2026-MM-03</p><p>$ 1MM.00</p>"
    "<a href=/site/doc/9MM aria-label='Download invoice'><svg width=9 height=9></svg></a></div>",
}


def see_cards(visitor: Visitor, kind: str) -> AttemptReport:
    made = cards(CARDS[kind], 11, 10, 9)
    around = {
        "items of a list": f"<ul>{made}</ul>",
        "rows of roles": f"<div role=table>{made}</div>",
    }
    shown = f"<h1>Invoices</h1><div class=list>{around.get(kind, made)}</div>"
    Lists(visitor.pages).show(shown)
    return visitor.visit()


@pytest.mark.parametrize("kind", CARDS)
def test_bills_are_read_whatever_they_stand_in(together: Together, kind: str) -> None:
    report = together(see_cards, CARDS)[kind].report
    assert numbers(report) == ["911", "910", "909"]
    assert report.bills[0].date == date(2026, 11, 3)
    assert [bill.amount for bill in report.bills] == [Decimal(111), Decimal(110), Decimal(109)]
    assert documents(report) == ["909", "910", "911"]


def test_one_list_of_terms_may_hold_all_bills(lists: Lists, visitor: Visitor) -> None:
    made = "<dt>Invoice 9MM</dt><dd>2026-MM-03</dd><dd>$ 1MM.00</dd><dd>LINK</dd>"
    lists.show(f"<h1>Bills</h1><dl>{cards(made, 11, 10)}</dl>")
    report = visitor.visit()
    assert numbers(report) == ["911", "910"]
    assert documents(report) == ["910", "911"]


def test_a_single_card_is_a_list_too(lists: Lists, visitor: Visitor) -> None:
    lists.show(f"<h1>Bills</h1><div class=l>{cards(CARDS['cards'], 11)}</div>")
    assert numbers(visitor.visit()) == ["911"]


def test_tiles_without_a_number_are_identified_by_their_months(
    lists: Lists, visitor: Visitor
) -> None:
    tile = "<li><h3>%s 2026</h3><p>Account 4102839998 &middot; $80.10</p>%s</li>"
    months = ("October", "September")
    lists.show("<ul>" + "".join(tile % (m, link(m, "View bill")) for m in months) + "</ul>")
    report = visitor.visit()
    assert documents(report) == ["October", "September"]
    [first, _] = report.bills
    assert (first.number, first.date, first.date_text) == ("", None, "October 2026")
    assert first.contract == "4102839998"


def test_payments_between_the_bills_are_accounted_for(lists: Lists, visitor: Visitor) -> None:
    payment = "<tr><td>Payment<td>2026-10-09<td>-$ 10.00<td></tr>"
    receipt = f"<tr><td>Payment<td>2026-10-08<td>-$ 10.00<td>{link('receipt')}</tr>"
    coming = "<tr><td>INV-9<td>2026-11-09<td>$ 12.00<td>Available soon</tr>"
    lists.show(table(coming + rows(0, 1) + payment + receipt))
    report = visitor.visit()
    assert numbers(report) == ["INV-0", "INV-1"]
    assert report.rows.as_json() == {
        "seen": 5, "kept": 2, "known": 0, "missing": 0,
        "others": {"no_document": 1, "payment": 2},
    }  # fmt: skip
    assert "receipt" not in lists.fetched


def test_a_button_that_nobody_knows_is_a_doubt(lists: Lists, visitor: Visitor) -> None:
    odd = "<tr><td>INV-9<td>2026-11-09<td>$ 12.00<td><button>Frobnicate</button></tr>"
    lists.show(table(odd + rows(0, 1)))
    report = visitor.visit()
    assert report.code is Code.LIST_INCOMPLETE
    assert "Frobnicate" in report.error
    assert len(report.bills) == 2


@pytest.mark.parametrize(
    "beside",
    [
        "<footer><ul><li>Terms 2026-01-01 {}</li></ul></footer>",
        "<aside><ul><li>Price list 2026-01-01 {}</li></ul></aside>",
        "<div class=docs><p>Terms and conditions 2026-01-01 {}</p></div>",
        "<section><h2>Good to know</h2><ul><li>Price list 2026-07-01 {}</li></ul></section>",
        "<ul><li>{}</li></ul>",
    ],
)
def test_documents_beside_the_list_are_no_bills(
    lists: Lists, visitor: Visitor, beside: str
) -> None:
    lists.show(table(rows(0, 1)) + beside.format(link("terms.pdf", "Read it (PDF)")))
    assert numbers(visitor.visit()) == ["INV-0", "INV-1"]
    assert "terms.pdf" not in lists.fetched


def test_a_document_beside_the_list_that_may_be_a_bill_is_a_doubt(
    lists: Lists, visitor: Visitor
) -> None:
    lists.show(table(rows(0, 1)) + f"<ul><li>2026-10-30 {link('x')}</li></ul>")
    report = visitor.visit()
    assert report.code is Code.LIST_INCOMPLETE
    assert "2026-10-30" in report.error
    assert len(report.bills) == 2


@pytest.mark.parametrize(("name", "kept"), [("INV-0", 3), ("current", 4)])
def test_the_current_bill_in_a_box_is_one_of_the_history_or_a_further_one(
    lists: Lists, visitor: Visitor, name: str, kept: int
) -> None:
    box = f"<div class=now><h2>Current bill</h2><p>$ 99.00, due 2026-12-20 {link(name)}</p></div>"
    if name == "INV-0":
        box = box.replace("99", "10")
    lists.show(box + table(rows(0, 2)))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (None, kept), report.error
    assert date(2026, 12, 20) not in [bill.date for bill in report.bills]


def test_the_same_document_in_the_box_under_another_address_is_one_bill(
    lists: Lists, visitor: Visitor
) -> None:
    box = f"<div class=now><h2>Current bill</h2><p>$ 10.00, due 2026-12-20 {link('now')}</p></div>"
    lists.answer("/now", lambda _: document("/site/doc/INV-0"))
    lists.show(box.replace("/site/doc/now", "/site/now") + table(rows(0, 2)))
    report = visitor.visit()
    assert sorted(numbers(report)) == ["INV-0", "INV-1", "INV-2"]
    assert report.rows.others["repeated"] == 1


def test_an_account_number_or_a_rent_that_every_row_shows_is_no_number(
    lists: Lists, visitor: Visitor
) -> None:
    def row(month: int) -> str:
        shown = f"<td>4102839998<td>2026-{month:02}-03<td>8450 kr<td>{link(month)}"
        return f"<tr>{shown}</tr>"

    lists.show(table("".join(map(row, (10, 9, 8)))), "sv")
    report = visitor.visit()
    assert documents(report) == ["10", "8", "9"]
    assert {bill.number for bill in report.bills} == {""}


def test_two_lines_in_one_month_and_a_credit_note_are_all_kept(
    lists: Lists, visitor: Visitor
) -> None:
    head = HEADS.replace("<th>Amount", "<th>Line<th>Amount")
    lines = [("7", "06 11", "$ 5.00"), ("7", "06 22", "$ 5.00"), ("7", "06 22", "$ -5.00")]
    made = "".join(
        f"<tr><td>{number}<td>2026-10-01<td>{line}<td>{amount}<td>{link(at)}</tr>"
        for at, (number, line, amount) in enumerate(lines)
    )
    lists.show(f"<table>{head}<tbody>{made}</tbody></table>")
    report = visitor.visit()
    assert documents(report) == ["0", "1", "2"]
    assert [bill.contract for bill in report.bills] == ["06 11", "06 22", "06 22"]


def test_a_table_without_headings_needs_no_number(lists: Lists, visitor: Visitor) -> None:
    lists.show(f"<table>{table_row('A-12')}{table_row('A-13', '2026-09-01')}</table>")
    report = visitor.visit()
    assert documents(report) == ["A-12", "A-13"]
    assert {bill.number for bill in report.bills} == {""}


def test_receipts_of_payments_in_a_list_of_their_own_are_no_bills(
    lists: Lists, visitor: Visitor
) -> None:
    paid = "".join(
        f"<tr><td>2026-{m:02}-20<td>$ 10.00<td>{link(f'r{m}', 'Download')}</tr>" for m in (10, 9)
    )
    receipts = f"<h2>Payments</h2><table><tr><th>Date<th>Amount<th></tr>{paid}</table>"
    lists.show(f"<h2>Invoices</h2>{table(rows(0, 1))}{receipts}")
    report = visitor.visit()
    assert numbers(report) == ["INV-0", "INV-1"]
    assert report.rows.others["payment"] == 2
    lists.show(receipts)
    assert visitor.visit().code is Code.UNRECOGNISED_PAGE


def test_a_mail_box_holds_more_than_bills(lists: Lists, visitor: Visitor) -> None:
    def mail(*subjects: str) -> str:
        return (
            "<table>"
            + "".join(
                f"<tr><td>2026-10-0{at + 1}<td>{subject}<td>{link(at)}</tr>"
                for at, subject in enumerate(subjects)
            )
            + "</table>"
        )

    lists.show(mail("Invoice October", "Your new contract", "Invoice September"))
    report = visitor.visit()
    assert documents(report) == ["0", "2"]
    assert report.rows.others["not_a_bill"] == 1
    lists.show(mail("Invoice October", "Something else", "Invoice September"))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 2)


def test_a_price_list_alone_is_no_empty_list(lists: Lists, visitor: Visitor) -> None:
    """Nothing but what is no bill proves nothing: the bills may be something we do not know."""
    lists.show(f"<ul><li>Price list 2026-01-01 {link('prices')}</li></ul><p>No bills yet</p>")
    assert visitor.visit().code is Code.UNRECOGNISED_PAGE


def test_a_first_line_of_words_is_the_heading(lists: Lists, visitor: Visitor) -> None:
    shown = table(rows(0, 1)).replace("thead", "tbody").replace("th>", "td>")
    lists.show(shown.replace("<th", "<td"))
    assert numbers(visitor.visit()) == ["INV-0", "INV-1"]
