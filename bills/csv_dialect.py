"""From lines of text to numbered rows of cells: separator, quotes, and where they go wrong.

Row numbers are what a spreadsheet shows (the header is row 1, blank rows count); line numbers
are what a text editor shows, which differ once a quoted cell holds a line break.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bills import csv_columns, csv_text
from bills.csv_text import UnreadableCsv
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bills.csv_columns import Columns
    from bills.csv_text import Encoding

LONGEST_CELL = 131_072  # characters: the csv module's own limit
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
EXCEL_HINT = re.compile(r'"?sep=([,;\t|])"?[\r\n]*', re.IGNORECASE)  # Excel's own first line
TOO_LONG = sentence(
    "CELL_TOO_LONG", _("a cell is longer than {most} characters. Shorten it.")
).format(most=LONGEST_CELL)
QUOTE_REMEDY = (
    'Put a quotation mark at both ends of a cell, and double one that belongs to the text: "a""b".'
)
QUOTE_IN_CELL = sentence(
    "QUOTE_IN_CELL",
    _(
        "a quotation mark stands within a quoted cell. Put a quotation mark at both ends of a "
        'cell, and double one that belongs to the text: "a""b".'
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `problem` is a message where the cells could not be told apart; no value in it."""

    number: int
    first_line: int
    last_line: int
    cells: list[str]
    problem: Message | None = None

    def __repr__(self) -> str:  # a cell may be a password, and a repr ends up in a log
        return f"Row({self.number}, line {self.first_line}, {len(self.cells)} cells)"

    @property
    def is_blank(self) -> bool:
        return not self.problem and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header is understood. `rows` are those below it, blank ones left out."""

    encoding: Encoding
    separator: str
    columns: Columns
    header: Row
    rows: Iterator[Row]


def open_csv(path: Path, name: str) -> Opened:
    """Find encoding, separator and columns. Raises UnreadableCsv for a file that can't be used."""
    encoding = csv_text.find_encoding(path, name)
    separator = _find_separator(path, name, encoding)
    rows = _filled_rows(path, name, encoding, separator)
    header = next(rows, None)
    if header is None:
        raise UnreadableCsv(f"{name} has no header. The first row must name the columns.")
    if header.problem:
        raise UnreadableCsv(f"{name}, row {header.number}: {header.problem}")
    columns = csv_columns.columns_of(header.cells, f"{name}, row {header.number}")
    return Opened(encoding, separator, columns, header, rows)


def _filled_rows(path: Path, name: str, encoding: Encoding, separator: str) -> Iterator[Row]:
    hinted = False
    for row in rows_of(csv_text.lines(path, name, encoding), separator, name):
        if row.number == 1 and EXCEL_HINT.fullmatch(separator.join(row.cells)):
            hinted = True  # a spreadsheet reads this line and doesn't show it as a row
        elif not row.is_blank:
            yield replace(row, number=row.number - 1) if hinted else row


def _find_separator(path: Path, name: str, encoding: Encoding) -> str:
    """The one that makes the best header of the first filled row."""
    if hint := EXCEL_HINT.fullmatch(next(csv_text.lines(path, name, encoding), "")):
        return hint[1]
    headers: dict[str, list[str]] = {}
    problems: list[str] = []
    for separator in SEPARATORS:
        try:
            header = next(_filled_rows(path, name, encoding, separator), None)
        except UnreadableCsv as unreadable:
            problems.append(unreadable.message)
            continue
        if header and header.problem:
            problems.append(f"{name}, row {header.number}: {header.problem}")
        elif header:
            headers[separator] = header.cells
    return _best(headers, problems, name)


def _best(headers: dict[str, list[str]], problems: list[str], name: str) -> str:
    best = max(headers, key=lambda separator: csv_columns.score(headers[separator]), default="")
    if best and (csv_columns.score(headers[best])[0] or not problems):
        return best
    raise UnreadableCsv(
        problems[0]
        if problems
        else f"{name} holds nothing but white space. Choose the file that holds the credentials."
    )


def place(name: str, row: int, line: int) -> str:
    """Where a row stands, for a message: the line too where an editor counts otherwise."""
    return f"{name}, row {row}" + (f" (line {line})" if line != row else "")


class _Lines:
    """Hands lines to the csv reader and remembers the last, to judge what it stumbled over."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self._lines)
        return self.last


def rows_of(lines: Iterable[str], separator: str, name: str) -> Iterator[Row]:
    """Each row, strictly read. A fault within one line is that row's problem.

    Raises UnreadableCsv where a quotation mark may have swallowed the rows that follow.
    """
    feed = _Lines(lines)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        first_line = reader.line_num + 1
        cells, fault = _next_cells(reader)
        if cells is None and not fault:
            return
        own_line = reader.line_num == first_line and feed.last.count('"') % 2 == 0
        if fault and not own_line:
            raise UnreadableCsv(_swallowed(place(name, number, first_line), fault))
        problem = _message(fault) if fault else None
        yield Row(number, first_line, reader.line_num, cells or [], problem)


def _next_cells(reader: Iterator[list[str]]) -> tuple[list[str] | None, str]:
    """The next row's cells, or what the csv module says is wrong (it quotes nothing of the file).

    After an error the reader starts afresh at the next line.
    """
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, str(error)


def _message(fault: str) -> Message:
    return TOO_LONG if "field limit" in fault else QUOTE_IN_CELL


def _swallowed(where: str, fault: str) -> str:
    told = f" (a cell grew past {LONGEST_CELL:,} characters)" if "field limit" in fault else ""
    return (
        f"{where}: a quotation mark opens here and is not closed where its cell ends{told}, so "
        f"the rows after it can't be told apart. {QUOTE_REMEDY} Nothing of this file was taken."
    )
