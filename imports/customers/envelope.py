"""Finds the list of customers in a file: `{"data": [ … ]}` or a bare list, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imports.customers.boundaries import Element, elements
from imports.customers.breakage import EXPORT_AGAIN, LONGEST_LOOK
from imports.customers.disguises import BOM, refuse_disguise
from imports.customers.scanning import mark_at, skip_space, value_end
from imports.customers.unreadable import UnreadableFile, near, place, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from mmap import mmap

MOST_KEYS = 20  # as many keys beside the list are remembered for the operator
NDJSON = "a second JSON value begins here, as in NDJSON (one record on each line)"
KINDS = {
    b"{": "an object",
    b"[": "a list",
    b'"': "a text",
    b"n": "null",
    b"t": "true",
    b"f": "false",
}


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
            what = "the file holds nothing but white space"
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
        what = f"a second list, “{shown(key)}”, stands beside “{shown(found)}”"
        remedy = "Put all customers into one list"
        raise UnreadableFile(name, what, remedy, place(data, pos))
    if mark_at(data, pos) != b"[":
        what = f"“{shown(key)}” holds {_kind(data, pos)} where a list of customers belongs"
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
        what = f"something follows the end of the list, {near(data, pos)}"
        raise UnreadableFile(name, what, "Remove it", place(data, pos))


def _not_json(data: mmap, pos: int, name: str) -> UnreadableFile:
    at_end = pos >= len(data)
    what = "the file ends in the middle" if at_end else f"this is not JSON, {near(data, pos)}"
    return UnreadableFile(name, what, EXPORT_AGAIN, place(data, pos))


def _no_list(data: mmap, pos: int, name: str, envelopes: Collection[str]) -> UnreadableFile:
    kind = _kind(data, pos)
    end = value_end(data, pos)
    if kind == "no JSON" or end is None:
        return _not_json(data, pos, name)
    what = f"the file holds {kind} where a list of customers belongs"
    return UnreadableFile(name, what, _wrap(envelopes))


def _wrong_envelope(name: str, envelopes: Collection[str], keys: list[str]) -> UnreadableFile:
    wanted = " or ".join(f"“{key}”" for key in envelopes)
    listed = ", ".join(f"“{shown(key)}”" for key in keys[:6])
    has = f"only the keys {listed}" if keys else "an empty object"
    what = f"there is no list called {wanted} in it, but {has}"
    return UnreadableFile(name, what, _wrap(envelopes))


def _kind(data: mmap, pos: int) -> str:
    mark = mark_at(data, pos)
    is_number = mark.isdigit() or mark == b"-"
    return KINDS.get(mark, "a number" if is_number else "no JSON")


def _wrap(envelopes: Collection[str]) -> str:
    return f'Put the customers into {{"{next(iter(envelopes))}": [ … ]}}'
