"""Text from outside: in what encoding a file has it, and how it is made fit to store and show.

JSON that a person writes as a setting is refused where no database or program could hold it.
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"  # marks and joiners that spreadsheets leave behind
IN_BYTES = "bytes:"  # how a path is stored that is no text; a path that is one begins with "/"


def printable(text: str) -> str:
    """The text without what PostgreSQL and terminals refuse: NUL and half characters."""
    return UNSTORABLE.sub(REPLACEMENT, text) if UNSTORABLE.search(text) else text


def trimmed(text: str) -> str:
    """Without the spaces (also no-break ones) and invisible marks around it."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(INVISIBLE)
    return text


def on_one_line(text: str) -> str:
    """The text with line breaks and other control characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_name(path: Path) -> str:
    """What a file is called, whatever its bytes are."""
    try:
        return printable(os.fsencode(path.name).decode("utf-8", "replace"))
    except UnicodeEncodeError:  # it never was a name of a file
        return printable(path.name)


def stored_path(path: Path) -> str:
    """A path as text that PostgreSQL can keep; `path_of` gives the same path back."""
    text = os.fspath(path)
    if not UNSTORABLE.search(text):
        return text
    return IN_BYTES + quote_from_bytes(os.fsencode(text))


def path_of(stored: str) -> Path:
    """The path that was stored."""
    if stored.startswith(IN_BYTES):
        return Path(os.fsdecode(unquote_to_bytes(stored.removeprefix(IN_BYTES))))
    return Path(stored)


DEEPEST = 50  # levels: no mapping and no recipe has ten


def refuse_unstorable(value: object) -> None:
    """Raise ValueError for parsed JSON with NUL, half characters or nesting without end."""
    level = [value]
    for _depth in range(DEEPEST):
        level = [child for each in level for child in _inside(each)]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _inside(value: object) -> list[object]:
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise ValueError("a text holds NUL or half a character (a lone surrogate such as \\ud800)")
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


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
