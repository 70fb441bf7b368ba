"""Newer versions of the same customers at an API, from a later job or later in the same one.

Sending the older version again would overwrite the newer one. A version is as old as its first
result: trying the same bytes again does not make it newer, correcting them does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Exists, F, OuterRef

from imports.models import ImportResult
from imports.states import JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from django.db.models import QuerySet

IDS_AT_ONCE = 2_000
STANDS = (ResultStatus.SUCCESS, ResultStatus.UNKNOWN, ResultStatus.PENDING)
NOT_SENT = (JobStatus.DRAFT, JobStatus.CANCELLED)  # what is pending there does not go out

# Whether a result, `mine`, went out with the same bytes as the one that it is a retry of, `older`.
SAME_BYTES = """
    mine.batch_id IS NOT NULL AND older.batch_id IS NOT NULL AND mine.is_new_version IS NOT TRUE
"""
# `chain`: each result with all that it is a retry of; `oldest` as far as the bytes are the same.
LATER = """
WITH RECURSIVE chain (id, key, api, node, oldest, same) AS (
    SELECT r.id, r.key, j.api_id, r.id, r.id, true
    FROM import_results r JOIN imports_importjob j ON j.id = r.job_id
    WHERE r.id = ANY(%(ids)s) AND r.key <> '' AND j.api_id IS NOT NULL
  UNION ALL
    SELECT c.id, c.key, c.api, older.id,
           CASE WHEN equal.bytes THEN older.id ELSE c.oldest END, equal.bytes
    FROM chain c
    JOIN import_results mine ON mine.id = c.node
    JOIN import_results older ON older.id = mine.retry_of_id
    CROSS JOIN LATERAL (SELECT c.same AND {same_bytes} AS bytes) equal
), version AS (
    SELECT id, key, api, min(oldest) AS oldest FROM chain GROUP BY id, key, api
)
SELECT DISTINCT ON (v.id) v.id, other.job_id, other.status
FROM version v
CROSS JOIN LATERAL (  -- by its index, whatever the planner thinks of the number of jobs
    SELECT r.id, r.job_id, r.status FROM import_results r
    WHERE r.key = v.key AND r.id > v.oldest AND r.status = ANY(%(stands)s)
    OFFSET 0
) other
CROSS JOIN LATERAL (  -- the other's version, too, is as old as the first result of it
    WITH RECURSIVE first (id) AS (
        SELECT other.id
      UNION ALL
        SELECT older.id
        FROM first f
        JOIN import_results mine ON mine.id = f.id
        JOIN import_results older ON older.id = mine.retry_of_id
        WHERE {same_bytes}
    )
    SELECT min(id) AS oldest FROM first
) its
JOIN imports_importjob j ON j.id = other.job_id AND j.api_id = v.api
WHERE its.oldest > v.oldest
  AND NOT (other.status = 'pending' AND j.status = ANY(%(not_sent)s))
  AND NOT EXISTS (SELECT 1 FROM chain c WHERE c.id = v.id AND c.node = other.id)
ORDER BY v.id, array_position(%(stands)s, other.status::text), other.id DESC
""".replace("{same_bytes}", SAME_BYTES)


@dataclass(frozen=True, slots=True, order=True)
class Later:
    """The job with a newer version of a customer, and that version's status."""

    job: int
    status: str


def later_imports(ids: Collection[int]) -> dict[int, Later]:
    """The results for whose customers the API has, or may have, a newer version."""
    if not ids:
        return {}
    summary: dict[str, Any] = {
        "ids": list(ids),
        "stands": [each.value for each in STANDS],
        "not_sent": [each.value for each in NOT_SENT],
    }
    with connection.cursor() as sql:
        sql.execute(LATER, summary)
        return {pk: Later(job, status) for pk, job, status in sql.fetchall()}


def without_later(
    chosen: QuerySet[ImportResult],
) -> tuple[QuerySet[ImportResult], Counter[Later]]:
    """The results without a newer version, and the number of the others by job."""
    found: dict[int, Later] = {}
    for ids in _grouped(_named_elsewhere(chosen)):
        found |= later_imports(ids)
    if not found:
        return chosen, Counter()
    return chosen.exclude(pk__in=list(found)), Counter(found.values())


def _named_elsewhere(chosen: QuerySet[ImportResult]) -> Iterable[int]:
    """The results whose customers have other results at the same API: usually few."""
    other = (
        ImportResult.objects.filter(
            key=OuterRef("key"), status__in=STANDS, job__api=OuterRef("job__api")
        )
        .exclude(pk=OuterRef("pk"))
        .order_by()
    )
    named = chosen.exclude(key="").filter(Exists(other)).order_by(F("pk"))
    return named.values_list("pk", flat=True).iterator(chunk_size=IDS_AT_ONCE)


def _grouped(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, IDS_AT_ONCE)):
        yield some
