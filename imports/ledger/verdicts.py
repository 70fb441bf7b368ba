"""What a person decides about records: an unknown one arrived or not, a failed one is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from imports.event_codes import EventCode
from imports.ledger.moves import NotAllowed, lock, note
from imports.ledger.records import close_all
from imports.ledger.rounds import waiting
from imports.messages import cause_of, sentence
from imports.messages import marked as gettext_noop
from imports.models import ImportBatch, ImportResult
from imports.models.plans import PlanAction
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from imports.models import ImportJob

NOT_ARRIVED_CODE = "NOT_ARRIVED"
RECORDS = sentence("RECORDS", gettext_noop("{n} records."))
NOT_ARRIVED = sentence("NOT_ARRIVED", gettext_noop("Did not arrive, says {actor}: {reason}"))
NO_REASON = gettext_lazy("Give a reason: it is kept with the records.")


@dataclass(frozen=True, slots=True)
class Decision:
    """Where records must stand, how they stand afterwards, and the log's word for it."""

    from_status: ResultStatus
    changes: Mapping[str, object]
    word: EventCode


def of(action: PlanAction, reason: str, actor: str) -> Decision:
    """What is written down for that action. Raises KeyError for one that sends records."""
    message = NOT_ARRIVED.format(actor=actor, reason=reason)
    arrived = {
        "status": ResultStatus.SUCCESS, "error_code": "", "error": "", "final_error": None,
        "message": None, "cause": "",
    }  # fmt: skip
    not_arrived = {
        "status": ResultStatus.ERROR, "error_code": NOT_ARRIVED_CODE, "error": str(message),
        "final_error": str(message), "message": message, "cause": cause_of(message),
    }  # fmt: skip
    excluded = {"status": ResultStatus.EXCLUDED, "error_code": "EXCLUDED_BY_HAND"}
    unknown = ResultStatus.UNKNOWN
    return {
        PlanAction.ARRIVED: Decision(unknown, arrived, EventCode.ARRIVED),
        PlanAction.NOT_ARRIVED: Decision(unknown, not_arrived, EventCode.NOT_ARRIVED),
        PlanAction.EXCLUDE: Decision(ResultStatus.ERROR, excluded, EventCode.EXCLUDED),
    }[action]


def resolve_unknown(
    job: ImportJob, only: QuerySet[ImportResult], *, arrived: bool, reason: str, actor: str
) -> int:
    """Write down that unknown records did or did not arrive; how many. A reason is needed."""
    return decide(
        job, PlanAction.ARRIVED if arrived else PlanAction.NOT_ARRIVED, only, reason, actor
    )


def exclude(job: ImportJob, only: QuerySet[ImportResult], *, reason: str, actor: str) -> int:
    """Leave failed records out for good; how many. A reason is needed."""
    return decide(job, PlanAction.EXCLUDE, only, reason, actor)


def decide(
    job: ImportJob, action: PlanAction, only: QuerySet[ImportResult], reason: str, actor: str
) -> int:
    """Decide about some of the records of a job and its rounds, in one transaction; how many."""
    if not reason.strip():
        raise NotAllowed(NO_REASON)
    decision = of(action, reason, actor)
    with transaction.atomic():
        lock(job.first)  # no retry takes these records on meanwhile
        chosen = waiting(job, decision.from_status).filter(pk__in=only)
        pks = write_down(decision, chosen)
        if pks:
            note(job, decision.word, RECORDS.format(n=len(pks)), actor, reason, about=pks)
    return len(pks)


def write_down(decision: Decision, chosen: QuerySet[ImportResult]) -> list[int]:
    """Move these records and sum their batches up; their ids. The caller holds their first job."""
    batch_ids = list(chosen.order_by("batch_id").values_list("batch_id", flat=True).distinct())
    batches = ImportBatch.objects.select_for_update().filter(pk__in=batch_ids).order_by("pk")
    list(batches.values_list("pk", flat=True))  # from here on no late answer changes them
    pks = list(chosen.values_list("pk", flat=True))
    ImportResult.objects.filter(pk__in=pks, status=decision.from_status).update(
        **decision.changes, updated_at=Now()
    )
    close_all(batch_ids)
    return pks
