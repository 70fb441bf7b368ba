"""The seed's lines about attempts, as the log file and a job's Log tab have them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from imports.models import Attempt, ImportResult
from imports.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


def started(email: str, number: int, most: int) -> str:
    """When an attempt begins; `number` counts those that cost one."""
    return f"[EMAIL] Processing: {email} (Attempt {number}/{most})"


def ended(email: str, verdict: str, number: int, most: int) -> str:
    """When it has ended; "" for one that costs no attempt."""
    match verdict:
        case Verdict.SUCCESS:
            return f"[SUCCESS] Successfully processed {email} on attempt {number}"
        case Verdict.RETRY if number < most:
            return f"[RETRY] Failed to process {email} on attempt {number}"
        case Verdict.REJECTED | Verdict.RETRY:
            return f"[FAILED] All {number} attempts failed for {email}"
    return ""


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
    yield started(email, number, most)
    if attempt.counted and (line := ended(email, attempt.verdict, number, most)):
        yield line


def _numbers(batches: Iterable[int]) -> dict[int, int]:
    """Which of the attempts that count each attempt is, or would have been."""
    counts: Counter[int] = Counter()
    found: dict[int, int] = {}
    rows = Attempt.objects.filter(batch__in=batches).order_by("pk")
    for pk, batch, counted in rows.values_list("pk", "batch_id", "counted"):
        found[pk] = counts[batch] + 1
        counts[batch] += counted
    return found
