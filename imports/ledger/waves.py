"""Waves: how many batches may leave before a person, or how they fared, lets more of them go.

A wave is made of batch numbers, so that a batch's later tries and its parts belong to its wave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, Sum

from imports import kinds
from imports.ledger.causes import with_sentence
from imports.models import ImportBatch, ImportResult
from imports.models.jobs import ONE_FIRST, RAMP_UP, Beginning
from imports.states import OPEN, BatchStatus, ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportJob

SIZES: dict[str, tuple[int, ...]] = {  # in batches; after the last of them all the rest goes
    Beginning.ALL: (),
    Beginning.ONE: (1,),
    Beginning.RAMP: (1, 5, 50),
}
INTENTIONS: dict[str, str] = {
    Beginning.ONE: ONE_FIRST,
    Beginning.RAMP: RAMP_UP,
}
FIRST_BATCH = "FIRST_BATCH"  # the one batch that she wanted to see went out
WAVE_FAILED = "WAVE_FAILED"  # nothing of a whole wave succeeded
STOPS = (FIRST_BATCH, WAVE_FAILED)


@dataclass(frozen=True, slots=True)
class Wave:
    """What one wave came to, in records. `cause` is the most frequent of its failures' sentences.

    `again`: each of its failures has a cause that the same records had failed with before.
    """

    asks: bool
    done_word: str
    number: int  # from 1
    batches: int
    records: int
    success: int
    error: int
    unknown: int
    cause: str
    again: bool

    @property
    def stops(self) -> bool:
        """Whether a person must look before more goes out."""
        return self.asks or not self.success

    @property
    def stop_code(self) -> str:
        return FIRST_BATCH if self.asks else WAVE_FAILED

    def sums(self) -> str:
        """ "240 of 250 imported, 10 failed" """
        parts = [f"{self.success:,} of {self.records:,} {self.done_word}"]
        if self.error:
            parts.append(f"{self.error:,} failed")
        if self.unknown:
            parts.append(f"{self.unknown:,} unknown")
        return ", ".join(parts)

    def told(self) -> str:
        """Why the job waits, for logs and the command line; pages say it in her language."""
        if self.asks:
            rest = f" {self.cause}" if self.cause else ""
            return f"The first batch went out: {self.sums()}.{rest} Look at it, then go on."
        what = "the first batch" if self.number == 1 else f"the last {_batches(self.batches)}"
        if self.again:
            how = f"{what.capitalize()} failed again with the same error"
        elif self.unknown:
            how = f"Nothing of {what} is known to have arrived"
        else:
            how = f"All of {what} failed"
        return f"{how}: {self.cause} Nothing more was sent."


def _batches(count: int) -> str:
    return f"{count:,} batch" if count == 1 else f"{count:,} batches"


def intention(job: ImportJob) -> str:
    """For the log: how the job begins, where that is not with all of it."""
    return INTENTIONS.get(job.beginning, "")


def next_of(job: ImportJob) -> dict[str, int | None]:
    """The fields of a job that let its next wave go: all the rest, where that is no more."""
    sizes = SIZES[job.beginning]
    if job.wave >= len(sizes):
        return {"wave": job.wave, "wave_limit": None}
    size = sizes[job.wave]
    numbers = list(_later(job)[: size + 1])
    return {"wave": job.wave + 1, "wave_limit": numbers[-2] if len(numbers) > size else None}


def sizes_of(job: ImportJob) -> tuple[int, int | None]:
    """How many batches are in the wave that is out, and in the next; None where it is the rest."""
    sizes = SIZES[job.beginning]
    following = sizes[job.wave] if job.wave < len(sizes) else None
    if following is not None and not _later(job)[following : following + 1]:
        following = None
    return sizes[job.wave - 1], following


def what_goes(job: ImportJob) -> str:
    """For the log: what may leave now."""
    if job.wave_limit is None:
        return "All the rest goes out."
    return f"The next wave goes out: {_batches(SIZES[job.beginning][job.wave - 1])}."


def _numbers(job: ImportJob) -> QuerySet[ImportBatch, int]:
    """The job's batches as the operator counts them: parts of one share its number."""
    return ImportBatch.objects.filter(job=job).values_list("number", flat=True).distinct()


def _later(job: ImportJob) -> QuerySet[ImportBatch, int]:
    """Those that wait for a later wave, in order."""
    return _numbers(job).filter(number__gt=job.wave_limit or 0).order_by("number")


def is_out(job: ImportJob) -> bool:
    """Whether anything of the wave is pending or in flight."""
    batches = ImportBatch.objects.filter(job=job, number__lte=job.wave_limit, status__in=OPEN)
    return batches.exists()


def last_of(job: ImportJob) -> Wave:
    """What the wave came to that went out last, of a job that still has more to send."""
    size = SIZES[job.beginning][job.wave - 1]
    before = _numbers(job).filter(number__lte=job.wave_limit).order_by("-number")
    numbers = list(before[:size])
    batches = ImportBatch.objects.filter(job=job, number__in=numbers)
    found = batches.exclude(status=BatchStatus.SPLIT).aggregate(
        records=Sum("size", default=0),
        success=Sum("success_count", default=0),
        error=Sum("error_count", default=0),
        unknown=Sum("unknown_count", default=0),
    )
    cause, again = _why(batches)
    return Wave(
        asks=job.beginning == Beginning.ONE,
        done_word=kinds.get(job.kind).record_done,
        number=job.wave,
        batches=len(numbers),
        cause=cause,
        again=again,
        **found,
    )


def _why(batches: QuerySet[ImportBatch]) -> tuple[str, bool]:
    """The sentence that tells most of the failures, and whether all of them are old ones."""
    trouble = Q(status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN]) & ~Q(error_code="")
    here = ImportResult.objects.filter(trouble, batch__in=batches)
    told = list(
        with_sentence(here)
        .values_list("error_code", "sentence")
        .annotate(n=Count("pk"))
        .order_by("-n", "error_code", "sentence")
    )
    if not told:
        return "", False
    earlier = with_sentence(ImportResult.objects.filter(retries__in=here))
    before = set(earlier.values_list("error_code", "sentence").distinct().order_by())
    return told[0][1], all((code, sentence) in before for code, sentence, _n in told)
