"""Takes in what was added to a draft: whatever is no API-shaped JSON becomes such, once.

A file may be API-shaped JSON, JSON lines, a delimited text or a workbook; its bytes say which.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec
from django.db import transaction
from django.db.models.functions import Now

from imports.customers.files.errors import BOM, FILE_FAULT, SIGNATURES, UnreadableFile, shown
from imports.customers.members import conversion, delimited, workbook
from imports.customers.members.delimited import HEAD_BYTES, Form, marked_encoding
from imports.customers.members.template import missing, read, same_heading, unused
from imports.customers.members.workbook import SPLIT_IT, is_workbook
from imports.messages import marked as _
from imports.messages import sentence, to_json
from imports.models import MemberFile, RecordTemplate
from imports.states import FileStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imports.messages import Message
    from imports.models import CustomerApi, ImportFile


class Kind(StrEnum):
    """What is to be done with a file before an import reads it."""

    JSON = "json"  # nothing: it is read, or refused, as it stands
    NDJSON = "ndjson"  # its lines become a list
    CSV = "csv"  # a record template makes a record of each row
    XLSX = "xlsx"
    GZIP = "gzip"  # unpack it, and look again


AT_ONCE_BYTES = 4 << 20  # of a text that is read while a person waits: a second or two
AT_ONCE_PACKED_BYTES = 1 << 20  # of what must be unpacked first
TABLES, PACKED = (Kind.CSV, Kind.XLSX), (Kind.XLSX, Kind.GZIP)

NO_TEMPLATE = sentence("NO_TEMPLATE", _("it is a table, and no record template is chosen for it"))
CHOOSE_TEMPLATE = sentence(
    "CHOOSE_TEMPLATE", _("Choose one, or make one from its headings; nothing is read before that")
)
BEING_READ = sentence("BEING_READ", _("A worker reads it and checks each customer."))
NOT_IN_TEMPLATE = sentence(
    "NOT_IN_TEMPLATE", _("{file}: the record template reads nothing of {columns}: not sent.")
)
READ_AS_WINDOWS = sentence(
    "READ_AS_WINDOWS",
    _("{file} is not UTF-8 and was read as Windows-1252. Check that å, ä, ö and é look right."),
)
OTHER_SHEETS = sentence(
    "OTHER_SHEETS",
    _("{file}: only the sheet “{sheet}” is read. Rows of these sheets are not sent: {others}."),
)
HIDDEN_ROWS = sentence(
    "HIDDEN_ROWS",
    _("{file}: {n} rows are hidden, by a filter perhaps. They are sent like all others."),
    one=_("{file}: {n} row is hidden, by a filter perhaps. It is sent like all others."),
)
MERGED_CELLS = sentence(
    "MERGED_CELLS",
    _("{file}: cells are merged ({cells}). The first holds the value, the others are empty."),
)
MOST_NAMED = 20


class NeedsTemplate(Exception):
    """Nobody has said how the rows of this table become records."""


def take_copy(file: ImportFile, old: MemberFile) -> None:
    """Let the copy of a table's rows be read by the template that read them before."""
    MemberFile(
        file=file, template=old.template, form=old.form, sha256=old.sha256, size=old.size,
        source=file.path,
    )  # fmt: skip


def wait_for_worker(file: ImportFile, template: RecordTemplate | None = None) -> None:
    """Leave a new file to a worker; it is not looked at before. The caller saves it."""
    file.status, file.message = FileStatus.READING, BEING_READ
    file.size, file.asked_at = stored.size(file.path), Now()
    if template is not None:
        MemberFile(file=file, template=template)


def is_large(file: ImportFile) -> bool:
    """Whether to check this file would keep a person waiting. Raises OSError."""
    size = stored.size(file.path)
    if size > AT_ONCE_BYTES:
        return True
    return size > AT_ONCE_PACKED_BYTES and kind_of(file.location, file.name) in PACKED


def make_readable(
    file: ImportFile, template: RecordTemplate | None = None,
    seen: Callable[[int], None] = lambda rows: None,
) -> bool:  # fmt: skip
    """Make of an added file what an import reads; whether that can be checked now.

    Sets the file's status where there is nothing to check. Raises OSError for a full disk.
    """
    member = member_of(file)
    if member is None:
        try:
            kind = kind_of(file.location, file.name)
        except OSError:
            return True  # its reader says why
        if kind == Kind.JSON:
            return True
        member = MemberFile(file=file, template=template)
    return make(file, member, seen)


def make(
    file: ImportFile, member: MemberFile, seen: Callable[[int], None] = lambda rows: None
) -> bool:
    """Unpack, write down and convert it; False, and a status that says why, where it cannot be.

    All that it makes is ours. What was added stays as it is: whoever calls this forgets it once
    the file is stored, so that a killed process loses nothing.
    """
    try:
        if not member.source and not _open(file, member):
            return True
        _convert(file, member, seen)
    except UnreadableFile as error:
        refuse(file, error)
    except NeedsTemplate:
        _ask(file)
    else:
        return True
    return False


@contextmanager
def pieces() -> Iterator[list[Path]]:
    """What is made on the way; removed again where anything goes wrong."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        conversion.forget_new(made)
        raise


def _open(file: ImportFile, member: MemberFile) -> bool:
    """Find a table's form and write its rows down where they can be found again.

    False where it is a table no more: what was compressed was API-shaped.
    """
    added = file.location
    member.sha256, member.size = _digest(added), conversion.size_of(added)
    file.size, folder = member.size, conversion.folder_of(file.job)
    with pieces() as made:
        kind, path = opened(added, file.name, folder, made)
        if kind in TABLES:
            form, path = written_down(kind, path, file.name, folder, made)
            member.form = msgspec.to_builtins(form)
            if path == added and not file.is_ours:
                path = conversion.keep_copy(path, folder)
                made.append(path)
        if path != added:
            _use(file, path)
        member.source = file.path if kind in TABLES else ""
    return kind in TABLES


def _convert(file: ImportFile, member: MemberFile, seen: Callable[[int], None]) -> None:
    template = member.template or matching(file.job.api, form_of(member))
    if template is None:
        raise NeedsTemplate
    document = read(template.document)
    with pieces() as made:
        target = _new(conversion.folder_of(file.job), ".json", made)
        rows_path, form = member.rows_path, form_of(member)
        conversion.convert(rows_path, file.name, form, document, target, seen)
        member.template, member.document = template, template.document
        _use(file, target, conversion.index_of(target))


def _use(file: ImportFile, path: Path, *beside: Path) -> None:
    if file.job.pk is not None:  # a dry run's are nobody else's
        conversion.publish(path, *beside)
    file.path, file.is_ours = conversion.where_of(path), True


def _new(folder: str, suffix: str, made: list[Path]) -> Path:
    made.append(conversion.new_piece(folder, suffix))
    return made[-1]


def opened(path: Path, name: str, folder: str, made: list[Path]) -> tuple[Kind, Path]:
    """The file without its compression, and JSON lines as a list; new pieces in `folder`."""
    known_as = name
    kind = kind_of(path, name)
    if kind == Kind.GZIP:
        target = _new(folder, ".rows", made)
        unpack(path, name, target, conversion.most_bytes())
        path, known_as = target, unpacked_name(name)
        kind = kind_of(path, known_as)
    if kind == Kind.NDJSON:
        target = _new(folder, ".json", made)
        conversion.convert_lines(path, name, target)
        _forget_but(made, target)
        return Kind.JSON, target
    return kind, path


def _forget_but(made: list[Path], kept: Path) -> None:
    conversion.forget_new(each for each in made if each != kept)


def written_down(
    kind: Kind, path: Path, name: str, folder: str, made: list[Path]
) -> tuple[Form, Path]:
    """A table's form, and the file in which its rows can be found again."""
    if kind == Kind.CSV:
        return delimited.find_form(path, name), path
    source = _new(folder, ".rows", made)
    form = workbook.write_down(path, name, source, conversion.most_bytes())
    _forget_but(made, source)
    return form, source


def ask_again(file: ImportFile) -> bool:
    """After a draft got another API: whether the file's template was made for the one before.

    Then it waits for another one. The caller saves it and its member file.
    """
    member = member_of(file)
    if member is None or not member.document or file.asked_at is not None:
        return False
    if member.template is not None and member.template.api_id == file.job.api_id:
        return False
    transaction.on_commit(partial(conversion.forget, file.path), robust=True)
    file.path, file.sha256 = member.source, ""
    file.record_count = file.excluded_count = file.duplicate_count = 0
    file.warnings, file.refusals = [], []
    member.template, member.document = None, {}
    _ask(file)
    return True


def _ask(file: ImportFile) -> None:
    name = shown(file.name, 200)
    file.status = FileStatus.WAITING
    file.message = FILE_FAULT.format(file=name, what=NO_TEMPLATE, remedy=CHOOSE_TEMPLATE)


def refuse(file: ImportFile, error: UnreadableFile) -> None:
    """The verdict of a file that nobody can read. The caller saves it."""
    file.status, file.message = FileStatus.INVALID, error.message
    file.size = file.size or conversion.size_of(file.location)


def form_of(member: MemberFile) -> Form:
    """How the rows of a member file are written."""
    return msgspec.convert(member.form, Form)


def matching(api: CustomerApi | None, form: Form) -> RecordTemplate | None:
    """The one template of this API that was made for just these headings, if there is just one."""
    mine = {same_heading(each) for each in form.headings}
    found = [
        each
        for each in RecordTemplate.objects.filter(api=api, is_current=True)
        if {same_heading(name) for name in each.headings} == mine
        and not missing(read(each.document), form.headings)
    ]
    return found[0] if len(found) == 1 else None


def add_warnings(file: ImportFile, member: MemberFile) -> None:
    """What is worth knowing of a converted file: columns not sent, a guessed encoding."""
    if not member.form or not member.document:
        return
    form, name = form_of(member), shown(file.name, 200)
    notes = []
    if form.encoding == "cp1252":
        notes.append(READ_AS_WINDOWS.format(file=name))
    if left := unused(read(member.document), form.headings):
        columns = ", ".join(f"“{shown(each)}”" for each in left[:MOST_NAMED])
        notes.append(NOT_IN_TEMPLATE.format(file=name, columns=columns))
    notes += _about_workbook(form, name)
    file.warnings = [*map(to_json, notes), *file.warnings]


def _about_workbook(form: Form, name: str) -> Iterator[Message]:
    """What a workbook shows otherwise than it is read."""
    if form.other_sheets:
        others = ", ".join(f"“{shown(each)}”" for each in form.other_sheets[:MOST_NAMED])
        yield OTHER_SHEETS.format(file=name, sheet=shown(form.sheet), others=others)
    if form.hidden_rows:
        yield HIDDEN_ROWS.format(file=name, n=form.hidden_rows)
    if form.merged:
        yield MERGED_CELLS.format(file=name, cells=form.merged)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def member_of(file: ImportFile) -> MemberFile | None:
    """What the file was before, or None for one that was API-shaped from the start."""
    found: MemberFile | None = getattr(file, "member", None)
    return found


def save(member: MemberFile | None) -> None:
    """Store what goes with a stored file."""
    if member is not None:
        member.file_id = member.file.pk
        member.save()


def forget_pieces(file: ImportFile) -> None:
    """Remove all that was made of a file that no draft holds."""
    if member_of(file) is not None and file.is_ours:
        conversion.forget(*file.pieces)


GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
PIECE_BYTES = 1 << 20
JSON_LINES = (".ndjson", ".jsonl")
TEXTS = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xlsm")
_FIRST_LINE = re.compile(rb"[ \t\r\n]*+(\{[^\r\n]*+)[\r\n]\s*+(?:\{|\Z)")

BAD_GZIP = sentence("BAD_GZIP", _("it is compressed with gzip, and damaged or cut off"))
COPY_AGAIN = sentence("COPY_AGAIN", _("Copy or export it again"))
UNPACKED_TOO_LARGE = sentence(
    "UNPACKED_TOO_LARGE", _("unpacked it has more than {most} bytes, and no more are read")
)
PACKED_TWICE = sentence("PACKED_TWICE", _("it is compressed twice"))
UNPACK_ONCE = sentence("UNPACK_ONCE", _("Unpack it once, and add the file inside"))


def kind_of(path: Path, name: str) -> Kind:
    """What the file at `path` is, by its bytes; a name in .json is never taken for a table.

    Whatever nobody can use is JSON, too: its reader says what is wrong with it. Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    suffix = PurePosixPath(name.lower()).suffix
    says_json = suffix == ".json"
    if head.startswith(GZIP_MAGIC):
        return Kind.GZIP
    if head.startswith(ZIP_MAGIC):
        is_book = suffix in WORKBOOKS or (not says_json and is_workbook(path))
        return Kind.XLSX if is_book else Kind.JSON
    if _is_json(head):
        return Kind.NDJSON if _has_json_lines(head, name) else Kind.JSON
    encoding = marked_encoding(head)
    if encoding is None and (_is_binary(head, suffix) or _is_other(head)):
        return Kind.JSON
    is_table = not says_json and head.strip(b" \t\r\n" + BOM)
    return Kind.CSV if is_table else Kind.JSON


def _is_other(head: bytes) -> bool:
    return any(head.startswith(each[0]) for each in SIGNATURES)


def _is_binary(head: bytes, suffix: str) -> bool:
    """Whether zeros are in it. A few in a text that is called one belong to single rows."""
    zeros = head.count(0)
    return zeros > 0 and (suffix not in TEXTS or zeros * 10 > len(head))


def _is_json(head: bytes) -> bool:
    encoding = marked_encoding(head)
    if encoding is not None and encoding.codec != "utf-8":
        text = head[encoding.mark :].decode(encoding.codec, "ignore")
        return text.lstrip()[:1] in ("{", "[")
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")


def _has_json_lines(head: bytes, name: str) -> bool:
    """Whether each line is a value of its own: the name says so, or the first two lines do."""
    text = head.removeprefix(BOM)
    if not text.lstrip().startswith(b"{"):
        return False
    if PurePosixPath(name.lower()).suffix in JSON_LINES:
        return True
    match = _FIRST_LINE.match(text)
    if match is None or not match[0].rstrip().endswith(b"{") or len(match[0]) == len(match[1]):
        return False
    try:
        return isinstance(msgspec.json.decode(match[1]), dict)
    except (ValueError, RecursionError):
        return False


def unpacked_name(name: str) -> str:
    """ "members.csv.gz" as it is called unpacked."""
    return name[:-3] if name.lower().endswith(".gz") else name


def unpack(path: Path, name: str, target: Path, most_bytes: int) -> None:
    """Unpack a gzip file, a piece at a time. Raises UnreadableFile, and leaves no target then."""
    size = 0
    try:
        with gzip.open(path) as packed, target.open("wb") as file:
            while piece := packed.read(PIECE_BYTES):
                if not size and piece.startswith(GZIP_MAGIC):
                    raise UnreadableFile(name, PACKED_TWICE, UNPACK_ONCE)
                size += len(piece)
                if size > most_bytes:
                    what = UNPACKED_TOO_LARGE.format(most=most_bytes)
                    raise UnreadableFile(name, what, SPLIT_IT)
                file.write(piece)
    except UnreadableFile:
        target.unlink(missing_ok=True)
        raise
    except (gzip.BadGzipFile, EOFError, zlib.error):
        target.unlink(missing_ok=True)
        raise UnreadableFile(name, BAD_GZIP, COPY_AGAIN) from None
