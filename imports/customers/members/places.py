"""Where the pieces of a converted member file lie: in the storage, beside its job's uploads.

They are written on this host, and published where other hosts share the storage.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage

from imports.customers.members.conversion import index_of
from imports.sealing import files, working
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imports.models import ImportFile, ImportJob

# The folder of dry runs of files that belong to no stored job.
UNSTORED = "dry-runs"
MEGABYTE = 1 << 20


def folder_of(job: ImportJob) -> str:
    """The folder of the job's uploads in the storage."""
    return files.folder(f"imports/{job.pk or UNSTORED}")


def _base(name: str) -> Path:
    """Below which directory of this host stored files lie, or their copies."""
    if files.is_sealed(name):
        return working.directory()
    if stored.is_shared():
        return stored.cache_directory()
    return Path(default_storage.path("x")).parent


def new_piece(folder: str, suffix: str) -> Path:
    """A path of this host for a new file in that folder of the storage."""
    directory = _base(f"{folder}/") / folder
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{uuid.uuid4().hex}{suffix}"


def where_of(path: Path) -> str:
    """Where a piece of this host lies, as the ledger keeps it."""
    name = working.name_of(path) or path.relative_to(_base("")).as_posix()
    return stored.STORED + name


def publish(*paths: Path) -> None:
    """Put finished pieces into the storage, where they do not lie in it. Raises OSError."""
    for path in paths:
        path.chmod(0o600)
        name = stored.name_of(where_of(path))
        if stored.is_shared() or files.is_sealed(name):
            stored.keep_path(name, path)


def keep_copy(path: Path, folder: str) -> Path:
    """A copy of somebody's file that nobody changes."""
    kept = new_piece(folder, ".rows")
    shutil.copyfile(path, kept)
    return kept


def index_path(where: str) -> Path:
    """A path of this host that holds the index of a converted file. Raises OSError."""
    name = where.rpartition(".")[0] + ".index"
    return stored.local_path(name) if stored.is_stored(where) else index_of(Path(where))


def forget(*places: str) -> None:
    """Remove pieces of ours and their indexes; of a storage that is away they stay."""
    for where in places:
        with suppress(OSError):
            stored.delete(where)
            if stored.is_stored(where):
                stored.delete(where.rpartition(".")[0] + ".index")


def forget_new(made: Iterable[Path]) -> None:
    """Remove pieces that came to nothing."""
    forget(*map(where_of, made))


def forget_unused(places: Iterable[str], file: ImportFile) -> None:
    """Remove those of ours that a stored file no longer needs."""
    forget(*(each for each in places if each not in file.pieces))


def most_bytes() -> int:
    """As much is unpacked of one file."""
    return int(settings.MEMBER_FILE_MB) * MEGABYTE
