"""Rows as CSV or XLSX for a spreadsheet: streamed, with no text that it would run as a formula.

A job's kind decides the columns; here is only how values become cells.
"""

from __future__ import annotations

import csv
import io
import math
import re
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

PIECE_BYTES = 64 * 1024
SHEET_ROWS = 1_048_576  # Excel's own limit, the header included
XLSX_CELL = 32_767  # characters, Excel's own limit
XLSX_CUT = " … (cut: the CSV export has it all)"
XLSX_DIGITS = 15  # a longer number loses its last digits in a spreadsheet
XLSX_BOUND = 1_000_000_000_000_000

# The full-width forms count: spreadsheets for Chinese and Japanese run them too.
FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"
SKIPPED_BEFORE_A_FORMULA = " \u00a0\u200b\ufeff\0"  # importers drop these, and then see the sign
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


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


def xlsx_file(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    path: Path,
    sheet_rows: int = SHEET_ROWS,
) -> int:
    """Write a workbook to `path`, whole or not at all; answers how many rows it has.

    Memory doesn't grow with the rows. After `sheet_rows` rows a further sheet begins, with the
    header again. Aware times lose their zone (Excel has none): give them in the operator's.
    """
    book = Workbook(write_only=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        count = _fill(book, header, rows, sheet_rows)
        book.save(partial)
        partial.replace(path)
    except BaseException:
        _discard(book)
        partial.unlink(missing_ok=True)
        raise
    return count


def _fill(
    book: Any, header: Sequence[str], rows: Iterable[Sequence[object]], sheet_rows: int
) -> int:
    sheet = _sheet(book, header)
    count, filled = 0, 1
    for row in rows:
        if filled == sheet_rows:
            sheet.close()
            sheet, filled = _sheet(book, header), 1
        sheet.append([_xlsx_cell(sheet, value) for value in row])
        count, filled = count + 1, filled + 1
    return count


def _sheet(book: Any, header: Sequence[str]) -> Any:
    sheet = book.create_sheet(f"Rows {len(book.worksheets) + 1}")
    sheet.freeze_panes = "A2"
    sheet.append([_xlsx_cell(sheet, name) for name in header])
    return sheet


def _xlsx_cell(sheet: Any, value: object) -> object:
    """A number, truth or time as such; all else as text, whatever it looks like."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date) or _is_exact_in_excel(value):
        return value
    text = NOT_IN_XML.sub("\ufffd", safe_cell(value))
    if len(text) > XLSX_CELL:
        text = text[: XLSX_CELL - len(XLSX_CUT)] + XLSX_CUT
    if not text.startswith(("=", "#")):
        return text
    # openpyxl would make an error of "#N/A" and a formula of "=": say that it is a string.
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _is_exact_in_excel(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) < XLSX_BOUND
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= XLSX_DIGITS
    return False


def _discard(book: Any) -> None:
    """openpyxl keeps each sheet in a temporary file until the process ends; a worker runs long."""
    for sheet in book.worksheets:
        with suppress(Exception):
            sheet.close()
        writer = sheet._writer  # the only place that knows the file
        if writer is not None:
            Path(writer.out).unlink(missing_ok=True)
