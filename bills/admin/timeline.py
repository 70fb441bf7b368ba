"""A credential's attempts as they are shown: stages with their times, advice, evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bills import error_codes
from bills.admin.words import OTHER_ROWS, STAGES
from bills.models import Evidence
from bills.report import brought
from imports.models import Attempt

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from imports.error_codes import ErrorCode
    from imports.messages import Message
    from imports.models import ImportResult


@dataclass(frozen=True, slots=True)
class ListRows:
    """What became of the rows of a list: seen = kept + known + the others + missing."""

    seen: int
    kept: int
    known: int
    missing: int
    others: list[tuple[_StrOrPromise, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt. `stages` are (what it did, seconds), in order."""

    attempt: Attempt
    stages: list[tuple[_StrOrPromise, float]]
    advice: ErrorCode | None
    evidence: list[Evidence]
    notes: list[Any]  # messages as JSON
    brought: Message | None
    rows: ListRows | None = None


def timeline(result: ImportResult) -> list[Told]:
    """All attempts of this credential in this job, the first first. Two queries."""
    found = Evidence.objects.filter(batch=result.batch).defer("token").order_by("pk")
    by_number: dict[int, list[Evidence]] = {}
    for piece in found:
        by_number.setdefault(piece.attempt_number, []).append(piece)
    attempts = Attempt.objects.filter(batch=result.batch).order_by("number")
    return [
        Told(
            attempt=attempt,
            stages=stages_of(attempt.details),
            advice=error_codes.about(attempt.error_code),
            evidence=by_number.get(attempt.number, []),
            notes=list(attempt.details.get("notes", [])),
            brought=brought(attempt.details),
            rows=rows_of(attempt.details),
        )
        for attempt in attempts
    ]


def rows_of(details: dict[str, Any]) -> ListRows | None:
    """The counts of the list's rows; None where the list was not read."""
    rows = details.get("rows") or {}
    if not rows.get("seen"):
        return None
    others = [(OTHER_ROWS[name], count) for name, count in rows["others"].items()]
    return ListRows(rows["seen"], rows["kept"], rows["known"], rows["missing"], others)


def stages_of(details: dict[str, Any]) -> list[tuple[_StrOrPromise, float]]:
    """What an attempt did and for how long, in the order in which an attempt goes."""
    seconds = details.get("seconds", {})
    return [(STAGES[stage], seconds[stage]) for stage in STAGES if seconds.get(stage)]
