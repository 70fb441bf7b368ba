"""A member file written down once as API-shaped JSON, with an index of its rows beside it.

The pieces lie in the storage, beside the uploads of their job. They are written on this host, and
published where other hosts share the storage. Sentences about a record name its row, too.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.conf import settings
from django.core.files.storage import default_storage

from imports.customers.files.errors import BOM, UnreadableFile, near, shown
from imports.customers.files.json_stream import EXPORT_AGAIN, NOT_JSON, first_error, is_whole
from imports.customers.members import delimited, workbook
from imports.customers.members.delimited import AT_LINE, NO_ROWS, Form, Row
from imports.customers.members.records import RecordMaker
from imports.messages import Message, from_json, sentence, to_json
from imports.messages import marked as _
from imports.sealing import files, working
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from imports.customers.members.template import Template
    from imports.messages import Param, Text
    from imports.models import ImportFile, ImportJob


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


# The folder of dry runs of files that belong to no stored job.
UNSTORED = "dry-runs"
MEGABYTE = 1 << 20


def folder_of(job: ImportJob) -> str:
    """The folder of the job's uploads in the storage."""
    return files.folder(f"imports/{job.pk or UNSTORED}")


def _base(name: str) -> Path:
    """Below which directory of this host stored files lie, or their copies."""
    if files.is_sealed(name):
        return working.directory()
    if stored.is_shared():
        return stored.cache_directory()
    return Path(default_storage.path("x")).parent


def new_piece(folder: str, suffix: str) -> Path:
    """A path of this host for a new file in that folder of the storage."""
    directory = _base(f"{folder}/") / folder
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{uuid.uuid4().hex}{suffix}"


def where_of(path: Path) -> str:
    """Where a piece of this host lies, as the ledger keeps it."""
    name = working.name_of(path) or path.relative_to(_base("")).as_posix()
    return stored.STORED + name


def publish(*paths: Path) -> None:
    """Put finished pieces into the storage, where they do not lie in it. Raises OSError."""
    for path in paths:
        path.chmod(0o600)
        name = stored.name_of(where_of(path))
        if stored.is_shared() or files.is_sealed(name):
            stored.keep_path(name, path)


def keep_copy(path: Path, folder: str) -> Path:
    """A copy of somebody's file that nobody changes."""
    kept = new_piece(folder, ".rows")
    shutil.copyfile(path, kept)
    return kept


def index_path(where: str) -> Path:
    """A path of this host that holds the index of a converted file. Raises OSError."""
    name = where.rpartition(".")[0] + ".index"
    return stored.local_path(name) if stored.is_stored(where) else index_of(Path(where))


def forget(*places: str) -> None:
    """Remove pieces of ours and their indexes; of a storage that is away they stay."""
    for where in places:
        with suppress(OSError):
            stored.delete(where)
            if stored.is_stored(where):
                stored.delete(where.rpartition(".")[0] + ".index")


def forget_new(made: Iterable[Path]) -> None:
    """Remove pieces that came to nothing."""
    forget(*map(where_of, made))


def forget_unused(places: Iterable[str], file: ImportFile) -> None:
    """Remove those of ours that a stored file no longer needs."""
    forget(*(each for each in places if each not in file.pieces))


def most_bytes() -> int:
    """As much is unpacked of one file."""
    return int(settings.MEMBER_FILE_MB) * MEGABYTE


RECORD_AND_ROW = sentence("RECORD_AND_ROW", _("{position} (row {row})"))
# Which parameters of one sentence name a record, and the file that it is in.
PAIRS = {"record": "file", "other_record": "other_file"}


def with_rows(message: Text, file: ImportFile) -> Text:
    """The sentence with the row beside each record of this file that it names."""
    if not isinstance(message, Message) or not is_member(file):
        return message
    params = dict(message.params)
    for record, where in PAIRS.items():
        position = params.get(record)
        if isinstance(position, int) and params.get(where, shown(file.name, 200)) == shown(
            file.name, 200
        ):
            params[record] = _numbered(position, file)
    then = tuple(with_rows(each, file) for each in message.then)
    return replace(message, params=tuple(sorted(params.items())), then=then)


def is_member(file: ImportFile) -> bool:
    """Whether the file's records were made of rows."""
    member = getattr(file, "member", None)
    return member is not None and bool(member.form)


def place_in(file: ImportFile, position: int) -> Place | None:
    """Where the row of the record at `position` of a converted file stands."""
    try:
        return place_of(index_path(file.path), position)
    except OSError:
        return None


def _numbered(position: int, file: ImportFile) -> Param:
    place = place_in(file, position)
    return position if place is None else RECORD_AND_ROW.format(position=position, row=place.row)


def name_rows(file: ImportFile) -> None:
    """Name the rows in what was found in a checked file. The caller saves it."""
    if not is_member(file):
        return
    file.warnings = [to_json(with_rows(from_json(each), file)) for each in file.warnings]
    file.refusals = [_numbered_refusal(each, file) for each in file.refusals]


def _numbered_refusal(refusal: dict[str, Any], file: ImportFile) -> dict[str, Any]:
    return {**refusal, "message": to_json(with_rows(from_json(refusal["message"]), file))}
