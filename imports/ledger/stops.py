"""When a job stops itself: many failures in a row with one cause are not the records' fault.

`ImportJob.failing` holds what is known of them. Any success clears it, and so does Resume.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from imports import job_types
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import Attempt, ImportBatch, ImportJob
from imports.policy import DOWN, Move, Step, Verdict
from imports.states import OPEN, BatchStatus

if TYPE_CHECKING:
    from imports.messages import Text
    from imports.policy import Outcome, Patience

MOST_NUMBERS = 100  # of batches that are remembered; patience is far shorter
ALL_REFUSED = "ALL_REFUSED"  # halving a batch finds no part of it that is taken
API_DOWN = "API_DOWN"
ONE_CAUSE = "ONE_CAUSE"
IN_VAIN = sentence(
    "IN_VAIN",
    _(
        "Every part of a batch was refused in the same words, so the customers are probably "
        "not at fault: {error} Nothing more is sent."
    ),
)
OUT_OF_SERVICE = sentence(
    "OUT_OF_SERVICE", _("{n} attempts in a row failed, and none succeeded: {error}")
)
SAME_CAUSE = sentence(
    "SAME_CAUSE",
    _("{batches} in a row failed for the same reason: {error} Nothing more is sent."),
)
MAY_BE_SENT_AGAIN = (Verdict.RETRY, Verdict.REPEATABLE)
EACH_RECORD = "records:"  # each record was refused by itself, all with this code


@dataclass(frozen=True, slots=True)
class Failing:
    """Failures in a row with one cause: their batches, and the numbers of records and attempts."""

    cause: str = ""
    batches: list[int] = field(default_factory=list)
    records: int = 0
    tries: int = 0

    def and_this(self, batch: ImportBatch, outcome: Outcome) -> Failing:
        """The same with one more failure."""
        cause = cause_of(outcome)
        before = self if self.cause == cause else Failing(cause)
        numbers = {*before.batches, batch.number}
        refused = outcome.verdict in (Verdict.REJECTED, Verdict.MIXED)
        return Failing(
            cause,
            sorted(numbers)[-MOST_NUMBERS:],
            before.records + (batch.size if refused else 0),
            before.tries + 1,
        )

    def is_systematic(self, outcome: Outcome, patience: Patience) -> bool:
        refused = outcome.verdict in (Verdict.REJECTED, Verdict.MIXED)
        return (
            patience.batches > 0
            and len(self.batches) >= patience.batches
            and (not refused or self.records >= patience.records)
        )


def cause_of(outcome: Outcome) -> str:
    """The cause a failure shares with others; "" for a success or several causes."""
    if outcome.verdict is not Verdict.MIXED:
        return outcome.cause or outcome.code
    codes = {record.code for record in outcome.records}
    return f"{EACH_RECORD}{codes.pop()}" if len(codes) == 1 else ""


def succeeded(outcome: Outcome) -> bool:
    """Whether anything was stored."""
    one = any(record.verdict is Verdict.SUCCESS for record in outcome.records)
    return outcome.verdict is Verdict.SUCCESS or one


def take_note(job: ImportJob, batch: ImportBatch, outcome: Outcome) -> Failing | None:
    """Count a failure; the failures in a row once they are systematic, else None.

    The caller holds the locks of the batch and the job. Failures that an operator or the API's
    "not now" explains do not count, nor do those of a batch that is being split.
    """
    if succeeded(outcome):
        ImportJob.objects.filter(pk=job.pk).exclude(failing={}).update(failing={})
        return None
    if outcome.verdict in (Verdict.DEFERRED, Verdict.PAUSE, Verdict.SPLIT, Verdict.WAITING):
        return None
    known = ImportJob.objects.values_list("failing", flat=True).get(pk=job.pk)
    failing = Failing(**known).and_this(batch, outcome)
    if not failing.cause:
        failing = Failing()
    ImportJob.objects.filter(pk=job.pk).update(failing=asdict(failing) if failing.cause else {})
    patience = job_types.get(job.kind).patience()
    if not failing.is_systematic(outcome, patience):
        return None
    # With nothing left to send there is nothing to stop.
    others = ImportBatch.objects.filter(job=job, status__in=OPEN).exclude(pk=batch.pk)
    return failing if others.exists() else None


def step_in(job: ImportJob, failing: Failing, outcome: Outcome, step: Step) -> tuple[Step, bool]:
    """The step to take instead of `step`, and whether the job pauses.

    If sending again may help, the batch does not use up attempts: the API is probed with one
    request at a time, at growing pauses, before a person is notified.
    """
    patience = job_types.get(job.kind).patience()
    is_over = failing.tries >= patience.batches + patience.probes
    if outcome.verdict in MAY_BE_SENT_AGAIN and patience.probes:
        return Step(Move.AGAIN, step.delay, counted=False), is_over
    may_pass = outcome.records and {r.verdict for r in outcome.records} == {Verdict.RETRY}
    return step, is_over or not may_pass


def code_of(failing: Failing) -> str:
    return API_DOWN if failing.cause == DOWN else ONE_CAUSE


def message_of(kind: str, failing: Failing, outcome: Outcome) -> Text:
    """Why the job waits, with one example of the answers."""
    if failing.cause == DOWN:
        return OUT_OF_SERVICE.format(n=failing.tries, error=outcome.message)
    error = outcome.records[0].message if outcome.records else outcome.message
    batches = job_types.batches(kind, len(failing.batches))
    return SAME_CAUSE.format(batches=batches, error=error)


def is_in_vain(batch: ImportBatch, outcome: Outcome) -> bool:
    """Whether all four quarters of a batch are refused with the same error as the batch."""
    if outcome.verdict not in (Verdict.SPLIT, Verdict.REJECTED):
        return False
    half = batch.parent
    whole = half.parent if half else None
    if half is None or whole is None or not outcome.cause:
        return False
    if whole.status != BatchStatus.SPLIT or {whole.cause, half.cause} != {outcome.cause}:
        return False
    quarters = ImportBatch.objects.filter(parent__parent=whole)
    refused = quarters.filter(
        status__in=(BatchStatus.SPLIT, BatchStatus.FAILED), cause=outcome.cause
    )
    return quarters.count() == 4 and refused.exclude(pk=batch.pk).count() == 3


def as_known(batch: ImportBatch, outcome: Outcome) -> Outcome:
    """The outcome, judged by earlier outcomes of this batch and others.

    If a refusal that stopped the job comes again although the API accepted other batches in
    between, it concerns this batch alone.
    """
    if outcome.pauses and outcome.verdict is Verdict.REPEATABLE:
        return replace(outcome, verdict=Verdict.PAUSE)
    if outcome.verdict is not Verdict.PAUSE or not outcome.code.startswith("HTTP_"):
        return outcome
    before = Attempt.objects.filter(batch=batch, error_code=outcome.code).order_by("pk").last()
    if before is None or batch.cause != outcome.cause:
        return outcome
    since = ImportBatch.objects.filter(
        job_id=batch.job_id, success_count__gt=0, sent_at__gt=before.ended_at
    )
    return replace(outcome, verdict=Verdict.REJECTED) if since.exists() else outcome
