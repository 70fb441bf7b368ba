"""Claim and intent: how one job runner, and no other, comes to send a batch."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from django.db import connection
from psycopg.pq import Format

from imports.job_types import Work
from imports.models import ImportBatch
from imports.models.jobs import ImportJob
from imports.sealing import keys
from imports.sealing.keys import Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


def cursor() -> psycopg.Cursor[Any]:
    """A binary cursor on this thread's connection: bodies are sent without escaping.

    Outside a transaction each statement is a transaction of its own, in one round trip.
    """
    connection.ensure_connection()
    made = psycopg.Cursor(connection.connection)
    made.format = Format.BINARY
    return made


@contextmanager
def one_trip() -> Iterator[None]:
    """Send the statements of the block together, as one transaction.

    Their results are there when the block ends. Each statement sees what was committed before it.
    """
    connection.ensure_connection()
    with connection.connection.pipeline():
        yield


@contextmanager
def planned_once() -> Iterator[None]:
    """Within the block PostgreSQL plans each prepared statement once, not on every run.

    The number of batches in a statement hardly changes its best plan, and planning
    it costs as much as running it. Only for job runners: the queries of pages vary more.
    """
    with cursor() as sql:
        sql.execute("SET plan_cache_mode TO force_generic_plan")
    try:
        yield
    finally:
        with suppress(psycopg.Error), cursor() as sql:  # a connection that broke has no settings
            sql.execute("RESET plan_cache_mode")


# A retry's batches have the numbers of those that their records come from, so what these waited
# for has the same number again, or is not sent again and holds nobody back.
INHERIT = """
UPDATE imports_importbatch b SET after_numbers = inherited.numbers
FROM (
    SELECT mine.id, array_agg(DISTINCT earlier.number ORDER BY earlier.number) AS numbers
    FROM imports_importbatch old
    CROSS JOIN unnest(old.after_numbers) AS earlier(number)
    JOIN import_results before ON before.batch_id = old.id
    JOIN import_results again ON again.retry_of_id = before.id AND again.job_id = %(job)s
    JOIN imports_importbatch mine ON mine.id = again.batch_id
    WHERE old.job_id = ANY(%(family)s) AND old.after_numbers IS NOT NULL
      AND earlier.number < mine.number
    GROUP BY mine.id
) inherited
WHERE b.id = inherited.id AND b.status = 'pending'
"""


def inherit(retry: ImportJob) -> None:
    """Give the batches of a retry the order of the batches they come from.

    Call it before any of them may be claimed. Without an order it costs one cheap query.
    """
    family = _family(retry)
    waited = ImportBatch.objects.filter(job_id__in=family, after_numbers__isnull=False)
    if waited.exists():
        with connection.cursor() as sql:
            sql.execute(INHERIT, {"job": retry.pk, "family": list(family)})


def _family(retry: ImportJob) -> Collection[int]:
    """The ids of the first job and of all its retries."""
    first = retry.first
    family_jobs = ImportJob.objects.filter(root=first).values_list("pk", flat=True)
    return {first.pk, *family_jobs}


ORDER_LOOK_SECONDS = 0.5  # how often to ask whether an earlier copy has ended elsewhere
CUT_LOOK_SECONDS = 0.05  # how often to ask whether another worker has cut more: it soon has


@dataclass(frozen=True, slots=True)
class Claim:
    """The batches a worker claimed. If there are none, `wait` is the seconds until it asks again.

    `wait` is None if the ledger knows of nothing that will become due. `limit` is how many
    requests the API or portal may have in flight.
    """

    works: list[Work]
    wait: float | None
    limit: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Over:
    """Attempts of the caller that succeeded and are not recorded yet: in flight no longer.

    The first `replaced` of them have left their places to batches that were claimed since.
    `limit` is the highest that the caller's claims have met; 0 passes no place on.
    """

    works: Sequence[Work] = ()
    replaced: int = 0
    limit: int = 0


NOTHING_IS_OVER = Over()


# The rate limit's row is the lock: while it is held, no other claim for this target counts or
# takes batches. The commit need not wait for the disk: if the database crashes and forgets the
# claim, the batch is pending and nothing was sent. The intent that follows does wait.
LOCK_RATE_LIMIT = """
SELECT greatest(extract(epoch FROM paused_until - clock_timestamp()), 0)::float8,
       CASE WHEN %(delay)s > 0
            THEN greatest(extract(epoch FROM next_slot_at - clock_timestamp()), 0)::float8 END,
       set_config('synchronous_commit', 'off', true), concurrency
FROM imports_ratelimit WHERE id = %(rate_limit)s FOR UPDATE
"""

# What a batch waits for that holds a later copy of a customer: batches of its job with earlier
# ones. Any end will do: stored, refused, or unknown. But after an unknown end the API may still
# be at work on the earlier copy, so it gets as long again as an attempt may take. A split batch
# is its parts, and parts have its number.
EARLIER_COPIES = """
    SELECT FROM imports_importbatch earlier JOIN imports_importjob its_job
        ON its_job.id = earlier.job_id
    WHERE earlier.job_id = b.job_id AND earlier.number = ANY(b.after_numbers)
      AND (earlier.status IN ('pending', 'claimed', 'sending')
           OR (earlier.status = 'unknown' AND earlier.ended_at > clock_timestamp()
               - make_interval(secs => its_job.timeout_seconds)))
"""

# A statement of its own, so that it sees what was committed while the lock was waited for.
# Statuses stand here as they are, not as parameters: the indexes of what is due and of what is
# in flight are of these statuses only.
TAKE = """
WITH job AS (
    SELECT id, concurrency, max_attempts, stage_limit FROM imports_importjob
    WHERE id = %(job)s AND status = 'running'
), allowed AS (
    -- One request at a time asks whether it is over, where the other side said "not now".
    SELECT CASE WHEN not_now_count > 0 THEN 1 ELSE concurrency END AS concurrency
    FROM imports_ratelimit
    WHERE id = %(rate_limit)s AND coalesce(paused_until <= clock_timestamp(), true)
      AND (%(delay)s = 0 OR coalesce(next_slot_at <= clock_timestamp(), true))
), flying AS (
    SELECT count(*) FILTER (WHERE b.token <> ALL (%(over)s::uuid[])) AS of_target,
           count(*) FILTER (WHERE b.token <> ALL (%(over)s::uuid[]) AND b.job_id = %(job)s)
               AS of_job,
           count(*) FILTER (WHERE b.token = ANY (%(left)s::uuid[])) AS left
    FROM imports_importbatch b JOIN imports_importjob j ON j.id = b.job_id
    WHERE j.rate_limit_id = %(rate_limit)s AND b.status IN ('claimed', 'sending')
), room AS (
    -- The count has attempts of other workers in it that are over and not recorded yet. So the
    -- places that the caller's own left are its own, unless a limit is lower than it was.
    SELECT greatest(
        least(%(room)s, job.concurrency - of_job, allowed.concurrency - of_target),
        CASE WHEN job.concurrency >= %(job_limit)s
            AND %(target_limit)s BETWEEN 1 AND allowed.concurrency
            THEN least(%(room)s, flying.left) END
    ) AS places
    FROM job, allowed, flying
), due AS (
    SELECT b.id FROM imports_importbatch b
    WHERE b.job_id = %(job)s AND b.status = 'pending'
      AND b.next_attempt_at <= (SELECT clock_timestamp())
      AND b.number <= (SELECT coalesce(stage_limit, 2147483647) FROM job)
      AND (b.after_numbers IS NULL OR NOT EXISTS ({EARLIER_COPIES}))
    ORDER BY b.next_attempt_at, b.id
    LIMIT greatest((SELECT places FROM room), 0)
    FOR UPDATE SKIP LOCKED
), next_slot AS (
    UPDATE imports_ratelimit
    SET next_slot_at = clock_timestamp() + make_interval(secs => %(delay)s)
    WHERE id = %(rate_limit)s AND %(delay)s > 0 AND EXISTS (SELECT FROM due)
)
UPDATE imports_importbatch b
SET status = 'claimed', token = md5(%(seed)s::text || b.id)::uuid, worker = %(worker)s,
    claimed_at = clock_timestamp(), sent_at = NULL,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due, job WHERE b.id = due.id
RETURNING b.id, b.number, b.token, b.attempts + 1, job.max_attempts, b.size, b.body,
          b.idempotency_key, b.tries + 1, b.submission, b.sealed_with
""".replace("{EARLIER_COPIES}", EARLIER_COPIES)

# Not greatest(min(…), 0) alone: that ignores a null, so that "never" would read "now".
NEXT_DUE = """
SELECT CASE WHEN min(next_attempt_at) IS NOT NULL
    THEN greatest(extract(epoch FROM min(next_attempt_at) - clock_timestamp()), 0)::float8 END
FROM imports_importbatch b WHERE job_id = %(job)s AND status = 'pending'
  AND number <= (SELECT coalesce(stage_limit, 2147483647) FROM imports_importjob
                 WHERE id = %(job)s)
  AND (after_numbers IS NULL OR NOT EXISTS ({EARLIER_COPIES}))
""".replace("{EARLIER_COPIES}", EARLIER_COPIES)

IS_WAITING = """
SELECT EXISTS (
    SELECT FROM imports_importbatch
    WHERE job_id = %(job)s AND status = 'pending' AND after_numbers IS NOT NULL
      AND number <= (SELECT coalesce(stage_limit, 2147483647) FROM imports_importjob
                     WHERE id = %(job)s)
), EXISTS (SELECT FROM imports_importjob WHERE id = %(job)s AND uncut_count > 0)
"""

INTEND = """
UPDATE imports_importbatch b
SET status = 'sending', sent_at = clock_timestamp(), tries = b.tries + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS mine(id, token), imports_importjob j
WHERE b.id = mine.id AND b.token = mine.token AND b.status = 'claimed'
  AND j.id = b.job_id AND j.status = 'running'
RETURNING b.id
"""

# The same for all batches of one claim that was just made: they are known by its seed.
INTEND_CLAIMED = """
UPDATE imports_importbatch b
SET status = 'sending', sent_at = clock_timestamp(), tries = b.tries + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM imports_importjob j
WHERE b.job_id = %(job)s AND b.status = 'claimed'
  AND b.token = md5(%(seed)s::text || b.id)::uuid
  AND j.id = b.job_id AND j.status = 'running'
RETURNING b.id
"""

GIVE_BACK = """
UPDATE imports_importbatch b SET status = 'pending', lease_until = NULL, token = NULL
FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS mine(id, token)
WHERE b.id = mine.id AND b.token = mine.token AND b.status = 'claimed'
"""


def claim(job: ImportJob, worker: str, room: int, lease: float) -> Claim:
    """Take up to `room` due batches of a running job for `lease` seconds, within all limits."""
    names = _names_of(job, worker, room, lease)
    with one_trip():
        rate_limit = cursor().execute(LOCK_RATE_LIMIT, names)
        taken = cursor().execute(TAKE, names)
    return _claim(job, rate_limit, taken)


def claim_and_intend(
    job: ImportJob, worker: str, room: int, lease: float, over: Over = NOTHING_IS_OVER
) -> Claim:
    """`claim`, and `intend` right behind it: two transactions, as ever, but one trip.

    Each commits by itself, and the second one waits for the disk.
    """
    names = _names_of(job, worker, room, lease, over)
    connection.ensure_connection()
    with connection.connection.pipeline() as pipeline:
        rate_limit = cursor().execute(LOCK_RATE_LIMIT, names)
        taken = cursor().execute(TAKE, names)
        pipeline.sync()
        intended = cursor().execute(INTEND_CLAIMED, names)
    claimed = _claim(job, rate_limit, taken)
    ours = {row[0] for row in intended.fetchall()}
    give_back([work for work in claimed.works if work.batch_id not in ours])
    works = [work for work in claimed.works if work.batch_id in ours]
    return Claim(works, 0.0 if claimed.works else claimed.wait, claimed.limit)


def _names_of(
    job: ImportJob, worker: str, room: int, lease: float, over: Over = NOTHING_IS_OVER
) -> dict[str, object]:
    """The parameters of one claim. Its seed and a batch's id make the batch's token."""
    return {
        "job": job.pk, "rate_limit": job.rate_limit_id, "worker": worker, "lease": lease,
        "room": room if job.delay_seconds == 0 else min(room, 1), "delay": job.delay_seconds,
        "seed": uuid4().hex,
        "over": [work.token for work in over.works],
        "left": [work.token for work in over.works[over.replaced :]],
        "job_limit": job.concurrency, "target_limit": over.limit,
    }  # fmt: skip


def _claim(job: ImportJob, rate_limit: psycopg.Cursor[Any], taken: psycopg.Cursor[Any]) -> Claim:
    paused, slot, _, limit = rate_limit.fetchone() or (0.0, None, "", 0)
    if rows := taken.fetchall():
        ring = keys.Ring()
        return Claim([_work(job, row, ring) for row in rows], None, limit)
    return Claim([], max(paused or 0.0, slot or 0.0) or _next_due(job), limit)


def _work(job: ImportJob, row: tuple[Any, ...], ring: keys.Ring) -> Work:
    """One claimed batch, with its bytes as they are sent."""
    *plain, sealed_with = row
    if sealed_with is None:
        return Work(job.pk, *plain)
    try:
        plain[6] = keys.plain(plain[6], sealed_with, keys.of_batch(plain[0]), ring)
    except Unreadable as error:
        plain[6] = b""
        return replace(Work(job.pk, *plain), unreadable=error.message)
    return Work(job.pk, *plain)


def _next_due(job: ImportJob) -> float | None:
    """Seconds until a batch is due, or until one may be that waits for another worker.

    That one may have an earlier copy in flight, or be at cutting the job's files.
    """
    names = {"job": job.pk}
    with cursor() as sql:
        due = sql.execute(NEXT_DUE, names).fetchone()
        if due and due[0] is not None:
            return float(due[0])
        is_ordered, is_uncut = sql.execute(IS_WAITING, names).fetchone() or (False, False)
    if is_uncut:
        return CUT_LOOK_SECONDS
    return ORDER_LOOK_SECONDS if is_ordered else None


def intend(works: Sequence[Work], lease: float) -> list[Work]:
    """Commit the intent to send, before a byte leaves; the batches to send, in the same order.

    Batches whose job was paused or cancelled meanwhile are given back.
    """
    if not works:
        return []
    with cursor() as sql:
        ours = {row[0] for row in sql.execute(INTEND, _names(works) | {"lease": lease}).fetchall()}
    give_back([work for work in works if work.batch_id not in ours])
    return [work for work in works if work.batch_id in ours]


KEEP = """
UPDATE imports_importbatch SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id = %(id)s AND token = %(token)s AND status = 'sending'
RETURNING id
"""


def keep(work: Work, lease: float) -> bool:
    """Renew the lease of a batch that is being sent; False if it is another worker's by now."""
    names = {"id": work.batch_id, "token": work.token, "lease": lease}
    with cursor() as sql:
        return sql.execute(KEEP, names).fetchone() is not None


def give_back(works: Sequence[Work]) -> None:
    """Release claimed batches that were not sent."""
    if works:
        with cursor() as sql:
            sql.execute(GIVE_BACK, _names(works))


def _names(works: Sequence[Work]) -> dict[str, object]:
    return {"ids": [work.batch_id for work in works], "tokens": [work.token for work in works]}
