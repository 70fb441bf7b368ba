"""What a file that was added is: API-shaped JSON, JSON lines, a delimited text or a workbook."""

from __future__ import annotations

import gzip
import re
import zlib
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from imports.customers.files.errors import BOM, SIGNATURES, UnreadableFile
from imports.customers.members.formats.text import HEAD_BYTES, marked_encoding
from imports.customers.members.formats.workbook import SPLIT_IT, is_workbook
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from pathlib import Path

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


class Kind(StrEnum):
    """What is to be done with a file before an import reads it."""

    JSON = "json"  # nothing: it is read, or refused, as it stands
    NDJSON = "ndjson"  # its lines become a list
    CSV = "csv"  # a record template makes a record of each row
    XLSX = "xlsx"
    GZIP = "gzip"  # unpack it, and look again


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
