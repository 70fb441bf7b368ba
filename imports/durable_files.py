"""Writes files so that they are on the disk, and whole, before anybody relies on them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEMPORARY = ".redrive_writing_"  # how a directory is called that is not whole yet
ABANDONED_SECONDS = 86_400.0  # nobody writes for as long as that: its writer was killed


def write(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a new file whose bytes are on the disk when this returns; their SHA-256.

    The name is on the disk once `sync_directory` has returned. Raises OSError.
    """
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def sync(path: Path) -> Path:
    """The same path, once the bytes of the file are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return path


def sync_directory(directory: Path) -> None:
    """Let the names in a directory be on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def temporary_directory(parent: Path) -> Iterator[Path]:
    """A directory below `parent`, to be filled and then renamed; removed if it was not.

    Raises OSError where `parent` cannot be made or written to.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    directory = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Whoever was killed while writing left its directory behind: nobody knows its name."""
    for left in parent.glob(f"{TEMPORARY}*"):
        try:
            is_old = left.stat().st_mtime < time.time() - ABANDONED_SECONDS
        except OSError:
            continue  # its writer has just renamed or removed it
        if is_old:
            shutil.rmtree(left, ignore_errors=True)


def publish(directory: Path, names: Iterable[Path]) -> Path:
    """Give a finished directory the first of these names that is not taken; which one.

    A rename onto a directory that holds files fails, so two writers never share a name.
    """
    sync_directory(directory)
    for name in names:
        try:
            if not name.exists():
                directory.rename(name)
                sync_directory(name.parent)
                return name
        except OSError:
            if not name.exists():
                raise
    raise FileExistsError(f"every name for {directory} is taken")
