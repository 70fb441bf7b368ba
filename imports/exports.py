"""Rows as CSV or as an Excel workbook, streamed, with no text that a spreadsheet would run as
a formula.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tempfile
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Pipe(io.RawIOBase):
    """What a ZIP is written into, and taken out of again piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0  # bytes that wait to be taken

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """What has been written since the last time."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return piece


PIECE_BYTES = 64 * 1024

# The full-width forms count: spreadsheets for Chinese and Japanese run them too.
FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"
SKIPPED_BEFORE_A_FORMULA = " \u00a0\u200b\ufeff\0"  # importers drop these, and then see the sign


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet runs: a leading ' before = + - @, tab, CR or LF.

    Numbers stay as they are (-5 is no formula), None is empty, times are ISO 8601.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = str(value)
    begins = text.lstrip(SKIPPED_BEFORE_A_FORMULA)[:1]
    return f"'{text}" if begins and begins in FORMULA_SIGNS else text


def csv_rows(
    header: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ","
) -> Iterator[bytes]:
    """A CSV in pieces of about PIECE_BYTES: UTF-8 with the mark that tells Excel so, CRLF.

    For a StreamingHttpResponse or a file; one piece is held at a time.
    """
    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([safe_cell(name) for name in header])
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        if text.tell() >= PIECE_BYTES:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode("utf-8", errors="replace")  # "\ud800" has no bytes: "?"
    text.seek(0)
    text.truncate()
    return piece


SHEET_ROWS = 1_048_576  # Excel's own limit, the header included
SHEET_BYTES = 1 << 29  # of text: beyond 2 GiB of XML a ZIP needs what Excel stumbles over
CELL = 32_767  # characters, Excel's own limit
CUT = " … (cut: the CSV export has it all)"
DIGITS = 15  # a longer number loses its last digits in a spreadsheet
BOUND = 1_000_000_000_000_000
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NARROWEST, WIDEST, FILTER_BUTTON = 10, 60, 3  # characters of a column
LONGEST_SHEET_NAME = 27  # Excel's 31, less the number of a further sheet
OPTIONS = {
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
    "remove_timezone": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def xlsx_pieces(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    sheet_rows: int = SHEET_ROWS,
    sheet_bytes: int = SHEET_BYTES,
    title: str = "Rows",
) -> Iterator[bytes]:
    """A workbook in pieces, for a StreamingHttpResponse or a file; one piece is held at a time.

    `title` names the sheet. Columns are as wide as their first rows need. After `sheet_rows` rows
    (or about `sheet_bytes` of text) a further sheet begins, with the header again. Aware times
    lose their zone (Excel has none): give them in the operator's.
    """
    import xlsxwriter  # takes its time, and few processes write a workbook

    ahead = iter(rows)
    # A column is as wide as its first cells need.
    first = list(islice(ahead, 200))
    widths = _widths([header, *first])
    with tempfile.TemporaryFile() as file:
        with xlsxwriter.Workbook(file, OPTIONS) as book:
            sheet = _Sheet(book, header, widths, title)
            for row in chain(first, ahead):
                if sheet.rows >= sheet_rows or sheet.size >= sheet_bytes:
                    sheet.close()
                    sheet = _Sheet(book, header, widths, title)
                sheet.append(row)
            sheet.close()
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _widths(rows: Sequence[Sequence[object]]) -> list[int]:
    """Characters of each column: as many as its longest line has, and room for the filter."""
    longest: list[int] = []
    for row in rows:
        longest += [0] * (len(row) - len(longest))
        for column, value in enumerate(row):
            lines = safe_cell(value)[: WIDEST * 10].splitlines() or [""]
            longest[column] = max(longest[column], *map(len, lines))
    return [min(max(each + FILTER_BUTTON, NARROWEST), WIDEST) for each in longest]


def _sheet_name(title: str, number: int) -> str:
    """As Excel allows it: 31 characters, none of []:*?/\\."""
    name = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).strip("' ")[:LONGEST_SHEET_NAME] or "Rows"
    return name if number == 1 else f"{name} {number}"


class _Sheet:
    """One sheet. It counts its rows and the characters in them."""

    def __init__(
        self, book: Any, header: Sequence[str], widths: Sequence[int], title: str
    ) -> None:
        self.rows = self.size = 0
        self._sheet = book.add_worksheet(_sheet_name(title, len(book.worksheets()) + 1))
        self._sheet.freeze_panes(1, 0)
        self._columns = len(header)
        for column, width in enumerate(widths):  # constant memory: they come before the rows
            self._sheet.set_column(column, column, width)
        self.append(header, book.add_format({"bold": True}))

    def append(self, row: Sequence[object], look: Any = None) -> None:
        """Adds one row, in the format `look`."""
        for column, value in enumerate(row):
            self._write(column, value, look)
        self.rows += 1

    def close(self) -> None:
        """Makes the sheet one that can be filtered."""
        if self._columns:
            self._sheet.autofilter(0, 0, self.rows - 1, self._columns - 1)

    def _write(self, column: int, value: object, look: Any) -> None:
        """A number, truth or time as such; all else as text, whatever it looks like."""
        if value is None or value == "":
            return
        place = (self.rows, column)
        if isinstance(value, bool):
            self._sheet.write_boolean(*place, value, look)
        elif isinstance(value, datetime | date):
            self._sheet.write_datetime(*place, value, look)
        elif _is_exact_in_excel(value):
            self._sheet.write_number(*place, value, look)
        else:
            text = _text(value)
            self.size += len(text)
            self._sheet.write_string(*place, text, look)


def _text(value: object) -> str:
    """Text that a cell can hold and no spreadsheet runs."""
    text = NOT_IN_XML.sub("\ufffd", safe_cell(value))
    return text if len(text) <= CELL else text[: CELL - len(CUT)] + CUT


def _is_exact_in_excel(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) < BOUND
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= DIGITS
    return False
