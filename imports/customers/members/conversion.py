"""Writes a member file down as API-shaped JSON, once, with an index of its rows beside it."""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imports.customers.files.errors import BOM, UnreadableFile, near
from imports.customers.files.json_stream import EXPORT_AGAIN, NOT_JSON, first_error, is_whole
from imports.customers.members import delimited, workbook
from imports.customers.members.delimited import AT_LINE, NO_ROWS, Form, Row
from imports.customers.members.records import RecordMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imports.customers.members.template import Template

OPENING, BETWEEN, CLOSING = b'{"data": [', b",\n", b"\n]}\n"
PLACE = struct.Struct("<QQI")  # of one record's row: its number, its first byte, its size
PIECE_BYTES = 1 << 20
SEEN_EVERY = 5_000  # rows


class Converted(NamedTuple):
    """How many records there are, and how many of their rows have faults."""

    records: int
    faulty: int


class Place(NamedTuple):
    """Where the row of a record stands: its number, and its bytes in the file of rows."""

    row: int
    start: int
    size: int


def rows_of(source: Path, name: str, form: Form) -> Iterator[Row]:
    """The rows of values in a member file, in order."""
    if form.kind == "xlsx":
        return workbook.rows(source, form)
    return delimited.rows(source, name, form)


def cells_of(raw: bytes, form: Form) -> list[str]:
    """The cells of one row's own bytes."""
    return workbook.cells_of(raw) if form.kind == "xlsx" else delimited.cells_of(raw, form)


def index_of(path: Path) -> Path:
    """Where the index of a converted file's rows lies."""
    return path.with_suffix(".index")


def convert(
    source: Path, name: str, form: Form, template: Template, target: Path,
    seen: Callable[[int], None] = lambda rows: None,
) -> Converted:  # fmt: skip
    """Write a record for each row, also for one with faults, which nobody will send.

    `seen` is told now and then how many rows have been read. Memory does not grow with the file.
    Raises UnreadableFile for a file that lacks columns or has no rows, OSError for a full disk.
    """
    maker = RecordMaker(template, form.headings, name)
    records = faulty = 0
    with target.open("wb", PIECE_BYTES) as file, index_of(target).open("wb") as index:
        file.write(OPENING)
        for row in rows_of(source, name, form):
            made = maker.of(row)
            file.write(BETWEEN + made.raw if records else made.raw)
            index.write(PLACE.pack(row.number, row.start, row.size))
            records += 1
            faulty += bool(made.faults)
            if records % SEEN_EVERY == 0:
                seen(records)
        file.write(CLOSING)
    if not records:
        raise UnreadableFile(name, NO_ROWS, EXPORT_AGAIN)
    return Converted(records, faulty)


def place_of(index: Path, position: int) -> Place | None:
    """Where the row of the record at `position` (from 1) stands. Raises OSError."""
    with index.open("rb") as places:
        places.seek((position - 1) * PLACE.size)
        found = places.read(PLACE.size)
    return Place(*PLACE.unpack(found)) if len(found) == PLACE.size else None


def bytes_at(source: Path, place: Place) -> bytes:
    """The own bytes of a row. Raises OSError."""
    with source.open("rb") as file:
        file.seek(place.start)
        return file.read(place.size)


def convert_lines(source: Path, name: str, target: Path) -> None:
    """Write JSON lines down as a list, each record byte for byte and on the same line.

    Raises UnreadableFile for a line that is no JSON value of its own.
    """
    between = OPENING
    with source.open("rb") as lines, target.open("wb", PIECE_BYTES) as file:
        for number, line in enumerate(lines, start=1):
            text = (line.removeprefix(BOM) if number == 1 else line).strip()
            if text and not _is_value(text):
                raise _bad_line(text, name, number)
            file.write(between + text if text else b"")
            between = b"," if text else between
            file.write(b"\n")
        file.write((OPENING if between == OPENING else b"") + b"]}")


def _is_value(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return is_whole(text)
    return True


def _bad_line(text: bytes, name: str, number: int) -> UnreadableFile:
    with mmap.mmap(-1, max(len(text), 1)) as data:
        data.write(text[:])
        what = NOT_JSON.format(near=near(data, first_error(text.decode("utf-8", "replace"))))
    return UnreadableFile(name, what, EXPORT_AGAIN, AT_LINE.format(line=number))


def size_of(path: Path) -> int:
    """In bytes; 0 for a file that is not there."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 - of any kind of path
    except OSError:
        return 0
