"""How well each API and portal has answered lately, from the attempts at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from imports.policy import Verdict
from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

# Attempts of the last two days come from the jobs that may have some; a last success comes from
# the newest jobs. Years of attempts are not read.
QUERY = """
WITH clock AS (SELECT statement_timestamp() - interval '1 day' AS day,
                      statement_timestamp() - interval '2 days' AS two_days),
wanted AS (SELECT id, key FROM imports_ratelimit WHERE key = ANY(%(keys)s)),
lately AS (
    SELECT j.rate_limit_id,
           count(*) FILTER (WHERE a.ended_at > day) AS tried,
           count(*) FILTER (WHERE a.ended_at > day AND a.success_count > 0) AS succeeded,
           count(*) FILTER (WHERE a.ended_at <= day) AS tried_before,
           count(*) FILTER (WHERE a.ended_at <= day AND a.success_count > 0) AS succeeded_before
    FROM clock CROSS JOIN imports_importjob j
    JOIN imports_attempt a ON a.job_id = j.id AND a.ended_at > two_days
    WHERE (j.status = ANY(%(at_work)s) OR j.finished_at > two_days) AND a.verdict <> %(deferred)s
    GROUP BY j.rate_limit_id
)
SELECT w.key, last.at, coalesce(l.tried, 0), coalesce(l.succeeded, 0),
       coalesce(l.tried_before, 0), coalesce(l.succeeded_before, 0)
FROM wanted w
LEFT JOIN lately l ON l.rate_limit_id = w.id
LEFT JOIN LATERAL (
    SELECT max(found.ended_at) AS at
    FROM (SELECT id FROM imports_importjob WHERE rate_limit_id = w.id AND started_at IS NOT NULL
          ORDER BY id DESC LIMIT 20) j
    CROSS JOIN LATERAL (
        SELECT a.ended_at FROM imports_attempt a
        WHERE a.job_id = j.id AND a.success_count > 0 ORDER BY a.ended_at DESC LIMIT 1
    ) found
) last ON true
"""
STEADY = 0.02  # a difference between two days that says nothing
FEW = 5  # attempts that are too few for a trend


@dataclass(frozen=True, slots=True)
class Health:
    """Attempts of the last day, and of the day before; what was put off does not count."""

    last_success_at: datetime | None = None
    tried: int = 0
    succeeded: int = 0
    tried_before: int = 0
    succeeded_before: int = 0

    @property
    def rate(self) -> float | None:
        """The share of attempts that got something done, in the last day."""
        return self.succeeded / self.tried if self.tried else None

    @property
    def trend(self) -> int:
        """1 better than the day before, -1 worse, 0 neither, or too little to say."""
        if min(self.tried, self.tried_before) < FEW:
            return 0
        change = self.succeeded / self.tried - self.succeeded_before / self.tried_before
        return 0 if abs(change) < STEADY else (1 if change > 0 else -1)


def health_of(keys: Collection[str]) -> dict[str, Health]:
    """By the keys of their rate limits, those that were ever used. One query."""
    if not keys:
        return {}
    values: dict[str, Any] = {
        "keys": list(keys),
        "at_work": [JobStatus.RUNNING, JobStatus.PAUSED],
        "deferred": Verdict.DEFERRED,
    }
    with connection.cursor() as sql:
        sql.execute(QUERY, values)
        return {key: Health(*row) for key, *row in sql.fetchall()}
