"""A new version of failed records: corrected bytes go out in a round of their own.

The version that failed stays as it was, bytes and key, and in the record's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from imports.event_codes import EventCode
from imports.ledger.intake import Intake
from imports.ledger.moves import NotAllowed, lock, note
from imports.ledger.rounds import RETRIED_ONCE, new_round, queue
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.db.models import QuerySet

    from imports.ledger.intake import NewRecord
    from imports.models import ImportJob

OUT = sentence("OUT", gettext_noop("{n} records go out corrected in job {job}."))
INTO = sentence("INTO", gettext_noop("{n} records of job {job}."))
FAILED = Q(status=ResultStatus.ERROR)
NEVER_SENT = Q(status=ResultStatus.EXCLUDED, batch__isnull=True)
INSISTED = Q(status__in=[ResultStatus.SUCCESS, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED])


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch to be. Each of its records says by `retry_of` which result it corrects.

    `frame` is the body, and how many of its bytes stand before and after the records.
    """

    number: int
    part: int
    frame: tuple[bytes, int, int]
    records: tuple[NewRecord, ...]
    file_id: int | None


class Overtaken(NotAllowed):
    """Somebody was first with some of these records: they are sent, or decided about, already."""

    def __init__(self, ids: Collection[int]) -> None:
        super().__init__(
            "Somebody was first: these records have been sent again, or decided about, meanwhile."
        )
        self.ids = ids


def correctable(
    results: QuerySet[ImportResult], *, insists: bool = False
) -> QuerySet[ImportResult]:
    """Those of which a new version may go out: failed or never sent, and not taken on since.

    `insists` adds those that were imported, may have been, or were left out by hand.
    """
    which = FAILED | NEVER_SENT | INSISTED if insists else FAILED | NEVER_SENT
    taken = ImportResult.objects.filter(retry_of=OuterRef("pk"))
    return results.filter(which).exclude(Exists(taken))


def resubmit(
    job: ImportJob, parcels: Iterable[Parcel], *, reason: str, actor: str, insists: bool = False
) -> ImportJob:
    """Send new versions of records of `job` and its rounds; the new job, started.

    All of them or none: raises Overtaken where one is not correctable (any more), NotAllowed
    without a reason or without records.
    """
    if not reason.strip():
        raise NotAllowed(_("Say why: it is kept in the record's history."))
    try:
        with transaction.atomic():
            lock(job.first)  # no retry and no decision comes in between
            new = new_round(job, reason, insists=insists)
            count = _fill(new, parcels, insists=insists)
            if not count:
                raise NotAllowed(_("There is nothing to send: no record was changed."))
            out, into = OUT.format(n=count, job=new.pk), INTO.format(n=count, job=job.pk)
            note(job, EventCode.RETRIED, out, actor, reason)
            note(new, EventCode.CORRECTED, into, actor, reason)
            queue(new, actor)
    except IntegrityError as error:  # a retry file of theirs was read at this very moment
        if RETRIED_ONCE not in str(error):
            raise
        raise Overtaken([]) from None
    return new


def _fill(new: ImportJob, parcels: Iterable[Parcel], *, insists: bool) -> int:
    """Put the parcels into the ledger, compared with what stands there; how many records."""
    intake, count = Intake(new), 0
    for parcel in parcels:
        ids = {
            each.retry_of or 0 for each in parcel.records
        }  # each corrects one, or it is refused
        mine = ImportResult.objects.filter(pk__in=ids)
        free = set(correctable(mine, insists=insists).values_list("pk", flat=True))
        if ids - free:
            raise Overtaken(ids - free)
        intake.add_batch(parcel.number, parcel.part, parcel.frame, parcel.records, parcel.file_id)
        count += len(parcel.records)
    intake.finish()
    return count
