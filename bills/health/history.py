"""A portal's success over time: how many accounts succeeded and failed on each day, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils import timezone

from imports.states import JobStatus

if TYPE_CHECKING:
    from datetime import date

    from bills.models import Portal

DAYS = 60  # of the calendar: two months, so that a monthly round can be compared
AT_WORK = [JobStatus.RUNNING, JobStatus.PAUSED]

# Each account counts once a day, as it ended last. Only the jobs that may have results of these
# days are read.
QUERY = """
SELECT day, code, count(*) FROM (
    SELECT DISTINCT ON (u.credential_id, day)
           (res.updated_at AT TIME ZONE %(zone)s)::date AS day,
           CASE WHEN res.status = 'success' THEN '' ELSE res.error_code END AS code
    FROM bills_billrun r
    JOIN imports_importjob j ON j.id = r.job_id
    JOIN import_results res ON res.job_id = j.id
    JOIN bills_credentialuse u ON u.batch_id = res.batch_id
    WHERE r.portal_id = %(portal)s
      AND (j.status = ANY(%(at_work)s) OR j.finished_at > now() - make_interval(days => %(days)s))
      AND res.status IN ('success', 'error')
      AND res.updated_at > now() - make_interval(days => %(days)s)
    ORDER BY u.credential_id, day, res.updated_at DESC, res.id DESC
) ended GROUP BY day, code ORDER BY day DESC, count(*) DESC, code
"""


@dataclass(slots=True)
class Day:
    """The accounts of one day. `codes` are the failures, the most frequent first."""

    day: date
    success: int = 0
    codes: list[tuple[str, int]] = field(default_factory=list)

    @property
    def error(self) -> int:
        return sum(count for _, count in self.codes)

    @property
    def total(self) -> int:
        return self.success + self.error


def days_of(portal: Portal) -> list[Day]:
    """The days of the last two months on which accounts were tried, the newest first."""
    values: dict[str, Any] = {
        "zone": timezone.get_current_timezone_name(), "portal": portal.pk, "days": DAYS,
        "at_work": AT_WORK,
    }  # fmt: skip
    found: dict[date, Day] = {}
    with connection.cursor() as sql:
        sql.execute(QUERY, values)
        for day, code, count in sql.fetchall():
            one = found.setdefault(day, Day(day))
            if code:
                one.codes.append((code, count))
            else:
                one.success = count
    return list(found.values())
