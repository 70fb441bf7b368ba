"""Steps over JSON in a mapped file by its brackets and quotes alone: nothing is decoded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap

_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^ \t\r\n,:\[\]{}"]++', re.DOTALL)
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_CLOSERS = {ord("{"): ord("}"), ord("["): ord("]")}
_QUOTE = ord('"')


def skip_space(data: mmap, pos: int) -> int:
    """The next position that is not white space."""
    match = _SPACE.match(data, pos)
    return match.end() if match else pos


def mark_at(data: mmap, pos: int) -> bytes:
    """The byte at `pos`, or b"" behind the end."""
    return data[pos : pos + 1]


def value_end(data: mmap, pos: int) -> int | None:
    """The position behind the value at `pos`, or None where it does not end.

    Depth, NaN and odd numbers do not matter here; memory grows with the depth only.
    """
    if mark_at(data, pos) not in (b"{", b"["):
        match = _SCALAR.match(data, pos)
        return match.end() if match else None
    closers = bytearray()
    for token in _TOKEN.finditer(data, pos):
        start, end = token.span()
        mark = data[start]
        if mark == _QUOTE:
            if end - start == 1:
                return None  # a text without an end
        elif mark in _CLOSERS:
            closers.append(_CLOSERS[mark])
        elif closers.pop() != mark:
            return None
        elif not closers:
            return end
    return None
