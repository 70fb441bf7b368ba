"""A folder of the worker's host, often a share: files appear there whole, under their names."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from bills.deliveries.destinations.base import (
    NAME_TAKEN,
    NO_FOLDER,
    NOT_WRITTEN,
    NotDelivered,
    OutgoingFile,
    sha256_of,
)
from imports import retry_directory
from imports.remote import PIECE_BYTES

if TYPE_CHECKING:
    from bills.models import Destination

PREFIX = ".redrive-"  # of a file that is not whole yet


class Folder:
    """Writes below one existing folder, and never outside it."""

    def __init__(self, destination: Destination) -> None:
        self.root = Path(destination.location.strip())
        if not self.root.is_dir():
            raise NotDelivered(NO_FOLDER.format(folder=str(self.root)))

    def put(self, file: OutgoingFile) -> None:
        """Write beside its place, flush to disk, then link into place: never half, never over."""
        target = self.root / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.root.resolve()):
                raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
            self._clean(target)
            self._write(file, target)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise NotDelivered(NOT_WRITTEN.format(error=why)) from None

    def _write(self, file: OutgoingFile, target: Path) -> None:
        unfinished = target.with_name(f"{_prefix_of(target)}{secrets.token_hex(4)}")
        try:
            with file.open() as source, unfinished.open("xb") as copy:
                while piece := source.read(PIECE_BYTES):
                    copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
            if file.may_replace:
                unfinished.replace(target)
            else:
                _link(unfinished, target, file)
            retry_directory.sync_directory(target.parent)
        finally:
            unfinished.unlink(missing_ok=True)

    @staticmethod
    def _clean(target: Path) -> None:
        """Remove what an attempt that was killed has left."""
        for left in target.parent.glob(f"{_prefix_of(target)}*"):
            with contextlib.suppress(OSError):
                left.unlink()

    def check(self) -> None:
        name = self.root / f"{PREFIX}{secrets.token_hex(4)}"
        try:
            name.touch(exist_ok=False)
            name.unlink()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise NotDelivered(NOT_WRITTEN.format(error=why)) from None

    def close(self) -> None:
        """Nothing is held open."""


def _prefix_of(target: Path) -> str:
    return f"{PREFIX}{hashlib.sha256(target.name.encode()).hexdigest()[:12]}-"


def _link(unfinished: Path, target: Path, file: OutgoingFile) -> None:
    """Give it its name, unless that is taken: by the same file, which is success, or another."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        _compare(target, file)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        if target.exists():  # a share without links: there is no better way to look first
            _compare(target, file)
        else:
            unfinished.rename(target)


def _compare(target: Path, file: OutgoingFile) -> None:
    with target.open("rb") as there:
        if sha256_of(there) != file.sha256:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
