"""Rows as an Excel workbook that is sent while it is made: no file, and memory that stays.

openpyxl writes the cells and all that surrounds them; its sheets go straight into the ZIP.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

from imports.exports import PIECE_BYTES, safe_cell
from imports.zip_pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SHEET_ROWS = 1_048_576  # Excel's own limit, the header included
SHEET_BYTES = 1 << 30  # of XML: beyond 2 GiB a ZIP needs an extension that Excel stumbles over
CELL = 32_767  # characters, Excel's own limit
CUT = " … (cut: the CSV export has it all)"
DIGITS = 15  # a longer number loses its last digits in a spreadsheet
BOUND = 1_000_000_000_000_000
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xlsx_pieces(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    sheet_rows: int = SHEET_ROWS,
    sheet_bytes: int = SHEET_BYTES,
) -> Iterator[bytes]:
    """A workbook in pieces, for a StreamingHttpResponse or a file; one piece is held at a time.

    After `sheet_rows` rows (or about `sheet_bytes` of XML) a further sheet begins, with the
    header again. Aware times lose their zone (Excel has none): give them in the operator's.
    """
    book, pipe = Workbook(write_only=True), Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        sheet = _Sheet(book, archive, header)
        try:
            for row in rows:
                if sheet.rows >= sheet_rows or sheet.size >= sheet_bytes:
                    sheet.close()
                    sheet = _Sheet(book, archive, header)
                sheet.append(row)
                if pipe.size >= PIECE_BYTES:
                    yield pipe.taken()
        finally:
            sheet.close()
        _Surroundings(book, archive).write_data()
    yield pipe.taken()


class _Sheet(io.RawIOBase):
    """One sheet on its way into the ZIP; it counts its rows and its bytes."""

    def __init__(self, book: Any, archive: zipfile.ZipFile, header: Sequence[str]) -> None:
        number = len(book.worksheets) + 1
        self.rows = self.size = 0
        self._member = archive.open(f"xl/worksheets/sheet{number}.xml", "w")
        self._sheet = book.create_sheet(f"Rows {number}")
        self._sheet.freeze_panes = "A2"
        # The only way to tell openpyxl not to write a temporary file.
        self._sheet._writer = WorksheetWriter(self._sheet, out=self)
        self._sheet._writer.write_top()
        self.append(header)

    def append(self, row: Sequence[object]) -> None:
        """One more row."""
        self._sheet.append([_cell(self._sheet, value) for value in row])
        self.rows += 1

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        return self._member.write(data)

    def close(self) -> None:
        """Write what stands after the rows."""
        if not self.closed:
            self._sheet.close()
            self._member.close()
        super().close()


class _Surroundings(ExcelWriter):  # type: ignore[misc] # openpyxl has no types
    """All of a workbook but its sheets: they are in the ZIP already."""

    def write_worksheet(self, ws: Any) -> None:
        self.manifest.append(ws)


def _cell(sheet: Any, value: object) -> object:
    """A number, truth or time as such; all else as text, whatever it looks like."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date) or _is_exact_in_excel(value):
        return value
    text = NOT_IN_XML.sub("\ufffd", safe_cell(value))
    if len(text) > CELL:
        text = text[: CELL - len(CUT)] + CUT
    if not text.startswith(("=", "#")):
        return text
    # openpyxl would make an error of "#N/A" and a formula of "=": say that it is a string.
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _is_exact_in_excel(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) < BOUND
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= DIGITS
    return False
