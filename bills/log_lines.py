"""The seed's lines about attempts, as the log file and a job's Log tab have them."""

from __future__ import annotations

from imports.policy import Verdict


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
