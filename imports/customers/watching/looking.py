"""Looks into watched folders: which files are there, and which of them are complete."""

from __future__ import annotations

import fnmatch
import os
import stat
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, Value
from django.db.models.functions import Now

from imports.messages import marked as _
from imports.messages import sentence
from imports.models import WatchedFile, WatchedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

NOT_READABLE = sentence("FOLDER_NOT_READABLE", _("The folder cannot be read: {error}."))
LOOK_EVERY = timedelta(seconds=5)
COMPLETE_AFTER = timedelta(seconds=10)  # without a change of size or time
MOST_FILES = 1_000  # of one folder in one look
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")  # how programs name what is growing


@dataclass(frozen=True, slots=True)
class Found:
    """One file of a folder, as it is now."""

    name: str
    size: int
    modified_ns: int


def look() -> bool:
    """Look into the folders whose time has come, each by one of all sweepers.

    Whether there is any folder that is watched.
    """
    due = Q(looked_at=None) | Q(looked_at__lt=Now() - Value(LOOK_EVERY))
    watched = list(WatchedFolder.objects.filter(is_active=True))
    for folder in watched:
        if WatchedFolder.objects.filter(due, pk=folder.pk, is_active=True).update(looked_at=Now()):
            _look_into(folder)
    return bool(watched)


def _look_into(folder: WatchedFolder) -> None:
    try:
        found = list(files_of(folder))
    except OSError as error:
        reason = NOT_READABLE.format(error=error.strerror or type(error).__name__)
        WatchedFolder.objects.filter(pk=folder.pk).update(trouble=reason)
        return
    if folder.trouble is not None:
        WatchedFolder.objects.filter(pk=folder.pk).update(trouble=None)
    known = {each.name: each for each in folder.files.filter(taken_at=None)}
    for one in found:
        _note(folder, known.pop(one.name, None), one)
    gone = [each.pk for each in known.values() if each.job_id is None]
    WatchedFile.objects.filter(pk__in=gone, taken_at=None).delete()


def files_of(folder: WatchedFolder) -> Iterator[Found]:
    """Its plain files of the right names: no links, nothing hidden, nothing that still grows."""
    with os.scandir(folder.place) as entries:
        for number, entry in enumerate(sorted(entries, key=lambda each: each.name)):
            if number >= MOST_FILES:
                return
            if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
                continue
            if not fnmatch.fnmatch(entry.name, folder.pattern) or not entry.name.isprintable():
                continue
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(info.st_mode) and info.st_size:
                yield Found(entry.name, info.st_size, info.st_mtime_ns)


def _note(folder: WatchedFolder, known: WatchedFile | None, found: Found) -> None:
    """A file that is new or has changed begins to be waited for anew."""
    if known is None:
        WatchedFile.objects.get_or_create(
            folder=folder, name=found.name, taken_at=None,
            defaults={"size": found.size, "modified_ns": found.modified_ns},
        )  # fmt: skip
    elif (known.size, known.modified_ns) != (found.size, found.modified_ns):
        WatchedFile.objects.filter(pk=known.pk, taken_at=None, job=None).update(
            size=found.size, modified_ns=found.modified_ns, seen_at=Now()
        )


def is_free() -> Q:
    """That no worker is at a file, as far as its own row says."""
    return Q(claimed_until=None) | Q(claimed_until__lt=Now())


def complete() -> QuerySet[WatchedFile]:
    """The files that may be taken now, or must still be moved, and that nobody is at."""
    rests = Q(seen_at__lt=Now() - Value(COMPLETE_AFTER), taken_at=None)
    waits = Q(taken_at__isnull=False, moved_at=None)
    return WatchedFile.objects.filter(is_free(), rests | waits, folder__is_active=True)
