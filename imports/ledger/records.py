"""From a batch's outcome to its records' results, and to the smaller batches that follow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max, Value
from django.db.models.functions import Now

from imports.ledger import bodies
from imports.messages import cause_of
from imports.models import ImportBatch, ImportResult
from imports.policy import Budget, Outcome, RecordOutcome, Verdict, backoff
from imports.states import BATCH_MOVES, RESULT_MOVES, BatchStatus, ResultStatus, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
}
AHEAD = timedelta(seconds=1)
FREE = (Verdict.DEFERRED, Verdict.PAUSE)  # of a record: sent again, at no cost of an attempt


def finish_whole(batch: ImportBatch, outcome: Outcome) -> None:
    """Every open record of the batch shares the outcome's fate."""
    _decide(
        batch, batch.results.filter(status__in=OPEN_RESULTS).values_list("pk", flat=True), outcome
    )
    close(batch)


def says_later(outcome: Outcome) -> bool:
    """Whether some records of a mixed answer are to come again at no cost of an attempt."""
    return any(record.verdict == Verdict.DEFERRED for record in outcome.records)


def finish_each(batch: ImportBatch, outcome: Outcome, budget: Budget | None = None) -> None:
    """Each record has its own fate; those that may still succeed go on in smaller batches.

    Without a budget (late evidence) nothing is sent again: what could be is an error.
    """
    if outcome.verdict != Verdict.MIXED:
        finish_whole(batch, outcome)
        return
    results = list(batch.results.order_by("body_start", "pk").values_list("pk", "status"))
    fates: dict[RecordOutcome, list[int]] = {}
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
            fates.setdefault(record, []).append(pk)
    for record, pks in fates.items():
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
    """Put records into a batch of their own that has had so many attempts."""
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
    """Back to pending: same bytes, same key, due after `delay` seconds."""
    ImportBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING).update(
        status=BatchStatus.PENDING,
        next_attempt_at=Now() + Value(timedelta(seconds=delay)),
        token=None,
    )
    _tell(batch, outcome, outcome.http_status)


def _tell(
    batch: ImportBatch,
    why: Outcome | RecordOutcome,
    http_status: int | None,
    pks: Sequence[int] | None = None,
) -> None:
    """Let the open records (or those named) say what the last try came to ("current error")."""
    told = batch.results.filter(status=ResultStatus.PENDING)
    (told if pks is None else told.filter(pk__in=pks)).update(
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
    """Move open results to what the verdict proves."""
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
    """The columns of a result that say why; what they have in common with others, too."""
    if why is None:
        return {"error": "", "message": None, "cause": ""}
    message = why.message or None
    return {"error": why.error, "message": message, "cause": cause_of(message)}


def close(batch: ImportBatch) -> None:
    """Sum the batch up from its results; with none pending it has ended."""
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
    """Sum ended batches up from their results. One statement."""
    with connection.cursor() as sql:
        sql.execute(CLOSE_ALL, [list(batch_ids)])
        if sql.rowcount != len(batch_ids):
            raise AssertionError("a batch is closed with records pending, or with none")


def split_in_two(batch: ImportBatch) -> None:
    """Replace a refused batch by its halves: each goes out under its own key.

    They go before all other batches, those of one batch by size: so it is soon known whether any
    of it is taken.
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
    frame = bodies.excerpt(batch, results)
    part = ImportBatch.objects.create(
        job_id=batch.job_id,
        number=batch.number,
        part=(numbered.aggregate(last=Max("part"))["last"] or 0) + 1,
        parent=batch,
        size=len(results),
        attempts=batch.attempts,
        tries=batch.tries,
        after_numbers=batch.after_numbers,  # for a retry; what it waited for has ended
        **frame.fields(),
    )
    for result, (start, length) in zip(results, frame.places, strict=True):
        result.batch, result.body_start, result.body_length = part, start, length
    ImportResult.objects.bulk_update(results, ["batch", "body_start", "body_length"])
    return part
