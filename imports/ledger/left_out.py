"""Records that Redrive could not send: they neither failed nor succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from imports.models import ImportResult
from imports.sealing import keys
from imports.sealing.keys import OVERHEAD
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from imports.models import ImportJob
    from imports.sealing.keys import Ring

RECORD_KEPT = 1 << 20  # bytes of a record that was never sent; of a longer one only its beginning
# Left out for what is known of the customer from elsewhere, not because the record is at fault.
EARLIER_COPY = "EARLIER_COPY"
KNOWN_ELSEWHERE = frozenset(
    {
        "ALREADY_IMPORTED",
        "BEING_RETRIED",
        "CORRECTED_SINCE",
        EARLIER_COPY,
        "EXCLUDED_BEFORE",
        "IMPORTED_LATER",
        "MAY_BE_IMPORTED",
        "ROW_DUPLICATE",
        "ROW_HEADER",
        "TWICE",
    }
)
# Of these, those of which nobody has proven that the API has them: they are unknown, on their
# way, or failed elsewhere.
NOT_PROVEN = frozenset({"BEING_RETRIED", "CORRECTED_SINCE", "MAY_BE_IMPORTED"})


def count_not_proven(job: ImportJob) -> int:
    """How many records were left out that may not be imported. No query where none was."""
    if not job.unsendable_count:
        return 0
    excluded = job.results.filter(status=ResultStatus.EXCLUDED, batch__isnull=True)
    return excluded.filter(error_code__in=NOT_PROVEN).count()


def count_left_out(job: ImportJob) -> int:
    """The number of the job's own records that could not be sent; often without a query."""
    return left_out([job.pk]).count() if job.unsendable_count else 0


def left_out(jobs: Collection[int]) -> QuerySet[ImportResult]:
    """The left-out records of these jobs without a corrected version since."""
    corrected = ImportResult.objects.filter(retry_of=OuterRef("pk"))
    never_sent = ImportResult.objects.filter(
        job_id__in=jobs, status=ResultStatus.EXCLUDED, batch__isnull=True
    )
    # Without a code no record is left out; saying so lets the index of trouble answer.
    could_not = never_sent.exclude(error_code="").exclude(error_code__in=KNOWN_ELSEWHERE)
    return could_not.exclude(Exists(corrected))


def raw_of(result: ImportResult, ring: Ring) -> bytes:
    """The bytes of a record that was never sent. Raises Unreadable where no key opens them."""
    about = keys.of_refused(result.position)
    return keys.plain(result.refused_record, result.sealed_with, about, ring)


def is_kept_whole(result: ImportResult) -> bool:
    """Whether all bytes of the record are stored."""
    more = OVERHEAD if result.sealed_with is not None else 0
    return 0 < len(result.refused_record or b"") < RECORD_KEPT + more
