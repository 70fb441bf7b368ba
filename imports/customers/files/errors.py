"""What is wrong with a file or a record: the exception, the place, and what is not JSON.

What the row of a member file could not give its record is carried in the record, as its first key.
A record made of a row with faults is never sent. Its faults travel with it, so that whoever reads
the records refuses it for them, and keeps the record without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from imports.messages import Message, MessageError, Text, from_json, sentence, to_json
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap


COUNTING_BYTES = 1 << 20  # newlines are counted in slices, so that memory does not grow


FILE_FAULT = sentence("FILE_FAULT", _("{file}: {what}. {remedy}."))
FILE_FAULT_AT = sentence("FILE_FAULT_AT", _("{file}, {place}: {what}. {remedy}."))
RECORD_FAULT = sentence("RECORD_FAULT", _("{file}, record {record}: {what}. {remedy}."))
RECORD_WARNING = sentence("RECORD_WARNING", _("{file}, record {record}: {what}."))
LINE_AND_BYTE = sentence("LINE_AND_BYTE", _("line {line}, byte {byte}"))
NEAR = sentence("NEAR", _("at “{text}”"))
AT_END = sentence("AT_END", _("at the end of the file"))
ROW_KEY = "redrive:row"
_BEGINS = b'{"redrive:row":'
_ALL = sentence("ROW_FAULTS", "{parts}")
MOST_FAULTS = 10  # of one row, in its sentence


class UnreadableFile(MessageError):
    """The whole file is refused. The message names the file, the place, what and the remedy."""

    def __init__(self, name: str, what: Text, remedy: Text, where: Text = "") -> None:
        params = {"file": shown(name, 200), "what": what, "remedy": remedy}
        super().__init__(
            FILE_FAULT_AT.format(place=where, **params) if where else FILE_FAULT.format(**params)
        )


class Fault(NamedTuple):
    """Why one record cannot be sent: a code to filter on, what is wrong, and the remedy."""

    code: str
    what: Message
    remedy: Message


def shown(text: str, limit: int = 40) -> str:
    """`text` on one line, shortened, with what can't be printed written as an escape."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def place(data: mmap, offset: int) -> Message:
    """Where `offset` is, for a person: lines and bytes both count from 1."""
    newlines = sum(
        data[start : min(start + COUNTING_BYTES, offset)].count(b"\n")
        for start in range(0, offset, COUNTING_BYTES)
    )
    return LINE_AND_BYTE.format(line=newlines + 1, byte=offset + 1)


def near(data: mmap, offset: int) -> Message:
    """What stands at `offset`, quoted, or that the file ends there."""
    text = data[offset : offset + 24].decode("utf-8", "replace").strip()
    return NEAR.format(text=shown(text, 24)) if text else AT_END


UTF_16_OR_BINARY = sentence(
    "UTF_16_OR_BINARY", _("it is text in UTF-16 or a binary file, and JSON is UTF-8")
)
XLSX = sentence("XLSX", _("it is an Excel workbook (XLSX), despite its name"))
NAME_IT_XLSX = sentence("NAME_IT_XLSX", _("Give it a name in .xlsx, then add it again"))
ZIP = sentence("ZIP", _("it is a ZIP archive"))
UNPACK = sentence("UNPACK", _("Unpack it and add the files inside"))

SAVE_AS_UTF_8 = sentence("SAVE_AS_UTF_8", _("Save it as UTF-8 and add it again"))
EXPORT_AS_JSON = sentence(
    "EXPORT_AS_JSON", _("Export the customers as JSON, CSV or XLSX, and add that file")
)
UNPACK_ONE = sentence("UNPACK_ONE", _("Unpack it and add the file inside"))
UTF_32 = sentence("UTF_32", _("it is text in UTF-32, and JSON is UTF-8"))
UTF_16 = sentence("UTF_16", _("it is text in UTF-16, and JSON is UTF-8"))
PNG = sentence("PNG", _("it is a PNG picture, despite its name"))
JPEG = sentence("JPEG", _("it is a JPEG picture, despite its name"))
PDF = sentence("PDF", _("it is a PDF document, despite its name"))
GZIP = sentence("GZIP", _("it is compressed with gzip"))
OLD_OFFICE = sentence(
    "OLD_OFFICE", _("it is an old Excel or Word file (such as XLS), or one with a password")
)
SAVE_AS_NEW = sentence("SAVE_AS_NEW", _("Save it as XLSX without a password, or as CSV"))
PACKED_OTHERWISE = sentence("PACKED_OTHERWISE", _("it is compressed, and not with gzip"))
BAD_BYTE = sentence(
    "BAD_BYTE", _("the byte {byte} is not UTF-8; the file looks like Latin-1 or Windows-1252")
)
XML = sentence("XML", _("it is XML or HTML, despite its name"))
BOM = b"\xef\xbb\xbf"

# The first bytes of what people rename to .json; the longer signature of two stands first.
SIGNATURES = (
    (b"\xff\xfe\x00\x00", UTF_32, SAVE_AS_UTF_8),
    (b"\x00\x00\xfe\xff", UTF_32, SAVE_AS_UTF_8),
    (b"\xff\xfe", UTF_16, SAVE_AS_UTF_8),
    (b"\xfe\xff", UTF_16, SAVE_AS_UTF_8),
    (b"\x89PNG", PNG, EXPORT_AS_JSON),
    (b"\xff\xd8\xff", JPEG, EXPORT_AS_JSON),
    (b"%PDF", PDF, EXPORT_AS_JSON),
    (b"\x1f\x8b", GZIP, UNPACK_ONE),
    *(
        (magic, PACKED_OTHERWISE, UNPACK_ONE)
        for magic in (
            b"BZh91AY&SY",
            b"\xfd7zXZ\0",
            b"7z\xbc\xaf",
            b"Rar!\x1a",
            b"\x28\xb5\x2f\xfd",
        )
    ),
    (b"\xd0\xcf\x11\xe0", OLD_OFFICE, SAVE_AS_NEW),
    (b"<", XML, EXPORT_AS_JSON),
)
WORKBOOK_MARKS = (b"[Content_Types].xml", b"xl/")


def refuse_disguise(data: mmap, name: str) -> None:
    """Raise UnreadableFile where the first bytes show that this is something else than JSON."""
    head = data[:4096]
    if head.startswith(b"PK\x03\x04"):
        raise _archive(data, head, name)
    for signature, what, remedy in SIGNATURES:
        if head.startswith(signature):
            raise UnreadableFile(name, what, remedy)
    if b"\x00" in head[:4]:
        # ASCII text in UTF-16 without a mark has a zero in every second byte.
        what = UTF_16_OR_BINARY
        raise UnreadableFile(name, what, SAVE_AS_UTF_8)


def _archive(data: mmap, head: bytes, name: str) -> UnreadableFile:
    tail = data[max(0, len(data) - 65_536) :]
    if any(mark in head or mark in tail for mark in WORKBOOK_MARKS):
        what = XLSX
        return UnreadableFile(name, what, NAME_IT_XLSX)
    return UnreadableFile(name, ZIP, UNPACK)


def not_utf_8(name: str, where: Text, byte: int) -> UnreadableFile:
    """The refusal for text in another encoding, most often Latin-1 or Windows-1252."""
    what = BAD_BYTE.format(byte=f"0x{byte:02X}")
    return UnreadableFile(name, what, SAVE_AS_UTF_8, where)


class _Carried(msgspec.Struct, frozen=True):
    code: str
    what: dict[str, Any]
    remedy: dict[str, Any]


class _First(msgspec.Struct, frozen=True):
    carried: _Carried = msgspec.field(name=ROW_KEY)


def with_faults(record: dict[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    """The record with its row's faults as the first key; the first one's code and remedy count."""
    first = faults[0]
    what = first.what
    if len(faults) > 1:
        what = _ALL.format(parts=tuple(each.what for each in faults[:MOST_FAULTS]))
    carried = {"code": first.code, "what": to_json(what), "remedy": to_json(first.remedy)}
    return {ROW_KEY: carried, **record}


def carries_faults(raw: bytes) -> bool:
    """Whether these are the bytes of a record with faults. Quick: it is asked of every record."""
    return raw.startswith(_BEGINS)


def faults_of(raw: bytes) -> tuple[Fault, bytes] | None:
    """The fault of a record that carries one, and the record's bytes without it."""
    if not carries_faults(raw):
        return None
    try:
        carried = msgspec.json.decode(raw, type=_First).carried
        what, remedy = from_json(carried.what), from_json(carried.remedy)
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # somebody else's record, with a strange first key
    if not (isinstance(what, Message) and isinstance(remedy, Message)):
        return None
    del fields[ROW_KEY]
    return Fault(carried.code, what, remedy), msgspec.json.encode(fields)


def without_faults(raw: bytes) -> bytes:
    """The record's bytes as they are kept: without the faults of its row."""
    carried = faults_of(raw)
    return raw if carried is None else carried[1]
