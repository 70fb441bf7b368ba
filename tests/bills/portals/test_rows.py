"""One row of a list: whose it is and what it says, by the recipe or by its headings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.portals.failures import Code, PortalError
from bills.portals.recipe_schema import BillsPart, Cell
from bills.portals.rows import Row, amount_of, date_of, has_word, is_own, number_of

HEADINGS = ("Invoice no.", "Due date", "Invoice date", "Total", "PDF")
CELLS = ("F00123", "2026-11-30", "2026-10-05", "1 234,50 kr", "Download")


def row(
    cells: tuple[str, ...] = CELLS, headings: tuple[str, ...] = HEADINGS, **picked: str
) -> Row:
    return Row(2, "\t".join(cells), cells, ("",) * len(cells), headings, dict(picked))


def test_headings_say_which_cell_is_which() -> None:
    assert number_of(row(), None) == "F00123"
    assert date_of(row(), None) == date(2026, 10, 5)
    assert amount_of(row(), None) == (Decimal("1234.50"), "SEK")


def test_swedish_headings_do_too() -> None:
    headings = ("Förfallodatum", "Fakturadatum", "Fakturanummer", "Belopp")
    swedish = row(("2026-11-30", "2026-10-05", "0042", "99,00 kr"), headings)
    assert number_of(swedish, None) == "0042"
    assert date_of(swedish, None) == date(2026, 10, 5)
    assert amount_of(swedish, None) == (Decimal("99.00"), "SEK")


def test_without_headings_the_cells_speak_for_themselves() -> None:
    bare = row(("2026-10-05", "AB12345", "99,00 kr"), ())
    assert number_of(bare, None) == "AB12345"
    assert date_of(bare, None) == date(2026, 10, 5)
    assert amount_of(bare, None) == (Decimal("99.00"), "SEK")


def test_a_machine_readable_date_is_preferred() -> None:
    shown = Row(0, "Monday", ("Monday",), ("2026-10-05",), (), {})
    assert date_of(shown, None) == date(2026, 10, 5)


def test_the_recipe_says_it_by_column_selector_and_pattern() -> None:
    assert number_of(row(), Cell(column=1, pattern=r"F0*(\d+)")) == "123"
    assert number_of(row(number="A-1"), Cell(selector=".n")) == "A-1"
    assert date_of(row(), Cell(column="due date")) == date(2026, 11, 30)
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
        date_of(odd, Cell(column="Invoice date"))
    assert date_of(odd, None) is None


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
