"""The seed's lines about a job's attempts, for its Log tab."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bills import log_lines
from imports.models import Attempt, ImportResult

if TYPE_CHECKING:
    from collections.abc import Iterable


def of_attempts(attempts: list[Attempt]) -> dict[int, list[str]]:
    """By the attempt's id: that it began, and how it ended. Two queries."""
    batches = {each.batch_id for each in attempts}
    rows = ImportResult.objects.filter(batch__in=batches).values_list("batch_id", "email")
    emails, numbers = dict(rows), _numbers(batches)
    return {
        each.pk: list(_lines(each, emails.get(each.batch_id, ""), numbers[each.pk]))
        for each in attempts
    }


def _lines(attempt: Attempt, email: str, number: int) -> Iterable[str]:
    most = attempt.job.max_attempts
    yield log_lines.started(email, number, most)
    ended = log_lines.ended(email, attempt.verdict, number, most) if attempt.counted else ""
    if ended:
        yield ended


def _numbers(batches: Iterable[int]) -> dict[int, int]:
    """Which of the attempts that count each attempt is, or would have been."""
    counts: Counter[int] = Counter()
    found: dict[int, int] = {}
    rows = Attempt.objects.filter(batch__in=batches).order_by("pk")
    for pk, batch, counted in rows.values_list("pk", "batch_id", "counted"):
        found[pk] = counts[batch] + 1
        counts[batch] += counted
    return found
