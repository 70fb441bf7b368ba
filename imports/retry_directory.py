"""retry_batches_YYYYMMDD_HHMMSS/: written whole or not at all, with names that are never used
twice.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from imports.ledger import lifecycle, retries
from imports.ledger.batches import one_at_a_time
from imports.ledger.left_out import left_out
from imports.ledger.lifecycle import announce
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, RetryFile
from imports.models.notifications import What
from imports.outside_text import UNSTORABLE
from imports.sealing import files, working
from imports.states import EventCode, ResultStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

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
    """Delete directories that a process left behind when it was killed while writing."""
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


PREFIX = "retry_batches_"
IN_STORAGE = "retry_files"  # where they lie in a storage that all hosts share, or sealed
SUMMARY, INSTRUCTIONS = "retry_summary.json", "RETRY_INSTRUCTIONS.md"
FILES = sentence("FILES", _("{n} files"), one=_("{n} file"))
IN_DIRECTORY = sentence("IN_DIRECTORY", _("{what} in {directory}"))
NOT_WRITTEN = sentence(
    "NOT_WRITTEN",
    _(
        "Redrive cannot write to {directory} ({error}). Nothing is lost: make it writable, or"
        " run: manage.py retry_files {job} --output DIR"
    ),
)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 3600.0  # before it is tried again


@dataclass(slots=True)
class RetryFileEntry:
    """One file of the directory, and which results its records are, in order."""

    name: str
    sha256: str
    result_ids: list[int]
    batch_number: int = 0
    confirmed: bool = True
    left_out: bool = False
    rows: bool = False


@dataclass(slots=True)
class NewDirectory:
    """A retry directory while it is put together."""

    path: Path
    entries: list[RetryFileEntry] = field(default_factory=list)

    def add(self, name: str, pieces: Iterable[bytes], results: list[int], **about: Any) -> str:
        """Write one file of records; its SHA-256. `results` may be filled while it is written."""
        sha256 = write(self.path / name, pieces)
        self.entries.append(RetryFileEntry(name, sha256, results, **about))
        return sha256

    def explain(self, summary: dict[str, Any], instructions: str) -> None:
        """Write the summary for programs and the instructions for people."""
        pieces = json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(summary)
        write(self.path / SUMMARY, map(str.encode, pieces))
        write(self.path / INSTRUCTIONS, [instructions.encode()])


def home() -> Path:
    """Below which place retry directories are written: a directory, or a place in the storage."""
    if stored.is_shared() or not settings.PLAIN_RETRY_FILES:
        return Path(stored.STORED + files.folder(IN_STORAGE))
    return Path(settings.RETRY_FILES_DIR)


def place() -> str:
    """What a person calls it."""
    return stored.shown(str(home()))


def is_needed(job: ImportJob) -> bool:
    """Whether a record of the job or its retries failed, is unknown or could not be sent."""
    if left_out(retries.descendants(job)).exists():
        return True
    statuses = (ResultStatus.ERROR, ResultStatus.UNKNOWN)
    return any(retries.waiting(job, status).exists() for status in statuses)


@contextmanager
def new_directory(parent: Path) -> Iterator[NewDirectory]:
    """A directory to be filled; `publish` it, or nothing of it stays. Raises OSError.

    One that goes to the storage is put together on this host before.
    """
    if UNSTORABLE.search(os.fspath(parent)):
        raise OSError(errno.EILSEQ, "the ledger cannot keep a name that is no text")
    local = _outgoing(stored.name_of(str(parent))) if stored.is_stored(str(parent)) else parent
    with temporary_directory(local) as path:
        yield NewDirectory(path)


def _outgoing(name: str) -> Path:
    """Where a directory is put together on this host that goes to the storage."""
    base = working.directory() if files.is_sealed(name) else Path(settings.HOME)
    return base / "outgoing"


def publish_retry_directory(job: ImportJob, new: NewDirectory, parent: Path) -> Path:
    """Give the directory its name and record what is in it, both or neither."""
    new.path.chmod(0o700)  # it holds customers' data
    is_stored = stored.is_stored(str(parent))
    with transaction.atomic():
        directory = _store(new, parent) if is_stored else publish(new.path, free_names(parent))
        RetryFile.objects.bulk_create(
            RetryFile(
                job=job,
                directory=str(directory),
                name=each.name,
                sha256=each.sha256,
                batch_number=each.batch_number,
                confirmed=each.confirmed,
                left_out=each.left_out,
                rows=each.rows,
                result_ids=each.result_ids,
            )
            for each in new.entries
        )
        ImportJob.objects.filter(pk=job.pk).update(retry_directory=str(directory))
        job.retry_directory = str(directory)
        forget_trouble(job)
        only = new.entries[0].name if len(new.entries) == 1 else ""
        files = only or FILES.format(n=len(new.entries))
        written = IN_DIRECTORY.format(what=files, directory=directory.name)
        lifecycle.note(job, EventCode.RETRY_FILES_WRITTEN, written)
    return directory


def _store(new: NewDirectory, parent: Path) -> Path:
    """Upload the directory under a name that no host has taken; which one.

    The ledger names it once all of it is there. Inside a transaction: whoever names a directory
    does so alone.
    """
    one_at_a_time([IN_STORAGE])
    taken = RetryFile.objects.filter(directory__startswith=str(parent))
    names = set(taken.order_by().values_list("directory", flat=True).distinct())
    directory = next(name for name in free_names(parent) if str(name) not in names)
    for path in sorted(new.path.iterdir()):
        stored.keep_path(stored.name_of(str(directory / path.name)), path)
        with connection.cursor() as sql:  # or the database takes this host for a frozen one
            sql.execute("SELECT 1")
    return directory


def free_names(parent: Path, now: datetime | None = None) -> Iterator[Path]:
    """The directory's name, a second later each time."""
    at = now or timezone.localtime()
    while True:
        yield parent / f"{PREFIX}{at:%Y%m%d_%H%M%S}"
        at += timedelta(seconds=1)


def base_summary(job: ImportJob) -> dict[str, Any]:
    """What every summary begins with."""
    return {
        "timestamp": timezone.localtime().isoformat(timespec="seconds"),
        "import_type": job.kind,
        "job": job.pk,
        "job_name": job.name,
    }


def write_at_end(job: ImportJob, write: Callable[[ImportJob, Path], Path | None]) -> None:
    """Write what an ended job leaves behind, or keep why that is impossible, to try again.

    The caller holds the job's row.
    """
    try:
        if write(job, home()) is None:
            forget_trouble(job)
    except OSError as error:
        _keep_trouble(job, error)


def _keep_trouble(job: ImportJob, error: OSError) -> None:
    code = code_of(error)
    held = ImportJob.objects.only("retry_files_tries", "retry_files_error").get(pk=job.pk)
    if held.retry_files_error != code:  # the same reason again is no news
        system = os.strerror(_number(code))
        text = NOT_WRITTEN.format(directory=place(), error=system, job=job.pk)
        lifecycle.note(job, EventCode.RETRY_FILES_FAILED, text)
        announce(job, What.NOT_WRITTEN, code)
    pause = timedelta(seconds=pause_seconds(held.retry_files_tries + 1))
    ImportJob.objects.filter(pk=job.pk).update(
        retry_files_error=code,
        retry_files_tries=held.retry_files_tries + 1,
        retry_files_due_at=Now() + Value(pause),
    )
    job.refresh_from_db()


def forget_trouble(job: ImportJob) -> None:
    """The files are written, or there is nothing to write any more."""
    ImportJob.objects.filter(pk=job.pk).exclude(retry_files_error="").update(
        retry_files_error="", retry_files_tries=0, retry_files_due_at=None
    )
    job.retry_files_error, job.retry_files_tries, job.retry_files_due_at = "", 0, None


def pause_seconds(tries: int) -> float:
    """How long to wait after so many tries in vain (from 1): doubled each time, capped."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 20))


def code_of(error: OSError) -> str:
    """The system's own name for what went wrong: "ENOSPC"."""
    return errno.errorcode.get(error.errno or errno.EIO, "EIO")


def _number(code: str) -> int:
    return int(getattr(errno, code, errno.EIO))


def reason(code: str) -> str:
    """Why a directory cannot be written to, in the reader's language."""
    sentences = {
        "ENOSPC": gettext("the disk is full"),
        "EDQUOT": gettext("the disk quota is used up"),
        "EACCES": gettext("Redrive has no right to write there"),
        "EPERM": gettext("Redrive has no right to write there"),
        "EROFS": gettext("it is on a read-only file system"),
    }
    system = os.strerror(_number(code))
    return f"{sentences[code]} ({system})" if code in sentences else system
