"""What an operator decides, in the short form that tests need it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from imports.ledger import bulk_actions
from imports.models.bulk_actions import ActionType
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportJob, ImportResult


@dataclass(frozen=True, slots=True)
class Retried:
    """The retry's job, and how many records it took and left out."""

    job: ImportJob
    records: int
    skipped: int = 0
    left_out: int = 0


def retry(
    job: ImportJob,
    *,
    only: QuerySet[ImportResult] | None = None,
    status: ResultStatus = ResultStatus.ERROR,
    start: bool = True,
    **options: Any,
) -> Retried:
    """Retry failed (or, with a reason, send the unknown again)."""
    action = ActionType.RETRY if status == ResultStatus.ERROR else ActionType.SEND_AGAIN
    made = bulk_actions.carry_out(job, action, among(only), starts=start, **options)
    assert made.made is not None
    return Retried(made.made, made.taken, made.skipped_retried, made.left_out)


def exclude(job: ImportJob, only: QuerySet[ImportResult], *, reason: str, actor: str) -> int:
    """Leave failed records out for good; how many."""
    return _decided(job, ActionType.EXCLUDE, only, reason, actor)


def resolve_unknown(
    job: ImportJob, only: QuerySet[ImportResult], *, arrived: bool, reason: str, actor: str
) -> int:
    """Write down that unknown records did or did not arrive; how many."""
    action = ActionType.ARRIVED if arrived else ActionType.NOT_ARRIVED
    return _decided(job, action, only, reason, actor)


def _decided(
    job: ImportJob, action: ActionType, only: QuerySet[ImportResult], reason: str, actor: str
) -> int:
    try:
        done = bulk_actions.carry_out(job, action, among(only), reason=reason, actor=actor)
    except bulk_actions.NothingLeft:
        return 0
    return done.taken


def among(only: QuerySet[ImportResult] | None) -> Q:
    """The condition that says the same as a query of results."""
    return Q() if only is None else Q(pk__in=only.values("pk"))
