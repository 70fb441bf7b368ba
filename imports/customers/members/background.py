"""Large member files are read by a worker, while whoever added them may leave the page."""

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
from imports.customers.members.places import forget, forget_unused
from imports.engine.runner import DATABASE_AWAY
from imports.ledger.lifecycle import NotAllowed
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportFile, ImportJob, MemberFile
from imports.models.files import FileStatus
from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django.db.models import QuerySet

    from imports.models import RecordTemplate

logger = logging.getLogger(__name__)
SIGN_SECONDS, BEAT_SECONDS = 2.0, 10.0
SILENT = timedelta(seconds=60)  # after which another may begin anew: a worker was killed
NOBODY_IS_AT_IT = Q(asked_at__isnull=False) & (
    Q(alive_at=None) | Q(alive_at__lt=Now() - Value(SILENT))
)
FAILED_READING = sentence(
    "FAILED_READING_MEMBERS",
    _("Redrive itself failed while reading ({error}). See the log, then add the file again."),
)
NOT_KEPT = sentence(
    "MEMBERS_NOT_KEPT",
    _("It could not be kept ({error}). Make room, then choose a template again."),
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
        mine = MemberFile.objects.filter(pk=member.pk, asked_at=None)
        if not mine.update(template=template, asked_at=Now(), token=None, alive_at=None):
            raise NotAllowed(STILL_READ)
        reading = {"status": FileStatus.READING, "message": sources.BEING_READ}
        ImportFile.objects.filter(pk=file.pk).update(**reading)
    if file.size > sources.AT_ONCE_BYTES:
        return True
    carry_out(file.job)
    return False


def unread(job: ImportJob) -> QuerySet[MemberFile]:
    """A draft's member files that wait for a worker, or are being read."""
    return MemberFile.objects.filter(file__job=job, asked_at__isnull=False)


def drafts_that_wait() -> QuerySet[ImportJob]:
    """The drafts with member files that nobody is at."""
    waiting = MemberFile.objects.filter(NOBODY_IS_AT_IT).order_by()
    return ImportJob.objects.filter(status=JobStatus.DRAFT, pk__in=waiting.values("file__job_id"))


def carry_out(job: ImportJob) -> None:
    """Read a draft's member files that wait for it and that nobody is at.

    Raises InputOutOfSight where they wait for a host that can see them.
    """
    waiting = unread(job).filter(NOBODY_IS_AT_IT).order_by("pk").values_list("pk", flat=True)
    if waiting.exists():
        drafts.bring_files(job)
    for pk in list(waiting):
        token = uuid.uuid4()
        mine = MemberFile.objects.filter(NOBODY_IS_AT_IT, pk=pk)
        if mine.update(token=token, alive_at=Now(), rows_read=0):
            with _beating(pk, token):
                _read(pk, token)


@contextmanager
def _beating(pk: int, token: uuid.UUID) -> Iterator[None]:
    """Give signs of life from a thread of its own: unpacking and checking take their time."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT_SECONDS):
                MemberFile.objects.filter(pk=pk, token=token).update(alive_at=Now())
        except DATABASE_AWAY:
            logger.warning("member file %s: no sign of life can be given", pk)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True, name="member file")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _read(pk: int, token: uuid.UUID) -> None:
    member = MemberFile.objects.select_related("file__job__api", "template").get(pk=pk)
    file = member.file
    before = file.pieces
    try:
        if sources.make(file, member, _Signs(pk, token)):
            drafts.judge(file)
        _finish(member, token)
    except _Overtaken:
        _forget_new(file, before)
    except DATABASE_AWAY:
        raise  # the sweeper enqueues it again once its heartbeat is old
    except OSError as error:
        _forget_new(file, before)
        file.path = before[0]
        _give_up(member, token, NOT_KEPT.format(error=error.strerror or type(error).__name__))
    except Exception as error:
        logger.exception("job %s: its member file %s could not be read", file.job_id, file.pk)
        _forget_new(file, before)
        _give_up(member, token, FAILED_READING.format(error=type(error).__name__))
    else:
        forget_unused(before, file)


def _forget_new(file: ImportFile, before: Collection[str]) -> None:
    forget(*(each for each in file.pieces if each not in before))


def _finish(member: MemberFile, token: uuid.UUID) -> None:
    """Store what was made, if the file still waits for just this."""
    with transaction.atomic():
        drafts.only_draft(member.file.job)
        if not MemberFile.objects.filter(pk=member.pk, token=token).exists():
            raise _Overtaken
        member.token, member.alive_at, member.asked_at = None, None, None
        drafts.store(member.file)


def _give_up(member: MemberFile, token: uuid.UUID, why: object) -> None:
    with transaction.atomic():
        mine = MemberFile.objects.filter(pk=member.pk, token=token)
        if mine.update(asked_at=None, token=None, alive_at=None):
            verdict = {"status": FileStatus.INVALID, "message": why}
            ImportFile.objects.filter(pk=member.file_id).update(**verdict)


class _Signs:
    """Records a heartbeat and the progress now and then; stops where it was overtaken."""

    def __init__(self, pk: int, token: uuid.UUID) -> None:
        self._mine = MemberFile.objects.filter(
            pk=pk, token=token, file__job__status=JobStatus.DRAFT
        )
        self._next_at = time.monotonic() + SIGN_SECONDS

    def __call__(self, rows: int) -> None:
        if time.monotonic() < self._next_at:
            return
        if not MemberFile.objects.filter(pk__in=self._mine.values("pk")).update(
            alive_at=Now(), rows_read=rows
        ):
            raise _Overtaken
        self._next_at = time.monotonic() + SIGN_SECONDS
