"""Records the outcome of an attempt if its token still matches, and settles expired leases."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from django.db import connection, transaction
from django.db.models import F, Max, Q, Value
from django.db.models.functions import Now
from psycopg.types.json import Json

from imports import job_types, policy
from imports.ledger import assigned_ids, batches, lifecycle, stops
from imports.ledger.claims import cursor
from imports.messages import cause_of, storable_json, to_json
from imports.messages import storable as clean
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.policy import DOWN, Budget, Move, Outcome, RecordOutcome, Verdict, backoff
from imports.sealing import keys
from imports.sealing.keys import Unreadable
from imports.states import BATCH_MOVES, RESULT_MOVES, BatchStatus, ResultStatus, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.job_types import Work

_One = TypeVar("_One", Outcome, RecordOutcome)
ANSWER_KEPT = 2_000  # characters of an answer that are kept with an attempt
CAUSE_KEPT = 80
CODE_KEPT = 60  # as long as the columns are

NOTE = """
INSERT INTO imports_attempt (job_id, batch_id, number, counted, worker, claimed_at, sent_at,
    ended_at, verdict, http_status, error_code, error, message, answer, sealed_with, success_count,
    error_count, unknown_count, details)
SELECT b.job_id, b.id, b.tries, mine.counted, b.worker, coalesce(b.claimed_at, clock_timestamp()),
    b.sent_at, clock_timestamp(), mine.verdict, mine.http, mine.code, mine.error,
    mine.message, mine.answer, mine.sealed_with,
    CASE WHEN mine.verdict = 'success' THEN b.size ELSE mine.successes END,
    CASE WHEN mine.verdict IN ('rejected', 'retry') OR (mine.verdict = 'split' AND b.size = 1)
        THEN b.size ELSE mine.errors END,
    CASE WHEN mine.verdict IN ('unknown', 'repeatable') THEN b.size ELSE mine.unknowns END,
    mine.details
FROM unnest(%s::bigint[], %s::bool[], %s::text[], %s::int[], %s::text[], %s::text[], %s::jsonb[],
            %s::text[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::jsonb[])
    AS mine(id, counted, verdict, http, code, error, message, answer, sealed_with, successes,
            errors, unknowns, details)
JOIN imports_importbatch b ON b.id = mine.id
"""


def note_attempts(job_id: int, tries: Sequence[tuple[int, Outcome, bool]]) -> None:
    """Store an attempt for each (batch id, outcome, counted) of a job that has just ended."""
    if not tries:
        return
    answers = _answers(job_id, [(batch_id, outcome) for batch_id, outcome, _counted in tries])
    rows = [
        (
            batch_id,
            counted,
            outcome.verdict.value,
            outcome.http_status,
            outcome.code,
            outcome.error,
            Json(to_json(outcome.message)) if outcome.message else None,
            *answer,
            *_counts(outcome),
            Json(outcome.details or {}),
        )
        for (batch_id, outcome, counted), answer in zip(tries, answers, strict=True)
    ]
    with cursor() as sql:
        sql.execute(NOTE, [list(column) for column in zip(*rows, strict=True)])


def _answers(job_id: int, tries: Sequence[tuple[int, Outcome]]) -> list[tuple[str, int | None]]:
    """What is kept of each answer, and the key that sealed it where records are sealed.

    Where no key opens, the answer is not kept: the outcome counts for more.
    """
    kept = [(batch_id, outcome.answer[:ANSWER_KEPT]) for batch_id, outcome in tries]
    try:
        key = keys.to_seal(job_id) if any(answer for _pk, answer in kept) else None
    except Unreadable:
        return [("", None)] * len(kept)
    if key is None:
        return [(answer, None) for _pk, answer in kept]
    return [(keys.sealed_text(key, answer, keys.of_answer(pk)), key.pk) for pk, answer in kept]


def _counts(outcome: Outcome) -> tuple[int, int, int]:
    """The numbers of records of a mixed answer that succeeded, failed and are unknown."""
    verdicts = [record.verdict for record in outcome.records]
    successes = verdicts.count(Verdict.SUCCESS)
    unknowns = verdicts.count(Verdict.UNKNOWN) + verdicts.count(Verdict.REPEATABLE)
    later = verdicts.count(Verdict.DEFERRED) + verdicts.count(Verdict.PAUSE)
    return successes, len(verdicts) - successes - unknowns - later, unknowns


def storable(outcome: Outcome) -> Outcome:
    """The outcome with codes that fit and texts that PostgreSQL can store.

    An answer from outside may hold NUL or half a character: it must not stop a worker.
    """
    answer = clean(outcome.answer)
    records = tuple(_storable(record) for record in outcome.records)
    cause, details = clean(outcome.cause)[:CAUSE_KEPT], storable_json(outcome.details)
    if (answer, records, cause, details) != (
        outcome.answer, outcome.records, outcome.cause, outcome.details,
    ):  # fmt: skip
        outcome = replace(outcome, answer=answer, records=records, cause=cause, details=details)
    return _storable(outcome)


def _storable(one: _One) -> _One:
    code = clean(one.code)[:CODE_KEPT]
    return one if code == one.code else replace(one, code=code)  # nearly always the first


OPEN_RESULTS = (ResultStatus.PENDING, ResultStatus.UNKNOWN)
STATUS_OF = {
    Verdict.SUCCESS: ResultStatus.SUCCESS,
    Verdict.RETRY: ResultStatus.ERROR,
    Verdict.REJECTED: ResultStatus.ERROR,
    Verdict.SPLIT: ResultStatus.ERROR,
    Verdict.UNKNOWN: ResultStatus.UNKNOWN,
    Verdict.REPEATABLE: ResultStatus.UNKNOWN,
    Verdict.DEFERRED: ResultStatus.ERROR,  # as late evidence: it was not stored
    Verdict.PAUSE: ResultStatus.ERROR,
    Verdict.WAITING: ResultStatus.UNKNOWN,
}
AHEAD = timedelta(seconds=1)
FREE = (Verdict.DEFERRED, Verdict.PAUSE)  # of a record: sent again, at no cost of an attempt


def finish_whole(batch: ImportBatch, outcome: Outcome) -> None:
    """Give every open record of the batch this outcome."""
    _decide(
        batch, batch.results.filter(status__in=OPEN_RESULTS).values_list("pk", flat=True), outcome
    )
    close(batch)


def says_later(outcome: Outcome) -> bool:
    """Whether some records of a mixed answer are sent later without using up an attempt."""
    return any(record.verdict == Verdict.DEFERRED for record in outcome.records)


def finish_each(batch: ImportBatch, outcome: Outcome, budget: Budget | None = None) -> None:
    """Give each record its own outcome; those that may still succeed go into smaller batches.

    Without a budget (late evidence) nothing is sent again: a retryable record becomes an error.
    """
    if assigned_ids.has_any(outcome):
        assigned_ids.keep([(batch.pk, outcome)])
    if outcome.verdict != Verdict.MIXED:
        finish_whole(batch, outcome)
        return
    results = list(batch.results.order_by("body_start", "pk").values_list("pk", "status"))
    row_outcomes: dict[RecordOutcome, list[int]] = {}
    again: dict[RecordOutcome, list[int]] = {}
    free: dict[RecordOutcome, list[int]] = {}  # at no cost of an attempt
    for (pk, status), record in zip(results, outcome.records, strict=True):
        if status not in OPEN_RESULTS:
            continue
        if record.verdict in FREE and budget:
            free.setdefault(record, []).append(pk)
        elif record.verdict == Verdict.RETRY and budget and batch.attempts < budget.max_attempts:
            again.setdefault(record, []).append(pk)
        else:
            row_outcomes.setdefault(record, []).append(pk)
    for record, pks in row_outcomes.items():
        _decide(batch, pks, record, outcome.http_status)
    if budget:
        _go_on(batch, again, outcome, batch.attempts, backoff(max(batch.attempts, 1), budget))
        # The rest that the API or portal is given holds them back for longer.
        _go_on(batch, free, outcome, max(batch.attempts - 1, 0), 0.0)
    close(batch)


def _go_on(
    batch: ImportBatch,
    records: dict[RecordOutcome, list[int]],
    outcome: Outcome,
    attempts: int,
    delay: float,
) -> None:
    """Move records into a new batch that has had this many attempts."""
    if not records:
        return
    part = carve(batch, [pk for pks in records.values() for pk in pks])
    part.attempts = attempts
    for why, pks in records.items():
        _tell(part, why, outcome.http_status, pks)
    ImportBatch.objects.filter(pk=part.pk).update(
        attempts=attempts, next_attempt_at=Now() + Value(timedelta(seconds=delay))
    )


def send_again(batch: ImportBatch, outcome: Outcome, delay: float) -> None:
    """Return a batch to pending, due after `delay` seconds.

    It is sent with the same bytes and the same key; with a submission, only its result is asked
    for.
    """
    ImportBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING).update(
        status=BatchStatus.PENDING,
        next_attempt_at=Now() + Value(timedelta(seconds=delay)),
        token=None,
        submission=outcome.submission,
    )
    if not is_still_waiting(batch, outcome):
        _tell(batch, outcome, outcome.http_status)


def is_still_waiting(batch: ImportBatch, outcome: Outcome) -> bool:
    """Whether the API was asked for a result, and is still at work: nothing is news."""
    return outcome.verdict is Verdict.WAITING and batch.submission is not None


def _tell(
    batch: ImportBatch,
    why: Outcome | RecordOutcome,
    http_status: int | None,
    pks: Sequence[int] | None = None,
) -> None:
    """Store the outcome of the last attempt on the open (or named) records ("current error")."""
    summary = batch.results.filter(status=ResultStatus.PENDING)
    (summary if pks is None else summary.filter(pk__in=pks)).update(
        **said(why),
        error_code=why.code,
        http_status=http_status,
        retry_attempts=batch.attempts,
        updated_at=Now(),
    )


def _decide(
    batch: ImportBatch,
    pks: Iterable[int],
    why: Outcome | RecordOutcome,
    http_status: int | None = None,
) -> None:
    """Move open results to the status that the verdict proves."""
    status = STATUS_OF[why.verdict]
    good = status == ResultStatus.SUCCESS
    if isinstance(why, Outcome):
        http_status = why.http_status
    before = {*sources(RESULT_MOVES, status), status} & set(OPEN_RESULTS)
    ImportResult.objects.filter(pk__in=pks, status__in=before).update(
        status=status,
        **(said(None) if good else said(why)),
        error_code="" if good else why.code or "UNEXPLAINED",
        final_error=None if good else why.error,
        http_status=http_status,
        retry_attempts=batch.attempts,
        updated_at=Now(),
    )


def said(why: Outcome | RecordOutcome | None) -> dict[str, object]:
    """The columns of a result that say why, including the cause it shares with others."""
    if why is None:
        return {"error": "", "message": None, "cause": ""}
    message = why.message or None
    return {"error": why.error, "message": message, "cause": cause_of(message)}


def close(batch: ImportBatch) -> None:
    """Update the batch's counts from its results; it has ended if none is pending."""
    counts = dict.fromkeys(ResultStatus.values, 0)
    for status in batch.results.values_list("status", flat=True):
        counts[status] += 1
    if counts[ResultStatus.PENDING]:
        raise AssertionError(f"batch {batch.pk} is closed with records pending")
    if not sum(counts.values()):
        status = BatchStatus.SPLIT
    elif counts[ResultStatus.UNKNOWN]:
        status = BatchStatus.UNKNOWN
    elif counts[ResultStatus.ERROR]:
        status = BatchStatus.FAILED
    else:
        status = BatchStatus.DONE
    before = [*sources(BATCH_MOVES, status), status]
    ImportBatch.objects.filter(pk=batch.pk, status__in=before).update(
        status=status,
        size=sum(counts.values()),
        success_count=counts[ResultStatus.SUCCESS],
        error_count=counts[ResultStatus.ERROR],
        unknown_count=counts[ResultStatus.UNKNOWN],
        excluded_count=counts[ResultStatus.EXCLUDED],
        ended_at=Now(),
    )


# The same for any number of batches, none of which is new or being split.
CLOSE_ALL = """
UPDATE imports_importbatch b
SET size = n.size, success_count = n.success, error_count = n.error, unknown_count = n.unknown,
    excluded_count = n.excluded, ended_at = clock_timestamp(),
    status = CASE WHEN n.unknown > 0 THEN 'unknown' WHEN n.error > 0 THEN 'failed' ELSE 'done' END
FROM (
    SELECT batch_id, count(*) AS size,
           count(*) FILTER (WHERE status = 'success') AS success,
           count(*) FILTER (WHERE status = 'error') AS error,
           count(*) FILTER (WHERE status = 'unknown') AS unknown,
           count(*) FILTER (WHERE status = 'excluded') AS excluded
    FROM import_results WHERE batch_id = ANY(%s)
    GROUP BY batch_id HAVING NOT bool_or(status = 'pending')
) n
WHERE b.id = n.batch_id
"""


def close_all(batch_ids: Sequence[int]) -> None:
    """Update the counts of ended batches from their results, in one statement."""
    with connection.cursor() as sql:
        sql.execute(CLOSE_ALL, [list(batch_ids)])
        if sql.rowcount != len(batch_ids):
            raise AssertionError("a batch is closed with records pending, or with none")


def split_in_two(batch: ImportBatch) -> None:
    """Replace a refused batch by its halves, each with its own key.

    They are sent before all other batches, smaller ones first, so that it soon shows whether
    the API accepts any of it.
    """
    pks = list(batch.results.order_by("body_start", "pk").values_list("pk", flat=True))
    middle = len(pks) // 2
    ahead = timedelta() if batch.part else AHEAD
    for half in (pks[:middle], pks[middle:]):
        part = carve(batch, half)
        ImportBatch.objects.filter(pk=part.pk).update(
            next_attempt_at=batch.next_attempt_at - ahead
        )
    close(batch)


def carve(batch: ImportBatch, pks: Sequence[int]) -> ImportBatch:
    """Move these open results into a new batch with new bytes and a new key."""
    results = list(
        ImportResult.objects.filter(pk__in=pks, status=ResultStatus.PENDING)
        .order_by("body_start", "pk")
        .only("pk", "body_start", "body_length")
    )
    numbered = ImportBatch.objects.filter(job_id=batch.job_id, number=batch.number)
    # One at a time hands out the parts of a number.
    numbered.select_for_update().values_list("pk", flat=True).get(part=0)
    frame = batches.excerpt(batch, results)
    part = ImportBatch.objects.create(
        job_id=batch.job_id,
        number=batch.number,
        part=(numbered.aggregate(last=Max("part"))["last"] or 0) + 1,
        parent=batch,
        size=len(results),
        attempts=batch.attempts,
        tries=batch.tries,
        after_numbers=batch.after_numbers,  # for a retry; what it waited for has ended
        **frame.fields(batch.job_id),
    )
    for result, (start, length) in zip(results, frame.places, strict=True):
        result.batch, result.body_start, result.body_length = part, start, length
    ImportResult.objects.bulk_update(results, ["batch", "body_start", "body_length"])
    return part


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one attempt, with its claim."""

    work: Work
    outcome: Outcome


# Whole batches that succeeded are nearly all of them: one statement, and so one transaction, for
# any number of batches, their records and their attempts. Texts go in binary (%b): to quote long
# answers costs more than to send them.
ALL_SUCCEEDED = """
WITH mine AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[], %(https)s::int[],
                         %(answers)b::text[], %(details)b::text[], %(sealed_with)s::bigint[])
        AS mine(id, token, http, answer, details, sealed_with)
), done AS (
    UPDATE imports_importbatch b
    SET status = 'done', success_count = b.size, unknown_count = 0, error_count = 0,
        attempts = b.attempts + 1, ended_at = clock_timestamp(), lease_until = NULL,
        http_status = mine.http, error_code = '', error = '', message = NULL
    FROM mine WHERE b.id = mine.id AND b.token = mine.token AND b.status = 'sending'
    RETURNING b.id, b.job_id, b.size, b.attempts, b.tries, b.worker, b.claimed_at, b.sent_at,
        mine.http, mine.answer, mine.details, mine.sealed_with
), records AS (
    UPDATE import_results r
    SET status = 'success', retry_attempts = done.attempts, http_status = done.http,
        error = '', error_code = '', message = NULL, cause = '', updated_at = clock_timestamp()
    FROM done WHERE r.batch_id = done.id AND r.status = 'pending'
), attempts AS (
    INSERT INTO imports_attempt (job_id, batch_id, number, counted, worker, claimed_at, sent_at,
        ended_at, verdict, http_status, error_code, error, answer, sealed_with, success_count,
        error_count, unknown_count, details)
    SELECT job_id, id, tries, true, worker, coalesce(claimed_at, clock_timestamp()), sent_at,
        clock_timestamp(), 'success', http, '', '', answer, sealed_with, size,
        0, 0, details::jsonb
    FROM done
), well AS (
    UPDATE imports_importjob SET failing = '{}'
    WHERE id = %(job)s AND failing <> '{}' AND EXISTS (SELECT FROM done)
    RETURNING id
), answered AS (  -- after the job's row, as all do who lock both
    UPDATE imports_ratelimit SET not_now_count = 0, not_now_since = NULL
    WHERE id = %(rate_limit)s AND not_now_count > 0 AND EXISTS (SELECT FROM done)
      AND (SELECT count(*) FROM well) >= 0
)
SELECT id FROM done
"""


def record(job: ImportJob, findings: Iterable[Finding]) -> None:
    """Record the outcomes of attempts of one job.

    Successes share a transaction. Every other outcome has its own, so that no lock on one
    batch is held while waiting for another.
    """
    plain: list[Finding] = []
    others: list[Finding] = []
    for each in findings:
        finding = Finding(each.work, storable(each.outcome))
        (plain if finding.outcome.verdict == Verdict.SUCCESS else others).append(finding)
    with_ids = [each for each in plain if assigned_ids.has_any(each.outcome)]
    others += _record_successes(job, [each for each in plain if each not in with_ids])
    others += _record_with_ids(job, with_ids)
    budget = job_types.get(job.kind).budget(job)
    for finding in others:
        with transaction.atomic():
            _record_one(job, finding, budget)


def _record_successes(job: ImportJob, findings: Sequence[Finding]) -> list[Finding]:
    """Mark these batches done; return those that were no longer waiting for this answer."""
    if not findings:
        return []
    tried = [each.outcome for each in findings]
    answers = _answers(job.pk, [(each.work.batch_id, each.outcome) for each in findings])
    names = {
        "job": job.pk,
        "rate_limit": job.rate_limit_id,
        "ids": [each.work.batch_id for each in findings],
        "tokens": [each.work.token for each in findings],
        "https": [outcome.http_status for outcome in tried],
        "answers": [answer for answer, _key in answers],
        "sealed_with": [key for _answer, key in answers],
        "details": [json.dumps(outcome.details or {}) for outcome in tried],
    }  # fmt: skip
    with cursor() as sql:
        done = {row[0] for row in sql.execute(ALL_SUCCEEDED, names).fetchall()}
    return [each for each in findings if each.work.batch_id not in done]


def _record_with_ids(job: ImportJob, findings: Sequence[Finding]) -> list[Finding]:
    """The same where the API gave its own ids: these are kept in the same transaction."""
    if not findings:
        return []
    with transaction.atomic():
        settled = _record_successes(job, findings)
        mine = [each for each in findings if each not in settled]
        assigned_ids.keep((each.work.batch_id, each.outcome) for each in mine)
    return settled


def _record_one(job: ImportJob, finding: Finding, budget: Budget) -> None:
    """Record one outcome that is no plain success, under a lock on its batch."""
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
        return  # another worker has settled it since
    if batch.status == BatchStatus.UNKNOWN:
        _add_late_evidence(batch, finding.outcome)
    else:
        apply(job, batch, finding.outcome, budget)


def _add_late_evidence(batch: ImportBatch, outcome: Outcome) -> None:
    """Record an answer that came after its lease expired, if it proves something."""
    proof = {Verdict.SUCCESS, Verdict.REJECTED, Verdict.RETRY, Verdict.MIXED, Verdict.SPLIT}
    if outcome.verdict in proof:
        note_attempts(batch.job_id, [(batch.pk, outcome, False)])
        finish_each(batch, outcome)


def apply(
    job: ImportJob, batch: ImportBatch, outcome: Outcome, budget: Budget, *, seen: bool = True
) -> None:
    """Take the step that policy decides for a batch in flight. The caller holds its lock.

    `seen` is False if nobody saw how the attempt ended: that says nothing about the API.
    """
    lifecycle.lock(job)  # before its rate limit, as everywhere
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
        step = replace(step, delay=lifecycle.rest(job, outcome.retry_after, outcome.message))
    elif seen and _is_an_answer(outcome):
        lifecycle.answered(job)
    _make(job, batch, outcome, step, budget)
    if failing and must_stop:
        lifecycle.pause_for(
            job, stops.code_of(failing), stops.message_of(job.kind, failing, outcome)
        )
    elif outcome.pauses:
        lifecycle.pause_for(job, outcome.code, outcome.message)


def _write_try(batch: ImportBatch, outcome: Outcome, step: policy.Step) -> None:
    if is_still_waiting(batch, outcome):
        ImportBatch.objects.filter(pk=batch.pk).update(lease_until=None, tries=F("tries") - 1)
        return
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
    note_attempts(batch.job_id, [(batch.pk, outcome, step.counted)])


def _is_an_answer(outcome: Outcome) -> bool:
    """Whether the answer is more than "not now" or silence, and so ends growing pauses."""
    is_later = outcome.verdict == Verdict.DEFERRED or says_later(outcome)
    return not is_later and outcome.cause != DOWN


def _make(
    job: ImportJob, batch: ImportBatch, outcome: Outcome, step: policy.Step, budget: Budget
) -> None:
    match step.move:
        case Move.AGAIN:
            delay = step.delay
            if outcome.verdict == Verdict.DEFERRED:
                delay = lifecycle.rest(job, outcome.retry_after, outcome.message)
            send_again(batch, outcome, delay)
        case Move.PAUSE_JOB:
            send_again(batch, outcome, 0.0)
            lifecycle.pause_for(job, outcome.code, outcome.message)
        case Move.SPLIT:
            _split(job, batch, outcome)
        case _ if outcome.verdict == Verdict.MIXED:
            finish_each(batch, outcome, budget)
            if says_later(outcome):
                lifecycle.rest(job, outcome.retry_after, outcome.message)
        case _:
            finish_each(batch, outcome)
            _stop_in_vain(job, batch, outcome)


def _split(job: ImportJob, batch: ImportBatch, outcome: Outcome) -> None:
    """Split the batch, or pause if all its quarters were refused with the same error."""
    split_in_two(batch)
    _stop_in_vain(job, batch, outcome)


def _stop_in_vain(job: ImportJob, batch: ImportBatch, outcome: Outcome) -> None:
    """Pause once for a batch whose parts all fail alike; after Resume it is split to the end."""
    through = ImportJob.objects.values_list("halved_through", flat=True).get(pk=job.pk)
    if batch.number <= through or not stops.is_in_vain(batch, outcome):
        return
    if lifecycle.pause_for(job, stops.ALL_REFUSED, stops.IN_VAIN.format(error=outcome.message)):
        ImportJob.objects.filter(pk=job.pk).update(halved_through=batch.number)


AT_ONCE = 200  # leases judged in one sweep


def expire() -> set[int]:
    """Settle every batch whose lease has expired; the ids of their jobs.

    A claimed batch was not sent, so it is pending again. A sending one may have been sent: the
    job type decides between unknown and, if repeating is safe, pending.
    """
    return _unclaim() | _judge()


def _unclaim() -> set[int]:
    over = Q(status=BatchStatus.CLAIMED, lease_until__lt=Now())
    with transaction.atomic():
        rows = dict(
            ImportBatch.objects.select_for_update(skip_locked=True)
            .filter(over)
            .values_list("pk", "job_id")[:AT_ONCE]
        )
        ImportBatch.objects.filter(over, pk__in=rows).update(
            status=BatchStatus.PENDING, token=None, lease_until=None
        )
    return set(rows.values())


def _judge() -> set[int]:
    over = Q(status=BatchStatus.SENDING, lease_until__lt=Now())
    touched: set[int] = set()
    for pk in list(ImportBatch.objects.filter(over).values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            batch = (
                ImportBatch.objects.select_for_update(of=("self",), skip_locked=True)
                .filter(over, pk=pk)
                .defer("body")
                .select_related("job")
                .first()
            )
            if batch is not None:
                kind = job_types.get(batch.job.kind)
                budget = kind.budget(batch.job)
                lost = kind.lost(batch.job)
                if batch.submission is not None:  # to ask again for its result changes nothing
                    lost = replace(lost, verdict=Verdict.WAITING, submission=batch.submission)
                apply(batch.job, batch, lost, budget, seen=False)
                touched.add(batch.job_id)
    return touched
