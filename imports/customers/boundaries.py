"""Finds where each element of a JSON list begins and ends, without reading the list into memory.

Records of one file mostly end and begin alike (`}},\n  {"changeType"`). That seam is searched
for, and msgspec proves the guess: a whole JSON value that starts where a record starts *is* that
record. Where the guess fails, brackets and strings are counted instead, which is slower and
cannot be led astray by depth or by numbers that are no JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imports.customers.breakage import EXPORT_AGAIN, broken, is_whole
from imports.customers.scanning import mark_at, skip_space, value_end
from imports.customers.unreadable import UnreadableFile, near, place
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Generator
    from mmap import mmap

AFTER_RECORD = sentence("AFTER_RECORD", _("after record {record} ({place})"))
NO_COMMA = sentence("NO_COMMA", _("a comma or ] is missing, {near}"))
LIST_NOT_ENDED = sentence("LIST_NOT_ENDED", _("the file ends before its list does"))
COMMA_AT_END = sentence("COMMA_AT_END", _("there is a comma behind the last record"))
REMOVE_COMMA = sentence("REMOVE_COMMA", _("Remove that comma"))

LARGEST_COPY = 16 << 20  # bytes; a larger element is measured, and stays in the file
NEAR_BYTES = 64 << 10  # how far a seam is searched for at least

_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,60}"')

_decode = msgspec.json.decode


class Element(NamedTuple):
    """One element: where it starts in the file, its size in bytes, its bytes and their value.

    `parsed` is False, and `value` None, where msgspec refuses what a lenient reader accepts
    (NaN, half a character, a hundred thousand levels). `raw` is empty above LARGEST_COPY.
    """

    start: int
    size: int
    raw: bytes
    value: object
    parsed: bool


class _Seam(NamedTuple):
    text: bytes  # the last byte of one record to the first key of the next
    gap: int  # bytes from a record's end to the next one's start
    reach: int  # how far from a record's start the seam is looked for, in bytes


def elements(data: mmap, pos: int, name: str) -> Generator[Element, None, int]:
    """Each element of the list that opens just before `pos`; returns the position behind it.

    Raises UnreadableFile, possibly after many elements, where the list is not JSON.
    """
    pos, position, seam = skip_space(data, pos), 1, None
    if mark_at(data, pos) == b"]":
        return pos + 1
    while True:
        element = _guess(data, pos, seam) if seam else None
        if seam and element:
            yield element
            pos += element.size + seam.gap
        else:
            element = _scan(data, pos, position, name)
            yield element
            end = pos + element.size
            behind = skip_space(data, end)
            if mark_at(data, behind) == b"]":
                return behind + 1
            pos = _next_start(data, behind, position, name)
            seam = _seam(data, end, pos, element.size)
        position += 1


def _next_start(data: mmap, comma: int, position: int, name: str) -> int:
    """Where the next element starts, given where its comma must stand."""
    start = skip_space(data, comma + 1)
    if mark_at(data, comma) == b"," and mark_at(data, start) not in (b"]", b""):
        return start
    what, remedy = NO_COMMA.format(near=near(data, comma)), EXPORT_AGAIN
    if start >= len(data):
        what = LIST_NOT_ENDED
    elif mark_at(data, comma) == b",":
        what, remedy = COMMA_AT_END, REMOVE_COMMA
    raise UnreadableFile(
        name, what, remedy, AFTER_RECORD.format(record=position, place=place(data, comma))
    )


def _seam(data: mmap, end: int, following: int, size: int) -> _Seam | None:
    first_key = _FIRST_KEY.match(data, following)
    if first_key is None or data[end - 1 : end] != b"}":
        return None
    return _Seam(data[end - 1 : first_key.end()], following - end, max(8 * size, NEAR_BYTES))


def _guess(data: mmap, pos: int, seam: _Seam) -> Element | None:
    last = data.find(seam.text, pos, pos + seam.reach)
    if last < 0:
        return None
    raw = data[pos : last + 1]
    try:
        return Element(pos, len(raw), raw, _decode(raw), True)
    except (ValueError, RecursionError):  # msgspec's and Unicode's errors are ValueErrors
        return None


def _scan(data: mmap, pos: int, position: int, name: str) -> Element:
    end = value_end(data, pos)
    if end is None:
        raise broken(data, pos, None, position, name)
    if end - pos > LARGEST_COPY:
        return Element(pos, end - pos, b"", None, False)
    raw = data[pos:end]
    try:
        return Element(pos, end - pos, raw, _decode(raw), True)
    except (ValueError, RecursionError):
        if not is_whole(raw):
            raise broken(data, pos, end, position, name) from None
        return Element(pos, end - pos, raw, None, False)
