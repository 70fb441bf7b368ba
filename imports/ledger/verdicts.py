"""What a person decides about records: an unknown one arrived or not, a failed one is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from imports.event_codes import EventCode
from imports.ledger.records import close_all
from imports.messages import cause_of, sentence
from imports.messages import marked as gettext_noop
from imports.models import ImportBatch, ImportResult
from imports.models.plans import PlanAction
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from imports.models import Plan

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


def of(plan: Plan) -> Decision:
    """What is written down for a bulk action. Raises KeyError for one that sends records."""
    message = NOT_ARRIVED.format(actor=plan.actor, reason=plan.reason)
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
    }[PlanAction(plan.action)]


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
