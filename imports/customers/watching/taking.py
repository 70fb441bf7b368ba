"""Takes a complete file of a watched folder: an import of its own, once; then moves it away."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.files import File
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now
from redis.exceptions import RedisError

from imports.customers import background, drafts
from imports.customers.retry_file_matches import digests_of
from imports.customers.watching.looking import complete, is_free, look
from imports.engine.queue import enqueue_on_commit, enqueue_once
from imports.job_types import InputOutOfSight
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, WatchedFile
from imports.models.files import FileStatus
from imports.models.notifications import What
from imports.models.watched import DONE, REFUSED
from imports.states import JobStatus

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import WatchedFolder

TAKEN_BEFORE = sentence(
    "WATCHED_TAKEN_BEFORE", _("The same file was taken before: it is not imported again.")
)
UNREADABLE = sentence("WATCHED_UNREADABLE", _("It cannot be read: see job {job}."))
AT_ONCE = 20  # files in one turn
CLAIM = timedelta(minutes=30)
AGAIN_AFTER = timedelta(seconds=30)  # where a file could not be taken or moved
PIECE_BYTES = 1 << 20
LONGEST_SECONDS = 3600


def sweep() -> None:
    """Look, and have a worker take what is complete. Quick."""
    if not look() or not complete().exists():
        return
    with contextlib.suppress(RedisError):  # the next sweep asks again
        enqueue_once(take_all, "watched folders", LONGEST_SECONDS)


def take_all() -> None:
    """Handle the queue message: take what is complete, one after the other."""
    for pk in list(complete().values_list("pk", flat=True)[:AT_ONCE]):
        # By the row's own columns alone: whoever waits for the row looks at them again.
        mine = WatchedFile.objects.filter(is_free(), pk=pk, moved_at=None)
        if mine.update(claimed_until=Now() + Value(CLAIM)):
            take(WatchedFile.objects.select_related("folder__api").get(pk=pk))
            WatchedFile.objects.filter(pk=pk).update(claimed_until=Now() + Value(AGAIN_AFTER))


def take(file: WatchedFile) -> bool:
    """Go on with this file from wherever it is; False where it must be tried again.

    The caller has claimed it. A worker that is killed leaves a row that says how far it came; the
    next one goes on there.
    """
    path = file.folder.place / file.name
    try:
        is_taken = _has_draft(file, path) and _is_imported(file, path)
    except FileNotFoundError:
        return _forget(file)
    except OSError:
        return False  # nobody may read it, or the disk is full: it is tried again
    file.refresh_from_db()
    return is_taken and _is_moved(file, path)


def _has_draft(file: WatchedFile, path: Path) -> bool:
    """Give the file a draft of its own, unless its bytes were taken under this name before."""
    if file.job_id is not None or file.taken_at is not None:
        return True
    digest = _digest(path)
    if not _is_as_seen(file, path):
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


def _is_imported(file: WatchedFile, path: Path) -> bool:
    """Put the file into its draft and start it; False where that must be tried again."""
    job = file.job
    if job is None or file.taken_at is not None:
        return file.taken_at is not None
    if job.status == JobStatus.DRAFT and not job.files.exists():
        with path.open("rb") as content:
            upload = File(content, name=file.name)
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


def _is_moved(file: WatchedFile, path: Path) -> bool:
    """Out of the way, under a name that nothing there has. A name that is in use is no loss."""
    is_refused = file.message is not None and file.message.code == UNREADABLE.code
    goal = file.folder.place / (REFUSED if is_refused else DONE)
    try:
        goal.mkdir(exist_ok=True)
        if path.exists() and _digest(path) == file.sha256:
            path.rename(_free_name(goal, path, file))
    except OSError:
        return False
    WatchedFile.objects.filter(pk=file.pk).update(moved_at=Now())
    return True


def _free_name(goal: Path, path: Path, file: WatchedFile) -> Path:
    plain = goal / path.name
    return goal / f"{path.stem}-{file.pk}{path.suffix}" if plain.exists() else plain


def _is_as_seen(file: WatchedFile, path: Path) -> bool:
    info = path.stat(follow_symlinks=False)
    return (info.st_size, info.st_mtime_ns) == (file.size, file.modified_ns)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _has_changed(file: WatchedFile, job: ImportJob) -> bool:
    """Whether other bytes were read, if it could be read as an import at all."""
    read = digests_of(job.files.select_related("member").get())
    return bool(read) and file.sha256 not in read


def actor_of(folder: WatchedFolder) -> str:
    """Who makes its imports, as the log shows it."""
    return f"folder: {folder.name}"[:150]
