"""A retry: a new job of just the failed records, in their original batches, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from imports import kinds
from imports.ledger import waves
from imports.ledger.bodies import Frame, excerpt
from imports.ledger.moves import NotAllowed, lock, move, note
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.models.jobs import Beginning
from imports.states import JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = (
    "kind", "gate_id", "api_id", "batch_size", "concurrency", "delay_seconds", "timeout_seconds",
    "max_attempts", "retry_delay_seconds", "repeatable",
)  # fmt: skip
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Retry:
    """What a retry made: its job, how many records it took, and how many were taken already.

    `left_out` failed in a way that their kind tries again only if a person insists.
    """

    job: ImportJob
    records: int
    skipped: int
    left_out: int = 0


@dataclass(slots=True)
class _NewBatch:
    """One batch of the retry while it is put together from one or more old ones."""

    number: int
    frames: list[Frame] = field(default_factory=list)
    results: list[ImportResult] = field(default_factory=list)
    key: str = ""


def waiting(job: ImportJob, status: ResultStatus = ResultStatus.ERROR) -> QuerySet[ImportResult]:
    """The records of a job and its later rounds that stand at `status`, not taken on since."""
    return _of_family(job, status).exclude(Exists(_its_retry()))


def _its_retry() -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(retry_of=OuterRef("pk"))


def _of_family(job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(
        job_id__in=_descendants(job), status=status, batch__isnull=False
    ).exclude(error_code="")


def _descendants(job: ImportJob) -> set[int]:
    """The job and every retry of it, of those, and so on."""
    links = (
        ImportJob.objects.filter(root=job.first).order_by("pk").values_list("pk", "retry_of_id")
    )
    found = {job.pk}
    for pk, retry_of in links:
        if retry_of in found:
            found.add(pk)
    return found


def retry(
    job: ImportJob,
    *,
    only: QuerySet[ImportResult] | None = None,
    status: ResultStatus = ResultStatus.ERROR,
    reason: str = "",
    actor: str = "",
    start: bool = True,
    insists: bool = False,
    beginning: str = Beginning.ALL,
) -> Retry:
    """Make a job of the failed (or, with a reason, the unknown) records of `job` and its rounds.

    `only` narrows it down to some of them; `insists` takes those too that their kind leaves out;
    `beginning` says how much of it goes out at first.
    Two calls at once make one job: the second finds the records taken. Raises NotAllowed when no
    record is left to retry.
    """
    if status == ResultStatus.UNKNOWN and not reason.strip():
        raise NotAllowed(
            _("Say why these records may be sent again: they may have arrived already.")
        )
    with transaction.atomic():
        lock(job.first)
        chosen = waiting(job, status)
        family = _of_family(job, status)
        if only is not None:
            chosen, family = chosen.filter(pk__in=only), family.filter(pk__in=only)
        skipped = family.filter(Exists(_its_retry())).count()
        chosen, left_out = (chosen, 0) if insists else without_the_hopeless(job, chosen)
        new = new_round(job, reason, insists=insists, beginning=beginning)
        records = copy(new, chosen, keep_keys=status == ResultStatus.UNKNOWN)
        if not records:
            raise NotAllowed(nothing_left(job, skipped, left_out))
        kinds.get(new.kind).copy_records(new)
        note_both(job, new, records, reason, actor)
        if start:
            queue(new, actor)
    return Retry(new, records, skipped, left_out)


def queue(new: ImportJob, actor: str) -> None:
    """Start a round that has its batches already."""
    move(new, JobStatus.QUEUED, started_at=Now())
    note(new, "started", waves.intention(new), actor)


def without_the_hopeless(
    job: ImportJob, chosen: QuerySet[ImportResult]
) -> tuple[QuerySet[ImportResult], int]:
    """Those that their kind would retry, and how many it leaves out."""
    sensible = kinds.get(job.kind).retryable(job)
    if sensible is None:
        return chosen, 0
    kept = chosen.filter(pk__in=sensible)
    return kept, chosen.count() - kept.count()


def note_both(job: ImportJob, new: ImportJob, records: int, reason: str, actor: str) -> None:
    """Let the logs of the retried job and of its retry tell of each other."""
    out = f"{records} records go out again in job {new.pk}. {reason}"
    note(job, "retried", out.strip(), actor)
    note(new, "created", f"Retry of job {job.pk}: {records} records. {reason}".strip(), actor)


def nothing_left(job: ImportJob, skipped: int, left_out: int) -> str:
    """Why there is nothing to retry, and what is."""
    if left_out:
        return _(
            "The %(n)s that failed would fail again: nothing was corrected since. Correct "
            "them first, or insist."
        ) % {"n": left_out}
    if skipped:
        return _(
            "All %(n)s records are being retried already, or have been. See the later rounds."
        ) % {"n": skipped}
    if not job.batches.exists():
        return _("This job has sent nothing yet.")
    return _("No failed records are left to retry.")


def new_round(
    job: ImportJob, reason: str, *, insists: bool, beginning: str = Beginning.ALL
) -> ImportJob:
    """A draft of the next round, with the job's settings and nothing in it."""
    first = job.first
    rounds = ImportJob.objects.filter(root=first).count() + 2
    new = ImportJob.objects.create(
        name=f"{first.name} · round {rounds}"[:200],
        retry_of=job,
        root=first,
        round=rounds,
        reason=reason,
        insists=insists,
        beginning=beginning,
        created_by=None,
        **{name: getattr(job, name) for name in SETTINGS},
    )
    kinds.get(new.kind).prepare_retry(new)
    return new


def copy(new: ImportJob, chosen: QuerySet[ImportResult], *, keep_keys: bool) -> int:
    """Copy results and bytes, batch by batch, holding one batch in memory at a time."""
    ordered = chosen.order_by("batch__number", "batch__part", "batch_id", "body_start", "pk")
    rows = ordered.select_related("batch").defer("batch__body").iterator(chunk_size=ROWS_AT_ONCE)
    count = 0
    for number, group in groupby(rows, key=lambda row: row.batch.number if row.batch else 0):
        for part, made in enumerate(_gather(number, group, new.batch_size, keep_keys=keep_keys)):
            count += _copy_batch(new, part, made)
    return count


def _gather(
    number: int, rows: Iterator[ImportResult], most: int, *, keep_keys: bool
) -> Iterator[_NewBatch]:
    """The records of one number, in one batch as far as they fit.

    They may not: retry files that were loaded are numbered anew, so rounds can share a number.
    """
    gathered = _NewBatch(number)
    for _batch_id, group in groupby(rows, key=lambda row: row.batch_id):
        results = list(group)
        old = results[0].batch
        assert old is not None  # noqa: S101 - `waiting` leaves out what has no batch
        if gathered.results and len(gathered.results) + len(results) > most:
            yield gathered
            gathered = _NewBatch(number)
        whole = keep_keys and len(results) == old.size
        gathered.key = old.idempotency_key if whole and not gathered.results else ""
        gathered.frames.append(excerpt(old, results))
        gathered.results += results
    yield gathered


def _copy_batch(new: ImportJob, part: int, made: _NewBatch) -> int:
    first = made.frames[0]
    frame = Frame(first.head, tuple(r for each in made.frames for r in each.records), first.tail)
    fields = frame.fields()
    if (
        made.key
    ):  # the same bytes, not known to have failed: the same key protects from doing it twice
        fields["idempotency_key"] = made.key
    batch = ImportBatch.objects.create(
        job=new, number=made.number, part=part, size=len(made.results), **fields
    )
    ImportResult.objects.bulk_create(
        (
            ImportResult(
                job=new, batch=batch, file_id=old.file_id, position=old.position, key=old.key,
                email=old.email, body_start=start, body_length=length, retry_of=old,
            )
            for old, (start, length) in zip(made.results, frame.places, strict=True)
        ),
        batch_size=ROWS_AT_ONCE,
    )  # fmt: skip
    return len(made.results)
