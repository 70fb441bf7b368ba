"""Corrected files between their preview and their confirmation: kept for an hour, then gone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.core.files.storage import default_storage

from imports.customers.corrections import Upload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files.uploadedfile import UploadedFile

    from imports.models import ImportJob

FOLDER = "corrected"  # below MEDIA_ROOT
KEPT_SECONDS = 3600
SALT = "redrive.corrected-files"


class Gone(Exception):
    """These files are not kept any more, or are not this job's."""


def keep(job: ImportJob, uploads: Sequence[UploadedFile[bytes]]) -> str:
    """Keep what was uploaded; what names it later, signed, so that nothing else can be named."""
    kept = [
        (default_storage.save(f"{FOLDER}/{job.pk}.json", each), each.name or "")
        for each in uploads
    ]
    return signing.dumps({"job": job.pk, "files": kept}, salt=SALT, compress=True)


def find(job: ImportJob, token: str) -> list[Upload]:
    """The files that a token names. Raises Gone."""
    try:
        named: dict[str, Any] = signing.loads(token, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        raise Gone from None
    found = [Upload(Path(default_storage.path(path)), name) for path, name in named["files"]]
    if named["job"] != job.pk or not all(each.path.is_file() for each in found):
        raise Gone
    return found


def forget(uploads: Sequence[Upload]) -> None:
    """Remove them: they were sent, or cannot be read."""
    for each in uploads:
        each.path.unlink(missing_ok=True)


def expire() -> None:
    """Remove those whose hour is over."""
    folder = Path(default_storage.path(FOLDER))
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                path.unlink(missing_ok=True)
        except OSError:
            continue  # another sweeper was first
