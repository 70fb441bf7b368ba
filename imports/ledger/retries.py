"""A retry: a new job of just the failed records, byte for byte or in a corrected version."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Now

from imports import job_types
from imports.ledger import lifecycle
from imports.ledger.batches import Intake
from imports.ledger.lifecycle import NotAllowed, lock, move, note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.models.jobs import Rollout
from imports.outside_text import printable
from imports.states import EventCode, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from imports.ledger.batches import NewRecord
    from imports.messages import Message

GO_OUT = sentence(
    "GO_OUT",
    gettext_noop("{n} records are sent again in job {job}."),
    one=gettext_noop("{n} record is sent again in job {job}."),
)
RETRY_OF = sentence(
    "RETRY_OF",
    gettext_noop("Retry of job {job}: {n} records."),
    one=gettext_noop("Retry of job {job}: {n} record."),
)
SETTINGS = (
    "kind", "rate_limit_id", "api_id", "batch_size", "concurrency", "delay_seconds",
    "timeout_seconds",
    "max_attempts", "retry_delay_seconds", "repeatable",
)  # fmt: skip
RETRIED_ONCE = "result_retried_once"  # the constraint that makes two clicks one retry


def waiting(job: ImportJob, status: ResultStatus = ResultStatus.ERROR) -> QuerySet[ImportResult]:
    """The records of a job and its later retries that have `status` and no later retry took on."""
    return _of_family(job, status).exclude(Exists(_its_retry()))


def retried(job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
    """The records of a job and its later retries that had `status` and a later retry took on."""
    return _of_family(job, status).filter(Exists(_its_retry()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The numbers of records of a job and its later retries that wait for a person."""

    failed: int
    unknown: int
    # The id of the first of these jobs that has failed ones; 0 for none.
    failed_in: int = field(default=0, compare=False)


def how_many_wait(job: ImportJob) -> Waiting:
    """What `waiting` counts, from the batches' counts: fast for a million records."""
    jobs = descendants(job)
    batches = ImportBatch.objects.filter(job__in=jobs).values_list("job")
    of_retries = ImportResult.objects.filter(retry_of__job__in=jobs)
    by_status = of_retries.values_list("retry_of__job", "retry_of__status")
    taken = {(pk, status): n for pk, status, n in by_status.annotate(n=Count("pk"))}
    failed, unknown = Counter[int](), 0
    for pk, errors, unknowns in batches.annotate(Sum("error_count"), Sum("unknown_count")):
        failed[pk] = errors - taken.get((pk, ResultStatus.ERROR), 0)
        unknown += unknowns - taken.get((pk, ResultStatus.UNKNOWN), 0)
    first = min((pk for pk, count in failed.items() if count > 0), default=0)
    return Waiting(failed.total(), unknown, first)


def _its_retry() -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(retry_of=OuterRef("pk"))


def _of_family(job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(
        job_id__in=descendants(job), status=status, batch__isnull=False
    ).exclude(error_code="")


def descendants(job: ImportJob) -> set[int]:
    """The ids of the job, its retries, their retries, and so on."""
    links = (
        ImportJob.objects.filter(root=job.first).order_by("pk").values_list("pk", "retry_of_id")
    )
    found = {job.pk}
    for pk, retry_of in links:
        if retry_of in found:
            found.add(pk)
    return found


def queue(new: ImportJob, actor: str) -> None:
    """Start a retry that has its batches."""
    move(new, JobStatus.QUEUED, started_at=Now())
    note(new, EventCode.STARTED, lifecycle.intention(new), actor)


def needs_person(job: ImportJob) -> Q:
    """The records about which a person must act, somewhere else, before another try."""
    return Q(error_code__in=job_types.get(job.kind).needs_person)


def without_the_hopeless(
    job: ImportJob, chosen: QuerySet[ImportResult]
) -> tuple[QuerySet[ImportResult], int]:
    """The records that their job type would retry, and how many it leaves out."""
    sensible = job_types.get(job.kind).retryable(job)
    if sensible is None:
        return chosen, 0
    kept = chosen.filter(pk__in=sensible)
    return kept, chosen.count() - kept.count()


def note_both(job: ImportJob, new: ImportJob, records: int, reason: str, actor: str) -> None:
    """Link the logs of the retried job and its retry to each other."""
    out, into = GO_OUT.format(n=records, job=new.pk), RETRY_OF.format(n=records, job=job.pk)
    note(job, EventCode.RETRIED, out, actor, reason)
    note(new, EventCode.CREATED, into, actor, reason)


WOULD_FAIL_AGAIN = sentence(
    "WOULD_FAIL_AGAIN",
    gettext_noop(
        "The {n} that failed would fail again, because nothing was corrected. Correct them "
        "first, or send them anyway."
    ),
    one=gettext_noop(
        "The one that failed would fail again, because nothing was corrected. Correct it first, "
        "or send it anyway."
    ),
)
ALL_RETRIED = sentence(
    "ALL_RETRIED",
    gettext_noop(
        "All {n} records are already being retried, or have been. See the later retries."
    ),
    one=gettext_noop("It is already being retried, or has been. See the later retries."),
)
SENT_NOTHING = sentence("SENT_NOTHING", gettext_noop("This job has sent nothing yet."))
NONE_FAILED = sentence("NONE_FAILED", gettext_noop("No failed records are left to retry."))
NO_REASON = sentence("NO_REASON", gettext_noop("Give a reason: it is kept with the records."))
NOTHING_CHANGED = sentence(
    "NOTHING_CHANGED", gettext_noop("There is nothing to send: no record was changed.")
)
OVERTAKEN = sentence(
    "OVERTAKEN",
    gettext_noop(
        "Somebody else was faster: these records have been sent again, or resolved, in the "
        "meantime."
    ),
)


def nothing_left(job: ImportJob, skipped: int, left_out: int) -> Message:
    """Why there is nothing to retry, and what is possible instead."""
    if left_out:
        return WOULD_FAIL_AGAIN.format(n=left_out)
    if skipped:
        return ALL_RETRIED.format(n=skipped)
    if not job.batches.exists():
        return SENT_NOTHING
    return NONE_FAILED


NOT_A_FIRST_JOB = sentence(
    "ONLY_FIRST_JOBS_ARE_DUPLICATED",
    gettext_noop("A retry cannot be duplicated. Duplicate the first job instead."),
)
DUPLICATED_AS = sentence("DUPLICATED_AS", gettext_noop("As job {job}, a draft."))
RENAMED = sentence("RENAMED", gettext_noop("From “{old}” to “{new}”."))
NO_NAME = sentence("JOB_WITHOUT_NAME", gettext_noop("Give the job a name."))


def retry_name(first: str, number: int) -> str:
    """What a retry is called that nobody has named."""
    return f"{first} · retry {number}"[:200]


def rename(job: ImportJob, name: str, actor: str) -> None:
    """Give the job another name, and its retries that are called after it.

    Raises NotAllowed for a name that says nothing.
    """
    new = printable(name).strip()[:200]
    if not new:
        raise NotAllowed(NO_NAME)
    with transaction.atomic():
        lock(job)
        job.refresh_from_db(fields=["name"])
        if job.name == new:
            return
        note(job, EventCode.RENAMED, RENAMED.format(old=job.name, new=new), actor)
        for retry in ImportJob.objects.filter(root=job):
            if retry.name == retry_name(job.name, retry.retry_number):
                named = retry_name(new, retry.retry_number)
                ImportJob.objects.filter(pk=retry.pk).update(name=named)
        ImportJob.objects.filter(pk=job.pk).update(name=new)
    job.name = new


def new_retry(
    job: ImportJob, reason: str, *, force: bool, rollout: str = Rollout.ALL,
    batch_size: int | None = None,
) -> ImportJob:  # fmt: skip
    """An empty draft of the next retry, with the job's settings; `batch_size` is a smaller one."""
    first = job.first
    number = ImportJob.objects.filter(root=first).count() + 1
    smaller = {"batch_size": min(batch_size, job.batch_size)} if batch_size else {}
    new = ImportJob.objects.create(
        name=retry_name(first.name, number),
        retry_of=job,
        root=first,
        retry_number=number,
        reason=reason,
        force=force,
        rollout=rollout,
        created_by=None,
        **{name: getattr(job, name) for name in SETTINGS} | smaller,
    )
    job_types.get(new.kind).prepare_retry(new)
    return new


OUT = sentence(
    "OUT",
    gettext_noop("{n} corrected records are sent in job {job}."),
    one=gettext_noop("{n} corrected record is sent in job {job}."),
)
INTO = sentence(
    "INTO",
    gettext_noop("{n} records of job {job}."),
    one=gettext_noop("{n} record of job {job}."),
)
FAILED = Q(status=ResultStatus.ERROR)
NEVER_SENT = Q(status=ResultStatus.EXCLUDED, batch__isnull=True)
FORCED = Q(status__in=[ResultStatus.SUCCESS, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED])


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to create. The `retry_of` of each record names the result it corrects.

    `frame` is the body, and how many of its bytes stand before and after the records.
    """

    number: int
    part: int
    frame: tuple[bytes, int, int]
    records: tuple[NewRecord, ...]
    file_id: int | None


class Overtaken(NotAllowed):
    """Somebody else was first: some of these records are already sent or decided about."""

    def __init__(self, ids: Collection[int]) -> None:
        super().__init__(OVERTAKEN)
        self.ids = ids


def correctable(results: QuerySet[ImportResult], *, force: bool = False) -> QuerySet[ImportResult]:
    """The records that a new version may replace: failed or never sent, and not retried since.

    `force` adds those that were imported, may have been, or were left out by hand.
    """
    which = FAILED | NEVER_SENT | FORCED if force else FAILED | NEVER_SENT
    taken = ImportResult.objects.filter(retry_of=OuterRef("pk"))
    return results.filter(which).exclude(Exists(taken))


def resubmit(
    job: ImportJob,
    new_batches: Iterable[NewBatch],
    *,
    reason: str,
    actor: str,
    force: bool = False,
) -> ImportJob:
    """Send new versions of records of `job` and its retries; the new job, started.

    All of them or none: raises Overtaken where one is not correctable (any more), NotAllowed
    without a reason or without records.
    """
    if not reason.strip():
        raise NotAllowed(NO_REASON)
    try:
        with transaction.atomic():
            lock(job.first)  # no retry and no decision comes in between
            new = new_retry(job, reason, force=force)
            count = _fill(new, new_batches, force=force)
            if not count:
                raise NotAllowed(NOTHING_CHANGED)
            out, into = OUT.format(n=count, job=new.pk), INTO.format(n=count, job=job.pk)
            note(job, EventCode.RETRIED, out, actor, reason)
            note(new, EventCode.CORRECTED, into, actor, reason)
            queue(new, actor)
    except IntegrityError as error:  # a retry file of theirs was read at this very moment
        if RETRIED_ONCE not in str(error):
            raise
        raise Overtaken([]) from None
    return new


def _fill(new: ImportJob, new_batches: Iterable[NewBatch], *, force: bool) -> int:
    """Write the new batches, comparing them with the old records; the number of records."""
    intake, count = Intake(new), 0
    for new_batch in new_batches:
        ids = {
            each.retry_of or 0 for each in new_batch.records
        }  # each corrects one, or it is refused
        mine = ImportResult.objects.filter(pk__in=ids)
        free = set(correctable(mine, force=force).values_list("pk", flat=True))
        if ids - free:
            raise Overtaken(ids - free)
        intake.add_batch(
            new_batch.number, new_batch.part, new_batch.frame, new_batch.records, new_batch.file_id
        )
        count += len(new_batch.records)
    intake.finish()
    return count
