"""Copies of one customer keep their order when they are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from imports.models import ImportBatch
from imports.models.jobs import ImportJob

if TYPE_CHECKING:
    from collections.abc import Collection

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
    """Let the batches of a retry wait for each other as those did that they come from.

    Called before any of them may be claimed. One cheap query where nobody waited for anybody.
    """
    family = _family(retry)
    waited = ImportBatch.objects.filter(job_id__in=family, after_numbers__isnull=False)
    if waited.exists():
        with connection.cursor() as sql:
            sql.execute(INHERIT, {"job": retry.pk, "family": list(family)})


def _family(retry: ImportJob) -> Collection[int]:
    """The ids of the first job and of all rounds."""
    first = retry.first
    rounds = ImportJob.objects.filter(root=first).values_list("pk", flat=True)
    return {first.pk, *rounds}
