"""Bills as a ZIP: streamed, with names of ours that say whose bill it is and of when."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

from imports.zip_pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bills.models import Bill

PIECE_BYTES = 1 << 16
UNSAFE = re.compile(r"[^\w@.+-]+")
LONGEST_PART = 80  # characters of a file's name that come from outside


def file_name(bill: Bill) -> str:
    """ "2026-10-03_0012345.pdf", of letters, digits and @ . + - _ only."""
    parts = [str(bill.date or ""), bill.number or (f"{bill.amount:.2f}" if bill.amount else "")]
    return "_".join(_safe(part) for part in parts if part) + ".pdf"


def _safe(text: str) -> str:
    return UNSAFE.sub("-", text)[:LONGEST_PART].strip(".-") or "x"


def zipped(bills: Iterable[Bill]) -> Iterator[bytes]:
    """The archive in pieces; one piece is held at a time. A bill without its file is left out."""
    pipe = Pipe()
    used: set[str] = set()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for bill in bills:
            name = free_name(f"{_safe(bill.email)}/{file_name(bill)}", used)
            try:
                source = bill.file.open("rb")
            except FileNotFoundError:
                continue
            with source, archive.open(name, "w") as target:
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
                    yield pipe.taken()
    yield pipe.taken()


def free_name(name: str, used: set[str]) -> str:
    """The name, or one with a number where two bills would have the same."""
    stem, number, free = name.removesuffix(".pdf"), 1, name
    while free.casefold() in used:
        number += 1
        free = f"{stem}_{number}.pdf"
    used.add(free.casefold())
    return free
