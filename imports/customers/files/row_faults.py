"""What a member file's row could not give its record: carried in the record, as its first key.

A record made of a row with faults is never sent. Its faults travel with it, so that whoever reads
the records refuses it for them, and keeps the record without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from imports.customers.files.errors import Fault
from imports.messages import Message, from_json, sentence, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "redrive:row"
_BEGINS = b'{"redrive:row":'
_ALL = sentence("ROW_FAULTS", "{parts}")
MOST_FAULTS = 10  # of one row, in its sentence


class _Carried(msgspec.Struct, frozen=True):
    code: str
    what: dict[str, Any]
    remedy: dict[str, Any]


class _First(msgspec.Struct, frozen=True):
    carried: _Carried = msgspec.field(name=KEY)


def with_faults(record: dict[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    """The record with its row's faults as the first key; the first one's code and remedy count."""
    first = faults[0]
    what = first.what
    if len(faults) > 1:
        what = _ALL.format(parts=tuple(each.what for each in faults[:MOST_FAULTS]))
    carried = {"code": first.code, "what": to_json(what), "remedy": to_json(first.remedy)}
    return {KEY: carried, **record}


def carries_faults(raw: bytes) -> bool:
    """Whether these are the bytes of a record with faults. Quick: it is asked of every record."""
    return raw.startswith(_BEGINS)


def faults_of(raw: bytes) -> tuple[Fault, bytes] | None:
    """The fault of a record that carries one, and the record's bytes without it."""
    if not carries_faults(raw):
        return None
    try:
        carried = msgspec.json.decode(raw, type=_First).carried
        what, remedy = from_json(carried.what), from_json(carried.remedy)
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # somebody else's record, with a strange first key
    if not (isinstance(what, Message) and isinstance(remedy, Message)):
        return None
    del fields[KEY]
    return Fault(carried.code, what, remedy), msgspec.json.encode(fields)
