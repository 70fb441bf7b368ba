"""Finds the list of customers in a file: `{"data": [ … ]}` or a bare list, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imports.customers.boundaries import Element, elements
from imports.customers.breakage import EXPORT_AGAIN, LONGEST_LOOK, NOT_JSON
from imports.customers.disguises import BOM, refuse_disguise
from imports.customers.record_names import A_LIST, A_NUMBER, AN_OBJECT
from imports.customers.scanning import mark_at, skip_space, value_end
from imports.customers.unreadable import UnreadableFile, near, place, shown
from imports.messages import Message, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from mmap import mmap

NDJSON = sentence(
    "NDJSON", _("a second JSON value begins here, as in NDJSON (one record on each line)")
)
A_TEXT = sentence("A_TEXT", _("a text"))
NO_JSON = sentence("NO_JSON", _("no JSON"))
WRAP = sentence("WRAP", _("Put the customers into {wrapped}"))
EMPTY_OBJECT = sentence(
    "EMPTY_OBJECT", _("there is no list called {names} in it, but an empty object")
)
OTHER_KEYS = sentence(
    "OTHER_KEYS", _("there is no list called {names} in it, but only the keys {keys}")
)
ONLY_SPACE = sentence("ONLY_SPACE", _("the file holds nothing but white space"))
SECOND_LIST = sentence("SECOND_LIST", _("a second list, “{key}”, stands beside “{found}”"))
ONE_LIST = sentence("ONE_LIST", _("Put all customers into one list"))
KEY_HOLDS = sentence("KEY_HOLDS", _("“{key}” holds {kind} where a list of customers belongs"))
MORE_FOLLOWS = sentence("MORE_FOLLOWS", _("something follows the end of the list, {near}"))
REMOVE_IT = sentence("REMOVE_IT", _("Remove it"))
ENDS_IN_MIDDLE = sentence("ENDS_IN_MIDDLE", _("the file ends in the middle"))
FILE_HOLDS = sentence("FILE_HOLDS", _("the file holds {kind} where a list of customers belongs"))

KINDS: dict[bytes, Text] = {
    b"{": AN_OBJECT,
    b"[": A_LIST,
    b'"': A_TEXT,
    b"n": "null",
    b"t": "true",
    b"f": "false",
}
MOST_KEYS = 20  # as many keys beside the list are remembered for the operator


def customers(
    data: mmap, name: str, envelopes: Collection[str], ignored: list[str]
) -> Generator[Element, None, None]:
    """Each customer of the file, in its order. `ignored` collects the keys beside the list.

    Raises UnreadableFile, possibly after many customers, where the file is not such JSON.
    """
    refuse_disguise(data, name)
    start = skip_space(data, len(BOM) if data[:3] == BOM else 0)
    match mark_at(data, start):
        case b"":
            what = ONLY_SPACE
            raise UnreadableFile(name, what, _wrap(envelopes))
        case b"[":
            end = yield from elements(data, start + 1, name)
        case b"{":
            end = yield from _members(data, start, name, envelopes, ignored)
        case _:
            raise _no_list(data, start, name, envelopes)
    _refuse_more(data, end, name, envelopes)


def _members(
    data: mmap, start: int, name: str, envelopes: Collection[str], ignored: list[str]
) -> Generator[Element, None, int]:
    """Walk the outermost object and yield from its list; the position behind the object."""
    pos, found = start, ""
    if mark_at(data, skip_space(data, start + 1)) == b"}":
        raise _wrong_envelope(name, envelopes, ignored)
    while mark_at(data, pos) != b"}":
        key, pos = _key(data, skip_space(data, pos + 1), name)
        if key in envelopes:
            found = _only_list(data, pos, name, found, key)
            pos = yield from elements(data, pos + 1, name)
        else:
            if len(ignored) < MOST_KEYS:
                ignored.append(key)
            pos = _skip_value(data, pos, name)
        pos = skip_space(data, pos)
        if mark_at(data, pos) not in (b",", b"}"):
            raise _not_json(data, pos, name)
    if not found:
        _refuse_more(data, pos + 1, name, envelopes)
        raise _wrong_envelope(name, envelopes, ignored)
    return pos + 1


def _key(data: mmap, pos: int, name: str) -> tuple[str, int]:
    """The key at `pos` and the position of its value."""
    end = value_end(data, pos)
    colon = skip_space(data, end or pos)
    if end is None or mark_at(data, pos) != b'"' or mark_at(data, colon) != b":":
        raise _not_json(data, pos, name)
    try:
        key = msgspec.json.decode(data[pos:end], type=str)
    except ValueError:
        raise _not_json(data, pos, name) from None
    return key, skip_space(data, colon + 1)


def _only_list(data: mmap, pos: int, name: str, found: str, key: str) -> str:
    if found:
        what = SECOND_LIST.format(key=shown(key), found=shown(found))
        remedy = ONE_LIST
        raise UnreadableFile(name, what, remedy, place(data, pos))
    if mark_at(data, pos) != b"[":
        what = KEY_HOLDS.format(key=shown(key), kind=_kind(data, pos))
        raise UnreadableFile(name, what, _wrap([key]), place(data, pos))
    return key


def _skip_value(data: mmap, pos: int, name: str) -> int:
    end = value_end(data, pos)
    if end is None:
        raise _not_json(data, pos, name)
    if end - pos <= LONGEST_LOOK:
        try:
            msgspec.json.decode(data[pos:end], type=msgspec.Raw)
        except (ValueError, RecursionError):
            raise _not_json(data, pos, name) from None
    return end


def _refuse_more(data: mmap, pos: int, name: str, envelopes: Collection[str]) -> None:
    pos = skip_space(data, pos)
    if mark_at(data, pos) in (b"{", b"["):
        raise UnreadableFile(name, NDJSON, _wrap(envelopes), place(data, pos))
    if pos < len(data):
        what = MORE_FOLLOWS.format(near=near(data, pos))
        raise UnreadableFile(name, what, REMOVE_IT, place(data, pos))


def _not_json(data: mmap, pos: int, name: str) -> UnreadableFile:
    at_end = pos >= len(data)
    what = ENDS_IN_MIDDLE if at_end else NOT_JSON.format(near=near(data, pos))
    return UnreadableFile(name, what, EXPORT_AGAIN, place(data, pos))


def _no_list(data: mmap, pos: int, name: str, envelopes: Collection[str]) -> UnreadableFile:
    kind = _kind(data, pos)
    end = value_end(data, pos)
    if kind == NO_JSON or end is None:
        return _not_json(data, pos, name)
    what = FILE_HOLDS.format(kind=kind)
    return UnreadableFile(name, what, _wrap(envelopes))


def _wrong_envelope(name: str, envelopes: Collection[str], keys: list[str]) -> UnreadableFile:
    wanted = "/".join(f"“{key}”" for key in envelopes)
    what = EMPTY_OBJECT.format(names=wanted)
    if keys:
        listed = ", ".join(f"“{shown(key)}”" for key in keys[:6])
        what = OTHER_KEYS.format(names=wanted, keys=listed)
    return UnreadableFile(name, what, _wrap(envelopes))


def _kind(data: mmap, pos: int) -> Text:
    mark = mark_at(data, pos)
    is_number = mark.isdigit() or mark == b"-"
    return KINDS.get(mark, A_NUMBER if is_number else NO_JSON)


def _wrap(envelopes: Collection[str]) -> Message:
    return WRAP.format(wrapped=f'{{"{next(iter(envelopes))}": [ … ]}}')
