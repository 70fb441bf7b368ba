"""Record what a try came to. Written only where the token still matches."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction

from imports import kinds, policy
from imports.ledger import moves, stops
from imports.ledger.attempts import ANSWER_KEPT, note_attempts, storable
from imports.ledger.records import (
    finish_each,
    finish_whole,
    says_later,
    send_again,
    split_in_two,
)
from imports.ledger.statements import cursor
from imports.models import ImportBatch, ImportJob
from imports.policy import DOWN, Budget, Move, Outcome, Verdict
from imports.states import BatchStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.kinds import Work


@dataclass(frozen=True, slots=True)
class Finding:
    """One try's outcome, with the claim it was made under."""

    work: Work
    outcome: Outcome


# Whole batches that succeeded are nearly all of them: one statement, and so one transaction, for
# any number of batches, their records and their attempts.
ALL_SUCCEEDED = """
WITH mine AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[], %(https)s::int[],
                         %(answers)s::text[], %(details)s::text[])
        AS mine(id, token, http, answer, details)
), done AS (
    UPDATE imports_importbatch b
    SET status = 'done', success_count = b.size, unknown_count = 0, error_count = 0,
        attempts = b.attempts + 1, ended_at = clock_timestamp(), lease_until = NULL,
        http_status = mine.http, error_code = '', error = '', message = NULL
    FROM mine WHERE b.id = mine.id AND b.token = mine.token AND b.status = 'sending'
    RETURNING b.id, b.job_id, b.size, b.attempts, b.tries, b.worker, b.claimed_at, b.sent_at,
        mine.http, mine.answer, mine.details
), records AS (
    UPDATE import_results r
    SET status = 'success', retry_attempts = done.attempts, http_status = done.http,
        error = '', error_code = '', message = NULL, cause = '', updated_at = clock_timestamp()
    FROM done WHERE r.batch_id = done.id AND r.status = 'pending'
), attempts AS (
    INSERT INTO imports_attempt (job_id, batch_id, number, counted, worker, claimed_at, sent_at,
        ended_at, verdict, http_status, error_code, error, answer, success_count, error_count,
        unknown_count, details)
    SELECT job_id, id, tries, true, worker, coalesce(claimed_at, clock_timestamp()), sent_at,
        clock_timestamp(), 'success', http, '', '', answer, size, 0,
        0, details::jsonb
    FROM done
), well AS (
    UPDATE imports_importjob SET failing = '{}'
    WHERE id = %(job)s AND failing <> '{}' AND EXISTS (SELECT FROM done)
    RETURNING id
), answered AS (  -- after the job's row, as all do who lock both
    UPDATE imports_gate SET not_now_count = 0, not_now_since = NULL
    WHERE id = %(gate)s AND not_now_count > 0 AND EXISTS (SELECT FROM done)
      AND (SELECT count(*) FROM well) >= 0
)
SELECT id FROM done
"""


def record(job: ImportJob, findings: Iterable[Finding]) -> None:
    """Write down what these tries of one job came to.

    Successes share a transaction; each other outcome has its own, so that no lock of one
    batch is held while another's is waited for.
    """
    plain: list[Finding] = []
    others: list[Finding] = []
    for each in findings:
        finding = Finding(each.work, storable(each.outcome))
        (plain if finding.outcome.verdict == Verdict.SUCCESS else others).append(finding)
    others += _record_successes(job, plain)
    budget = kinds.get(job.kind).budget(job)
    for finding in others:
        with transaction.atomic():
            _record_one(job, finding, budget)


def _record_successes(job: ImportJob, findings: Sequence[Finding]) -> list[Finding]:
    """Mark them done; those that were not waiting for this answer (any more) are returned."""
    if not findings:
        return []
    tried = [each.outcome for each in findings]
    names = {
        "job": job.pk,
        "gate": job.gate_id,
        "ids": [each.work.batch_id for each in findings],
        "tokens": [each.work.token for each in findings],
        "https": [outcome.http_status for outcome in tried],
        "answers": [outcome.answer[:ANSWER_KEPT] for outcome in tried],
        "details": [json.dumps(outcome.details or {}) for outcome in tried],
    }  # fmt: skip
    with cursor() as sql:
        done = {row[0] for row in sql.execute(ALL_SUCCEEDED, names).fetchall()}
    return [each for each in findings if each.work.batch_id not in done]


def _record_one(job: ImportJob, finding: Finding, budget: Budget) -> None:
    """Write down one outcome that needs thought, under a lock on its batch."""
    batch = (
        ImportBatch.objects.select_for_update(of=("self",))
        .defer("body")
        .filter(
            pk=finding.work.batch_id,
            token=finding.work.token,
            status__in=[BatchStatus.SENDING, BatchStatus.UNKNOWN],
        )
        .first()
    )
    if batch is None:
        return  # another lane has judged it since: its word holds
    if batch.status == BatchStatus.UNKNOWN:
        _add_late_evidence(batch, finding.outcome)
    else:
        apply(job, batch, finding.outcome, budget)


def _add_late_evidence(batch: ImportBatch, outcome: Outcome) -> None:
    """An answer that came after the lease was over: it counts where it is proof."""
    proof = {Verdict.SUCCESS, Verdict.REJECTED, Verdict.RETRY, Verdict.MIXED, Verdict.SPLIT}
    if outcome.verdict in proof:
        note_attempts([(batch.pk, outcome, False)])
        finish_each(batch, outcome)


def apply(
    job: ImportJob, batch: ImportBatch, outcome: Outcome, budget: Budget, *, seen: bool = True
) -> None:
    """Make the step that policy decides for a batch being sent. The caller holds its lock.

    `seen` is False where nobody saw how the try ended: that says nothing of the other side.
    """
    moves.lock(job)  # before its gate, as all do who lock both
    outcome = stops.as_known(batch, outcome)
    step = policy.next_step(outcome, batch.attempts + 1, budget)
    failing = stops.take_note(job, batch, outcome) if seen else None
    must_stop = False
    if failing:
        step, must_stop = stops.step_in(job, failing, outcome, step)
    if step.move == Move.SPLIT and batch.size == 1:
        step = policy.Step(Move.FINISH)
    _write_try(batch, outcome, step)
    if failing and step.move == Move.AGAIN and not step.counted:
        step = replace(step, delay=moves.rest(job, outcome.retry_after, outcome.message))
    elif seen and _is_an_answer(outcome):
        moves.answered(job)
    _make(job, batch, outcome, step, budget)
    if failing and must_stop:
        moves.pause_for(job, stops.code_of(failing), stops.message_of(failing, outcome))
    elif outcome.pauses:
        moves.pause_for(job, outcome.code, outcome.message)


def _write_try(batch: ImportBatch, outcome: Outcome, step: policy.Step) -> None:
    if step.counted:
        batch.attempts += 1
    ImportBatch.objects.filter(pk=batch.pk).update(
        attempts=batch.attempts,
        http_status=outcome.http_status,
        error_code=outcome.code,
        error=outcome.error,
        message=outcome.message or None,
        cause=outcome.cause,
        lease_until=None,
    )
    note_attempts([(batch.pk, outcome, step.counted)])


def _is_an_answer(outcome: Outcome) -> bool:
    """Whether more came back than "not now" or silence: that ends growing pauses."""
    is_later = outcome.verdict == Verdict.DEFERRED or says_later(outcome)
    return not is_later and outcome.cause != DOWN


def _make(
    job: ImportJob, batch: ImportBatch, outcome: Outcome, step: policy.Step, budget: Budget
) -> None:
    match step.move:
        case Move.AGAIN:
            delay = step.delay
            if outcome.verdict == Verdict.DEFERRED:
                delay = moves.rest(job, outcome.retry_after, outcome.message)
            send_again(batch, outcome, delay)
        case Move.PAUSE_JOB:
            send_again(batch, outcome, 0.0)
            moves.pause_for(job, outcome.code, outcome.message)
        case Move.SPLIT:
            _split(job, batch, outcome)
        case _ if outcome.verdict == Verdict.MIXED:
            finish_each(batch, outcome, budget)
            if says_later(outcome):
                moves.rest(job, outcome.retry_after, outcome.message)
        case _:
            finish_whole(batch, outcome)
            _stop_in_vain(job, batch, outcome)


def _split(job: ImportJob, batch: ImportBatch, outcome: Outcome) -> None:
    """Try the halves. Where quarters are all refused alike, a person is asked before."""
    split_in_two(batch)
    _stop_in_vain(job, batch, outcome)


def _stop_in_vain(job: ImportJob, batch: ImportBatch, outcome: Outcome) -> None:
    """Pause once for a batch whose parts are all refused alike; Resume halves it to the end."""
    through = ImportJob.objects.values_list("halved_through", flat=True).get(pk=job.pk)
    if batch.number <= through or not stops.is_in_vain(batch, outcome):
        return
    if moves.pause_for(job, stops.ALL_REFUSED, stops.IN_VAIN.format(error=outcome.message)):
        ImportJob.objects.filter(pk=job.pk).update(halved_through=batch.number)
