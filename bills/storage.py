"""Where bills lie, under names of ours, moved into place whole; and bills as a ZIP, streamed."""

from __future__ import annotations

import hashlib
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.storage import Storage, default_storage

from imports.exports import Pipe
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bills.browser.plan import BillKey
    from bills.models import Bill


def bill_storage() -> Storage:
    """Django's default storage. A bill whose row was lost in a kill is written over."""
    return default_storage


def name_for(portal_id: int, account: str, key: BillKey, sha256: str) -> str:
    """The same name for the same bill each time, with nothing in it that came from outside."""
    amount = "" if key.amount is None else f"{key.amount:.4f}"
    shown = (key.number, str(key.date or ""), amount, key.contract, key.date_text)
    identity = "\0".join((account, *shown, sha256))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:40]
    return f"bills/{portal_id}/{digest[:2]}/{digest}.pdf"


class WholeFile(File):  # type: ignore[type-arg]
    """A finished file that the storage moves into place in one step instead of copying it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(path.open("rb"), name=path.name)

    def temporary_file_path(self) -> str:
        """Tells Django's storage that the file may be renamed."""
        return str(self._path)


ASKED_AT_ONCE = 8  # of a bucket: each question takes milliseconds


def are_there(files: Sequence[tuple[str, int]]) -> list[bool]:
    """Of each (name, size) whether it is there whole.

    A storage that does not answer has not lost it.
    """
    if not stored.is_shared():
        return [_is_there(file) for file in files]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return list(pool.map(_is_there, files))


def _is_there(file: tuple[str, int]) -> bool:
    name, size = file
    try:
        return default_storage.size(name) == size
    except FileNotFoundError:
        return False
    except OSError:
        return True


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
            except OSError:
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
