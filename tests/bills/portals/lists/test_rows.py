"""One row of a list: whose it is and what it says, by the recipe or by its headings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.portals.failures import Code, PortalError
from bills.portals.lists.cells import DateOrder
from bills.portals.lists.rows import (
    Row,
    amount_of,
    contract_of,
    date_of,
    has_word,
    is_own,
    number_in,
    number_of,
)
from bills.portals.recipe_schema import BillsPart, Cell

HEADINGS = ("Invoice no.", "Due date", "Invoice date", "Total", "PDF")
CELLS = ("F00123", "2026-11-30", "2026-10-05", "1 234,50 kr", "Download")


def day_of(shown: Row, cell: Cell | None = None) -> date | None:
    return date_of(shown, cell, DateOrder(), date(2026, 12, 1)).day


def row(
    cells: tuple[str, ...] = CELLS, headings: tuple[str, ...] = HEADINGS, **picked: str
) -> Row:
    return Row(2, "\t".join(cells), cells, ("",) * len(cells), headings, dict(picked))


def test_headings_say_which_cell_is_which() -> None:
    assert number_of(row(), None) == "F00123"
    assert day_of(row(), None) == date(2026, 10, 5)
    assert amount_of(row(), None) == (Decimal("1234.50"), "SEK")


def test_swedish_headings_do_too() -> None:
    headings = ("Förfallodatum", "Fakturadatum", "Fakturanummer", "Belopp")
    swedish = row(("2026-11-30", "2026-10-05", "0042", "99,00 kr"), headings)
    assert number_of(swedish, None) == "0042"
    assert day_of(swedish, None) == date(2026, 10, 5)
    assert amount_of(swedish, None) == (Decimal("99.00"), "SEK")


def test_without_headings_only_a_label_makes_a_number() -> None:
    bare = row(("2026-10-05", "AB12345", "99,00 kr"), ())
    assert number_of(bare, None) == ""
    assert number_of(row(("2026-10-05", "Faktura AB12345", "99,00 kr"), ()), None) == "AB12345"
    assert day_of(bare, None) == date(2026, 10, 5)
    assert amount_of(bare, None) == (Decimal("99.00"), "SEK")


def test_a_machine_readable_date_is_preferred() -> None:
    shown = Row(0, "Monday", ("Monday",), ("2026-10-05",), (), {})
    assert day_of(shown, None) == date(2026, 10, 5)


def test_the_recipe_says_it_by_column_selector_and_pattern() -> None:
    assert number_of(row(), Cell(column=1, pattern=r"F0*(\d+)")) == "123"
    assert number_of(row(number="A-1"), Cell(selector=".n")) == "A-1"
    assert day_of(row(), Cell(column="due date")) == date(2026, 11, 30)
    assert amount_of(row(), Cell(column="total")) == (Decimal("1234.50"), "SEK")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (Cell(column="Customer"), 'bills.number: row 3 has no column "Customer" (headings: "Inv'),
        (Cell(column=9), 'bills.number: row 3 has no column "9"'),
        (Cell(pattern="X(.*)"), "bills.number: row 3 shows no number"),
    ],
)
def test_what_the_recipe_expects_and_the_row_lacks_is_an_error(cell: Cell, words: str) -> None:
    with pytest.raises(PortalError) as refusal:
        number_of(row(), cell)
    assert refusal.value.code is Code.NAVIGATION
    assert words in str(refusal.value)


def test_a_date_that_cannot_be_read_is_an_error_only_where_the_recipe_names_it() -> None:
    odd = row(("F1", "", "someday", "1 kr", ""))
    with pytest.raises(PortalError, match=r'bills\.date: row 3 shows no date in "someday"'):
        day_of(odd, Cell(column="Invoice date"))
    assert day_of(odd, None) is None


def test_own_row_wants_the_whole_word() -> None:
    assert has_word("Bill for ann@x.se, paid", "ann@x.se")
    assert has_word("ANN@X.SE.", "ann@x.se")
    assert not has_word("joann@x.se", "ann@x.se")
    assert not has_word("ann@x.se.example", "ann@x.se")
    assert not has_word("customer 00123", "123")
    assert has_word("customer 00\u00a0123", "00 123")


def test_the_recipe_says_whose_row_it_is() -> None:
    bills = BillsPart(own_row="4711", own_cell=Cell(column=1))
    assert is_own(row(("4711", "x"), ()), bills, "4711", "ann@x.se")
    assert not is_own(row(("1", "4711"), ()), bills, "4711", "ann@x.se")


def test_without_a_recipe_a_row_that_names_another_address_is_not_ours() -> None:
    guess = BillsPart()
    assert is_own(row(("1", "Ann@X.se"), ()), guess, "", "ann@x.se")
    assert is_own(row(("1", "ann@x.se, help@portal.se"), ()), guess, "", "ann@x.se")
    assert not is_own(row(("1", "joann@x.se"), ()), guess, "", "ann@x.se")
    assert is_own(row(("1", "no address"), ()), guess, "", "ann@x.se")
    assert is_own(row(("1", "help@portal.se"), ()), guess, "", "user 17")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Invoice 9011", "9011"), ("Invoice number: INV-7", "INV-7"), ("Faktura nr. 0042", "0042"),
        ("Rechnung Nr. 2026-0311", "2026-0311"), ("Facture n° F2026/11", "F2026/11"),
        ("Lasku 123456, maksettu", "123456"), ("Credit note CN-9", "CN-9"),
        ("Bill 2026", ""), ("Invoice 2026-11-03", ""), ("Invoice 11/2026", ""),
        ("Invoice of 12 November 2026", ""), ("Invoice 120.00", ""), ("Invoice 120,00 kr", ""),
        ("Account 4102839998", ""), ("View bill", ""), ("Bill for account 4711", ""),
        ("8450 kr", ""), ("Invoices (3)", ""),
    ],
)  # fmt: skip
def test_a_number_stands_after_its_label(text: str, number: str) -> None:
    assert number_in(text) == number


def test_a_column_of_bills_gives_no_number_where_it_shows_none() -> None:
    for text in ("November 2026", "2026", "$ 12.00", "View your bill of 2026", "PDF"):
        assert number_of(row((text,), ("Invoice",)), None) == "", text
    assert number_of(row(("2026-10",), ("Invoice number",)), None) == "2026-10"


def test_a_due_date_is_no_date_of_a_bill() -> None:
    texts = ("due Oct 9, 2026", "Förfaller 2026-10-09", "Fällig am 9.10.2026")
    assert [day_of(row((text,), ())) for text in texts] == [None] * 3
    assert day_of(row(("Issued 2026-10-01, due 2026-10-30",), ())) == date(2026, 10, 1)


def test_a_date_in_the_future_is_doubted_and_its_words_are_kept() -> None:
    shown = date_of(row(("2027-03-01",), ()), None, DateOrder(), date(2026, 12, 1))
    assert (shown.day, shown.text) == (None, "2027-03-01")


def test_a_month_is_kept_in_words() -> None:
    shown = date_of(row(("noviembre de 2026",), ()), None, DateOrder(), date(2026, 12, 1))
    assert (shown.day, shown.text) == (None, "noviembre de 2026")


def test_the_contract_is_read_from_its_column_or_label() -> None:
    assert contract_of(row(("06 11 22", "x"), ("Line", "")), None) == "06 11 22"
    assert contract_of(row(("Account 4102 839 998 · $ 80.10",), ()), None) == "4102 839 998"
    assert contract_of(row(("Account holder Ann",), ()), None) == ""
