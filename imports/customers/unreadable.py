"""What is wrong with a file or a record, in words: the exception, the fault, places and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmap import mmap

COUNTING_BYTES = 1 << 20  # newlines are counted in slices, so that memory does not grow


class UnreadableFile(Exception):
    """The whole file is refused. The message names the file, the place, what and the remedy."""

    def __init__(self, name: str, what: str, remedy: str, where: str = "") -> None:
        subject = f"{shown(name, 200)}, {where}" if where else shown(name, 200)
        super().__init__(f"{subject}: {what}. {remedy}.")


class Fault(NamedTuple):
    """Why one record cannot be sent: a code to filter on, what is wrong, and the remedy."""

    code: str
    what: str
    remedy: str


def shown(text: str, limit: int = 40) -> str:
    """`text` on one line, shortened, with what can't be printed written as an escape."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def place(data: mmap, offset: int) -> str:
    """Where `offset` is, for a person: lines and bytes both count from 1."""
    newlines = sum(
        data[start : min(start + COUNTING_BYTES, offset)].count(b"\n")
        for start in range(0, offset, COUNTING_BYTES)
    )
    return f"line {newlines + 1:,}, byte {offset + 1:,}"


def near(data: mmap, offset: int) -> str:
    """What stands at `offset`, quoted, or that the file ends there."""
    text = data[offset : offset + 24].decode("utf-8", "replace").strip()
    return f"at “{shown(text, 24)}”" if text else "at the end of the file"
