"""Looks into watched places, and takes each file that is complete: an import of its own, once.

Then the file is moved away.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
from contextlib import closing
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from django.core.files import File
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Now
from redis.exceptions import RedisError

from imports.customers import background, drafts
from imports.customers.retry_file_matches import digests_of
from imports.customers.watched_places import Directory, is_as_seen
from imports.engine.queue import enqueue_on_commit, enqueue_once
from imports.fields import WrongKey
from imports.job_types import InputOutOfSight
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, WatchedFile, WatchedFolder
from imports.models.notifications import What
from imports.models.watched import DONE, REFUSED, PlaceKind
from imports.remote import RemoteFailure
from imports.states import FileStatus, JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from django.db.models import QuerySet

    from imports.customers.watched_places import Found, Place
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
            from imports.customers.remote_places import Bucket  # boto3: only where it is used

            return Bucket(folder)
        case PlaceKind.SFTP:
            from imports.customers.remote_places import Server  # paramiko: likewise

            return Server(folder)


TAKEN_BEFORE = sentence(
    "WATCHED_TAKEN_BEFORE", _("The same file was taken before: it is not imported again.")
)
UNREADABLE = sentence("WATCHED_UNREADABLE", _("It cannot be read: see job {job}."))
AT_ONCE = 20  # files in one turn
CLAIM = timedelta(minutes=30)
AGAIN_AFTER = timedelta(seconds=30)  # where a file could not be taken or moved
LONGEST_SECONDS = 3600


def sweep() -> None:
    """Look, and have a worker take what is complete. Quick."""
    if not look() or not (complete().exists() or remote_due().exists()):
        return
    with contextlib.suppress(RedisError):  # the next sweep asks again
        enqueue_once(take_all, "watched folders", LONGEST_SECONDS)


def take_all() -> None:
    """Handle the queue message: take what is complete, one after the other."""
    look_remotely()
    for pk in list(complete().values_list("pk", flat=True)[:AT_ONCE]):
        # By the row's own columns alone: whoever waits for the row looks at them again.
        mine = WatchedFile.objects.filter(is_free(), pk=pk, moved_at=None)
        if mine.update(claimed_until=Now() + Value(CLAIM)):
            rows = WatchedFile.objects.select_related("folder__api").defer("folder__secret")
            take(rows.get(pk=pk))
            WatchedFile.objects.filter(pk=pk).update(claimed_until=Now() + Value(AGAIN_AFTER))


def take(file: WatchedFile) -> bool:
    """Go on with this file from wherever it is; False where it must be tried again.

    The caller has claimed it. A worker that is killed leaves a row that says how far it came; the
    next one goes on there.
    """
    try:
        with closing(open_place(file.folder)) as place, closing(_Content(place, file)) as content:
            is_taken = _has_draft(file, place, content) and _is_imported(file, content)
            file.refresh_from_db()
            return is_taken and _is_moved(file, place)
    except FileNotFoundError:
        return _forget(file)
    except (OSError, RemoteFailure, WrongKey):
        return False  # it cannot be read, or the disk is full: it is tried again


class _Content:
    """The file's bytes, fetched once, when they are needed."""

    def __init__(self, place: Place, file: WatchedFile) -> None:
        self._place, self._file = place, file
        self._fetched: BinaryIO | None = None

    def read(self) -> BinaryIO:
        """From its beginning."""
        if self._fetched is None:
            self._fetched = self._place.fetch(self._file.name)
        self._fetched.seek(0)
        return self._fetched

    def close(self) -> None:
        if self._fetched is not None:
            self._fetched.close()


def _has_draft(file: WatchedFile, place: Place, content: _Content) -> bool:
    """Give the file a draft of its own, unless its bytes were taken under this name before."""
    if file.job_id is not None or file.taken_at is not None:
        return True
    digest = hashlib.file_digest(cast("BufferedReader", content.read()), "sha256").hexdigest()
    if not is_as_seen(file, place.state_of(file.name)):
        return False
    before = WatchedFile.objects.filter(
        folder=file.folder,
        name=file.name,
        sha256=digest,
        taken_at__isnull=False,
        message__isnull=True,
    )
    mine = WatchedFile.objects.filter(pk=file.pk, taken_at=None, job=None)
    if before.exists():
        mine.update(sha256=digest, taken_at=Now(), message=TAKEN_BEFORE)
    else:
        with transaction.atomic():
            job = drafts.new_draft(file.folder.api, file.name, actor_of(file.folder))
            if not mine.update(sha256=digest, job=job):
                transaction.set_rollback(True)
    file.refresh_from_db()
    return file.job_id is not None or file.taken_at is not None


def _is_imported(file: WatchedFile, content: _Content) -> bool:
    """Put the file into its draft and start it; False where that must be tried again."""
    job = file.job
    if job is None or file.taken_at is not None:
        return file.taken_at is not None
    if job.status == JobStatus.DRAFT and not job.files.exists():
        upload = File(content.read(), name=file.name)
        drafts.add_upload(job, upload, name=file.name)  # type: ignore[arg-type]
    if not _is_read(job):
        return False
    if _has_changed(file, job):
        return _begin_anew(file, job)
    is_bad = job.files.filter(status=FileStatus.INVALID).exists()
    with transaction.atomic():
        taken = WatchedFile.objects.filter(pk=file.pk, taken_at=None)
        taken.update(taken_at=Now(), message=UNREADABLE.format(job=job.pk) if is_bad else None)
        if is_bad:
            lifecycle.announce(job, What.REFUSED)
        elif file.folder.starts:
            _start(job, actor_of(file.folder))
    return True


def _is_read(job: ImportJob) -> bool:
    """Read a large file that no other worker has begun to read; whether that is done."""
    with contextlib.suppress(InputOutOfSight):
        background.carry_out(job)
    return not background.unread(job).exists()


def _start(job: ImportJob, actor: str) -> None:
    with contextlib.suppress(NotAllowed):  # somebody was quicker
        lifecycle.start(job, actor)
        enqueue_on_commit(job.pk)


def _begin_anew(file: WatchedFile, job: ImportJob) -> bool:
    """The file has changed while it was taken: it was not complete after all."""
    WatchedFile.objects.filter(pk=file.pk, taken_at=None).update(
        job=None, sha256="", seen_at=Now()
    )
    drafts.remove_draft(job)
    return False


def _forget(file: WatchedFile) -> bool:
    """Somebody has taken the file away before its import had it."""
    file.refresh_from_db()
    if file.taken_at is not None:
        WatchedFile.objects.filter(pk=file.pk).update(moved_at=Now())
        return True
    if file.job is not None and not file.job.files.exists():
        drafts.remove_draft(file.job)
    WatchedFile.objects.filter(pk=file.pk, taken_at=None).delete()
    return True


def _is_moved(file: WatchedFile, place: Place) -> bool:
    """Out of the way. A name that is in use there is no loss."""
    is_refused = file.message is not None and file.message.code == UNREADABLE.code
    place.move(file, REFUSED if is_refused else DONE)
    WatchedFile.objects.filter(pk=file.pk).update(moved_at=Now())
    return True


def _has_changed(file: WatchedFile, job: ImportJob) -> bool:
    """Whether other bytes were read, if it could be read as an import at all."""
    read = digests_of(job.files.select_related("member").get())
    return bool(read) and file.sha256 not in read


def actor_of(folder: WatchedFolder) -> str:
    """Who makes its imports, as the log shows it."""
    return f"folder: {folder.name}"[:150]
