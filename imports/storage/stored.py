"""The one way to a stored file: by the text that the ledger keeps of where it lies.

"storage:NAME" is a file of Django's default storage; any other text is a path of this host.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from imports.outside_text import path_of
from imports.sealing import files, working

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


STORED = "storage:"
CACHED_SECONDS = 86_400.0  # since a downloaded copy was used last
PIECE_BYTES = 1 << 20


class AlteredFile(OSError):
    """The bytes in the storage are not those that the ledger has the SHA-256 of."""


class StorageAway(OSError):
    """The bucket does not answer, or refuses. What is in it is not known."""


def is_shared() -> bool:
    """Whether the storage is one that other hosts see as well, and no directory of this one."""
    return not isinstance(default_storage, FileSystemStorage)


def is_stored(where: str) -> bool:
    """Whether this is a file of the storage, and not a path of some host."""
    return where.startswith(STORED)


def name_of(where: str) -> str:
    """The file's name in the storage."""
    return where.removeprefix(STORED)


def fresh_name(folder: str, ending: str = "json") -> str:
    """A name that no host has used: "imports/7/3f….json"."""
    return f"{files.folder(folder)}/{uuid.uuid4().hex}.{ending}"


def keep(name: str, content: File[bytes]) -> str:
    """Store a file, sealed where its name says so; where it lies. Raises OSError."""
    if files.is_sealed(name):
        return keep_sealed(name, content.chunks())
    return STORED + default_storage.save(name, content)


def keep_sealed(name: str, content: Iterable[bytes]) -> str:
    """Seal a file and store it under that name; where it lies. Raises OSError."""
    with files.seal(name, content) as sealed:
        return STORED + default_storage.save(name, File(sealed))


def keep_path(name: str, path: Path) -> str:
    """Store a copy of a local file; where it lies. Raises OSError."""
    with path.open("rb") as opened:
        return keep(name, File(opened))


def local_path(where: str, sha256: str = "") -> Path:
    """A path of this host that holds the file; it need not exist.

    A file of a shared storage is downloaded once, and checked where its SHA-256 is known; a sealed
    one is copied for this task. Raises OSError where the storage does not answer, AlteredFile, and
    Unreadable.
    """
    if not is_stored(where):
        return path_of(where)
    name = name_of(where)
    if files.is_sealed(name):
        return _working_copy(name)
    if not is_shared():
        return Path(default_storage.path(name))
    return _cached(name, sha256)


def _working_copy(name: str) -> Path:
    path = working.directory() / name
    if path.exists():
        return path
    sealed = _cached(name, "") if is_shared() else Path(default_storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with suppress(FileNotFoundError), sealed.open("rb") as source:  # whoever opens it finds out
        with unfinished.open("wb") as target:
            target.writelines(files.unseal(name, source))
        unfinished.rename(path)
    return path


def cache_directory() -> Path:
    """Where this host keeps what it downloaded."""
    return Path(settings.HOME) / "cache"


def _cached(name: str, sha256: str) -> Path:
    path = cache_directory() / name
    if path.exists():
        path.touch()
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_unused()
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # of mode 600
    try:
        with os.fdopen(handle, "wb") as target:
            _storage().download(name, target)
        if sha256 and digest(Path(temporary)) != sha256:
            raise AlteredFile(errno.EIO, "The file in the storage was altered", name)
        Path(temporary).rename(path)
    except FileNotFoundError:
        return path  # whoever opens it finds out
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _remove_unused() -> None:
    """Delete copies that nobody has used for a day."""
    oldest = time.time() - CACHED_SECONDS
    for path in cache_directory().rglob("*"):
        try:
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
        except OSError:
            continue  # another process was first


def _storage() -> Any:
    """The storage itself, for what only our own S3 storage can do."""
    return default_storage


def digest(path: Path) -> str:
    """The SHA-256 of a local file, in hex. Raises OSError."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def exists(where: str) -> bool:
    """Whether the file is there, as seen from this host. Raises OSError for a storage away."""
    if is_stored(where):
        return default_storage.exists(name_of(where))
    return path_of(where).is_file()


def size(where: str) -> int:
    """Its bytes. Raises OSError, FileNotFoundError among them."""
    if is_stored(where):
        size = default_storage.size(name_of(where))
        return files.plain_size(size) if files.is_sealed(name_of(where)) else size
    return path_of(where).stat().st_size


def pieces(where: str) -> Iterator[bytes]:
    """The file's bytes, a piece at a time. Raises OSError, FileNotFoundError among them."""
    name = name_of(where)
    if is_stored(where) and files.is_sealed(name):
        with default_storage.open(name) as sealed:
            yield from files.unseal(name, sealed)
    else:
        yield from pieces_at_rest(where)


def pieces_at_rest(where: str) -> Iterator[bytes]:
    """The same as it lies there: of a sealed file, what only its key opens."""
    opened = (
        default_storage.open(name_of(where)) if is_stored(where) else path_of(where).open("rb")
    )
    with opened as source:
        while piece := source.read(PIECE_BYTES):
            yield piece


def delete(where: str) -> None:
    """Delete a file of ours, whether it is there or not. Raises OSError."""
    if not is_stored(where):
        path_of(where).unlink(missing_ok=True)
        return
    default_storage.delete(name_of(where))
    if copy := working.copy_of(name_of(where)):
        copy.unlink(missing_ok=True)
    if is_shared():
        (cache_directory() / name_of(where)).unlink(missing_ok=True)


def listed(folder: str) -> Iterator[tuple[str, float]]:
    """Each file directly below a folder of the storage: where it lies, and when it was written.

    None where the storage does not answer, and of a file that somebody has just removed.
    """
    try:
        names = default_storage.listdir(folder)[1]
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        with suppress(OSError):
            yield STORED + path, default_storage.get_modified_time(path).timestamp()


def shown(where: str) -> str:
    """What a person calls it: a path, or "s3://bucket/…"."""
    if not is_stored(where):
        return where
    name = name_of(where)
    return str(_storage().url_of(name)) if is_shared() else default_storage.path(name)
