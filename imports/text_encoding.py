"""In what a text file is written: byte order marks, and what a look at all of it shows."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

CHUNK_CHARACTERS = 1 << 20
# (mark, Python's name, people's name). UTF-32's little-endian mark begins with UTF-16's, so it
# stands first.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
# What `surrogateescape` makes of a byte that it cannot read.
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
# Windows-1252 would have to hold Â, Ã or â followed by a sign to look like these in UTF-8: no text
# does. Others come about by accident: ä, a dash and € are one Chinese character.
_SURELY_UTF_8 = re.compile("[\xa0-\xff\u2010-\u20ac]")


class Scan(NamedTuple):
    """What was found on the way through a file."""

    bad_line: int  # the first with bytes that are not of this encoding; 0 if there is none
    is_partly_utf_8: bool  # characters were read that only UTF-8 has


def scan(path: Path, codec: str) -> Scan:
    """Read it all in pieces. UTF-16 that is damaged cannot be escaped and ends the scan there."""
    line, bad_line, partly = 1, 0, False
    with path.open(encoding=codec, errors="surrogateescape") as text:
        while True:
            try:
                piece = text.read(CHUNK_CHARACTERS)
            except UnicodeDecodeError:
                return Scan(bad_line or line, partly)
            if not piece:
                return Scan(bad_line, partly)
            if not bad_line and (bad := _ESCAPED_BYTE.search(piece)):
                bad_line = line + piece.count("\n", 0, bad.start())
            partly = partly or _SURELY_UTF_8.search(piece) is not None
            line += piece.count("\n")
