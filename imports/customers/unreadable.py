"""What is wrong with a file or a record, in words: the exception, the fault, places and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imports.messages import Message, MessageError, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from mmap import mmap

COUNTING_BYTES = 1 << 20  # newlines are counted in slices, so that memory does not grow


FILE_FAULT = sentence("FILE_FAULT", _("{file}: {what}. {remedy}."))
FILE_FAULT_AT = sentence("FILE_FAULT_AT", _("{file}, {place}: {what}. {remedy}."))
RECORD_FAULT = sentence("RECORD_FAULT", _("{file}, record {record}: {what}. {remedy}."))
RECORD_WARNING = sentence("RECORD_WARNING", _("{file}, record {record}: {what}."))
LINE_AND_BYTE = sentence("LINE_AND_BYTE", _("line {line}, byte {byte}"))
NEAR = sentence("NEAR", _("at “{text}”"))
AT_END = sentence("AT_END", _("at the end of the file"))


class UnreadableFile(MessageError):
    """The whole file is refused. The message names the file, the place, what and the remedy."""

    def __init__(self, name: str, what: Text, remedy: Text, where: Text = "") -> None:
        told = {"file": shown(name, 200), "what": what, "remedy": remedy}
        super().__init__(
            FILE_FAULT_AT.format(place=where, **told) if where else FILE_FAULT.format(**told)
        )


class Fault(NamedTuple):
    """Why one record cannot be sent: a code to filter on, what is wrong, and the remedy."""

    code: str
    what: Message
    remedy: Message


def shown(text: str, limit: int = 40) -> str:
    """`text` on one line, shortened, with what can't be printed written as an escape."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def place(data: mmap, offset: int) -> Message:
    """Where `offset` is, for a person: lines and bytes both count from 1."""
    newlines = sum(
        data[start : min(start + COUNTING_BYTES, offset)].count(b"\n")
        for start in range(0, offset, COUNTING_BYTES)
    )
    return LINE_AND_BYTE.format(line=newlines + 1, byte=offset + 1)


def near(data: mmap, offset: int) -> Message:
    """What stands at `offset`, quoted, or that the file ends there."""
    text = data[offset : offset + 24].decode("utf-8", "replace").strip()
    return NEAR.format(text=shown(text, 24)) if text else AT_END
