"""Rows as an Excel workbook: made in a temporary file with memory that stays, then streamed."""

from __future__ import annotations

import math
import re
import tempfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import xlsxwriter

from imports.exports import PIECE_BYTES, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SHEET_ROWS = 1_048_576  # Excel's own limit, the header included
SHEET_BYTES = 1 << 29  # of text: beyond 2 GiB of XML a ZIP needs what Excel stumbles over
CELL = 32_767  # characters, Excel's own limit
CUT = " … (cut: the CSV export has it all)"
DIGITS = 15  # a longer number loses its last digits in a spreadsheet
BOUND = 1_000_000_000_000_000
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NARROWEST, WIDEST = 10, 60  # characters of a column
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
) -> Iterator[bytes]:
    """A workbook in pieces, for a StreamingHttpResponse or a file; one piece is held at a time.

    After `sheet_rows` rows (or about `sheet_bytes` of text) a further sheet begins, with the
    header again. Aware times lose their zone (Excel has none): give them in the operator's.
    """
    with tempfile.TemporaryFile() as file:
        with xlsxwriter.Workbook(file, OPTIONS) as book:
            sheet = _Sheet(book, header)
            for row in rows:
                if sheet.rows >= sheet_rows or sheet.size >= sheet_bytes:
                    sheet.close()
                    sheet = _Sheet(book, header)
                sheet.append(row)
            sheet.close()
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


class _Sheet:
    """One sheet. It counts its rows and the characters in them."""

    def __init__(self, book: Any, header: Sequence[str]) -> None:
        self.rows = self.size = 0
        self._sheet = book.add_worksheet(f"Rows {len(book.worksheets()) + 1}")
        self._sheet.freeze_panes(1, 0)
        self._columns = len(header)
        for column, name in enumerate(header):  # constant memory: widths come before the rows
            width = min(max(len(name) + 4, NARROWEST), WIDEST)
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
