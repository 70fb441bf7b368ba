"""How long things are kept, and the erasure of one person's data.

What is older than the settings say is removed in small steps, never of an unresolved failure: a
batch is settled if every record in it succeeded or was excluded, or if nothing in the whole family
of jobs (the first job and its retries) waits for a person any more.

A person is found by id or e-mail wherever the ledger names one, and what may be erased is erased.
What is under way, and what failed and waits for a person, stays until it is decided: the answer
says so. Statuses, codes and counts stay, so that every number stays true.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast, Now

from imports import job_types, retry_directory
from imports.job_types import Trace
from imports.ledger import batches
from imports.ledger.left_out import KNOWN_ELSEWHERE
from imports.ledger.lifecycle import note
from imports.messages import Message, sentence, to_json
from imports.messages import marked as _
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
from imports.sealing import files, keys
from imports.states import ENDED_JOBS, OPEN, EventCode, ResultStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from django.db.models import Model, QuerySet


logger = logging.getLogger(__name__)
BATCHES_AT_ONCE = 200
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
    return jobs.select_related("root").order_by("pk").iterator(chunk_size=20)


def is_settled(job: ImportJob) -> bool:
    """Whether no record of the job's whole family waits for a person, or is under way."""
    first = job.first
    family = ImportJob.objects.filter(Q(pk=first.pk) | Q(root=first))
    if family.exclude(status__in=ENDED_JOBS, closed_at__isnull=False).exists():
        return False
    return not retry_directory.is_needed(first)


def settled_batches(job: ImportJob) -> QuerySet[ImportBatch]:
    """The job's batches, except, while its family is not settled, those with a record that failed,
    is unknown or is pending.
    """
    batches = ImportBatch.objects.filter(job=job)
    if is_settled(job):
        return batches
    trouble = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.PENDING)
    unresolved = ImportResult.objects.filter(batch=OuterRef("pk"), status__in=trouble)
    return batches.exclude(Exists(unresolved))


def removed(job: ImportJob, count: int, what: Message, days: int) -> int:
    """Count what was removed in the job's log; the same number."""
    if count:
        message = what.format(n=count, days=days)
        note(job, EventCode.REMOVED, message)
        logger.info("job %s: %s %s", job.pk, EventCode.REMOVED, message)
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
    """Erase a settled job's key once the database and the storage hold nothing that it sealed.

    Without the key, nobody can read the copies that back-ups of the disk still hold.
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


UNRESOLVED, UNDER_WAY = "UNRESOLVED", "UNDER_WAY"  # why something stays
NOT_OURS, MENTIONED = "NOT_OURS", "MENTIONED"
ERASED = "[erased]"
SHORTEST_TERM = 5  # characters of an id that texts are searched for; a shorter one names too many
# Where a text of ours may quote a person: {model: its fields}. A test names every other field.
TEXTS: dict[str, tuple[str, ...]] = {
    "Attempt": ("answer", "error", "message", "details"),
    "BulkAction": ("reason", "imported_later", "trouble"),
    "DryRun": ("trouble", "forecast"),
    "ImportBatch": ("error", "message"),
    "ImportFile": ("message", "warnings", "refusals", "known_before"),
    "ImportJob": ("name", "reason", "pause_message", "failing"),
    "ImportResult": ("error", "message", "final_error", "cause"),
    "JobEvent": ("message", "reason"),
    "Notification": ("message",),
    "NotificationDelivery": ("error",),
    "RateLimit": ("paused_reason",),
    "WatchedFile": ("message",),
    "WatchedFolder": ("trouble",),
}
ONE_ERASED = sentence("PERSON_ERASED", _("{n} records of one person."))


def of_person(person: str) -> Q:
    """Whose records these are: by id, e-mail or the API's own id, in any case."""
    return Q(key__iexact=person) | Q(email__iexact=person) | Q(assigned__value__iexact=person)


def unresolved(results: QuerySet[ImportResult]) -> QuerySet[ImportResult]:
    """Those that failed, are unknown or could not be sent, and that no retry took on."""
    retried = Exists(ImportResult.objects.filter(retry_of=OuterRef("pk")))
    bad = Q(status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN])
    left_out = Q(status=ResultStatus.EXCLUDED, batch=None) & ~Q(error_code__in=KNOWN_ELSEWHERE)
    return results.filter((bad | left_out) & ~retried)


def find(person: str) -> list[Trace]:
    """What is kept of a person, and what would stay. Nothing is changed."""
    return _go_through(person, look_only=True)


def erase(person: str, actor: str = "") -> list[Trace]:
    """Erase what may be erased; what was erased, and what stays and why. Raises OSError."""
    return _go_through(person, actor, look_only=False)


def _go_through(person: str, actor: str = "", *, look_only: bool) -> list[Trace]:
    person = person.strip()
    if not person:
        raise ValueError("whose data?")
    results = ImportResult.objects.filter(of_person(person))
    pending = results.filter(Q(status=ResultStatus.PENDING) | Q(batch__status__in=OPEN))
    kept = unresolved(results).exclude(pk__in=pending.values("pk"))
    stays = {*pending.values_list("pk", flat=True), *kept.values_list("pk", flat=True)}
    sent_in = set(results.values_list("batch_id", flat=True))
    traces = [*_count(pending, UNDER_WAY), *_count(kept, UNRESOLVED)]
    for kind in job_types.every():
        traces += kind.erase(person, look_only=look_only)
    free = results.exclude(pk__in=stays)
    traces += _count(free, "")
    ids = list(free.values_list("pk", flat=True))
    traces += _files_of_person(ids, look_only=look_only)
    if not look_only:
        _erase_results(ids, actor)
    return [*traces, *_texts(person, stays, sent_in, look_only=look_only)]


def _count(results: QuerySet[ImportResult], why: str) -> list[Trace]:
    counts: dict[int, int] = {}
    for job in results.values_list("job_id", flat=True):
        counts[job] = counts.get(job, 0) + 1
    return [Trace("results", n, f"job {job}", why) for job, n in sorted(counts.items())]


def _erase_results(ids: Collection[int], actor: str) -> None:
    """Bytes, names and what was said of these results; one transaction for each job."""
    rows = ImportResult.objects.filter(pk__in=ids).order_by("job_id", "pk")
    by_job: dict[int, list[ImportResult]] = {}
    for row in rows.defer("refused_record"):
        by_job.setdefault(row.job_id, []).append(row)
    for job_id, some in by_job.items():
        with transaction.atomic():
            for row in some:
                if row.batch_id is not None and row.body_length:
                    batches.blank(row.batch_id, row.body_start, row.body_length)
            chosen = ImportResult.objects.filter(pk__in=[row.pk for row in some])
            chosen.update(refused_record=None)
            CorrectedRow.objects.filter(result__in=chosen).delete()
            forget(chosen)
            job = ImportJob.objects.get(pk=job_id)
            note(job, EventCode.ERASED, ONE_ERASED.format(n=len(some)), actor)


def _files_of_person(ids: Collection[int], *, look_only: bool) -> list[Trace]:
    """Uploads and retry directories that hold these records; an operator's own are only named."""
    inputs = ImportFile.objects.filter(importresult__in=ids).exclude(path="").distinct()
    traces = [
        Trace("uploads" if file.is_ours else "files", 1, stored.shown(file.path),
              "" if file.is_ours else NOT_OURS)
        for file in inputs
    ]  # fmt: skip
    written = RetryFile.objects.filter(result_ids__overlap=list(ids)).order_by()
    directories = list(written.values_list("directory", flat=True).distinct())
    traces += [Trace("retry_directories", 1, stored.shown(each)) for each in directories]
    if not look_only:
        for file in inputs.filter(is_ours=True):
            for where in file.pieces:
                stored.delete(where)
            ImportFile.objects.filter(pk=file.pk).update(path="")
        for directory in directories:
            replace_directory(directory)
    return traces


def replace_directory(directory: str) -> None:
    """Delete a retry directory; a worker writes what still waits into a new one."""
    jobs = list(ImportJob.objects.filter(retry_directory=directory))
    remove_directory(directory)
    for job in jobs:
        if job.closed_at is not None and retry_directory.is_needed(job):
            ImportJob.objects.filter(pk=job.pk).update(retry_files_due_at=Now())


def _texts(
    person: str, stays: Collection[int], sent_in: Collection[int | None], *, look_only: bool
) -> list[Trace]:
    """Our own texts that quote the person, such as an API's answer to her batches."""
    if len(person) < SHORTEST_TERM:
        return []
    pattern = re.compile(rf"(?<![\w.+-]){re.escape(person)}(?![\w-])", re.IGNORECASE)
    found = []
    for name, fields in TEXTS.items():
        model = apps.get_model("imports", name)
        count = sum(
            _scrub(row, fields, pattern, look_only=look_only)
            for row in _quoting(model, fields, person)
            if not (name == "ImportResult" and row.pk in stays)
        )
        if name == "Attempt":
            count += _scrub_sealed(sent_in, pattern, look_only=look_only)
        if count:
            found.append(Trace(f"texts of {name}", count))
    return found


def _quoting(model: type[Model], fields: Iterable[str], person: str) -> Iterable[Model]:
    quoting = Q()
    casts = {f"{name}_text": Cast(name, TextField()) for name in fields}
    for name in casts:
        quoting |= Q(**{f"{name}__icontains": person})
    rows = model._default_manager.annotate(**casts).filter(quoting)
    more = ["sealed_with"] if "answer" in fields else []
    found: Iterable[Model] = rows.only("pk", *fields, *more).iterator()
    return found


def _scrub(row: Any, fields: Iterable[str], pattern: re.Pattern[str], *, look_only: bool) -> bool:
    """Replace the person in the row's texts; whether one of them names her."""
    changed = {}
    for name in fields:
        if name == "answer" and row.sealed_with is not None:
            continue  # base64, which `_scrub_sealed` opens
        value = getattr(row, name)
        plain = to_json(value) if isinstance(value, Message) else value
        new = _without(plain, pattern)
        if new != plain:
            changed[name] = new
    if changed and not look_only:
        type(row)._default_manager.filter(pk=row.pk).update(**changed)
    return bool(changed)


def _scrub_sealed(
    sent_in: Collection[int | None], pattern: re.Pattern[str], *, look_only: bool
) -> int:
    """The same for answers that are sealed: no query can search them, so each is opened."""
    count, ring = 0, keys.Ring()
    attempts = Attempt.objects.filter(batch__in=sent_in, sealed_with__isnull=False)
    for row in attempts.exclude(answer=""):
        about = keys.of_answer(row.batch_id)
        said = keys.plain_text(row.answer, row.sealed_with, about, ring)
        new = _without(said, pattern)
        if new != said:
            count += 1
            if not look_only:
                kept = keys.sealed_text(ring[row.sealed_with or 0], new, about)
                # A value: base64 may be longer than a text from outside.
                Attempt.objects.filter(pk=row.pk).update(answer=Value(kept))
    return count


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, dict):
        return {_without(key, pattern): _without(each, pattern) for key, each in value.items()}
    return [_without(each, pattern) for each in value] if isinstance(value, list) else value
