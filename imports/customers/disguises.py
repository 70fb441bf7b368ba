"""Recognises what a file is when it is not UTF-8 JSON: empty, UTF-16, an archive, a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.customers.unreadable import UnreadableFile

if TYPE_CHECKING:
    from mmap import mmap

BOM = b"\xef\xbb\xbf"
SAVE_AS_UTF_8 = "Save it as UTF-8 and add it again"
EXPORT_AS_JSON = 'Export the customers as JSON, {"data": [ … ]}, and add that file'

# The first bytes of what people rename to .json; the longer signature of two stands first.
SIGNATURES = (
    (b"\xff\xfe\x00\x00", "is text in UTF-32, and JSON is UTF-8", SAVE_AS_UTF_8),
    (b"\x00\x00\xfe\xff", "is text in UTF-32, and JSON is UTF-8", SAVE_AS_UTF_8),
    (b"\xff\xfe", "is text in UTF-16, and JSON is UTF-8", SAVE_AS_UTF_8),
    (b"\xfe\xff", "is text in UTF-16, and JSON is UTF-8", SAVE_AS_UTF_8),
    (b"\x89PNG", "is a PNG picture, whatever its name says", EXPORT_AS_JSON),
    (b"\xff\xd8\xff", "is a JPEG picture, whatever its name says", EXPORT_AS_JSON),
    (b"%PDF", "is a PDF document, whatever its name says", EXPORT_AS_JSON),
    (b"\x1f\x8b", "is compressed with gzip", "Unpack it and add the file inside"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Word file, whatever its name says", EXPORT_AS_JSON),
    (b"<", "is XML or HTML, whatever its name says", EXPORT_AS_JSON),
)
WORKBOOK_MARKS = (b"[Content_Types].xml", b"xl/")


def refuse_disguise(data: mmap, name: str) -> None:
    """Raise UnreadableFile where the first bytes show that this is something else than JSON."""
    head = data[:4096]
    if head.startswith(b"PK\x03\x04"):
        raise _archive(data, head, name)
    for signature, what, remedy in SIGNATURES:
        if head.startswith(signature):
            raise UnreadableFile(name, f"it {what}", remedy)
    if b"\x00" in head[:4]:
        # ASCII text in UTF-16 without a mark has a zero in every second byte.
        what = "it is text in UTF-16 or a binary file, and JSON is UTF-8"
        raise UnreadableFile(name, what, SAVE_AS_UTF_8)


def _archive(data: mmap, head: bytes, name: str) -> UnreadableFile:
    tail = data[max(0, len(data) - 65_536) :]
    if any(mark in head or mark in tail for mark in WORKBOOK_MARKS):
        what = "it is an Excel workbook (XLSX), whatever its name says"
        return UnreadableFile(name, what, EXPORT_AS_JSON)
    return UnreadableFile(name, "it is a ZIP archive", "Unpack it and add the files inside")


def not_utf_8(name: str, where: str, byte: int) -> UnreadableFile:
    """The refusal for text in another encoding, most often Latin-1 or Windows-1252."""
    what = f"the byte 0x{byte:02X} is not UTF-8; the file looks like Latin-1 or Windows-1252"
    return UnreadableFile(name, what, SAVE_AS_UTF_8, where)
