"""What follows an attempt at a batch: again, later, never, or unknown. Pure functions.

A job type's sender turns whatever happened into an `Outcome`; `next_step` turns that into the
one step that the ledger records.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Self

from imports.messages import Text, render
from imports.messages import marked as _

LONGEST_BACKOFF_SECONDS = 300.0
LONGEST_DEFERRAL_SECONDS = 3600.0
SHORTEST_DEFERRAL_SECONDS = 1.0
DOWN = "DOWN"  # the cause of all that an API does which is out of service


class Verdict(StrEnum):
    """What one answer proves about a batch, or about one of its records; and how it is shown."""

    tone: str
    icon: str
    label: str

    def __new__(cls, value: str, tone: str = "", icon: str = "", label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.tone, member.icon, member.label = tone, icon, label
        return member

    # the answer proves that it is stored
    SUCCESS = "success", "success", "check_circle", _("Success")
    # it proves that nothing was stored, and the cause may pass
    RETRY = "retry", "danger", "replay", _("Failed, will retry")
    # it proves that nothing was stored, and sending again changes nothing
    REJECTED = "rejected", "danger", "error", _("Refused")
    # it may be stored or not: nobody can tell from here
    UNKNOWN = "unknown", "warning", "help", _("Unknown")
    # unknown, but the same bytes and key may be sent again safely
    REPEATABLE = "repeatable", "warning", "replay", _("Lost, safe to repeat")
    # "not now": come back after `retry_after`; costs no attempt
    DEFERRED = "deferred", "info", "schedule", _("Deferred")
    # nobody's record is at fault: credential or address; a person must act
    PAUSE = "pause", "warning", "front_hand", _("Needs attention")
    # refused as a whole without saying which record: try the halves
    SPLIT = "split", "neutral", "call_split", _("Refused as a whole")
    # the other side works on it and answers later: ask for the result, never send it again
    WAITING = "waiting", "info", "hourglass_top", _("At work on it")
    # each record has its own verdict, in `records`
    MIXED = "mixed", "warning", "rule", _("Mixed")


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """One record's own verdict and why: SUCCESS, REJECTED, UNKNOWN, RETRY, DEFERRED or PAUSE.

    The last two go out again at no cost of an attempt.
    """

    verdict: Verdict
    code: str = ""
    message: Text = ""
    # `assigned` is the id that the API gave the record; `rule` says which rule of the mapping
    # decided. Neither makes two outcomes different.
    assigned: str = field(default="", compare=False)
    rule: str = field(default="", compare=False)

    @property
    def error(self) -> str:
        """The message in English."""
        return render(self.message)


class LookedUp(NamedTuple):
    """What asking the other side for one record proves: SUCCESS that it is stored, REJECTED that
    it is not, UNKNOWN nothing. Any other verdict: it cannot be asked just now.
    """

    verdict: Verdict
    message: Text = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt at one batch.

    `code` is an upper-case name an operator can filter on ("HTTP_400", "TIMEOUT", "LOCKED");
    `message` says why, free of secrets; `answer` is an excerpt of what the other side said, free
    of secrets too. `retry_after` is in seconds. `records` has one entry for each
    record of the batch, in the batch's own order, and is given when the verdict is MIXED.
    `details` are facts that the job type stores with the attempt (stages, evidence); JSON values.
    `cause` is equal for outcomes with the same message. `pauses`: a person must look, whatever
    becomes of this batch. One that is not `counted` uses up no attempt, although it ends the
    batch. `submission` is what the other side calls the work it
    took on, as JSON: while a pending batch has one, only the result is asked for. `judged` has
    what each record's own entry said, where the answer had entries.
    """

    verdict: Verdict
    code: str = ""
    message: Text = ""
    http_status: int | None = None
    answer: str = ""
    retry_after: float | None = None
    records: tuple[RecordOutcome, ...] = ()
    details: dict[str, object] | None = None
    cause: str = ""
    pauses: bool = False
    counted: bool = True
    submission: dict[str, object] | None = None
    judged: tuple[RecordOutcome, ...] = field(default=(), compare=False, repr=False)
    rule: str = field(default="", compare=False)

    @property
    def error(self) -> str:
        """The message in English."""
        return render(self.message)


class Move(StrEnum):
    """What the ledger does with a batch (or a record) next."""

    FINISH = "finish"  # definite: success or error
    AGAIN = "again"  # back to pending, due after a delay
    KEEP_UNKNOWN = "keep_unknown"
    PAUSE_JOB = "pause_job"  # back to pending, and the job waits for a person
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Step:
    """The decision: what to do, after how many seconds, and whether this try is counted."""

    move: Move
    delay: float = 0.0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Budget:
    """The operator's settings: tries in all, and the pause between them in seconds.

    `exponential` doubles the pause each time with full jitter (APIs); without it the pause
    is constant (the bill seed: "10 seconds between attempts").
    """

    max_attempts: int
    retry_delay: float
    exponential: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many failures in a row, all for one cause, a job stops itself.

    `batches` counts different ones (0: it never does), and `records` the refused ones in them.
    Where sending again may help, the API is probed `probes` times at growing pauses before.
    """

    batches: int
    records: int = 0
    probes: int = 0


def backoff(attempt: int, budget: Budget, rng: random.Random | None = None) -> float:
    """Seconds before try `attempt + 1` (attempt counts from 1): full jitter, capped.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. The floor of half the
    base keeps a jittered retry from being immediate.
    """
    if not budget.exponential:
        return budget.retry_delay
    ceiling = min(LONGEST_BACKOFF_SECONDS, budget.retry_delay * 2 ** (attempt - 1))
    draw = (rng or random).uniform(0.0, ceiling)
    return max(budget.retry_delay / 2, draw)


def deferral(
    retry_after: float | None,
    budget: Budget,
    rng: random.Random | None = None,
    *,
    in_a_row: int = 1,
) -> float:
    """Seconds to stay away when told "not now", plus up to a tenth of them.

    What was asked, capped; from the second time in a row on at least our own pause, which doubles
    each time. Never less than a second.
    """
    asked = budget.retry_delay if retry_after is None else retry_after
    own = max(budget.retry_delay, SHORTEST_DEFERRAL_SECONDS) * 2 ** min(in_a_row - 1, 30)
    own = min(own, LONGEST_BACKOFF_SECONDS) if in_a_row > 1 else SHORTEST_DEFERRAL_SECONDS
    wait = max(min(asked, LONGEST_DEFERRAL_SECONDS), own)
    return wait + (rng or random).uniform(0.0, wait / 10)


def next_step(
    outcome: Outcome, attempts: int, budget: Budget, rng: random.Random | None = None
) -> Step:
    """Decide what follows. `attempts` counts this try; a batch never exceeds its budget.

    A batch that cannot be split (one record) is the caller's to finish: SPLIT of one is FINISH.
    """
    spent = attempts >= budget.max_attempts
    match outcome.verdict:
        case Verdict.DEFERRED:
            return Step(Move.AGAIN, deferral(outcome.retry_after, budget, rng), counted=False)
        case Verdict.WAITING:
            return Step(Move.AGAIN, outcome.retry_after or 0.0, counted=False)
        case Verdict.PAUSE:
            return Step(Move.PAUSE_JOB, counted=False)
        case Verdict.SPLIT:
            return Step(Move.SPLIT, counted=False)
        case Verdict.RETRY if not spent:
            return Step(Move.AGAIN, wait_before_retry(outcome, attempts, budget, rng))
        case Verdict.REPEATABLE if not spent:
            return Step(Move.AGAIN, wait_before_retry(outcome, attempts, budget, rng))
        case Verdict.UNKNOWN | Verdict.REPEATABLE:
            return Step(Move.KEEP_UNKNOWN)
        case _:
            return Step(Move.FINISH, counted=outcome.counted)


def wait_before_retry(
    outcome: Outcome, attempts: int, budget: Budget, rng: random.Random | None = None
) -> float:
    """Seconds before the next try: our own backoff, or longer where the other side asks for it."""
    own = backoff(attempts, budget, rng)
    asked = min(outcome.retry_after or 0.0, LONGEST_DEFERRAL_SECONDS)
    return max(own, asked)
