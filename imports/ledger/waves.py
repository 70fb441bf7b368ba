"""Waves: how many batches may leave before a person, or how they fared, lets more of them go.

A wave is made of batch numbers, so that a batch's later tries and its parts belong to its wave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q, Sum

from imports import kinds
from imports.messages import Message, Text, in_general, sentence
from imports.messages import marked as _
from imports.models import ImportBatch, ImportResult
from imports.models.jobs import Beginning
from imports.states import OPEN, BatchStatus, ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportJob

SIZES: dict[str, tuple[int, ...]] = {  # in batches; after the last of them all the rest goes
    Beginning.ALL: (),
    Beginning.ONE: (1,),
    Beginning.RAMP: (1, 5, 50),
}
INTENTIONS: dict[str, Message] = {
    Beginning.ONE: sentence("ONE_FIRST", _("One batch, then ask me")),
    Beginning.RAMP: sentence("RAMP_UP", _("Ramp up: 1, 5, 50, then all")),
}
DONE = {
    "imported": sentence("WAVE_IMPORTED", _("{n} of {total} imported")),
    "downloaded": sentence("WAVE_DOWNLOADED", _("{n} of {total} downloaded")),
}
SOME_FAILED = sentence("WAVE_SOME_FAILED", _("{n} failed"))
SOME_UNKNOWN = sentence("WAVE_SOME_UNKNOWN", _("{n} unknown"))
CAME_TO = sentence("WAVE_CAME_TO", _("{parts}."))
WENT_OUT = sentence("FIRST_BATCH_WENT_OUT", _("The first batch went out: {parts}."))
LOOK_AT_IT = sentence("LOOK_AT_IT", _("Look at it, then go on."))
FAILED_AGAIN = sentence(
    "WAVE_FAILED_AGAIN",
    _(
        "The last {batches} batches failed again with the same error: {cause} Nothing more was "
        "sent."
    ),
)
FIRST_FAILED_AGAIN = sentence(
    "FIRST_FAILED_AGAIN",
    _("The first batch failed again with the same error: {cause} Nothing more was sent."),
)
NONE_ARRIVED = sentence(
    "WAVE_NONE_ARRIVED",
    _(
        "Nothing of the last {batches} batches is known to have arrived: {cause} Nothing more was "
        "sent."
    ),
)
FIRST_NOT_ARRIVED = sentence(
    "FIRST_NOT_ARRIVED",
    _("Nothing of the first batch is known to have arrived: {cause} Nothing more was sent."),
)
ALL_FAILED = sentence(
    "WAVE_ALL_FAILED",
    _("All of the last {batches} batches failed: {cause} Nothing more was sent."),
)
FIRST_FAILED = sentence(
    "FIRST_FAILED", _("All of the first batch failed: {cause} Nothing more was sent.")
)
THE_REST_GOES = sentence("THE_REST_GOES", _("All the rest goes out."))
ONE_GOES = sentence("NEXT_WAVE_OF_ONE", _("The next wave goes out: 1 batch."))
NEXT_GOES = sentence("NEXT_WAVE", _("The next wave goes out: {batches} batches."))
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
    cause: Text
    again: bool

    @property
    def stops(self) -> bool:
        """Whether a person must look before more goes out."""
        return self.asks or not self.success

    @property
    def stop_code(self) -> str:
        return FIRST_BATCH if self.asks else WAVE_FAILED

    def sums(self) -> Message:
        """ "240 of 250 imported, 10 failed." """
        return CAME_TO.format(parts=self._parts())

    def _parts(self) -> tuple[Message, ...]:
        parts = [DONE[self.done_word].format(n=self.success, total=self.records)]
        if self.error:
            parts.append(SOME_FAILED.format(n=self.error))
        if self.unknown:
            parts.append(SOME_UNKNOWN.format(n=self.unknown))
        return tuple(parts)

    def told(self) -> Message:
        """Why the job waits."""
        if self.asks:
            return WENT_OUT.format(parts=self._parts()) + self.cause + LOOK_AT_IT
        is_first = self.number == 1
        if self.again:
            how = FIRST_FAILED_AGAIN if is_first else FAILED_AGAIN
        elif self.unknown:
            how = FIRST_NOT_ARRIVED if is_first else NONE_ARRIVED
        else:
            how = FIRST_FAILED if is_first else ALL_FAILED
        return how.format(batches=self.batches, cause=self.cause)


def intention(job: ImportJob) -> Message | None:
    """For the log: how the job begins, where that is not with all of it."""
    return INTENTIONS.get(job.beginning)


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


def what_goes(job: ImportJob) -> Message:
    """For the log: what may leave now."""
    if job.wave_limit is None:
        return THE_REST_GOES
    size = SIZES[job.beginning][job.wave - 1]
    return ONE_GOES if size == 1 else NEXT_GOES.format(batches=size)


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


def _why(batches: QuerySet[ImportBatch]) -> tuple[Text, bool]:
    """The message that tells most of the failures, and whether all of them are old ones."""
    trouble = Q(status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN]) & ~Q(error_code="")
    here = ImportResult.objects.filter(trouble, batch__in=batches)
    causes = list(
        here.values_list("error_code", "cause")
        .annotate(n=Count("pk"), example=Min("pk"))
        .order_by("-n", "error_code", "cause")
    )
    if not causes:
        return "", False
    earlier = ImportResult.objects.filter(retries__in=here)
    before = set(earlier.values_list("error_code", "cause").distinct().order_by())
    message = ImportResult.objects.values_list("message", flat=True).get(pk=causes[0][3])
    return in_general(message or ""), all((code, cause) in before for code, cause, *_n in causes)
