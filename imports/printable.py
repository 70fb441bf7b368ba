"""Makes text from outside, such as file names and query parameters, fit to store and show."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
IN_BYTES = "bytes:"  # how a path is stored that is no text; a path that is one begins with "/"


def printable(text: str) -> str:
    """The text without what PostgreSQL and terminals refuse: NUL and half characters."""
    return UNSTORABLE.sub(REPLACEMENT, text) if UNSTORABLE.search(text) else text


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
