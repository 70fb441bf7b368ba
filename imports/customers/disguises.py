"""Recognises what a file is when it is not UTF-8 JSON: empty, UTF-16, an archive, a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.customers.unreadable import UnreadableFile
from imports.messages import Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from mmap import mmap

UTF_16_OR_BINARY = sentence(
    "UTF_16_OR_BINARY", _("it is text in UTF-16 or a binary file, and JSON is UTF-8")
)
XLSX = sentence("XLSX", _("it is an Excel workbook (XLSX), whatever its name says"))
ZIP = sentence("ZIP", _("it is a ZIP archive"))
UNPACK = sentence("UNPACK", _("Unpack it and add the files inside"))

SAVE_AS_UTF_8 = sentence("SAVE_AS_UTF_8", _("Save it as UTF-8 and add it again"))
EXPORT_AS_JSON = sentence(
    "EXPORT_AS_JSON", _('Export the customers as JSON, {"data": [ … ]}, and add that file')
)
UNPACK_ONE = sentence("UNPACK_ONE", _("Unpack it and add the file inside"))
UTF_32 = sentence("UTF_32", _("it is text in UTF-32, and JSON is UTF-8"))
UTF_16 = sentence("UTF_16", _("it is text in UTF-16, and JSON is UTF-8"))
PNG = sentence("PNG", _("it is a PNG picture, whatever its name says"))
JPEG = sentence("JPEG", _("it is a JPEG picture, whatever its name says"))
PDF = sentence("PDF", _("it is a PDF document, whatever its name says"))
GZIP = sentence("GZIP", _("it is compressed with gzip"))
OLD_OFFICE = sentence("OLD_OFFICE", _("it is an old Excel or Word file, whatever its name says"))
BAD_BYTE = sentence(
    "BAD_BYTE", _("the byte {byte} is not UTF-8; the file looks like Latin-1 or Windows-1252")
)
XML = sentence("XML", _("it is XML or HTML, whatever its name says"))
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
    (b"\xd0\xcf\x11\xe0", OLD_OFFICE, EXPORT_AS_JSON),
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
        return UnreadableFile(name, what, EXPORT_AS_JSON)
    return UnreadableFile(name, ZIP, UNPACK)


def not_utf_8(name: str, where: Text, byte: int) -> UnreadableFile:
    """The refusal for text in another encoding, most often Latin-1 or Windows-1252."""
    what = BAD_BYTE.format(byte=f"0x{byte:02X}")
    return UnreadableFile(name, what, SAVE_AS_UTF_8, where)
