"""What a retry is made of: the records that wait for one, and the new job they are copied into."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from imports import kinds
from imports.event_codes import EventCode
from imports.ledger import waves
from imports.ledger.moves import move, note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.models.jobs import Beginning
from imports.states import JobStatus, ResultStatus

GO_OUT = sentence("GO_OUT", gettext_noop("{n} records go out again in job {job}."))
RETRY_OF = sentence("RETRY_OF", gettext_noop("Retry of job {job}: {n} records."))
SETTINGS = (
    "kind", "gate_id", "api_id", "batch_size", "concurrency", "delay_seconds", "timeout_seconds",
    "max_attempts", "retry_delay_seconds", "repeatable",
)  # fmt: skip
RETRIED_ONCE = "result_retried_once"  # the constraint that makes two clicks one retry


def waiting(job: ImportJob, status: ResultStatus = ResultStatus.ERROR) -> QuerySet[ImportResult]:
    """The records of a job and its later rounds that stand at `status`, not taken on since."""
    return _of_family(job, status).exclude(Exists(_its_retry()))


def retried(job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
    """The records of a job and its later rounds that stood at `status` and were taken on since."""
    return _of_family(job, status).filter(Exists(_its_retry()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records of a job and its later rounds wait for a person."""

    failed: int
    unknown: int


def how_many_wait(job: ImportJob) -> Waiting:
    """As `waiting` counts them, but from the sums of batches: a million cost what a few do."""
    jobs = descendants(job)
    found = ImportBatch.objects.filter(job__in=jobs).aggregate(
        failed=Sum("error_count", default=0), unknown=Sum("unknown_count", default=0)
    )
    taken = dict(
        ImportResult.objects.filter(retry_of__job__in=jobs)
        .values_list("retry_of__status")
        .annotate(n=Count("pk"))
    )
    return Waiting(
        failed=found["failed"] - taken.get(ResultStatus.ERROR, 0),
        unknown=found["unknown"] - taken.get(ResultStatus.UNKNOWN, 0),
    )


def _its_retry() -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(retry_of=OuterRef("pk"))


def _of_family(job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
    return ImportResult.objects.filter(
        job_id__in=descendants(job), status=status, batch__isnull=False
    ).exclude(error_code="")


def descendants(job: ImportJob) -> set[int]:
    """The ids of the job and every retry of it, of those, and so on."""
    links = (
        ImportJob.objects.filter(root=job.first).order_by("pk").values_list("pk", "retry_of_id")
    )
    found = {job.pk}
    for pk, retry_of in links:
        if retry_of in found:
            found.add(pk)
    return found


def queue(new: ImportJob, actor: str) -> None:
    """Start a round that has its batches already."""
    move(new, JobStatus.QUEUED, started_at=Now())
    note(new, EventCode.STARTED, waves.intention(new), actor)


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
    out, into = GO_OUT.format(n=records, job=new.pk), RETRY_OF.format(n=records, job=job.pk)
    note(job, EventCode.RETRIED, out, actor, reason)
    note(new, EventCode.CREATED, into, actor, reason)


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
