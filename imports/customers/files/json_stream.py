"""Finds where each element of a JSON list begins and ends in a mapped file, without decoding
the list.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imports.customers.files.errors import UnreadableFile, near, not_utf_8, place
from imports.customers.files.quick_check import STRETCH_BYTES, Seam
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Generator
    from mmap import mmap

    from imports.customers.files.quick_check import Quick, Stretch

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


EXPORT_AGAIN = sentence("EXPORT_AGAIN", _("Export or copy the file again, or correct it there"))
IN_RECORD = sentence("IN_RECORD", _("record {record} ({place})"))
ENDS_IN_RECORD = sentence("ENDS_IN_RECORD", _("the file ends in the middle of this record"))
NOT_JSON = sentence("NOT_JSON", _("this is not JSON, {near}"))

LONGEST_LOOK = 16 << 20  # bytes: as much of a broken record is parsed to find the place


def is_whole(raw: bytes) -> bool:
    """Whether the lenient standard library reads it: then only this record is at fault."""
    try:
        json.loads(raw.decode())
    except (UnicodeDecodeError, json.JSONDecodeError):
        return False
    except (RecursionError, ValueError):  # too deep, or an integer of thousands of digits
        return True
    return True


def broken(data: mmap, pos: int, end: int | None, position: int, name: str) -> UnreadableFile:
    """The refusal for the record that starts at `pos`; `end` is None if it has none."""
    raw = data[pos : min(end or len(data), pos + LONGEST_LOOK)]
    try:
        at = pos + first_error(raw.decode())
    except UnicodeDecodeError as error:
        at = pos + error.start
        is_cut = end is None and at >= len(data) - 3  # in the middle of a character
        if not is_cut:
            return not_utf_8(
                name, IN_RECORD.format(record=position, place=place(data, at)), data[at]
            )
    else:
        is_cut = end is None and _is_cut(data, at)
    where = IN_RECORD.format(record=position, place=place(data, at))
    what = ENDS_IN_RECORD if is_cut else NOT_JSON.format(near=near(data, at))
    return UnreadableFile(name, what, EXPORT_AGAIN, where)


def first_error(text: str) -> int:
    """The offset in bytes at which the text stops being JSON; 0 if unknown."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return len(text[: error.pos].encode())
    except (RecursionError, ValueError):
        return 0
    return 0


def _is_cut(data: mmap, at: int) -> bool:
    """Whether the parser ran into the end of the file, or into a text that never ends."""
    if skip_space(data, at) >= len(data):
        return True
    return mark_at(data, at) == b'"' and value_end(data, at) is None


AFTER_RECORD = sentence("AFTER_RECORD", _("after record {record} ({place})"))
NO_COMMA = sentence("NO_COMMA", _("a comma or ] is missing, {near}"))
LIST_NOT_ENDED = sentence("LIST_NOT_ENDED", _("the file ends before its list does"))
COMMA_AT_END = sentence("COMMA_AT_END", _("there is a comma after the last record"))
REMOVE_COMMA = sentence("REMOVE_COMMA", _("Remove that comma"))

LARGEST_COPY = 16 << 20  # bytes; a larger element is measured, and stays in the file
NEAR_BYTES = 64 << 10  # how far a seam is searched for at least
LONGEST_DETOUR = 16 << 20  # bytes that are looked at one by one where many stretches need it

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


class Run(NamedTuple):
    """Elements behind each other that are good as they are: where they start in the file, how
    many bytes they have, how many stand between any two, and what is known of them.
    """

    start: int
    size: int
    gap: int
    stretch: Stretch


def no_stretch(data: mmap, start: int, end: int, seam: Seam) -> None:
    """Knows of no records at once: each is looked at by itself."""


def elements(
    data: mmap,
    pos: int,
    name: str,
    quick: Quick = no_stretch,
) -> Generator[Element | Run, None, int]:
    """Each element of the list that opens just before `pos`; returns the position behind it.

    Those that `quick` knows come together. Raises UnreadableFile, possibly after many elements,
    where the list is not JSON.
    """
    pos, position, seam = skip_space(data, pos), 1, None
    if mark_at(data, pos) == b"]":
        return pos + 1
    runs = _Runs(data, quick)
    while True:
        if seam and (run := runs.at(pos, seam)):
            yield run
            pos += run.size + seam.gap
            position += len(run.stretch.raws)
            continue
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


class _Runs:
    """Finds runs; after one that failed, it lets the next ones wait, longer and longer.

    A text from the start of an element to the end of an object, before a comma, is a run of
    whole elements if it is JSON in brackets: JSON can be read in one way only.
    """

    def __init__(self, data: mmap, quick: Quick) -> None:
        self._data, self._quick = data, quick
        self._not_before, self._detour = 0, 0

    def at(self, pos: int, seam: Seam) -> Run | None:
        """The run that starts at `pos`, if one does."""
        if pos < self._not_before:
            return None
        end = seam.stretch_end(self._data, pos)
        stretch = self._quick(self._data, pos, end, seam) if end else None
        if stretch is None:
            self._detour = min(max(2 * self._detour, STRETCH_BYTES), LONGEST_DETOUR)
            self._not_before = max(end, pos + self._detour // 2)
            return None
        self._detour = 0
        return Run(pos, end - pos, seam.gap, stretch)


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


def _seam(data: mmap, end: int, following: int, size: int) -> Seam | None:
    first_key = _FIRST_KEY.match(data, following)
    if first_key is None or data[end - 1 : end] != b"}":
        return None
    return Seam(data[end - 1 : first_key.end()], following - end, max(8 * size, NEAR_BYTES))


def _guess(data: mmap, pos: int, seam: Seam) -> Element | None:
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
