"""Takes a complete file of a watched place: an import of its own, once; then moves it away."""

from __future__ import annotations

import contextlib
import hashlib
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, cast

from django.core.files import File
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now
from redis.exceptions import RedisError

from imports.customers import background, drafts
from imports.customers.retry_file_matches import digests_of
from imports.customers.watching.looking import (
    complete,
    is_free,
    look,
    look_remotely,
    open_place,
    remote_due,
)
from imports.customers.watching.places import is_as_seen
from imports.engine.queue import enqueue_on_commit, enqueue_once
from imports.fields import WrongKey
from imports.job_types import InputOutOfSight
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, WatchedFile
from imports.models.files import FileStatus
from imports.models.notifications import What
from imports.models.watched import DONE, REFUSED
from imports.remote.failures import RemoteFailure
from imports.states import JobStatus

if TYPE_CHECKING:
    from io import BufferedReader

    from imports.customers.watching.places import Place
    from imports.models import WatchedFolder

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
