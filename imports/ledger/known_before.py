"""What an API has, or may have, of the same customers from other jobs.

Notes about earlier jobs are made before sending, stored as codes with parameters and rendered when
they are read. Newer versions are those of a later job or later in the same one: sending the older
version again would overwrite the newer one. A version is as old as its first result: trying the
same bytes again does not make it newer, correcting them does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from imports.models import ImportResult
from imports.states import JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise


MOST_SENTENCES = 20
# Of a retry's records that are older than what the API has by now.
LATER = {
    ResultStatus.SUCCESS: ngettext_lazy(
        "%(n)s of these was imported into this API later, in job %(job)s. It is left out "
        "unless you send it anyway.",
        "%(n)s of these were imported into this API later, in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    ResultStatus.UNKNOWN: ngettext_lazy(
        "%(n)s of these may have been imported into this API later, in job %(job)s. It is "
        "left out unless you send it anyway.",
        "%(n)s of these may have been imported into this API later, in job %(job)s. They are "
        "left out unless you send them anyway.",
        "count",
    ),
    ResultStatus.PENDING: ngettext_lazy(
        "A newer version of %(n)s of these is being sent to this API in job %(job)s. It is "
        "left out unless you send it anyway.",
        "Newer versions of %(n)s of these are being sent to this API in job %(job)s. They are"
        " left out unless you send them anyway.",
        "count",
    ),
}
# Of files.
OTHER_API, SAME_FILE, CHANGED_RETRY_FILE = "OTHER_API", "SAME_FILE", "CHANGED_RETRY_FILE"
NOT_IN_RETRY_FILE = "NOT_IN_RETRY_FILE"
OF_FILES: dict[str, _StrOrPromise] = {
    OTHER_API: ngettext_lazy(
        "%(n)s of these records failed at “%(from)s” (job %(job)s) and goes to “%(api)s”. It "
        "will still count as failed at “%(from)s”.",
        "%(n)s of these records failed at “%(from)s” (job %(job)s) and go to “%(api)s”. They "
        "will still count as failed at “%(from)s”.",
        "count",
    ),
    SAME_FILE: _(
        "The same file, %(file)s, was already imported into “%(api)s” in job %(job)s, on "
        "%(day)s at %(time)s."
    ),
    CHANGED_RETRY_FILE: _(
        "%(file)s is a retry file of job %(job)s that was changed after Redrive wrote it. Its"
        " records are treated as corrections of those that failed there."
    ),
    NOT_IN_RETRY_FILE: ngettext_lazy(
        "%(n)s record of %(file)s was not in that retry file. It is sent as a new record.",
        "%(n)s records of %(file)s were not in that retry file. They are sent as new records.",
        "count",
    ),
    "ALREADY_IMPORTED": ngettext_lazy(
        "%(n)s of these records was already imported in job %(job)s. It is left out unless "
        "you send it anyway.",
        "%(n)s of these records were already imported in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    "IMPORTED_LATER": ngettext_lazy(
        "%(n)s of these records was imported into this API later, in job %(job)s. This older "
        "version is left out unless you send it anyway.",
        "%(n)s of these records were imported into this API later, in job %(job)s. These "
        "older versions are left out unless you send them anyway.",
        "count",
    ),
    "MAY_BE_IMPORTED": ngettext_lazy(
        "%(n)s of these records may have been imported in job %(job)s. It is left out unless "
        "you send it anyway.",
        "%(n)s of these records may have been imported in job %(job)s. They are left out "
        "unless you send them anyway.",
        "count",
    ),
    "EXCLUDED_BEFORE": ngettext_lazy(
        "%(n)s of these records was excluded in job %(job)s. It is left out unless you send "
        "it anyway.",
        "%(n)s of these records were excluded in job %(job)s. They are left out unless you "
        "send them anyway.",
        "count",
    ),
    "CORRECTED_SINCE": ngettext_lazy(
        "%(n)s of these records was corrected later in job %(job)s. This older version is "
        "left out unless you send it anyway.",
        "%(n)s of these records were corrected later in job %(job)s. These older versions are"
        " left out unless you send them anyway.",
        "count",
    ),
    "BEING_RETRIED": ngettext_lazy(
        "%(n)s of these records is already being sent in job %(job)s. It is left out.",
        "%(n)s of these records are already being sent in job %(job)s. They are left out.",
        "count",
    ),
    "TWICE": ngettext_lazy(
        "%(n)s of these records is also in another file of this import. It is sent once.",
        "%(n)s of these records are also in another file of this import. They are sent once.",
        "count",
    ),
}
FORCEABLE = (
    "ALREADY_IMPORTED", "IMPORTED_LATER", "MAY_BE_IMPORTED", "EXCLUDED_BEFORE", "CORRECTED_SINCE",
)  # fmt: skip
OF_ONE_FILE = (SAME_FILE, CHANGED_RETRY_FILE, NOT_IN_RETRY_FILE)  # the others are added up
IDS_AT_ONCE = 2_000
STANDS = (ResultStatus.SUCCESS, ResultStatus.UNKNOWN, ResultStatus.PENDING)
NOT_SENT = (JobStatus.DRAFT, JobStatus.CANCELLED)  # what is pending there does not go out

# Whether a result, `mine`, went out with the same bytes as the one that it is a retry of, `older`.
SAME_BYTES = """
    mine.batch_id IS NOT NULL AND older.batch_id IS NOT NULL AND mine.is_new_version IS NOT TRUE
"""
# `chain`: each result with all that it is a retry of; `oldest` as far as the bytes are the same.
LATER_VERSIONS = """
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


def can_be_forced(note: dict[str, Any]) -> bool:
    """Whether a note is about records that only `force` sends."""
    return note["code"] in FORCEABLE


def of_later(imported_later: Iterable[Sequence[Any]]) -> list[str]:
    """A sentence for each job that has newer versions: [job, status there, count]."""
    return [
        str(LATER[ResultStatus(status)] % {"count": count, "n": _number(count), "job": job})
        for job, status, count in imported_later
    ]


def of_files(notes: Iterable[dict[str, Any]]) -> list[str]:
    """What is known of a draft's files, in sentences; equal ones are added up."""
    counts: Counter[tuple[tuple[str, Any], ...]] = Counter()
    for note in notes:
        own = {name: value for name, value in note.items() if name != "count"}
        if note["code"] not in OF_ONE_FILE:
            own.pop("file", None)
        counts[tuple(own.items())] += note.get("count", 1)
    said = [_sentence(dict(own), count) for own, count in counts.items()]
    more = len(said) - MOST_SENTENCES
    cut = [_("and %(n)s more") % {"n": _number(more)}] if more > 0 else []
    return [*said[:MOST_SENTENCES], *map(str, cut)]


def _sentence(note: dict[str, Any], count: int) -> str:
    summary = {**note, "count": count, "n": _number(count)}
    if at := parse_datetime(note.get("at") or ""):
        here = localtime(at)
        summary |= {"day": date_format(here, "DATE_FORMAT"), "time": date_format(here, "H:i T")}
    return str(OF_FILES[note["code"]] % summary)


def _number(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)


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
        sql.execute(LATER_VERSIONS, summary)
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
