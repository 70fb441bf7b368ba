"""What checking a file found, kept beside it: the file is read and judged once.

The index has a file's records in order, and the SHA-256 of each part of the file: what is cut
from it is what was checked, byte for byte. It is a cache. Where it is missing, as on another
host, the file is checked again.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from imports.customers.files.blocks import Block
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.json_stream import LARGEST_COPY
from imports.customers.files.validation import Refusal
from imports.messages import from_json, sentence, to_json
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from mmap import mmap

    from imports.customers.files.limits import Checks

VERSION = 1
FILLER_BYTES = 1 << 20  # of a file between its records, at most, in one part of the index
OLD_SECONDS = 7 * 86_400  # an index that nobody cut from is thrown away
_LENGTH = struct.Struct(">I")

CHANGED_SINCE = sentence("CHANGED_SINCE", _("it has changed since it was checked"))
ADD_IT_AGAIN = sentence("ADD_IT_AGAIN", _("Remove it and add it again"))


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of a file up to the byte `end`, and the block of records in it, if there is one."""

    end: int
    digest: bytes
    first: int = 0
    starts: list[int] = []  # from the beginning of the part
    sizes: list[int] = []
    keys: list[str] = []
    emails: list[str] = []
    refusals: dict[int, tuple[str, Any]] = {}
    warnings: dict[int, list[Any]] = {}
    ignored: list[str] = []  # the keys beside the list; in the last part


_decode = msgspec.msgpack.Decoder(Part).decode
_encode = msgspec.msgpack.Encoder().encode


def fingerprint(checks: Checks) -> str:
    """A name for these checks: another mapping judges anew."""
    return hashlib.sha256(repr((VERSION, checks)).encode()).hexdigest()[:16]


class IndexWriter:
    """Writes the index of a file while it is checked, and finds the file's SHA-256."""

    def __init__(self, directory: Path | None, data: mmap) -> None:
        """`directory` is where indexes are kept; without one only the SHA-256 is found."""
        self._directory, self._data = directory, data
        self._end = 0
        self._whole = hashlib.sha256()
        self._file = None
        if directory is not None:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed at the exit
                dir=directory, prefix="new-", delete=False
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Unless it was kept, nothing is left of it."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)

    def add(self, block: Block) -> None:
        """The next block of the file."""
        self._fill(block.starts[0] - FILLER_BYTES)
        at, end = self._end, block.starts[-1] + min(block.sizes[-1], LARGEST_COPY)
        self._write(
            end,
            first=block.first,
            starts=[start - at for start in block.starts],
            sizes=block.sizes,
            keys=block.keys,
            emails=block.emails,
            refusals={n: (r.code, to_json(r.message)) for n, r in block.refusals.items()},
            warnings={n: list(map(to_json, some)) for n, some in block.warnings.items()},
        )

    def finish(self, ignored: list[str]) -> str:
        """Take in the rest of the file; the SHA-256 of all of it."""
        self._fill(len(self._data) - FILLER_BYTES)
        self._write(len(self._data), ignored=ignored)
        return self._whole.hexdigest()

    def written(self) -> Index:
        """What was written, to be read again; it needs a directory."""
        if self._file is None:
            raise TypeError("this index is not kept")
        self._file.flush()
        return Index(Path(self._file.name).open("rb"))

    def keep(self, name: str) -> None:
        """Publish the index under this name."""
        if self._file is not None and self._directory is not None:
            self._file.close()
            Path(self._file.name).replace(self._directory / name)
            self._file = None

    def _fill(self, until: int) -> None:
        while self._end < until:
            self._write(min(self._end + FILLER_BYTES, until))

    def _write(self, end: int, **rest: Any) -> None:
        text = self._data[self._end : end]
        self._whole.update(text)
        if self._file is not None:
            packed = _encode(Part(end, hashlib.sha256(text).digest(), **rest))
            self._file.write(_LENGTH.pack(len(packed)) + packed)
        self._end = end


class Index:
    """The index of one checked file, for whoever cuts from it. It may be removed meanwhile."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file

    @classmethod
    def opened(cls, path: Path) -> Self | None:
        """The index at `path`, or None."""
        try:
            return cls(path.open("rb"))
        except FileNotFoundError:
            return None

    def customers(self) -> Iterator[tuple[int, list[str]]]:
        """The keys of the records in each part, with the position of the first."""
        with self._file as index:
            for part in _parts(index):
                yield part.first, part.keys

    def blocks(
        self, location: Path, name: str, ignored: list[str], after: int = 0
    ) -> Iterator[Block]:
        """The records of the file at `location` behind position `after`, as they were checked.

        Raises UnreadableFile where the file is not what was checked, possibly after many blocks;
        OSError where it is out of sight.
        """
        with self._file as index, location.open("rb") as file:
            at = 0
            for part in _parts(index):
                if part.starts and part.first + len(part.starts) <= after + 1:
                    at = file.seek(part.end)  # it was cut before
                    continue
                text = file.read(part.end - at)
                if hashlib.sha256(text).digest() != part.digest:
                    raise UnreadableFile(name, CHANGED_SINCE, ADD_IT_AGAIN)
                ignored += part.ignored
                if part.starts:
                    yield _block(part, at, text).behind(after)
                at = part.end
            if file.read(1):
                raise UnreadableFile(name, CHANGED_SINCE, ADD_IT_AGAIN)


def refuse_changed(location: Path, name: str, sha256: str) -> None:
    """Raise UnreadableFile for a file that has changed since it was checked, OSError if it is
    out of sight.
    """
    with location.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise UnreadableFile(name, CHANGED_SINCE, ADD_IT_AGAIN)


def _parts(index: BufferedReader) -> Iterator[Part]:
    while length := index.read(_LENGTH.size):
        yield _decode(index.read(_LENGTH.unpack(length)[0]))


def _block(part: Part, at: int, text: bytes) -> Block:
    raws = [
        text[start : start + size] if size <= LARGEST_COPY else b""
        for start, size in zip(part.starts, part.sizes, strict=True)
    ]
    return Block(
        part.first, [at + start for start in part.starts], part.sizes, raws, part.keys,
        part.emails,
        {n: Refusal(code, from_json(said)) for n, (code, said) in part.refusals.items()},
        {n: tuple(map(from_json, some)) for n, some in part.warnings.items()},
    )  # fmt: skip


def remove_old(directory: Path) -> None:
    """Throw away what nobody cut from, and what a process that died left behind."""
    for path in directory.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > OLD_SECONDS:
                path.unlink()
