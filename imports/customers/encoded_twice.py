"""Warns about text that was encoded as UTF-8 twice (“GÃ¶TEBORG”). Never alters it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imports.customers.texts import texts
from imports.customers.unreadable import shown
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterator

TWICE = sentence(
    "ENCODED_TWICE",
    _(
        "{path} “{value}” looks encoded twice and would read “{other}”. It is sent as it stands: "
        "correct the file if it is wrong"
    ),
)
MOST_WARNINGS = 3  # for one record: after that the operator has understood

# What Windows-1252 puts where Latin-1 has control characters: the second reading's usual form.
_SPECIALS = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_AS_LATIN_1 = {ord(c): c.encode("cp1252")[0] for c in _SPECIALS}

# A UTF-8 lead byte and a continuation byte, both read as characters. A capital that Nordic and
# German words end in, before a dash, quote or dots, is left alone: UMEÅ, dash, KIRUNA is right.
_PAIR = re.compile(rf"(?![ÅÄÖÆØÜ][–’”…])[\u00c2-\u00f4][\u0080-\u00bf{_SPECIALS}]")
# The same pair as it stands in a UTF-8 file, a little wider: cheap to look for in raw bytes.
_RAW_PAIR = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]")


def reads_as(text: str) -> str | None:
    """What `text` says when one encoding too many is undone, or None where it looks right."""
    if not _PAIR.search(text):
        return None
    try:
        undone = text.translate(_AS_LATIN_1).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None  # it holds characters that a second encoding cannot have made
    return undone if len(undone) < len(text) else None


def encoded_twice(raw: bytes, value: object) -> tuple[Message, ...]:
    """Warnings, at most three, for one record: the field, its text and what it would read as."""
    if not _RAW_PAIR.search(raw) and b"\\u00" not in raw:
        return ()
    warnings = []
    for warning in _warnings(value):
        warnings.append(warning)
        if len(warnings) == MOST_WARNINGS:
            break
    return tuple(warnings)


def _warnings(value: object) -> Iterator[Message]:
    for path, text in texts(value):
        undone = reads_as(text)
        if undone is not None:
            yield TWICE.format(path=shown(path, 80), value=shown(text), other=shown(undone))
