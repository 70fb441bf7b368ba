"""Sealed files: those below `sealed/` in the storage, a megabyte at a time.

    "RDSEALED" · id of the key (8 bytes) · random (16 bytes) · the pieces

Each piece is sealed with the file's name, its random, its own number, and whether it is the last:
pieces cannot be exchanged, left out or cut off.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
from typing import IO, TYPE_CHECKING

from imports.sealing import keys
from imports.sealing.keys import ALTERED_RECORDS, OVERHEAD, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imports.sealing.keys import DataKey

FOLDER = "sealed/"
MAGIC = b"RDSEALED"
HEADER = struct.Struct(">8sQ16s")
PIECE_BYTES = 1 << 20
_JOB = re.compile(rf"{FOLDER}\w+/(\d+)/")


def is_sealed(name: str) -> bool:
    """Whether the storage has this file sealed: its name says so."""
    return name.startswith(FOLDER)


def folder(name: str) -> str:
    """The folder for new files of records: a sealed one, where the setting is on."""
    return FOLDER + name if keys.is_on() and not is_sealed(name) else name


def seal(name: str, content: Iterable[bytes]) -> IO[bytes]:
    """A temporary file with the content sealed, to be stored by that name. Raises KeyMissing."""
    job = _JOB.match(name)
    key, mark = keys.of_job(int(job[1]) if job else None), os.urandom(16)
    sealed = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    sealed.write(HEADER.pack(MAGIC, key.pk, mark))
    number, pieces = 0, _even(content)
    piece = next(pieces, b"")
    while True:
        following = next(pieces, None)
        about = _about(name, mark, number, is_last=following is None)
        sealed.write(key.seal(piece, about))
        if following is None:
            break
        piece, number = following, number + 1
    sealed.seek(0)
    return sealed


def unseal(name: str, source: IO[bytes]) -> Iterator[bytes]:
    """The content, a piece at a time; each was authenticated. Raises Unreadable."""
    key, mark = _opened(name, source.read(HEADER.size))
    number, piece = 0, source.read(PIECE_BYTES + OVERHEAD)
    while True:
        following = source.read(PIECE_BYTES + OVERHEAD)
        yield key.unseal(piece, _about(name, mark, number, is_last=not following))
        if not following:
            return
        piece, number = following, number + 1


def plain_size(sealed_size: int) -> int:
    """The size of the content of a sealed file of that size."""
    rest = max(sealed_size - HEADER.size, 0)
    return rest - OVERHEAD * -(-rest // (PIECE_BYTES + OVERHEAD))


def _opened(name: str, header: bytes) -> tuple[DataKey, bytes]:
    try:
        magic, pk, mark = HEADER.unpack(header)
    except struct.error:
        magic, pk, mark = b"", 0, b""
    if magic != MAGIC:
        raise Unreadable(ALTERED_RECORDS.format(about=name))
    return keys.opened(pk), mark


def _about(name: str, mark: bytes, number: int, *, is_last: bool) -> str:
    return f"{name} {mark.hex()} {number} {is_last}"


def _even(content: Iterable[bytes]) -> Iterator[bytes]:
    """The content in pieces of one size; the last may be shorter."""
    held = bytearray()
    for some in content:
        held += some
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)
