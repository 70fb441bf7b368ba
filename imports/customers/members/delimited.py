"""A delimited text as numbered rows of cells, each with the place of its own bytes.

Below that, the file as a text: its encoding, and its lines with the bytes that each of them takes.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imports.customers.files.errors import Fault, UnreadableFile, shown
from imports.messages import marked as _
from imports.messages import sentence
from imports.outside_text import MARKS, printable, scan, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


SEPARATORS = (";", ",", "\t", "|")
SAMPLE_LINES = 200
SEP_HINT = re.compile(r'"?sep=([,;\t|])"?[\r\n]*', re.IGNORECASE)  # Excel's own first line
MOST_COLUMNS, LONGEST_HEADING = 1_000, 300
LOOKS_LIKE_DATA = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[\d .,:/+-]*\d[\d .,:/+-]*")

AT_ROW = sentence("AT_ROW", _("row {row}"))
NO_ROWS = sentence("NO_ROWS", _("there are no rows below its heading"))
NO_HEADING = sentence(
    "MEMBER_NO_HEADING", _("its first row holds values such as “{value}”, not names of columns")
)
ADD_HEADING = sentence("ADD_HEADING", _("Name the columns in the first row, then add it again"))
TITLE_ROW = sentence(
    "TITLE_ROW", _("its first row holds only “{value}”, and the rows below it have {n} columns")
)
REMOVE_TITLE = sentence(
    "REMOVE_TITLE", _("Remove what stands above the names of the columns, then add it again")
)
NO_COLUMNS = sentence("NO_COLUMNS", _("it holds no columns"))
TOO_MANY_COLUMNS = sentence("TOO_MANY_COLUMNS", _("it has {n} columns; {most} can be read"))
REMOVE_COLUMNS = sentence("REMOVE_COLUMNS", _("Remove the columns that nobody needs"))
SWALLOWED = sentence(
    "QUOTE_NOT_CLOSED", _("a quotation mark opens here and is not closed where its cell ends")
)
DOUBLE_QUOTES = sentence(
    "DOUBLE_QUOTES",
    _('Put a quotation mark at both ends of the cell, and double one inside it: "a""b"'),
)
STRAY_QUOTE = sentence("STRAY_QUOTE", _("a quotation mark stands within a quoted cell"))
CELL_TOO_LONG = sentence("MEMBER_CELL_TOO_LONG", _("a cell is longer than {most} characters"))
SHORTEN_CELL = sentence("SHORTEN_CELL", _("Shorten it"))
COLUMN_N = sentence("COLUMN_N", "column {n}")


class Row(NamedTuple):
    """One row: its number as a spreadsheet shows it, its bytes in the file, and its cells.

    `fault` says why the cells cannot be told apart.
    """

    number: int
    start: int
    size: int
    cells: list[str]
    fault: Fault | None = None

    @property
    def is_blank(self) -> bool:
        return self.fault is None and not any(map(str.strip, self.cells))


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How a member file is written, so that rows can be read again and written in its form.

    `kind` is "csv" or "xlsx"; `body` is how many bytes stand before the first row of values.
    """

    kind: str = "csv"
    encoding: str = "utf-8"
    mark: int = 0
    separator: str = ";"
    headings: tuple[str, ...] = ()
    body: int = 0
    heading_row: int = 1
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()  # visible ones that hold rows, too
    hidden_rows: int = 0
    merged: str = ""  # the first cells below the heading that are merged, such as "A5:A7"

    @property
    def as_encoding(self) -> Encoding:
        return Encoding(self.encoding, self.mark)


def find_form(path: Path, name: str) -> Form:
    """The file's encoding, separator and headings. Raises UnreadableFile where there are none."""
    encoding = find_encoding(path, name)
    sample = list(islice(lines(path, name, encoding), SAMPLE_LINES))
    hint = SEP_HINT.fullmatch(sample[0].text) if sample else None
    separator = hint[1] if hint else _separator(sample)
    for row in _rows(lines(path, name, encoding), separator, name, encoding.mark):
        if row.is_blank:
            continue
        headings = _headings(row, name)
        if len(headings) == 1 and not hint:
            for each in SEPARATORS:
                refuse_title(headings, _below(sample, each), name)
        return Form(
            encoding=encoding.codec, mark=encoding.mark, separator=separator, headings=headings,
            body=row.start + row.size, heading_row=row.number,
        )  # fmt: skip
    raise UnreadableFile(name, NO_COLUMNS, ADD_HEADING)


def rows(path: Path, name: str, form: Form) -> Iterator[Row]:
    """Every row below the heading that is not blank."""
    found = _rows(lines(path, name, form.as_encoding), form.separator, name, form.mark)
    return (row for row in found if row.number > form.heading_row and not row.is_blank)


def cells_of(raw: bytes, form: Form) -> list[str]:
    """The cells of one row's own bytes."""
    text = raw.decode(form.encoding)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=form.separator)
    return next(reader, [])


def _separator(sample: Sequence[Line]) -> str:
    """The one that makes the most columns of the first row, and of most rows after it."""
    best, best_score = ";", (0.0, 1)
    for separator in SEPARATORS:
        reader = csv.reader((line.text for line in sample), delimiter=separator)
        try:
            found = [cells for cells in reader if any(map(str.strip, cells))]
        except csv.Error:
            continue
        width = len(found[0]) if found else 0
        alike = sum(len(cells) == width for cells in found)
        score = (round(alike / len(found), 1), width) if width > 1 else (0.0, width)
        if score > best_score:
            best, best_score = separator, score
    return best


def _headings(row: Row, name: str) -> tuple[str, ...]:
    if row.fault:
        raise UnreadableFile(name, row.fault.what, row.fault.remedy, AT_ROW.format(row=row.number))
    return headings_of(row.cells, name)


def headings_of(cells: Sequence[str], name: str) -> tuple[str, ...]:
    """The names of the columns, each of them once; empty ones at the end are no columns.

    Raises UnreadableFile for a row that holds values.
    """
    names = [" ".join(trimmed(printable(cell)).split())[:LONGEST_HEADING] for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UnreadableFile(name, NO_COLUMNS, ADD_HEADING)
    if len(names) > MOST_COLUMNS:
        what = TOO_MANY_COLUMNS.format(n=len(names), most=MOST_COLUMNS)
        raise UnreadableFile(name, what, REMOVE_COLUMNS)
    values = [each for each in names if LOOKS_LIKE_DATA.fullmatch(each)]
    if any("@" in each for each in values) or 2 * len(values) > len(names):
        raise UnreadableFile(name, NO_HEADING.format(value=shown(values[0])), ADD_HEADING)
    return tuple(_each_once(names))


def _below(sample: Sequence[Line], separator: str) -> list[list[str]]:
    """The rows of a sample below its first one; none where a comma may be part of a value."""
    reader = csv.reader((line.text for line in sample), delimiter=separator)
    try:
        found = [cells for cells in reader if any(map(str.strip, cells))][1:]
    except csv.Error:
        return []
    least = 3 if separator == "," else 2
    alike = len({len(cells) for cells in found}) == 1 and len(found[0]) >= least
    return found if alike else []


def refuse_title(headings: Sequence[str], below: Sequence[Sequence[str]], name: str) -> None:
    """Raise UnreadableFile where the first row is a title, and the table begins below it."""
    widths = [sum(bool(cell.strip()) for cell in cells) for cells in below]
    if len(headings) == 1 and len(widths) > 1 and min(widths) > 1:
        what = TITLE_ROW.format(value=shown(headings[0]), n=widths[0])
        raise UnreadableFile(name, what, REMOVE_TITLE)


def _each_once(names: Iterable[str]) -> Iterator[str]:
    """A second column of one name is called “name (2)”; one without a name “column 3”."""
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        wanted = own = name or str(COLUMN_N.format(n=number))
        again = 1
        while own.casefold() in taken:
            again += 1
            own = f"{wanted} ({again})"
        taken.add(own.casefold())
        yield own


class _Feed:
    """Hands lines to the csv reader, and knows how many bytes it has taken."""

    def __init__(self, source: Iterable[Line], start: int) -> None:
        self._source = iter(source)
        self.position = start
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text, size = next(self._source)
        self.position += size
        self.last = text
        return text


def _rows(source: Iterable[Line], separator: str, name: str, start: int) -> Iterator[Row]:
    """Each row, strictly read, blank ones too. A fault within one line is that row's own.

    Raises UnreadableFile where a quotation mark may have swallowed the rows that follow.
    """
    feed = _Feed(source, start)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    number = 0
    while True:
        begin, first_line = feed.position, reader.line_num + 1
        try:
            cells, fault = next(reader, None), None
        except csv.Error as error:
            is_own = reader.line_num == first_line and feed.last.count('"') % 2 == 0
            cells, fault = [], _fault(str(error))
            if not is_own:
                where = AT_ROW.format(row=number + 1)
                raise UnreadableFile(name, SWALLOWED, DOUBLE_QUOTES, where) from None
        if cells is None:
            return
        if number == 0 and begin == start and SEP_HINT.fullmatch(feed.last):
            continue  # a spreadsheet reads this line and does not show it as a row
        number += 1
        yield Row(number, begin, feed.position - begin, cells, fault)


def _fault(error: str) -> Fault:
    if "field limit" in error:
        what = CELL_TOO_LONG.format(most=csv.field_size_limit())
        return Fault("ROW_UNREADABLE", what, SHORTEN_CELL)
    return Fault("ROW_UNREADABLE", STRAY_QUOTE, DOUBLE_QUOTES)


HEAD_BYTES = 1 << 16
LONGEST_LINE = 1 << 20  # characters; a member's row has a few hundred

AT_LINE = sentence("AT_LINE", _("line {line}"))
DAMAGED_TEXT = sentence(
    "DAMAGED_TEXT",
    _("the file begins as {encoding} and does not stay so: it is damaged or cut off"),
)
TWO_ENCODINGS = sentence(
    "TWO_ENCODINGS", _("other lines are UTF-8 and this one is not: two encodings are mixed")
)
NO_ENCODING = sentence("NO_ENCODING", _("it is neither UTF-8 nor Windows-1252"))
SAVE_AS_CSV = sentence(
    "SAVE_AS_CSV_UTF_8", _("Open it in the spreadsheet, save it as “CSV UTF-8”, and add that file")
)
EXPORT_CSV_AGAIN = sentence("EXPORT_CSV_AGAIN", _("Export the file again"))
LINE_TOO_LONG = sentence("LINE_TOO_LONG", _("the line is longer than {most} characters"))
ONE_ROW_PER_MEMBER = sentence(
    "ONE_ROW_PER_MEMBER", _("Put each member on a line of its own, then add the file again")
)

LABELS = {codec: label for _mark, codec, label in MARKS} | {"cp1252": "Windows-1252"}


class Encoding(NamedTuple):
    """`codec` is Python's name; `mark` is how many bytes of byte order mark come first."""

    codec: str
    mark: int

    @property
    def label(self) -> str:
        """As people call it."""
        return LABELS[self.codec]


class Line(NamedTuple):
    """One line with its own ending, and how many bytes of the file it takes."""

    text: str
    size: int


def marked_encoding(head: bytes) -> Encoding | None:
    """The encoding that the first bytes show: a mark, or the zeros of UTF-16; None if neither."""
    for mark, codec, _label in MARKS:
        if head.startswith(mark):
            return Encoding(codec, len(mark))
    if len(head) > 3 and 0 in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) * 3 > len(head) and min(even, odd) * 20 < max(even, odd):
            return Encoding("utf-16-be" if even > odd else "utf-16-le", 0)
    return None


def find_encoding(path: Path, name: str) -> Encoding:
    """The encoding of the whole file: as marked, else UTF-8, else Windows-1252.

    Reads the file once or twice, in pieces. Raises UnreadableFile for two encodings at once.
    """
    with path.open("rb") as file:
        marked = marked_encoding(file.read(HEAD_BYTES))
    if marked:
        if bad_line := scan(path, marked.codec).bad_line:
            what = DAMAGED_TEXT.format(encoding=marked.label)
            raise UnreadableFile(name, what, EXPORT_CSV_AGAIN, AT_LINE.format(line=bad_line))
        return marked
    return _unmarked(path, name)


def _unmarked(path: Path, name: str) -> Encoding:
    utf_8, windows = Encoding("utf-8", 0), Encoding("cp1252", 0)
    found = scan(path, utf_8.codec)
    if not found.bad_line:
        return utf_8
    if found.is_partly_utf_8:
        at = AT_LINE.format(line=found.bad_line)
        raise UnreadableFile(name, TWO_ENCODINGS, SAVE_AS_CSV, at)
    if bad_line := scan(path, windows.codec).bad_line:
        raise UnreadableFile(name, NO_ENCODING, SAVE_AS_CSV, AT_LINE.format(line=bad_line))
    return windows


def lines(path: Path, name: str, encoding: Encoding) -> Iterator[Line]:
    """Each line, ended by LF, CRLF or CR, behind the byte order mark.

    Raises UnreadableFile for a line over LONGEST_LINE characters.
    """
    codec = encoding.codec
    width = {"cp1252": 1}.get(codec, 0)
    with path.open("rb") as file:
        file.seek(encoding.mark)
        number = 0
        with io.TextIOWrapper(file, encoding=codec, newline="") as text:
            while line := text.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    what = LINE_TOO_LONG.format(most=LONGEST_LINE)
                    where = AT_LINE.format(line=number)
                    raise UnreadableFile(name, what, ONE_ROW_PER_MEMBER, where)
                if width or (codec == "utf-8" and line.isascii()):
                    yield Line(line, len(line))
                else:
                    yield Line(line, len(line.encode(codec)))
