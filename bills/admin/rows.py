"""A job's credentials as rows: status, attempts, what it does now, who must act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from bills import error_codes
from bills.admin.words import STAGES
from bills.models import Bill, CredentialUse
from bills.report import brought
from imports.models import Attempt, ImportResult
from imports.states import IN_FLIGHT, BatchStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise

    from imports.error_codes import ErrorCode
    from imports.messages import Message
    from imports.models import ImportJob

UNREAD = ("batch__body", "batch__credential_use__credential__password", "refused_record")
FILTERS = ("success", "error", "pending", "excluded")


@dataclass(frozen=True, slots=True)
class Row:
    """One credential of a job. `next_in` is in seconds; `stage` says what is being done now."""

    result: ImportResult
    bills: int
    advice: ErrorCode | None
    stage: _StrOrPromise = ""
    stage_done: int = 0
    stage_total: int = 0
    attempt: int = 0
    max_attempts: int = 0
    next_in: int | None = None
    refused_before: bool = False
    is_retried: bool = False
    brought: Message | None = None  # "3 new, 9 already here"
    list_rows: dict[str, Any] | None = None  # of the last attempt's list: see RowCounts
    extra: list[tuple[str, str]] = field(default_factory=list)  # the CSV's further columns


def results(job: ImportJob, status: str = "", query: str = "") -> QuerySet[ImportResult]:
    """A job's credentials, in the file's order, with all that a row shows. No password is read."""
    found = ImportResult.objects.filter(job=job)
    if status in FILTERS:
        found = found.filter(status=status)
    if query:
        found = found.filter(email__icontains=query)
    last = Attempt.objects.filter(batch=OuterRef("batch")).order_by("-number").values("details")
    related = found.select_related("batch__credential_use__credential").defer(*UNREAD)
    told = related.annotate(bill_count=bill_count(), last_details=Subquery(last[:1]))
    return told.prefetch_related("retries").order_by("position", "pk")


def bill_count() -> Coalesce:
    """How many bills a result's own batch brought."""
    fetched = Bill.objects.filter(batch=OuterRef("batch")).order_by().values("batch")
    return Coalesce(Subquery(fetched.annotate(n=Count("pk")).values("n")), 0)


def row_of(job: ImportJob, result: ImportResult, columns: Iterable[str] = ()) -> Row:
    """One row, of `results`; with the extra columns that are named."""
    use, batch = _use(result), result.batch
    last = getattr(result, "last_details", None) or {}
    told: dict[str, Any] = {}
    if use is not None and batch is not None and result.status == ResultStatus.PENDING:
        told = _now(job, result, use)
    return Row(
        result=result,
        bills=getattr(result, "bill_count", 0),
        advice=error_codes.about(result.error_code),
        max_attempts=job.max_attempts,
        refused_before=bool(use and use.credential.refused_count),
        is_retried=bool(result.retries.all()),
        brought=brought(last),
        list_rows=last.get("rows"),
        extra=[(name, use.credential.extra.get(name, "")) for name in columns] if use else [],
        **told,
    )


def _now(job: ImportJob, result: ImportResult, use: CredentialUse) -> dict[str, Any]:
    """ "attempt 2 of 5": the stage of one that runs, the seconds until one that is due."""
    batch = use.batch if result.batch is None else result.batch
    told: dict[str, Any] = {"attempt": batch.attempts + 1}
    if batch.status in IN_FLIGHT:
        is_moving = batch.status == BatchStatus.SENDING and use.stage
        return told | {
            "stage": STAGES.get(use.stage, "") if is_moving else STAGES["open"],
            "stage_done": use.stage_done,
            "stage_total": use.stage_total,
        }
    if job.status == JobStatus.RUNNING and batch.tries:
        due = max(batch.next_attempt_at, job.gate.resting_until or batch.next_attempt_at)
        left = (due - timezone.now()).total_seconds()
        told["next_in"] = max(0, round(left))
    return told


def _use(result: ImportResult) -> CredentialUse | None:
    return getattr(result.batch, "credential_use", None) if result.batch else None
