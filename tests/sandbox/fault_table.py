"""Every fault that can be ordered, in one table: what happens, and what it means for a client.

`GET /api/control/faults?help` shows the same table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.sandbox.gk_records import Result


class Stage(StrEnum):
    """When a fault strikes, which is what decides whether the records were stored."""

    REFUSED = "refused"  # before anything is stored: no record has an effect
    RECORD = "record"  # the named records are not stored and say so; the others are
    ENTRY = "entry"  # everything is stored; single entries of the answer are wrong
    ANSWER = "answer"  # everything is stored; the answer as a whole goes wrong


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `seconds` is the default of its option: a delay, or what Retry-After says."""

    name: str
    stage: Stage
    what: str
    means: str  # the class of answer in design.md
    status: int | None = None
    result: Result | None = None
    seconds: float = 0.0

    @property
    def needs_records(self) -> bool:
        return self.stage in (Stage.RECORD, Stage.ENTRY)


REFUSED, RECORD, ENTRY, ANSWER = Stage.REFUSED, Stage.RECORD, Stage.ENTRY, Stage.ANSWER

TABLE = (
    Fault("http_400", REFUSED, "400 problem that names no record", "rejected: bisect", 400),
    Fault("http_401", REFUSED, "401, whatever the credential", "refresh once, then pause", 401),
    Fault(
        "http_401_until_refresh",
        REFUSED,
        "401 for every token issued before this rule first hit; a newer one works",
        "refresh once and resend",
        401,
    ),
    Fault("http_403", REFUSED, "403 problem", "nobody's record: pause", 403),
    Fault("http_404", REFUSED, "404 problem", "nobody's record: pause", 404),
    Fault("http_408", REFUSED, "408 problem", "unknown", 408),
    Fault("http_413", REFUSED, "413 problem", "rejected: bisect", 413),
    Fault("http_415", REFUSED, "415 problem", "nobody's record: pause", 415),
    Fault("http_422", REFUSED, "422 problem that names no record", "rejected: bisect", 422),
    Fault(
        "http_429_seconds",
        REFUSED,
        "429 with Retry-After in `seconds`",
        "deferred, costs no attempt",
        429,
        seconds=1.0,
    ),
    Fault(
        "http_429_date",
        REFUSED,
        "429 with Retry-After as a date, `seconds` from now",
        "deferred, costs no attempt",
        429,
        seconds=1.0,
    ),
    Fault(
        "http_503_retry_after",
        REFUSED,
        "503 with Retry-After in `seconds`",
        "deferred, costs no attempt",
        503,
        seconds=1.0,
    ),
    Fault("http_500", REFUSED, "500 problem, nothing stored", "unknown", 500),
    Fault(
        "redirect",
        REFUSED,
        "307 to `location`; by default to the same address, so that following it shows",
        "configuration error: pause",
        307,
    ),
    Fault("reset_before_effect", REFUSED, "RST instead of an answer, nothing stored", "unknown"),
    Fault("http_500_after_effect", ANSWER, "500 problem, but stored", "unknown", 500),
    Fault("reset_after_effect", ANSWER, "RST instead of an answer, but stored", "unknown"),
    Fault(
        "early_close",
        ANSWER,
        "stored; the body ends after `bytes` (half of it by default) of the promised length",
        "unknown",
    ),
    Fault(
        "slow",
        ANSWER,
        "waits `seconds`, then stores and answers, even when the client has left",
        "unknown after a read timeout",
        seconds=5.0,
    ),
    Fault(
        "slow_after_effect",
        ANSWER,
        "stores at once, answers after `seconds`",
        "unknown after a read timeout",
        seconds=5.0,
    ),
    Fault(
        "drip",
        ANSWER,
        "stored; the body comes byte by byte, `seconds` apart",
        "unknown after the deadline of the whole request",
        seconds=0.05,
    ),
    Fault("unreadable_2xx", ANSWER, "stored; 201 with an HTML page", "unknown", 201),
    Fault("empty_2xx", ANSWER, "stored; 201 with no body", "unknown", 201),
    Fault("missing_entry", ENTRY, "stored; the answer leaves a record out", "that one is unknown"),
    Fault("doubled_entry", ENTRY, "stored; a record is answered twice", "that one is unknown"),
    Fault("result_failed", RECORD, "FAILED, not stored", "retryable", result=Result.FAILED),
    Fault("result_error", RECORD, "ERROR, not stored", "permanent", result=Result.ERROR),
    Fault(
        "result_conflict",
        RECORD,
        "CONFLICT, not stored",
        "already exists",
        result=Result.CONFLICT,
    ),
)

FAULTS = {fault.name: fault for fault in TABLE}


def explained() -> list[dict[str, object]]:
    """The table as JSON values."""
    return [
        {
            "fault": fault.name,
            "stored": fault.stage not in (REFUSED, RECORD),
            "what": fault.what,
            "means": fault.means,
            "seconds": fault.seconds or None,
        }
        for fault in TABLE
    ]
