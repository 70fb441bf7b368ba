"""Removes what is older than the settings say, in small steps. Never of an unresolved failure.

A batch is settled if every record in it succeeded or was excluded, or if nothing in the whole
family of jobs (the first job and its retries) waits for a person any more. Counts stay.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Now

from imports import retry_directory
from imports.event_codes import EventCode
from imports.ledger.left_out import KNOWN_ELSEWHERE
from imports.ledger.lifecycle import note
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import (
    AssignedId,
    Attempt,
    CorrectedRow,
    ImportBatch,
    ImportFile,
    ImportJob,
    ImportResult,
    RecordsKey,
    RetryFile,
)
from imports.sealing import files
from imports.states import ENDED_JOBS, ResultStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.messages import Message

logger = logging.getLogger(__name__)
BATCHES_AT_ONCE = 200
JOBS_AT_ONCE = 20
BYTES_REMOVED = sentence(
    "RECORD_BYTES_REMOVED", _("The bytes of {n} batches, older than {days} days.")
)
LEFT_OUT_REMOVED = sentence(
    "LEFT_OUT_BYTES_REMOVED", _("The bytes of {n} records left out, older than {days} days.")
)
RESULTS_REMOVED = sentence(
    "RESULT_NAMES_REMOVED", _("Who {n} records are of, older than {days} days.")
)
ANSWERS_REMOVED = sentence(
    "ANSWERS_REMOVED", _("The answers of {n} attempts, older than {days} days.")
)
FILES_REMOVED = sentence("KEPT_FILES_REMOVED", _("{n} files, older than {days} days."))
EVENTS_REMOVED = sentence("EVENTS_REMOVED", _("{n} entries of the log, older than {days} days."))


def expire() -> int:
    """Remove a little of each kind that is due; how many things. Safe to run concurrently."""
    gone = 0
    for days, remove in (
        (settings.RECORDS_DAYS, _record_bytes),
        (settings.RESULTS_DAYS, _result_names),
        (settings.ANSWERS_DAYS, _answers),
        (settings.LOG_DAYS, _events),
    ):
        if days:
            for job in _ended(days):
                gone += remove(job, days)
    return gone


def _ended(days: int) -> Iterator[ImportJob]:
    """The jobs that ended so long ago, and whose files are written."""
    before = Now() - Value(timedelta(days=days))
    jobs = ImportJob.objects.filter(
        status__in=ENDED_JOBS, finished_at__lt=before, closed_at__isnull=False
    )
    return jobs.select_related("root").order_by("pk").iterator(chunk_size=JOBS_AT_ONCE)


def is_settled(job: ImportJob) -> bool:
    """Whether no record of the job's whole family waits for a person, or is under way."""
    first = job.first
    family = ImportJob.objects.filter(Q(pk=first.pk) | Q(root=first))
    if family.exclude(status__in=ENDED_JOBS, closed_at__isnull=False).exists():
        return False
    return not retry_directory.is_needed(first)


def settled_batches(job: ImportJob) -> QuerySet[ImportBatch]:
    """The batches of an ended job of which nothing waits for a person."""
    batches = ImportBatch.objects.filter(job=job)
    if is_settled(job):
        return batches
    trouble = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.PENDING)
    unresolved = ImportResult.objects.filter(batch=OuterRef("pk"), status__in=trouble)
    return batches.exclude(Exists(unresolved))


def removed(job: ImportJob, count: int, what: Message, days: int) -> int:
    """Count what was removed in the job's log; the same number."""
    if count:
        summary = what.format(n=count, days=days)
        note(job, EventCode.REMOVED, summary)
        logger.info("job %s: %s %s", job.pk, EventCode.REMOVED, summary)
    return count


def _chunk(found: QuerySet[ImportBatch]) -> list[int]:
    locked = found.select_for_update(of=("self",), skip_locked=True, no_key=True)
    return list(locked.order_by("pk").values_list("pk", flat=True)[:BATCHES_AT_ONCE])


def _record_bytes(job: ImportJob, days: int) -> int:
    with transaction.atomic():
        due = settled_batches(job).exclude(body=b"")
        pks = _chunk(due)
        count = ImportBatch.objects.filter(pk__in=pks).update(body=b"")
        gone = removed(job, count, BYTES_REMOVED, days)
        gone += removed(job, _left_out_bytes(job), LEFT_OUT_REMOVED, days)
    gone += _files(job, days)
    if not gone:
        _forget_key(job)
    return gone


def _forget_key(job: ImportJob) -> None:
    """Erase the key of a settled job of which nothing is left that the key sealed.

    What back-ups of the disk still hold of it cannot be read any more.
    """
    key = RecordsKey.objects.filter(job=job).first()
    if key is None or not is_settled(job):
        return
    left = (
        ImportBatch.objects.filter(job=job, sealed_with=key.pk).exclude(body=b""),
        ImportResult.objects.filter(job=job, sealed_with=key.pk).exclude(refused_record=None),
        Attempt.objects.filter(job=job, sealed_with=key.pk).exclude(answer=""),
        CorrectedRow.objects.filter(sealed_with=key.pk),
        ImportFile.objects.filter(job=job, path__startswith=stored.STORED + files.FOLDER),
    )
    if not any(some.exists() for some in left):
        key.delete()


def _left_out_bytes(job: ImportJob) -> int:
    """Of records that were never sent: known elsewhere, or corrected since."""
    kept = ImportResult.objects.filter(job=job, batch=None, refused_record__isnull=False)
    if not is_settled(job):
        kept = kept.filter(error_code__in=KNOWN_ELSEWHERE)
    return kept.update(refused_record=None)


def _files(job: ImportJob, days: int) -> int:
    """The uploads of a job that was cut, and the retry directories of a settled family."""
    uploads = ImportFile.objects.filter(job=job, is_ours=True).exclude(path="")
    gone = 0
    if job.batches.exists():
        CorrectedRow.objects.filter(member__file__job=job).delete()
        for file in uploads:
            with suppress(OSError):  # the storage is away: later
                for where in file.pieces:
                    stored.delete(where)
                gone += ImportFile.objects.filter(pk=file.pk).update(path="")
    if is_settled(job):
        for directory in _directories(job):
            with suppress(OSError):
                gone += remove_directory(directory)
    return removed(job, gone, FILES_REMOVED, days)


def _directories(job: ImportJob) -> list[str]:
    written = RetryFile.objects.filter(job=job).order_by()
    return list(written.values_list("directory", flat=True).distinct())


def remove_directory(directory: str) -> int:
    """Delete a retry directory and forget it; how many files of records it had. Raises OSError."""
    written = RetryFile.objects.filter(directory=directory)
    names = [*written.values_list("name", flat=True)]
    for name in (*names, retry_directory.SUMMARY, retry_directory.INSTRUCTIONS):
        stored.delete(f"{directory}/{name}")
    if not stored.is_stored(directory):
        with suppress(OSError):  # it holds something of somebody else's
            Path(directory).rmdir()
    with transaction.atomic():
        written.delete()
        ImportJob.objects.filter(retry_directory=directory).update(retry_directory="")
    return len(names)


def _result_names(job: ImportJob, days: int) -> int:
    with transaction.atomic():
        named = ImportResult.objects.filter(batch=OuterRef("pk")).exclude(key="", email="")
        pks = _chunk(settled_batches(job).filter(Exists(named)))
        results = ImportResult.objects.filter(batch__in=pks).exclude(key="", email="")
        count = forget(results)
        if is_settled(job):
            count += forget(
                ImportResult.objects.filter(job=job, batch=None).exclude(key="", email="")
            )
        return removed(job, count, RESULTS_REMOVED, days)


def forget(results: QuerySet[ImportResult]) -> int:
    """Take away who these are of and what was said of them; status, code and counts stay."""
    AssignedId.objects.filter(result__in=results.order_by().values("pk")).delete()
    return results.update(key="", email="", error="", message=None, cause="", final_error=None)


def _answers(job: ImportJob, days: int) -> int:
    with transaction.atomic():
        answered = Attempt.objects.filter(batch=OuterRef("pk")).exclude(answer="")
        pks = _chunk(settled_batches(job).filter(Exists(answered)))
        attempts = Attempt.objects.filter(batch__in=pks).exclude(answer="")
        return removed(job, attempts.update(answer=""), ANSWERS_REMOVED, days)


def _events(job: ImportJob, days: int) -> int:
    """Old entries of the logs of settled families; those that count removals stay."""
    if not is_settled(job):
        return 0
    before = Now() - Value(timedelta(days=days))
    old = job.events.filter(at__lt=before).exclude(code=EventCode.REMOVED)
    pks = list(old.order_by("pk").values_list("pk", flat=True)[: 10 * BATCHES_AT_ONCE])
    with transaction.atomic():
        job.events.filter(pk__in=pks).delete()
        return removed(job, len(pks), EVENTS_REMOVED, days)
