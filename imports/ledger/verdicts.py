"""What a person decides about records: an unknown one arrived or not, a failed one is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from imports.ledger.moves import NotAllowed, lock, note
from imports.ledger.records import close
from imports.ledger.rounds import waiting
from imports.models import ImportBatch, ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from imports.models import ImportJob

NOT_ARRIVED_CODE = "NOT_ARRIVED"


def resolve_unknown(
    job: ImportJob, only: QuerySet[ImportResult], *, arrived: bool, reason: str, actor: str
) -> int:
    """Write down that unknown records did or did not arrive; how many. A reason is needed."""
    if arrived:
        changes = {
            "status": ResultStatus.SUCCESS,
            "error_code": "",
            "error": "",
            "final_error": None,
        }
    else:
        text = f"Did not arrive, says {actor}: {reason}"
        changes = {
            "status": ResultStatus.ERROR, "error_code": NOT_ARRIVED_CODE, "error": text,
            "final_error": text,
        }  # fmt: skip
    word = "arrived" if arrived else "did not arrive"
    return _decide(job, only, ResultStatus.UNKNOWN, changes, f"unknown {word}", reason, actor)


def exclude(job: ImportJob, only: QuerySet[ImportResult], *, reason: str, actor: str) -> int:
    """Leave failed records out for good; how many. A reason is needed."""
    changes = {"status": ResultStatus.EXCLUDED, "error_code": "EXCLUDED_BY_HAND"}
    return _decide(job, only, ResultStatus.ERROR, changes, "excluded", reason, actor)


def _decide(
    job: ImportJob, only: QuerySet[ImportResult], from_status: ResultStatus,
    changes: Mapping[str, object], action: str, reason: str, actor: str,
) -> int:  # fmt: skip
    if not reason.strip():
        raise NotAllowed("Give a reason: it is kept with the records.")
    with transaction.atomic():
        lock(job.first)  # no retry takes these records on meanwhile
        chosen = waiting(job, from_status).filter(pk__in=only)
        pks = list(chosen.values_list("pk", flat=True))
        batch_ids = set(ImportResult.objects.filter(pk__in=pks).values_list("batch_id", flat=True))
        batches = ImportBatch.objects.select_for_update().defer("body")
        locked = list(batches.filter(pk__in=batch_ids).order_by("pk"))
        count = ImportResult.objects.filter(pk__in=pks, status=from_status).update(
            **changes, updated_at=Now()
        )
        for batch in locked:
            close(batch)
        if count:
            note(job, action, f"{count} records. {reason}", actor, about=pks)
    return count
