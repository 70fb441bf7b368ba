"""Dry runs: what starting an import would come to, before anything is sent or put in the ledger.

A draft's is kept beside it, so that a large one is made in the background and found later.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, Sum, Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from imports import drafts
from imports.customers.forecast import forecast
from imports.customers.id_register import IdRegister
from imports.event_codes import EventCode
from imports.kinds import UnreadableInput
from imports.lanes import DATABASE_AWAY
from imports.ledger.moves import NotAllowed, lock, note
from imports.messages import Message, Text, sentence
from imports.messages import marked as gettext_noop
from imports.models import DryRun, ImportJob
from imports.models.files import FileStatus
from imports.states import JobStatus

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import CustomerApi

logger = logging.getLogger(__name__)
AT_ONCE_BYTES = 16 << 20  # of files that are read while a person waits: a second or two
SIGN_SECONDS = 2.0
SILENT = timedelta(seconds=60)  # after which another may begin anew: a worker was killed
WOULD_SEND = sentence(
    "WOULD_SEND", gettext_noop("{n} of {total} customers would be sent in {batches} batches.")
)
FAILED_READING = sentence(
    "FAILED_READING_DRY",
    gettext_noop("Redrive itself failed while reading ({error}). See the log."),
)
NOTHING_SENT = sentence("NOTHING_SENT_BY_CHECK", gettext_noop("Nothing was sent."))
NOBODY_IS_AT_IT = Q(finished_at=None) & (Q(alive_at=None) | Q(alive_at__lt=Now() - Value(SILENT)))


class _Overtaken(Exception):
    """Somebody has asked anew, or started or discarded the draft."""


def of_paths(api: CustomerApi, paths: list[Path], **options: bool) -> dict[str, Any]:
    """What importing these files would come to, as JSON says it. Nothing is stored.

    `options` are fields of the job: `insists`, `leave_earlier_copies_out`.

    Raises UnreadableInput with a line for each file that is refused.
    """
    job = ImportJob(kind="customers", api=api, **options, **drafts.settings_of(api))
    register = IdRegister()
    files = [drafts.checked(job, path, register=register) for path in paths]
    refused = [file.message for file in files if file.status == FileStatus.INVALID]
    if refused:
        raise UnreadableInput("\n".join(map(str, refused)))
    notes = [note for file in files for note in file.known_before]
    return forecast(job, files) | {"known_before": notes}


def ask(job: ImportJob, actor: str) -> DryRun:
    """Have a draft checked; what was found before is forgotten. Raises NotAllowed.

    The caller makes it, or rings for a worker that does.
    """
    with transaction.atomic():
        if lock(job) != JobStatus.DRAFT:
            raise NotAllowed(_("This job was started: there is nothing to check beforehand."))
        if not job.files.exists():
            raise NotAllowed(_("There is nothing to check yet. Add files first."))
        if drafts.unreadable(job):
            raise NotAllowed(_("Some files cannot be read. Remove them first."))
        DryRun.objects.filter(job=job).delete()
        return DryRun.objects.create(job=job, actor=actor, draft=digest(job))


def is_small(job: ImportJob) -> bool:
    """Whether a person may wait for it."""
    size: int = job.files.aggregate(size=Sum("size", default=0))["size"]
    return size <= AT_ONCE_BYTES


def digest(job: ImportJob) -> str:
    """Changes with the draft's files, its settings, and its API's."""
    api = job.api
    told = [
        list(job.files.order_by("pk").values_list("pk", "sha256")),
        [job.batch_size, job.concurrency, job.insists, job.leave_earlier_copies_out],
        [api.pk, api.preset, api.mapping] if api else [],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def carry_out(job: ImportJob) -> None:
    """Make the dry run that a draft waits for, if there is one and nobody is at it."""
    token = uuid.uuid4()
    waiting = DryRun.objects.filter(NOBODY_IS_AT_IT, job=job, job__status=JobStatus.DRAFT)
    if not waiting.update(token=token, alive_at=Now(), records=0):
        return
    found: dict[str, Any] = {}
    trouble: Text | None = None
    try:
        found = forecast(job, job.files.order_by("pk").iterator(), _Signs(token))
        found["files"] = len(found["files"])  # the page lists them as it is
    except _Overtaken:
        return
    except UnreadableInput as error:
        trouble = error.message
    except DATABASE_AWAY:
        raise  # the sweeper rings for it when it has been silent for long enough
    except Exception as error:
        logger.exception("job %s: its dry run failed", job.pk)
        trouble = FAILED_READING.format(error=type(error).__name__)
    _finish(job, token, found, trouble)


def _finish(job: ImportJob, token: uuid.UUID, found: dict[str, Any], trouble: Text | None) -> None:
    with transaction.atomic():
        mine = DryRun.objects.filter(token=token, finished_at=None)
        if mine.update(forecast=found, trouble=trouble, finished_at=Now()):
            told = trouble or _in_short(found)
            actor = DryRun.objects.values_list("actor", flat=True).get(token=token)
            note(job, EventCode.CHECKED, told + NOTHING_SENT, actor)


def _in_short(found: dict[str, Any]) -> Message:
    return WOULD_SEND.format(
        n=found["would_send"], total=found["customers"], batches=found["batches"]["total"]
    )


class _Signs:
    """Says now and then that somebody is at it, and how far; stops where that is in vain."""

    def __init__(self, token: uuid.UUID) -> None:
        self.mine = DryRun.objects.filter(token=token, job__status=JobStatus.DRAFT)
        self.next_at = time.monotonic() + SIGN_SECONDS

    def __call__(self, records: int) -> None:
        if time.monotonic() < self.next_at:
            return
        if not self.mine.update(alive_at=Now(), records=records):
            raise _Overtaken
        self.next_at = time.monotonic() + SIGN_SECONDS
