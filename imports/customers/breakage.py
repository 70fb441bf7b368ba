"""Says why a record cannot be read by any parser, and where: that refuses the whole file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imports.customers.disguises import not_utf_8
from imports.customers.scanning import mark_at, skip_space, value_end
from imports.customers.unreadable import UnreadableFile, near, place
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from mmap import mmap

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
        at = pos + _first_error(raw.decode())
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


def _first_error(text: str) -> int:
    """The offset in bytes at which the text stops being JSON; 0 where that cannot be told."""
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
