"""The record of every try: written when it ends, never changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.types.json import Json

from imports.ledger.statements import cursor
from imports.messages import storable as clean
from imports.messages import to_json
from imports.policy import Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_One = TypeVar("_One", Outcome, RecordOutcome)
ANSWER_KEPT = 2_000  # characters of an answer that are kept with an attempt
CAUSE_KEPT = 80
CODE_KEPT = 60  # as long as the columns are

NOTE = """
INSERT INTO imports_attempt (job_id, batch_id, number, counted, worker, claimed_at, sent_at,
    ended_at, verdict, http_status, error_code, error, message, answer, success_count, error_count,
    unknown_count, details)
SELECT b.job_id, b.id, b.tries, mine.counted, b.worker, coalesce(b.claimed_at, clock_timestamp()),
    b.sent_at, clock_timestamp(), mine.verdict, mine.http, mine.code, mine.error,
    mine.message, mine.answer,
    CASE WHEN mine.verdict = 'success' THEN b.size ELSE mine.successes END,
    CASE WHEN mine.verdict IN ('rejected', 'retry') OR (mine.verdict = 'split' AND b.size = 1)
        THEN b.size ELSE mine.errors END,
    CASE WHEN mine.verdict IN ('unknown', 'repeatable') THEN b.size ELSE mine.unknowns END,
    mine.details
FROM unnest(%s::bigint[], %s::bool[], %s::text[], %s::int[], %s::text[], %s::text[], %s::jsonb[],
            %s::text[], %s::int[], %s::int[], %s::int[], %s::jsonb[])
    AS mine(id, counted, verdict, http, code, error, message, answer, successes, errors, unknowns,
            details)
JOIN imports_importbatch b ON b.id = mine.id
"""


def note_attempts(tries: Sequence[tuple[int, Outcome, bool]]) -> None:
    """Keep (batch id, outcome, counted) of tries that have just ended."""
    if not tries:
        return
    rows = [
        (
            batch_id,
            counted,
            outcome.verdict.value,
            outcome.http_status,
            outcome.code,
            outcome.error,
            Json(to_json(outcome.message)) if outcome.message else None,
            outcome.answer[:ANSWER_KEPT],
            *_counts(outcome),
            Json(outcome.details or {}),
        )
        for batch_id, outcome, counted in tries
    ]
    with cursor() as sql:
        sql.execute(NOTE, [list(column) for column in zip(*rows, strict=True)])


def _counts(outcome: Outcome) -> tuple[int, int, int]:
    """How many records of a mixed answer succeeded, failed and are unknown."""
    verdicts = [record.verdict for record in outcome.records]
    successes = verdicts.count(Verdict.SUCCESS)
    unknowns = verdicts.count(Verdict.UNKNOWN) + verdicts.count(Verdict.REPEATABLE)
    later = verdicts.count(Verdict.DEFERRED) + verdicts.count(Verdict.PAUSE)
    return successes, len(verdicts) - successes - unknowns - later, unknowns


def storable(outcome: Outcome) -> Outcome:
    """The outcome with codes that fit and texts that PostgreSQL can keep.

    A stranger's answer may hold NUL or half a character: it must not stop a lane.
    """
    answer = clean(outcome.answer)
    records = tuple(_storable(record) for record in outcome.records)
    cause, details = clean(outcome.cause)[:CAUSE_KEPT], _plain(outcome.details)
    if (answer, records, cause, details) != (
        outcome.answer, outcome.records, outcome.cause, outcome.details,
    ):  # fmt: skip
        outcome = replace(outcome, answer=answer, records=records, cause=cause, details=details)
    return _storable(outcome)


def _storable(one: _One) -> _One:
    code = clean(one.code)[:CODE_KEPT]
    return one if code == one.code else replace(one, code=code)  # nearly always the first


def _plain(value: Any) -> Any:
    """A JSON value with no text in it that PostgreSQL cannot keep."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
