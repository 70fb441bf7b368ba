"""The list of bills: every page of it, only this customer's rows, only new bills fetched."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from bills.browser.plan import BillKey, KnownBill, Login
from bills.browser.report import Stage
from bills.portals.failures import Code
from tests.bills.browsing import CANARY, EMAIL, LOG_OUT, bill_row, bill_table, page, pdf
from tests.bills.portals.list_pages import document

if TYPE_CHECKING:
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

TURNING = """<div id=list></div><button id=more onclick="turn()">Next</button><script>
let number = 0;
const row = n => `<tr><td>F${n}</td><td>2026-10-0${n}</td><td>1 kr</td>
  <td><button onclick="location='/site/${n}.pdf'">PDF</button></td></tr>`;
function turn() {
  number += 1;
  const body = row(2 * number - 1) + row(2 * number);
  setTimeout(() => {
    list.innerHTML = `<table><tr><th>Bill<th>Date<th>Sum<th>PDF</tr>${body}</table>`;
    more.disabled = number === 3;
  }, 150);
}
turn();</script>"""


def kept(*numbers: str) -> tuple[KnownBill, ...]:
    return tuple(KnownBill(BillKey(number)) for number in numbers)


def link(number: object) -> str:
    return f"<a href='/site/{number}.pdf'>PDF</a>"


def serve_bills(pages: Pages, *numbers: object) -> None:
    for number in numbers:
        pages.reply(f"GET /{number}.pdf", pdf())


def test_only_new_bills_are_fetched(pages: Pages, visitor: Visitor) -> None:
    pages.portal(bill_table(*(bill_row(f"F{n}", link(n)) for n in (1, 2, 3))))
    serve_bills(pages, 1, 2, 3)
    known = kept("F1", "F3")
    report = visitor.visit(login=Login(EMAIL, CANARY, known))
    assert report.code is None, report.error
    assert (report.found, report.known_before) == (3, 2)
    [bill] = report.bills
    assert (bill.number, bill.date) == ("F2", date(2026, 10, 1))
    assert (bill.amount, bill.currency) == (Decimal("100.00"), "SEK")
    assert [line for line in pages.asked if line.endswith(".pdf")] == ["GET /site/2.pdf"]


def test_the_recipe_says_where_everything_is(pages: Pages, visitor: Visitor) -> None:
    def row(customer: str, number: str, day: str, href: int) -> str:
        cells = f"<b class=who>{customer}</b><i>Inv {number}</i><s>{day}</s><u>USD 1,000.50</u>"
        return f"<div class=bill>{cells} {link(href)} <a href='/site/terms.pdf'>Terms</a></div>"

    old, own = row("0042", "8", "01/31/2025", 8), row("0042", "9", "02/28/2026", 9)
    strange = row("00421", "7", "02/28/2026", 7)
    pages.portal("<button onclick='bills.hidden = false'>My bills</button>")
    shown = f"<div id=bills hidden><div class=bill hidden>template</div>{strange}{old}{own}</div>"
    pages.portal("<button onclick='bills.hidden = false'>My bills</button>" + shown)
    serve_bills(pages, 9)
    recipe = {
        "steps": [{"click": {"text": "My bills"}}],
        "rows": "div.bill",
        "own_row": "{customer_no}",
        "own_cell": {"selector": ".who"},
        "number": {"selector": "i", "pattern": "Inv (.*)"},
        "date": {"selector": "s", "format": "%m/%d/%Y"},
        "amount": {"selector": "u"},
        "link": {"text": "PDF"},
        "since": "2026-01-01",
    }
    login = Login(EMAIL, CANARY, extra={"customer_no": "0042"})
    report = visitor.visit({"bills": recipe}, login)
    assert report.code is None, report.error
    [bill] = report.bills
    assert (bill.number, bill.date) == ("9", date(2026, 2, 28))
    assert (bill.amount, bill.currency) == (Decimal("1000.50"), "USD")
    assert (report.found, report.older, report.not_ours) == (1, 1, 1)


def test_pages_that_a_script_turns_are_walked_and_walked_again(
    pages: Pages, visitor: Visitor
) -> None:
    """Bills behind buttons: each is pressed on its own page, after the list was read whole."""
    pages.portal(TURNING)
    serve_bills(pages, *range(1, 7))
    known = kept("F3", "F4")
    report = visitor.visit(login=Login(EMAIL, CANARY, known))
    assert report.code is None, report.error
    assert [bill.number for bill in report.bills] == ["F1", "F2", "F5", "F6"]
    assert (report.found, report.known_before) == (6, 2)
    pressed = [line for line in pages.asked if line.endswith(".pdf")]
    assert pressed == [f"GET /site/{n}.pdf" for n in (1, 2, 5, 6)]


def test_a_next_page_that_never_comes_does_not_go_unnoticed(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal(bill_table(bill_row("F1", link(1))) + "<button>Next</button>")
    serve_bills(pages, 1)
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert report.code is Code.LIST_INCOMPLETE
    assert "bills.next: page 2 did not come" in report.error
    assert [bill.number for bill in report.bills] == ["F1"], "what there is, is fetched"


def test_more_pages_than_expected_are_reported(pages: Pages, visitor: Visitor) -> None:
    pages.portal(TURNING)
    serve_bills(pages, *range(1, 7))
    report = visitor.visit({"bills": {"max_pages": 2}})
    assert (report.code, len(report.bills)) == (Code.LIST_INCOMPLETE, 4)
    assert "bills.max_pages: there are more than 2 pages" in report.error


def test_no_bills_is_a_success_only_where_the_page_says_so(pages: Pages, visitor: Visitor) -> None:
    pages.portal("<p>Du har inga fakturor.</p>")
    assert visitor.visit().code is None
    pages.portal("<p>Loading your bills</p>")
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert (report.code, report.stage) == (Code.UNRECOGNISED_PAGE, Stage.LIST)
    pages.portal("<p>Tomt</p>")
    assert visitor.visit({"bills": {"empty": [{"text": "tomt"}]}}).code is None


def test_no_bills_where_there_were_some_is_a_failure(pages: Pages, visitor: Visitor) -> None:
    pages.portal("<p>You have no bills yet.</p>")
    known = kept("F1")
    report = visitor.visit(login=Login(EMAIL, CANARY, known))
    assert (report.code, report.stage) == (Code.NO_BILLS_BUT_HAD_BEFORE, Stage.LIST)
    assert report.evidence is not None
    assert "no bills yet" in report.evidence.html


def test_bills_that_are_too_old_are_no_broken_recipe(pages: Pages, visitor: Visitor) -> None:
    pages.portal(bill_table(bill_row("F1", link(1))))
    known = kept("F1")
    recipe = {"bills": {"since": "2026-11-01"}}
    report = visitor.visit(recipe, Login(EMAIL, CANARY, known))
    assert (report.code, report.older) == (None, 1)


def test_a_list_of_strangers_bills_is_not_believed(pages: Pages, visitor: Visitor) -> None:
    rows = [bill_row(f"F{n}", link(n), "<td>other@example.test</td>") for n in (1, 2)]
    pages.portal(bill_table(*rows, headings="Bill|Date|Amount|Mail|PDF"))
    report = visitor.visit()
    assert report.code is Code.UNRECOGNISED_PAGE
    assert "Set bills.own_row" in report.error
    assert visitor.visit({"bills": {"own_row": "{email}"}}).code is None
    assert not [line for line in pages.asked if line.endswith(".pdf")]


def test_a_bill_that_is_listed_twice_is_kept_once(pages: Pages, visitor: Visitor) -> None:
    """The same link, or another one to the same document."""
    rows = [bill_row("F1", link(1)), bill_row("F1", link(1)), bill_row("F1", link(2))]
    pages.portal(bill_table(*rows))
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", document("the same"))
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (None, 1), report.error
    assert (report.rows.seen, report.rows.others["repeated"]) == (3, 2)


def test_two_rows_that_look_alike_are_two_bills_where_their_documents_differ(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal(bill_table(bill_row("F1", link(1)), bill_row("F1", link(2))))
    serve_bills(pages, 1, 2)
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (None, 2), report.error


def test_one_document_for_two_bills_is_kept_for_neither(pages: Pages, visitor: Visitor) -> None:
    pages.portal(bill_table(*(bill_row(f"F{n}", link(n)) for n in (1, 2, 3))))
    for number in (1, 2):
        pages.reply(f"GET /{number}.pdf", document("the same"))
    serve_bills(pages, 3)
    report = visitor.visit()
    assert report.code is Code.TWO_BILLS_ONE_KEY
    assert [bill.number for bill in report.bills] == ["F3"]


def test_an_ended_session_is_reported(pages: Pages, visitor: Visitor) -> None:
    pages.portal("")
    pages.show("/bills", LOG_OUT)
    plan_away = visitor.plan({"login": {"answer_seconds": 2}})
    pages.answers["GET /site/all"] = pages.answers["GET /site/login"]
    plan = type(plan_away)(
        plan_away.login_url, f"{pages.url}/site/all", plan_away.recipe, allow_private=True
    )
    report = visitor.browser.submit(Login(EMAIL, CANARY), plan).result()
    assert (report.code, report.stage) == (Code.NAVIGATION, Stage.LIST)
    assert "asked for the password again" in report.error


def test_a_page_that_says_that_the_session_has_ended_is_believed(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal("<h1>Your session has expired</h1><p>Please sign in again.</p>")
    pages.reply("POST /login", page(LOG_OUT))
    report = visitor.visit({"login": {"answer_seconds": 2}})
    assert (report.code, report.stage) == (Code.SESSION_LOST, Stage.LIST)


def test_a_column_the_credential_lacks_is_reported(pages: Pages, visitor: Visitor) -> None:
    pages.portal(bill_table(bill_row("F1", link(1))))
    report = visitor.visit({"bills": {"own_row": "{customer_no}"}})
    assert 'The credential has no column "customer_no".' in report.error
