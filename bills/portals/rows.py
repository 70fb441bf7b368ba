"""Reads one row of a list of bills: whose it is, its number, date and amount."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bills.portals import details, guesses
from bills.portals.cells import MONEY, WITH_DECIMALS, read_amount, read_date
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from bills.portals.recipe_schema import BillsPart, Cell

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
NUMBER_IN_TEXT = re.compile(r"(?<![\w.,-])[A-Z]{0,4}[-]?\d{4,}(?![\w.,-])")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the page shows it. `index` counts all that the selector matches, from 0."""

    index: int
    text: str
    cells: tuple[str, ...]
    days: tuple[str, ...]  # machine-readable dates, "" where a cell has none
    headings: tuple[str, ...]
    picked: dict[str, str | None]
    href: str = ""  # the address behind the bill's link; "" where there is none, or none plain

    def __str__(self) -> str:
        return f"row {self.index + 1}"


def rows_from(raw: list[dict[str, Any]]) -> list[Row]:
    """The visible rows that are not headings."""
    return [
        Row(
            index=row["index"],
            text=row["text"],
            cells=tuple(row["cells"]),
            days=tuple(row["days"]),
            headings=tuple(row["headings"]),
            picked=row["picked"],
            href=row["href"] or "",
        )
        for row in raw
        if row["shown"] and not row["heads"]
    ]


def picks(bills: BillsPart) -> dict[str, str]:
    """The CSS selectors of a row's parts, by field."""
    cells = {
        "number": bills.number,
        "date": bills.issued,
        "amount": bills.amount,
        "own_cell": bills.own_cell,
    }
    return {field: cell.selector for field, cell in cells.items() if cell and cell.selector}


def is_own(row: Row, bills: BillsPart, own_text: str, email: str) -> bool:
    """Whether the row is this customer's. `own_text` is the recipe's own_row, filled in.

    Without one, a row that names other e-mail addresses and not this one is somebody else's.
    """
    if own_text:
        where = cell_text(row, bills.own_cell, "own_cell") if bills.own_cell else row.text
        return has_word(where, own_text)
    named = {found.lower() for found in EMAIL.findall(row.text)}
    return not named or "@" not in email or email.lower() in named


def has_word(text: str, word: str) -> bool:
    """Whether the word stands in the text by itself: "ann@x.se" is not in "joann@x.se"."""
    edge = r"[\w.@+-]"
    wanted = r"\s+".join(re.escape(part) for part in word.split())
    pattern = rf"(?<!{edge}){wanted}(?!{edge}*\w)"
    return bool(wanted) and bool(re.search(pattern, text, re.IGNORECASE))


def cell_text(row: Row, cell: Cell, field: str) -> str:
    """What the recipe says that the field is. Raises PortalError that names field and row."""
    text = row.text
    if cell.selector:
        text = row.picked.get(field) or ""
    elif cell.column:
        text = row.cells[column_index(row, cell.column, field)]
    if cell.pattern:
        found = re.search(cell.pattern, text)
        text = (found[1] if found.re.groups else found[0]) if found else ""
    return (text or "").strip()


def column_index(row: Row, column: str | int, field: str) -> int:
    """Where the column stands, from 0. A heading is matched whole before it is matched in part."""
    headings = [heading.casefold() for heading in row.headings]
    if isinstance(column, int):
        index = column - 1
    else:
        name = column.casefold()
        whole = [at for at, heading in enumerate(headings) if heading == name]
        part = [at for at, heading in enumerate(headings) if name in heading]
        index = (whole or part or [-1])[0]
    if 0 <= index < len(row.cells):
        return index
    shown = ", ".join(f'"{heading}"' for heading in row.headings) or "none"
    raise PortalError(
        Code.NAVIGATION,
        details.NO_COLUMN.format(field=field, row=row, column=column, shown=shown),
    )


def number_of(row: Row, cell: Cell | None) -> str:
    """The bill's number, exactly as shown; empty where a guess finds none."""
    if cell is not None:
        text = cell_text(row, cell, "number")
        return text or missing(row, "number")
    index = guessed_column(row, "number")
    if index is not None:
        return row.cells[index].strip()
    found = NUMBER_IN_TEXT.search(row.text)
    return found[0] if found else ""


def date_of(row: Row, cell: Cell | None) -> date | None:
    """The bill's date; None where a guess finds none."""
    if cell is not None:
        text = cell_text(row, cell, "date")
        day = read_date(text, cell.format)
        return day or missing(row, "date", text)
    index = guessed_column(row, "date")
    order = [index] if index is not None else range(len(row.cells))
    for at in order:
        day = read_date(row.days[at]) or read_date(row.cells[at])
        if day is not None:
            return day
    return None


def amount_of(row: Row, cell: Cell | None) -> tuple[Decimal | None, str]:
    """(amount, currency); (None, "") where a guess finds none."""
    if cell is not None:
        text = cell_text(row, cell, "amount")
        amount, currency = read_amount(text)
        return (amount, currency) if amount is not None else missing(row, "amount", text)
    index = guessed_column(row, "amount")
    if index is not None:
        return read_amount(row.cells[index])
    money = [text for text in row.cells if MONEY.search(text) or WITH_DECIMALS.search(text)]
    return read_amount(money[0]) if money and not read_date(money[0]) else (None, "")


def guessed_column(row: Row, field: str) -> int | None:
    """The column whose heading sounds like the field."""
    for index, heading in enumerate(row.headings[: len(row.cells)]):
        small = heading.casefold()
        if re.search(guesses.HEADINGS[field], small) and not re.search(
            guesses.NOT_HEADINGS[field], small
        ):
            return index
    return None


def missing(row: Row, field: str, text: str = "") -> Any:
    """Raises PortalError: the recipe says where the field is, and it is not there."""
    seen = f' in "{text}"' if text else ""
    raise PortalError(
        Code.NAVIGATION,
        details.NO_FIELD.format(field=field, row=row, seen=seen),
    )
