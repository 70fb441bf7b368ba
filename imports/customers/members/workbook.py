"""An Excel workbook's rows, written down once as JSON lines, so that each can be found again."""

from __future__ import annotations

import re
import zipfile
from datetime import date, time, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import msgspec

from imports.customers.files.errors import UnreadableFile
from imports.customers.members.delimited import (
    ADD_HEADING,
    MOST_COLUMNS,
    NO_COLUMNS,
    Form,
    Row,
    headings_of,
    refuse_title,
)
from imports.customers.members.template import date_text
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


BAD_WORKBOOK = sentence("BAD_WORKBOOK", _("it is no workbook that can be opened ({error})"))
SAVE_AS_XLSX = sentence("SAVE_AS_XLSX", _("Save it again as XLSX without a password, or as CSV"))
WORKBOOK_TOO_LARGE = sentence(
    "WORKBOOK_TOO_LARGE", _("unpacked it has {n} bytes, and at most {most} are read")
)
SPLIT_IT = sentence("SPLIT_IT", _("Split it into several files"))
AT_CELL = sentence("AT_CELL", _("cell {cell}"))
NOT_CALCULATED = sentence(
    "NOT_CALCULATED", _("it holds a formula, and no value was stored with it")
)
CALCULATE_IT = sentence(
    "CALCULATE_IT",
    _("Open it in the spreadsheet, save it there, which stores the values, and add it again"),
)
ONLY_HIDDEN = sentence("ONLY_HIDDEN_SHEETS", _("all its sheets that hold rows are hidden"))
SHOW_SHEET = sentence("SHOW_SHEET", _("Show the sheet that holds the members, and save it again"))
ZEROS_ONLY = re.compile(r"0{2,}")  # the number format that shows 123 as 00123
EXACT_DIGITS = 15  # a spreadsheet has lost the other digits of a longer number
PIECE_BYTES = 1 << 20
LONGEST_CELL = 1 << 16  # bytes of XML: a formula has at most 8,192 characters
# A row of values that is hidden, cells that are merged over several rows or columns, or a cell
# with a formula and no value. (An empty text that a formula came to is of type "str".)
_LAYOUT = re.compile(
    rb'<(?:\w+:)?row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(?P<row>[0-9]+)"[^>]*(?<!/)>'
    rb'|<(?:\w+:)?mergeCell\b[^>]*\bref="(?P<cells>[A-Z]+[0-9]+:[A-Z]+(?P<last>[0-9]+))"'
    rb'|<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*\br="(?P<cell>[A-Z]+(?P<at>[0-9]+))"[^>]*>\s*'
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*(?:/>|>\s*</(?:\w+:)?v>)\s*)?</(?:\w+:)?c>"
)
_encode = msgspec.json.Encoder().encode


def is_workbook(path: Path) -> bool:
    """Whether a ZIP archive is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def write_down(path: Path, name: str, target: Path, most_bytes: int) -> Form:
    """Write the first sheet that has rows to `target`, each row a line; how they are written.

    A line is [the row's number, [its cells]]; cells are text, as a CSV would have them. One row
    is held at a time. Raises UnreadableFile for what is no such workbook.
    """
    import openpyxl  # here, as it takes a tenth of the time in which a command starts
    from openpyxl.utils.exceptions import InvalidFileException

    _refuse_bombs(path, name, most_bytes)
    try:
        with path.open("rb") as file:  # by its bytes: openpyxl refuses a path by its ending
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            return _write_book(book, name, target)
    except UnreadableFile:
        raise
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError,
            AttributeError, IndexError, EOFError, OSError, SyntaxError) as error:  # fmt: skip
        # A damaged workbook breaks its reader wherever it happens to be.
        what = BAD_WORKBOOK.format(error=type(error).__name__)
        raise UnreadableFile(name, what, SAVE_AS_XLSX) from None


def _refuse_bombs(path: Path, name: str, most_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        what = BAD_WORKBOOK.format(error=type(error).__name__)
        raise UnreadableFile(name, what, SAVE_AS_XLSX) from None
    if size > most_bytes:
        what = WORKBOOK_TOO_LARGE.format(n=size, most=most_bytes)
        raise UnreadableFile(name, what, SPLIT_IT)


def _write_book(book: Any, name: str, target: Path) -> Form:
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for sheet in visible:
        sheet.reset_dimensions()  # what a sheet says of its own size is not always true
    for number, sheet in enumerate(visible, start=1):
        if found := _write_sheet(sheet, name, target):
            others = [each for each in visible[number:] if any(_filled(each.iter_rows()))]
            return msgspec.structs.replace(
                found, other_sheets=tuple(str(each.title) for each in others)
            )
    if len(visible) < len(book.worksheets):
        raise UnreadableFile(name, ONLY_HIDDEN, SHOW_SHEET)
    raise UnreadableFile(name, NO_COLUMNS, ADD_HEADING)


def _write_sheet(sheet: Any, name: str, target: Path) -> Form | None:
    lines = _filled(sheet.iter_rows())
    first = next(lines, None)
    if first is None:
        return None
    number, cells = first
    headings = headings_of(cells, name)
    below = list(islice(lines, 2))
    refuse_title(headings, [values for _row, values in below], name)
    lines = chain(below, lines)
    with target.open("wb") as file:
        for row, values in [first]:
            file.write(_encode([row, values]) + b"\n")
        body = file.tell()
        for row, values in lines:
            while len(values) > len(headings) and not values[-1]:
                values.pop()
            values += [""] * (len(headings) - len(values))  # empty cells are not in the file
            file.write(_encode([row, values]) + b"\n")
    hidden, merged = _layout(sheet, number, name)
    return Form(
        kind="xlsx", headings=headings, body=body, heading_row=number, sheet=str(sheet.title),
        hidden_rows=hidden, merged=merged,
    )  # fmt: skip


def _layout(sheet: Any, heading_row: int, name: str) -> tuple[int, str]:
    """How many rows below the heading are hidden, and the first cells there that are merged.

    openpyxl reads neither where it reads a row at a time. Raises UnreadableFile for a formula
    without a value, which it reads as an empty cell.
    """
    hidden, merged = 0, ""
    for found in _marks(sheet):
        if int(found["row"] or found["last"] or found["at"]) <= heading_row:
            continue
        if found["cell"]:
            where = AT_CELL.format(cell=found["cell"].decode())
            raise UnreadableFile(name, NOT_CALCULATED, CALCULATE_IT, where)
        hidden += found["row"] is not None
        merged = merged or (found["cells"] or b"").decode()
    return hidden, merged


def _marks(sheet: Any) -> Iterator[re.Match[bytes]]:
    """What `_LAYOUT` finds in the XML of a sheet, a piece at a time."""
    text = b""
    with sheet._get_source() as source:
        while piece := source.read(PIECE_BYTES):
            text += piece
            # What begins near the end of a piece may go on in the next one.
            done, end = 0, len(text) - LONGEST_CELL
            for found in _LAYOUT.finditer(text):
                if found.start() >= end:
                    break
                done = found.end()
                yield found
            text = text[max(done, end, 0) :]
    yield from _LAYOUT.finditer(text)


def _filled(rows: Iterable[Any]) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=1):
        cells = [_text(cell) for cell in islice(row, MOST_COLUMNS + 1)]
        if any(map(str.strip, cells)):
            yield number, cells


def _text(cell: Any) -> str:
    """A cell as a CSV would have it: dates as ISO, whole numbers without a fraction."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value)


def _number(value: float, shown_as: str) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e22:
        value = int(value)
    if isinstance(value, int):
        digits = str(value)
        if len(digits.lstrip("-")) > EXACT_DIGITS:
            return f"{value:.14E}"  # its last digits are lost: no one may take it for the value
        return digits.zfill(len(shown_as)) if ZEROS_ONLY.fullmatch(shown_as) else digits
    return repr(value)


def rows(path: Path, form: Form) -> Iterator[Row]:
    """The rows below the heading, as they were written down."""
    position = form.body
    with path.open("rb") as file:
        file.seek(position)
        for line in file:
            number, cells = msgspec.json.decode(line, type=tuple[int, list[str]])
            yield Row(number, position, len(line), cells)
            position += len(line)


def cells_of(raw: bytes) -> list[str]:
    """The cells of one row's line."""
    return msgspec.json.decode(raw, type=tuple[int, list[str]])[1]
