"""Every text of a decoded record, and those that no database or receiver can keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imports.customers.unreadable import Fault, shown
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_NUL = sentence("HAS_NUL", _("{path} contains the character NUL (\\u0000)"))
REMOVE_NUL = sentence("REMOVE_NUL", _("Remove it: databases refuse it"))
HAS_HALF = sentence(
    "HAS_HALF_CHARACTER", _("{path} contains half a character (a lone surrogate, \\ud800)")
)
WRITE_AGAIN = sentence("WRITE_AGAIN", _("Write the text again in the source system"))
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in `value` with the path to it ("person.emails.0.email"), keys included."""
    if isinstance(value, str):
        yield path or "the record", value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield f"a key in {path or 'the record'}", key
            yield from texts(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from texts(child, f"{path}.{index}" if path else str(index))


def unstorable(value: object) -> Fault | None:
    """The fault of a record with NUL or half a character in one of its texts."""
    for path, text in texts(value):
        if "\x00" in text:
            return Fault("BAD_TEXT", HAS_NUL.format(path=shown(path, 80)), REMOVE_NUL)
        if _HALF_CHARACTER.search(text):
            return Fault("BAD_TEXT", HAS_HALF.format(path=shown(path, 80)), WRITE_AGAIN)
    return None
