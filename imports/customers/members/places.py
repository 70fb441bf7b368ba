"""Where the pieces of a converted member file lie: below MEDIA_ROOT, beside its job's uploads."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from imports.customers.members.conversion import index_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imports.models import ImportFile, ImportJob

# The folder of dry runs of files that belong to no stored job.
UNSTORED = "dry-runs"
MEGABYTE = 1 << 20


def folder_of(job: ImportJob) -> Path:
    """The folder of the job's uploads, which is there."""
    folder = Path(settings.MEDIA_ROOT) / "imports" / str(job.pk or UNSTORED)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_piece(folder: Path, suffix: str) -> Path:
    """A name in the folder that nobody has."""
    return folder / f"{uuid.uuid4().hex}{suffix}"


def keep_copy(path: Path, folder: Path) -> Path:
    """A copy of somebody's file that nobody changes."""
    kept = new_piece(folder, ".rows")
    shutil.copyfile(path, kept)
    kept.chmod(0o600)
    return kept


def forget(*paths: Path | None) -> None:
    """Remove pieces and their indexes."""
    for path in paths:
        if path is not None:
            path.unlink(missing_ok=True)
            index_of(path).unlink(missing_ok=True)


def pieces_of(file: ImportFile) -> list[Path]:
    """All that was made of a member file."""
    member = getattr(file, "member", None)
    if member is None:
        return []
    return [file.location, *([member.rows_path] if member.source else [])]


def forget_unused(paths: Iterable[Path], file: ImportFile) -> None:
    """Remove those of these paths of ours that a stored file no longer needs."""
    used = {file.location, *pieces_of(file)}
    forget(*(each for each in paths if each not in used))


def most_bytes() -> int:
    """As much is unpacked of one file."""
    return int(settings.MEMBER_FILE_MB) * MEGABYTE
