"""A text file's encoding, and its lines with the bytes that each of them takes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from imports.customers.files.errors import UnreadableFile
from imports.messages import marked as _
from imports.messages import sentence
from imports.text_encoding import MARKS, scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
