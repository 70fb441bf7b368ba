"""Large files are read by a worker, while whoever added them may leave the page."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from imports.customers import drafts
from imports.customers.members import sources
from imports.customers.members.conversion import forget, forget_unused
from imports.engine.runner import DATABASE_AWAY
from imports.ledger.lifecycle import NotAllowed
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportFile, ImportJob, MemberFile
from imports.states import FileStatus, JobStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django.db.models import QuerySet

    from imports.models import RecordTemplate

logger = logging.getLogger(__name__)
SIGN_SECONDS, BEAT_SECONDS = 2.0, 10.0
SILENT = timedelta(seconds=60)  # after which another may begin anew: a worker was killed
IS_UNREAD = Q(asked_at__isnull=False)
IS_BEING_READ = IS_UNREAD & Q(alive_at__gte=Now() - Value(SILENT))
NOBODY_HAS_IT = {"token": None, "alive_at": None}
FAILED_READING = sentence(
    "FAILED_READING_FILE",
    _("Redrive itself failed while reading ({error}). See the log, then add the file again."),
)
NOT_KEPT = sentence(
    "FILE_NOT_KEPT", _("It could not be kept ({error}). Make room, then add the file again.")
)
NO_TABLE = sentence("NEEDS_NO_TEMPLATE", _("This file needs no record template."))
STILL_READ = sentence(
    "STILL_READ", _("This file is being read. Wait until that has ended, then choose again.")
)


class _Overtaken(Exception):
    """The file was removed, or somebody has chosen another template."""


def use_template(file: ImportFile, template: RecordTemplate) -> bool:
    """Have a draft's member file read by this template; whether a worker is needed for it.

    Raises NotAllowed for a file that is no table, or is being read.
    """
    member = sources.member_of(file)
    if member is None or not member.source:
        raise NotAllowed(NO_TABLE)
    with transaction.atomic():
        drafts.only_draft(file.job)
        mine = ImportFile.objects.filter(~IS_UNREAD, pk=file.pk)
        reading = {"status": FileStatus.READING, "message": sources.BEING_READ}
        if not mine.update(asked_at=Now(), **NOBODY_HAS_IT, **reading):
            raise NotAllowed(STILL_READ)
        MemberFile.objects.filter(pk=member.pk).update(template=template)
    if file.size <= sources.AT_ONCE_BYTES:
        carry_out(file.job, only=file.pk)
    return ImportFile.objects.filter(IS_UNREAD, pk=file.pk).exists()


def unread(job: ImportJob) -> QuerySet[ImportFile]:
    """A draft's files that wait for a worker, or are being read."""
    return ImportFile.objects.filter(IS_UNREAD, job=job)


def drafts_that_wait() -> QuerySet[ImportJob]:
    """The drafts with unread files, of which nobody reads one."""
    waiting = ImportFile.objects.filter(IS_UNREAD).order_by()
    busy = ImportFile.objects.filter(IS_BEING_READ).order_by()
    return ImportJob.objects.filter(
        status=JobStatus.DRAFT, pk__in=waiting.values("job_id")
    ).exclude(pk__in=busy.values("job_id"))


def carry_out(job: ImportJob, only: int | None = None) -> None:
    """Read a draft's unread files, or `only` one of them, unless another worker is reading.

    Raises InputOutOfSight where they wait for a host that can see them.
    """
    if unread(job).exists():
        drafts.bring_files(job)
    while claim := _claim(job, only):
        with _beating(*claim):
            _read(*claim)


def _claim(job: ImportJob, only: int | None) -> tuple[int, uuid.UUID] | None:
    """The next unread file, and a token; None while one is being read.

    One at a time: each file is compared with those before it.
    """
    with transaction.atomic():
        is_draft = ImportJob.objects.filter(pk=job.pk, status=JobStatus.DRAFT)
        if not is_draft.select_for_update(no_key=True).exists():
            return None
        if ImportFile.objects.filter(IS_BEING_READ, job=job).exists():
            return None
        waiting = unread(job).filter(**{"pk": only} if only else {})
        pk = waiting.order_by("pk").values_list("pk", flat=True).first()
        if pk is None:
            return None
        token = uuid.uuid4()
        ImportFile.objects.filter(pk=pk).update(token=token, alive_at=Now(), read_count=0)
    return pk, token


@contextmanager
def _beating(pk: int, token: uuid.UUID) -> Iterator[None]:
    """Give signs of life from a thread of its own: unpacking and checking take their time."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT_SECONDS):
                ImportFile.objects.filter(pk=pk, token=token).update(alive_at=Now())
        except DATABASE_AWAY:
            logger.warning("file %s: no sign of life can be given", pk)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True, name="file being read")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _read(pk: int, token: uuid.UUID) -> None:
    file = (
        ImportFile.objects.filter(pk=pk, token=token)
        .select_related("job__api", "member__template")
        .first()
    )
    if file is None:
        return
    before = file.pieces
    try:
        _judge(file, token)
    except _Overtaken:
        _forget_new(file, before)
    except DATABASE_AWAY:
        raise  # the sweeper enqueues it again once its heartbeat is old
    except OSError as error:
        _forget_new(file, before)
        _give_up(file, token, NOT_KEPT.format(error=error.strerror or type(error).__name__))
    except Exception as error:
        logger.exception("job %s: its file %s could not be read", file.job_id, file.pk)
        _forget_new(file, before)
        _give_up(file, token, FAILED_READING.format(error=type(error).__name__))
    else:
        forget_unused(before, file)


def _judge(file: ImportFile, token: uuid.UUID) -> None:
    signs = _Signs(file.pk, token)
    if sources.make_readable(file, seen=signs):
        drafts.judge(file, seen=signs)
    _finish(file, token)


def _forget_new(file: ImportFile, before: Collection[str]) -> None:
    forget(*(each for each in file.pieces if each not in before))


def _finish(file: ImportFile, token: uuid.UUID) -> None:
    """Store what was found, if the file still waits for just this, and goes to the same API."""
    with transaction.atomic():
        now = ImportJob.objects.select_for_update(no_key=True).filter(pk=file.job_id).first()
        mine = ImportFile.objects.filter(pk=file.pk, token=token)
        if now is None or now.status != JobStatus.DRAFT or not mine.exists():
            raise _Overtaken
        if now.api_id != file.job.api_id:
            mine.update(**NOBODY_HAS_IT)  # it is read again, for that one
        else:
            file.asked_at = file.token = file.alive_at = None
            drafts.store(file)
            return
    raise _Overtaken


def _give_up(file: ImportFile, token: uuid.UUID, why: object) -> None:
    mine = ImportFile.objects.filter(pk=file.pk, token=token)
    mine.update(asked_at=None, **NOBODY_HAS_IT, status=FileStatus.INVALID, message=why)


class _Signs:
    """Records a heartbeat and the progress now and then; stops where it was overtaken."""

    def __init__(self, pk: int, token: uuid.UUID) -> None:
        self._mine = ImportFile.objects.filter(pk=pk, token=token)
        self._most = 0  # a table's rows are counted first, then the records made of them
        self._next_at = time.monotonic() + SIGN_SECONDS

    def __call__(self, count: int) -> None:
        self._most = max(self._most, count)
        if time.monotonic() < self._next_at:
            return
        if not self._mine.update(alive_at=Now(), read_count=self._most):
            raise _Overtaken
        self._next_at = time.monotonic() + SIGN_SECONDS
