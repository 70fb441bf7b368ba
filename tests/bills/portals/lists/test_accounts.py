"""Whose list it is: another's keeps nothing, and of several accounts the own one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import Login
from bills.portals.failures import Code
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import CANARY, EMAIL
from tests.bills.portals.list_pages import (
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
)

if TYPE_CHECKING:
    from tests.bills.browsing import Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)


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


CONTRACTS = ("770011", "880022")


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


def test_contracts_behind_a_dialog_are_all_walked_or_the_csvs_alone(
    lists: Lists, visitor: Visitor
) -> None:
    two_contracts(lists)
    every = [f"{contract}-{n}" for contract in CONTRACTS for n in (8, 9)]
    assert sorted(numbers(visitor.visit())) == every
    two_contracts(lists)
    login = Login(EMAIL, CANARY, extra={"contract": "880022"})
    assert sorted(numbers(visitor.visit(login=login))) == every[2:]


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
