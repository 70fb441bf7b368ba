"""retry_batches_YYYYMMDD_HHMMSS/: how one is written and recorded, whatever the job type.

Written whole or not at all. Never deleted by us. Where it cannot be written, that is kept with the
job, people are notified, and it is tried again with growing pauses.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as translated

from imports import durable_files
from imports.event_codes import EventCode
from imports.ledger import moves, rounds
from imports.ledger.left_out import left_out
from imports.ledger.notices import announce
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob, RetryFile
from imports.models.notices import What
from imports.printable import UNSTORABLE
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

PREFIX = "retry_batches_"
SUMMARY, INSTRUCTIONS = "retry_summary.json", "RETRY_INSTRUCTIONS.md"
FILES = sentence("FILES", _("{n} files"))
IN_DIRECTORY = sentence("IN_DIRECTORY", _("{what} in {directory}"))
NOT_WRITTEN = sentence(
    "NOT_WRITTEN",
    _(
        "{directory} cannot be written to ({error}). Nothing is lost: make it writable, or run: "
        "manage.py retry_files {job} --output DIR"
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


@dataclass(slots=True)
class NewDirectory:
    """A retry directory while it is put together."""

    path: Path
    entries: list[RetryFileEntry] = field(default_factory=list)

    def add(self, name: str, pieces: Iterable[bytes], results: list[int], **about: Any) -> str:
        """Write one file of records; its SHA-256. `results` may be filled while it is written."""
        sha256 = durable_files.write(self.path / name, pieces)
        self.entries.append(RetryFileEntry(name, sha256, results, **about))
        return sha256

    def explain(self, summary: dict[str, Any], instructions: str) -> None:
        """Write the summary for programs and the instructions for people."""
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        durable_files.write(self.path / SUMMARY, [text.encode()])
        durable_files.write(self.path / INSTRUCTIONS, [instructions.encode()])


def is_needed(job: ImportJob) -> bool:
    """Whether a record of the job or its later rounds failed, is unknown or could not be sent."""
    if left_out(rounds.descendants(job)).exists():
        return True
    statuses = (ResultStatus.ERROR, ResultStatus.UNKNOWN)
    return any(rounds.waiting(job, status).exists() for status in statuses)


@contextmanager
def new_directory(parent: Path) -> Iterator[NewDirectory]:
    """A directory to be filled; `publish` it, or nothing of it stays. Raises OSError."""
    if UNSTORABLE.search(os.fspath(parent)):
        raise OSError(errno.EILSEQ, "the ledger cannot keep a name that is no text")
    with durable_files.temporary_directory(parent) as path:
        yield NewDirectory(path)


def publish(job: ImportJob, new: NewDirectory, parent: Path) -> Path:
    """Give the directory its name and record what is in it, both or neither."""
    new.path.chmod(0o700)  # it holds customers' data
    with transaction.atomic():
        directory = durable_files.publish(new.path, free_names(parent))
        RetryFile.objects.bulk_create(
            RetryFile(
                job=job,
                directory=str(directory),
                name=each.name,
                sha256=each.sha256,
                batch_number=each.batch_number,
                confirmed=each.confirmed,
                left_out=each.left_out,
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
        moves.note(job, EventCode.RETRY_FILES_WRITTEN, written)
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
    parent = settings.RETRY_FILES_DIR
    try:
        if write(job, parent) is None:
            forget_trouble(job)
    except OSError as error:
        _keep_trouble(job, error, parent)


def _keep_trouble(job: ImportJob, error: OSError, parent: Path) -> None:
    code = code_of(error)
    held = ImportJob.objects.only("retry_files_tries", "retry_files_error").get(pk=job.pk)
    if held.retry_files_error != code:  # the same reason again is no news
        system = os.strerror(_number(code))
        text = NOT_WRITTEN.format(directory=str(parent), error=system, job=job.pk)
        moves.note(job, EventCode.RETRY_FILES_FAILED, text)
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
        "ENOSPC": translated("the disk is full"),
        "EDQUOT": translated("the disk quota is used up"),
        "EACCES": translated("Redrive has no right to write there"),
        "EPERM": translated("Redrive has no right to write there"),
        "EROFS": translated("it is on a read-only file system"),
    }
    system = os.strerror(_number(code))
    return f"{sentences[code]} ({system})" if code in sentences else system
