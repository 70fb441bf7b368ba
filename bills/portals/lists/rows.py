"""Reads one row of a list of bills: whose it is, its number, date and amount."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.lists import words
from bills.portals.lists.cells import (
    MONEY,
    WITH_DECIMALS,
    dates_in,
    read_amount,
    read_date,
    without_dates,
)

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from bills.portals.lists.cells import DateOrder, FoundDate
    from bills.portals.recipe_schema import BillsPart, Cell

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HEADING = {name: re.compile(pattern) for name, pattern in words.HEADINGS.items()}
NOT_HEADING = {name: re.compile(pattern) for name, pattern in words.NOT_HEADINGS.items()}
DUE = re.compile(words.DUE, re.IGNORECASE)
PERIOD = re.compile(words.PERIOD, re.IGNORECASE)
DUE_WITHIN = 30  # characters between "due" and its date
LONGEST_NUMBER = 40
LONGEST_ROW, LONGEST_CELL = 5000, 500  # characters: what is longer shows no bill, and takes time
EXPLICIT = re.compile(r"num|\bnr|nro|\bno\b|n[°º]|#|\bid\b", re.IGNORECASE)
NO_NUMBER = re.compile(r"\W*(n/?a|none|pending|unknown|saknas|keine|aucun)?\W*", re.IGNORECASE)
BARE_YEAR = re.compile(r"(?:19|20)\d\d")

Name = tuple[str, str]


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
    is_linked: bool = False  # whether it has a link or button to a document
    called: tuple[str, ...] = ()  # its links and buttons
    title: str = ""  # the heading above its list
    group: int = 0  # which of the page's lists it stands in
    is_tabular: bool = True
    css: str = ""  # how Playwright finds it; "" where only our mark on it tells

    def __str__(self) -> str:
        return f"row {self.index + 1}"

    @property
    def name(self) -> Name:
        """What distinguishes the row from others of its list."""
        return self.text, self.href


def rows_from(raw: list[dict[str, Any]], css: str = "") -> list[Row]:
    """The visible rows that are not headings. `css` is the recipe's, of all rows."""
    return [
        Row(
            index=row["index"],
            text=row["text"][:LONGEST_ROW],
            cells=tuple(text[:LONGEST_CELL] for text in row["cells"]),
            days=tuple(text[:LONGEST_CELL] for text in row["days"]),
            headings=tuple((text or "")[:LONGEST_CELL] for text in row["headings"]),
            picked=row["picked"],
            href=row["href"] or "",
            is_linked=bool(row["linked"]),
            called=tuple(text[:LONGEST_CELL] for text in row["called"]),
            title=row["title"] or "",
            group=row["group"],
            is_tabular=row["tabular"],
            css=css or row["css"],
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
        "contract": bills.contract,
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
        failures.NO_COLUMN.format(field=field, row=row, column=column, shown=shown),
    )


def number_of(row: Row, cell: Cell | None) -> str:
    """The bill's number: only where the recipe, a heading or a label says that it is one."""
    if cell is not None:
        return cell_text(row, cell, "number") or missing(row, "number")
    for index in columns(row, "number"):
        text = row.cells[index].strip()
        if is_number(text, is_named=bool(EXPLICIT.search(heading_at(row, index)))):
            return text
    for text in row.cells or (row.text,):
        found = number_in(text)
        if found:
            return found
    return ""


def is_number(text: str, *, is_named: bool = False) -> bool:
    """Whether a cell of a column of bills may be a number: no year, no sum, no sentence.

    Nor a date or words, unless the heading names it a number in so many words.
    """
    if not text or len(text) > LONGEST_NUMBER or NO_NUMBER.fullmatch(text):
        return False
    if MONEY.fullmatch(text) or BARE_YEAR.fullmatch(text):
        return False
    if is_named:
        return True
    if not re.search(r"\d", text) or len(text.split()) > 3:
        return False
    return not any(found.text == text for found in dates_in(text))


def number_in(text: str) -> str:
    """The value of a label: "Invoice 9011", "Invoice number: INV-7". "" where there is none.

    After the bare noun a year, a date, a month or a sum is no number: "Bill 2026".
    """
    for found in words.NUMBER_LABEL.finditer(text):
        value, rest = found["value"].rstrip(".-/"), text[found.start("value") :]
        dates = dates_in(rest)
        is_date = bool(dates) and dates[0].start == 0
        is_sum = bool(re.match(r"\d[\d .]*,\d\d(?!\d)|\d+\.\d\d(?!\d)", rest))
        is_sum = is_sum or bool(MONEY.match(rest))
        if is_date or is_sum or (BARE_YEAR.fullmatch(value) and not found["sign"]):
            continue
        if len(value) <= LONGEST_NUMBER and (len(value) >= 3 or found["sign"]):
            return value
    return ""


@dataclass(frozen=True, slots=True)
class DateShown:
    """A bill's date: the day where it is certain, and the words that show it."""

    day: date | None = None
    text: str = ""


def date_of(row: Row, cell: Cell | None, order: DateOrder | None, latest: date) -> DateShown:
    """The bill's date. A guess takes no due date, and no day after `latest`."""
    if cell is not None:
        text = cell_text(row, cell, "date")
        day = read_date(text, cell.format, order)
        return DateShown(day or missing(row, "date", text), text)
    shown = [found for index in _date_columns(row) for found in _dates_at(row, index, order)]
    shown = [found for found in shown if found.day is None or found.day <= latest] or shown
    whole = next((f for f in shown if f.day is not None and f.day <= latest), None)
    if whole is not None:
        return DateShown(whole.day, whole.text)
    return DateShown(None, shown[0].text) if shown else DateShown()


def _date_columns(row: Row) -> list[int]:
    """Where dates are looked for: columns of that name first, then wherever no other name is."""
    named = sorted(columns(row, "date"), key=lambda at: bool(PERIOD.search(heading_at(row, at))))
    if any(dates_in(row.cells[index]) or row.days[index] for index in named):
        return named
    not_dates = [HEADING["contract"], DUE]
    return [
        index for index in range(len(row.cells))
        if not any(say.search(heading_at(row, index)) for say in not_dates)
    ]  # fmt: skip


def _dates_at(row: Row, index: int, order: DateOrder | None) -> list[FoundDate]:
    text = row.cells[index]
    machine = dates_in(row.days[index][:10]) if row.days[index] else []
    is_due = DUE.search(text)
    if machine and not is_due:
        return machine
    return [
        found for found in dates_in(text, order)
        if not DUE.search(text[max(0, found.start - DUE_WITHIN) : found.start])
    ]  # fmt: skip


def amount_of(row: Row, cell: Cell | None, lang: str = "") -> tuple[Decimal | None, str]:
    """(amount, currency); (None, "") where a guess finds none."""
    if cell is not None:
        text = cell_text(row, cell, "amount")
        amount, currency = read_amount(text, lang)
        return (amount, currency) if amount is not None else missing(row, "amount", text)
    for index in columns(row, "amount"):
        amount, currency = read_amount(row.cells[index], lang)
        if amount is not None:
            return amount, currency
    taken = {*columns(row, "number"), *columns(row, "contract")}
    texts = [text for index, text in enumerate(row.cells) if index not in taken]
    for pattern in (MONEY, WITH_DECIMALS):
        for text in texts:
            bare = without_dates(text)
            if pattern.search(bare):
                return read_amount(bare, lang)
    return None, ""


def contract_of(row: Row, cell: Cell | None) -> str:
    """Which of the customer's contracts, lines or accounts the row is of; "" if it says none."""
    if cell is not None:
        return cell_text(row, cell, "contract") or missing(row, "contract")
    for index in columns(row, "contract"):
        if row.cells[index].strip():
            return " ".join(row.cells[index].split())
    found = next(filter(None, map(words.CONTRACT_LABEL.search, row.cells)), None)
    return " ".join(found["value"].split()) if found else ""


def heading_at(row: Row, index: int) -> str:
    """The heading of a cell in small letters: its column's, or the label that it begins with."""
    return row.headings[index].casefold() if index < len(row.headings) else ""


def columns(row: Row, field: str) -> list[int]:
    """The columns whose headings sound like the field, in the order of the row."""
    found = []
    for index in range(len(row.cells)):
        heading = heading_at(row, index)
        if HEADING[field].search(heading) and not NOT_HEADING[field].search(heading):
            found.append(index)
    return found


def missing(row: Row, field: str, text: str = "") -> Any:
    """Raises PortalError: the recipe says where the field is, and it is not there."""
    seen = f' in "{text}"' if text else ""
    raise PortalError(
        Code.NAVIGATION,
        failures.NO_FIELD.format(field=field, row=row, seen=seen),
    )
