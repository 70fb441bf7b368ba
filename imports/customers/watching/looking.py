"""Looks into watched places: which files are there, and which of them are complete."""

from __future__ import annotations

import fnmatch
from contextlib import closing
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db.models import Q, Value
from django.db.models.functions import Now

from imports.customers.watching.places import Directory
from imports.fields import WrongKey
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import WatchedFile, WatchedFolder
from imports.models.watched import PlaceKind
from imports.remote.failures import RemoteFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.customers.watching.places import Found, Place
    from imports.messages import Text


NOT_READABLE = sentence("FOLDER_NOT_READABLE", _("The folder cannot be read: {error}."))
LOOK_EVERY = timedelta(seconds=5)
ASK_EVERY = timedelta(minutes=1)  # a store or a server
COMPLETE_AFTER = timedelta(seconds=10)  # without a change of size or time
MOST_FILES = 1_000  # of one folder in one look
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")  # how programs name what is growing


def look() -> bool:
    """Look into the folders of this host whose time has come, each by one of all sweepers.

    Whether there is any place that is watched.
    """
    watched = list(WatchedFolder.objects.filter(is_active=True).defer("secret"))
    for folder in watched:
        if folder.kind == PlaceKind.FOLDER and _is_my_turn(folder, LOOK_EVERY):
            _look_into(folder)
    return bool(watched)


def remote_due() -> QuerySet[WatchedFolder]:
    """The stores and servers whose time has come: to be asked by a worker, as they may be slow."""
    late = Q(looked_at=None) | Q(looked_at__lt=Now() - Value(ASK_EVERY))
    return WatchedFolder.objects.filter(late, is_active=True).exclude(kind=PlaceKind.FOLDER)


def look_remotely() -> None:
    """Ask them, each by one of all workers."""
    for pk in remote_due().values_list("pk", flat=True):
        if _is_my_turn(WatchedFolder(pk=pk), ASK_EVERY):
            _look_into(WatchedFolder.objects.defer("secret").get(pk=pk))


def _is_my_turn(folder: WatchedFolder, every: timedelta) -> bool:
    due = Q(looked_at=None) | Q(looked_at__lt=Now() - Value(every))
    mine = WatchedFolder.objects.filter(due, pk=folder.pk, is_active=True)
    return bool(mine.update(looked_at=Now()))


def _look_into(folder: WatchedFolder) -> None:
    try:
        found = list(files_of(folder))
    except OSError as error:
        _say(folder, NOT_READABLE.format(error=error.strerror or type(error).__name__))
        return
    except (RemoteFailure, WrongKey) as failure:
        _say(folder, failure.message)
        return
    if folder.trouble is not None:
        _say(folder, None)
    known = {each.name: each for each in folder.files.filter(taken_at=None)}
    for one in found:
        _note(folder, known.pop(one.name, None), one)
    gone = [each.pk for each in known.values() if each.job_id is None]
    WatchedFile.objects.filter(pk__in=gone, taken_at=None).delete()


def _say(folder: WatchedFolder, trouble: Text | None) -> None:
    WatchedFolder.objects.filter(pk=folder.pk).update(trouble=trouble)


def files_of(folder: WatchedFolder) -> Iterator[Found]:
    """Its files of the right names: nothing hidden or empty, nothing that still grows."""
    with closing(open_place(folder)) as place:
        wanted = (found for found in place.files() if found.size and _is_wanted(folder, found))
        yield from islice(wanted, MOST_FILES)


def _is_wanted(folder: WatchedFolder, found: Found) -> bool:
    name = found.name
    if name.startswith(".") or name.endswith(UNFINISHED) or not name.isprintable():
        return False
    return fnmatch.fnmatch(name, folder.pattern)


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


def open_place(folder: WatchedFolder) -> Place:
    """The folder's place, connected where its kind connects.

    Raises RemoteFailure, and WrongKey where no key opens its secret.
    """
    match PlaceKind(folder.kind):
        case PlaceKind.FOLDER:
            return Directory(folder)
        case PlaceKind.S3:
            from imports.customers.watching.s3 import Bucket  # boto3: only where it is used

            return Bucket(folder)
        case PlaceKind.SFTP:
            from imports.customers.watching.sftp import Server  # paramiko: likewise

            return Server(folder)
