"""An uploaded CSV as lines of text: which encoding it has, and what is no text at all.

Errors never carry a value from the file: any of them could be a password.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_CHARACTERS = 1 << 20
LONGEST_LINE = 1 << 20  # characters: eight cells of the longest kind; more would fill the memory
SAVE_AS_CSV = "Open it in the spreadsheet and save it as “CSV UTF-8”, then upload that file."

NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook (XLSX) or a ZIP archive",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (XLS)",
    b"\x89PNG": "a PNG picture",
    b"%PDF-": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
}
# UTF-32's little-endian mark begins with UTF-16's, so it must be tried first.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# What `surrogateescape` makes of a byte that it can't read.
ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
# Windows-1252 would have to hold Â, Ã or â followed by a sign to look like these in UTF-8: no text
# does. Others come about by accident: ä, a dash and € are one Chinese character.
SURELY_UTF8 = re.compile("[\xa0-\xff\u2010-\u20ac]")


class UnreadableCsv(Exception):
    """A whole file is refused. The message names the file, where it is wrong, and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` is Python's name, `label` is for people, `warning` is a sentence or empty."""

    codec: str
    label: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class _Scan:
    bad_line: int | None  # the first line with bytes that are not of this encoding
    is_partly_utf8: bool  # characters were read that only UTF-8 has


def find_encoding(path: Path, name: str) -> Encoding:
    """The encoding of the whole file: by its mark, else UTF-8, else Windows-1252 with a warning.

    Reads the file once, in pieces. Raises UnreadableCsv for what is empty, no text, or of
    two encodings at once: guessing there would send a wrong password to a portal.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    _refuse_what_is_no_text(head, name)
    for mark, codec, label in MARKS:
        if head.startswith(mark):
            return _as_marked(path, name, Encoding(codec, label))
    if head.count(0) > len(head) // 4:
        raise UnreadableCsv(
            f"{name} is no plain text: it may be UTF-16 without its byte order mark. {SAVE_AS_CSV}"
        )
    return _without_mark(path, name)


def lines(path: Path, name: str, encoding: Encoding) -> Iterator[str]:
    """Each line with its own ending: LF, CRLF or CR alone.

    Raises UnreadableCsv for a line over LONGEST_LINE characters.
    """
    with path.open(encoding=encoding.codec, newline="") as text:
        number = 0
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise UnreadableCsv(
                    f"{name}, line {number}: it is longer than {LONGEST_LINE:,} characters. "
                    "Check that each credential stands on a line of its own."
                )
            # Some programs write the mark twice; it would hide the first heading's quotes.
            yield line.lstrip("\ufeff") if number == 1 else line


def _refuse_what_is_no_text(head: bytes, name: str) -> None:
    if not head:
        raise UnreadableCsv(f"{name} is empty. Choose the file that holds the credentials.")
    for magic, what in NOT_TEXT.items():
        if head.startswith(magic):
            raise UnreadableCsv(f"{name} is {what}, whatever its name says. {SAVE_AS_CSV}")


def _as_marked(path: Path, name: str, encoding: Encoding) -> Encoding:
    scan = _scan(path, encoding.codec)
    if scan.bad_line is not None:
        raise UnreadableCsv(
            f"{name}, at or after line {scan.bad_line}: the file begins as {encoding.label} and "
            "does not stay so: it is damaged or cut off. Export the file again."
        )
    return encoding


def _without_mark(path: Path, name: str) -> Encoding:
    utf8 = _scan(path, "utf-8")
    if utf8.bad_line is None:
        return Encoding("utf-8", "UTF-8")
    if utf8.is_partly_utf8:
        raise UnreadableCsv(
            f"{name}, line {utf8.bad_line}: other lines are UTF-8 and this one is not: the file "
            f"is damaged, or was put together from two encodings. {SAVE_AS_CSV}"
        )
    windows = _scan(path, "cp1252")
    if windows.bad_line is not None:
        raise UnreadableCsv(
            f"{name}, line {windows.bad_line}: it is neither UTF-8 nor Windows-1252. {SAVE_AS_CSV}"
        )
    return Encoding("cp1252", "Windows-1252", _windows_warning(name, utf8.bad_line))


def _windows_warning(name: str, line: int) -> str:
    return (
        f"{name} is not UTF-8 (first at line {line}) and was read as Windows-1252. Check that "
        "letters such as å, ä and ö look right here; a password with a wrong letter is refused "
        "by the portal. To be sure, save the file as “CSV UTF-8”."
    )


def _scan(path: Path, codec: str) -> _Scan:
    """Read it all in pieces. UTF-16 that is damaged can't be escaped and ends the scan there."""
    line, bad_line, partly = 1, None, False
    with path.open(encoding=codec, errors="surrogateescape") as text:
        while True:
            try:
                piece = text.read(CHUNK_CHARACTERS)
            except UnicodeDecodeError:
                return _Scan(bad_line or line, partly)
            if not piece:
                return _Scan(bad_line, partly)
            if bad_line is None and (bad := ESCAPED_BYTE.search(piece)):
                bad_line = line + piece.count("\n", 0, bad.start())
            partly = partly or SURELY_UTF8.search(piece) is not None
            line += piece.count("\n")
