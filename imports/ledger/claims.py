"""Claim and intend: how one lane, and no other, comes to send a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection, transaction
from psycopg.pq import Format

from imports.kinds import Work
from imports.states import BatchStatus, JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.models import ImportJob


@dataclass(frozen=True, slots=True)
class Claim:
    """What a lane got. Where it got nothing, `wait` says in how many seconds to ask again.

    `wait` is None when nothing is due at any time that the ledger knows of.
    """

    works: list[Work]
    wait: float | None


# A claim that a crash of the database forgets is a batch that is pending: nothing was sent yet,
# and the intent that follows waits for the disk.
NO_NEED_TO_WAIT = "SET LOCAL synchronous_commit TO off"

# The gate's row is the lock: while it is held, no other claim of this target counts or takes.
LOCK_GATE = """
SELECT greatest(extract(epoch FROM resting_until - clock_timestamp()), 0)::float8,
       greatest(extract(epoch FROM next_slot_at - clock_timestamp()), 0)::float8
FROM imports_gate WHERE id = %(gate)s FOR UPDATE
"""

TAKE = """
WITH job AS (
    SELECT id, concurrency, max_attempts, wave_limit FROM imports_importjob
    WHERE id = %(job)s AND status = %(running)s
), room AS (
    SELECT least(
        %(room)s,
        job.concurrency - (SELECT count(*) FROM imports_importbatch b
                           WHERE b.job_id = job.id AND b.status IN ('claimed', 'sending')),
        (SELECT concurrency FROM imports_gate WHERE id = %(gate)s)
            - (SELECT count(*) FROM imports_importbatch b
               JOIN imports_importjob j ON j.id = b.job_id
               WHERE j.gate_id = %(gate)s AND b.status IN ('claimed', 'sending'))
    ) AS places FROM job
), due AS (
    SELECT b.id FROM imports_importbatch b
    WHERE b.job_id = %(job)s AND b.status = %(pending)s AND b.next_attempt_at <= clock_timestamp()
      AND b.number <= (SELECT coalesce(wave_limit, 2147483647) FROM job)
    ORDER BY b.next_attempt_at, b.id
    LIMIT greatest((SELECT places FROM room), 0)
    FOR UPDATE SKIP LOCKED
)
UPDATE imports_importbatch b
SET status = %(claimed)s, token = gen_random_uuid(), worker = %(worker)s,
    claimed_at = clock_timestamp(), sent_at = NULL,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due, job WHERE b.id = due.id
RETURNING b.id, b.number, b.token, b.attempts + 1, job.max_attempts, b.size, b.body,
          b.idempotency_key, b.tries + 1
"""

# Not greatest(min(…), 0) alone: that ignores a null, so that "never" would read "now".
NEXT_DUE = """
SELECT CASE WHEN min(next_attempt_at) IS NOT NULL
    THEN greatest(extract(epoch FROM min(next_attempt_at) - clock_timestamp()), 0)::float8 END
FROM imports_importbatch WHERE job_id = %(job)s AND status = %(pending)s
  AND number <= (SELECT coalesce(wave_limit, 2147483647) FROM imports_importjob
                 WHERE id = %(job)s)
"""

INTEND = """
UPDATE imports_importbatch b
SET status = %(sending)s, sent_at = clock_timestamp(), tries = b.tries + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS mine(id, token), imports_importjob j
WHERE b.id = mine.id AND b.token = mine.token AND b.status = %(claimed)s
  AND j.id = b.job_id AND j.status = %(running)s
RETURNING b.id
"""

GIVE_BACK = """
UPDATE imports_importbatch b SET status = %(pending)s, lease_until = NULL, token = NULL
FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS mine(id, token)
WHERE b.id = mine.id AND b.token = mine.token AND b.status = %(claimed)s
"""


def cursor() -> psycopg.Cursor[Any]:
    """A cursor on this thread's connection that speaks binary: bodies go over as they are."""
    connection.ensure_connection()
    made = psycopg.Cursor(connection.connection)
    made.format = Format.BINARY
    return made


def claim(job: ImportJob, worker: str, room: int, lease: float) -> Claim:
    """Take up to `room` due batches of a running job for `lease` seconds, within all limits."""
    names = {
        "job": job.pk, "gate": job.gate_id, "worker": worker, "lease": lease,
        "room": room if job.delay_seconds == 0 else min(room, 1),
        "running": JobStatus.RUNNING.value, "pending": BatchStatus.PENDING.value,
        "claimed": BatchStatus.CLAIMED.value,
    }  # fmt: skip
    with transaction.atomic(), cursor() as sql:
        sql.execute(NO_NEED_TO_WAIT)
        resting, slot = sql.execute(LOCK_GATE, names).fetchone() or (0.0, 0.0)
        closed_for = max(resting or 0.0, (slot or 0.0) if job.delay_seconds else 0.0)
        if closed_for:
            return Claim([], closed_for)
        rows = sql.execute(TAKE, names).fetchall()
        if rows and job.delay_seconds:
            sql.execute(
                "UPDATE imports_gate SET"
                " next_slot_at = clock_timestamp() + make_interval(secs => %s) WHERE id = %s",
                [job.delay_seconds, job.gate_id],
            )
        if rows:
            return Claim([Work(job.pk, *row) for row in rows], None)
        (wait,) = sql.execute(NEXT_DUE, names).fetchone() or (None,)
        return Claim([], wait)


def intend(works: Sequence[Work], lease: float) -> list[Work]:
    """Commit, before a byte leaves, that these may be sent; those that may, in the same order.

    The others (their job was paused or cancelled meanwhile) are given back.
    """
    if not works:
        return []
    names = {
        "ids": [work.batch_id for work in works], "tokens": [work.token for work in works],
        "lease": lease, "claimed": BatchStatus.CLAIMED.value, "sending": BatchStatus.SENDING.value,
        "running": JobStatus.RUNNING.value,
    }  # fmt: skip
    with transaction.atomic(), cursor() as sql:
        ours = {row[0] for row in sql.execute(INTEND, names).fetchall()}
    give_back([work for work in works if work.batch_id not in ours])
    return [work for work in works if work.batch_id in ours]


def give_back(works: Sequence[Work]) -> None:
    """Return claimed batches of which nothing was sent."""
    if not works:
        return
    names = {
        "ids": [work.batch_id for work in works], "tokens": [work.token for work in works],
        "claimed": BatchStatus.CLAIMED.value, "pending": BatchStatus.PENDING.value,
    }  # fmt: skip
    with transaction.atomic(), cursor() as sql:
        sql.execute(GIVE_BACK, names)
