"""What a file is that is added to a draft: new, imported before, or a retry file of ours.

A retry file that was changed is known by the summary beside it, or by its records' ids.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from imports.customers.already import Already, is_at_home
from imports.customers.reading import read_records
from imports.customers.unreadable import UnreadableFile
from imports.known_before import (
    CHANGED_RETRY_FILE,
    NOT_IN_RETRY_FILE,
    OTHER_API,
    SAME_FILE,
)
from imports.models import ImportResult, RetryFile
from imports.models.files import FileStatus
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.customers.already import LeftOut
    from imports.customers.checks import Checks
    from imports.customers.records import Record
    from imports.models import ImportFile, ImportJob

SUMMARY = "retry_summary.json"
NAMES = ("retry_batch_", "unconfirmed_batch_")  # how the names of ours begin
LARGEST_SUMMARY = 32 << 20  # bytes
RECORDS_AT_ONCE = 1_000
MOST_RECORDS = 10_000  # of a file that is known by its ids: ours have as many as a batch


def retry_file_of(job: ImportJob, file: ImportFile, checks: Checks) -> RetryFile | None:
    """The retry file that this one is, or was before somebody changed it; None for any other."""
    if not file.sha256:
        return None
    same = _ours().filter(sha256=file.sha256)
    return _best(job, same) or _by_summary(job, file) or _by_ids(job, file, checks)


def _ours() -> QuerySet[RetryFile]:
    """Those with records that were sent: what could not be sent is new when it comes back."""
    return RetryFile.objects.filter(left_out=False)


def _best(job: ImportJob, found: QuerySet[RetryFile]) -> RetryFile | None:
    """The newest; one of this API before any other."""
    rows = list(found.select_related("job").order_by("-pk"))
    here = [each for each in rows if each.job.api_id == job.api_id]
    return next(iter(here or rows), None)


def _by_summary(job: ImportJob, file: ImportFile) -> RetryFile | None:
    """The summary in the same directory says which bytes a file of that name had."""
    path = file.location.parent / SUMMARY
    try:
        if file.is_ours or path.stat().st_size > LARGEST_SUMMARY:
            return None
        digests = json.loads(path.read_bytes())["sha256"]
        sha256 = digests.get(file.location.name)
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None  # none, or none of ours
    return _best(job, _ours().filter(sha256=str(sha256))) if sha256 else None


def _by_ids(job: ImportJob, file: ImportFile, checks: Checks) -> RetryFile | None:
    """A file that is called like ours, and whose records are those of one of ours."""
    if not file.name.startswith(NAMES) or file.record_count > MOST_RECORDS:
        return None
    try:
        records = list(islice(read_records(file.location, file.name, checks), MOST_RECORDS))
    except UnreadableFile:
        return None
    keys = {each.key for each in records if each.key}
    troubled = ImportResult.objects.filter(
        key__in=keys, status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN], batch__isnull=False
    )
    ids = list(troubled.values_list("pk", flat=True)[:MOST_RECORDS])
    written = _best(job, _ours().filter(result_ids__overlap=ids)) if ids else None
    if written is None:
        return None
    known = set(
        ImportResult.objects.filter(pk__in=written.result_ids).values_list("key", flat=True)
    )
    return written if 2 * len(keys & known) >= len(keys) else None


def recognise(job: ImportJob, file: ImportFile, checks: Checks) -> None:
    """Set what is known of a checked file and its records. The caller saves it."""
    file.retry_file, file.known_before = None, []
    if file.status != FileStatus.VALID:
        return
    file.retry_file = retry_file_of(job, file, checks)
    file.known_before = list(_notes(job, file, checks))


def _notes(job: ImportJob, file: ImportFile, checks: Checks) -> Iterator[dict[str, Any]]:
    """What is to be said before Start: codes with parameters, for `imports.known_before`."""
    api = job.api.name if job.api else ""
    mine = {"api": api, "file": file.name}
    if file.retry_file and not is_at_home(file, job):
        failed_at = file.retry_file.job
        here = {"from": failed_at.api.name if failed_at.api else "", "count": file.record_count}
        yield {"code": OTHER_API, "job": failed_at.pk, **here, **mine}
    already = Already(job, file, set(), insists=False)
    if not already.knows:
        return
    if already.is_changed and file.retry_file:
        yield {"code": CHANGED_RETRY_FILE, "job": file.retry_file.job_id, **mine}
    elif already.earlier:
        earlier = already.earlier[0]
        started_at = earlier.job.started_at
        at = started_at.isoformat() if started_at else ""
        yield {"code": SAME_FILE, "job": earlier.job_id, "at": at, **mine}
    counts = _counts(already, read_records(file.location, file.name, checks))
    for left_out, count in sorted(counts.items()):
        yield {"code": left_out.code, "job": left_out.job, "count": count, **mine}
    if already.strangers:
        yield {"code": NOT_IN_RETRY_FILE, "count": already.strangers, **mine}


def _counts(already: Already, records: Iterator[Record]) -> Counter[LeftOut]:
    """How many records would be left out, by reason and job."""
    counts: Counter[LeftOut] = Counter()
    while some := list(islice(records, RECORDS_AT_ONCE)):
        already.look_up(some)
        for record in some:
            if record.refusal is None and (found := already.left_out(record)):
                counts[found] += 1
    return counts
