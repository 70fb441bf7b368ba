"""Failures by cause: the same code and, but for names and numbers, the same message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Count, Min, Q

from imports import error_codes
from imports.messages import in_general
from imports.models import ImportResult
from imports.rendering import in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from imports.error_codes import ErrorCode
    from imports.models import ImportJob

MOST_CAUSES = 50
GROUPED_BY = ("error_code", "cause", "status")
TROUBLE = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Cause:
    """Records of a job with one cause. `waiting` of them are in no later round."""

    key: str
    status: str
    code: str
    sentence: str
    count: int
    waiting: int
    example: ImportResult
    remedy: ErrorCode | None

    @property
    def filter(self) -> str:
        """As the Failures tab's address names it."""
        return urlencode({"cause": self.key})

    @property
    def choice(self) -> str:
        """All of them, as a question's address names them."""
        return urlencode({"which": "cause", "cause": self.key})


def trouble(job: ImportJob) -> QuerySet[ImportResult]:
    """The records of a job that failed, are unknown or were excluded. An index serves it."""
    return ImportResult.objects.filter(in_trouble(job))


def in_trouble(job: ImportJob) -> Q:
    """The same as a condition."""
    return Q(job=job, status__in=TROUBLE) & ~Q(error_code="")


def causes(job: ImportJob) -> list[Cause]:
    """The job's failures by cause, the most frequent first. Two queries."""
    groups = trouble(job).values(*GROUPED_BY)
    rows = list(
        groups.annotate(
            count=Count("pk"),
            example=Min("pk"),
            waiting=Count("pk", filter=Q(retries__isnull=True)),
        ).order_by("-count", *GROUPED_BY)[:MOST_CAUSES]
    )
    some = ImportResult.objects.filter(pk__in=[row["example"] for row in rows])
    examples = {each.pk: each for each in some.defer("refused_record")}
    return [_cause(row, examples[row["example"]], job.kind) for row in rows]


def more(job: ImportJob, shown: Sequence[Cause]) -> int:
    """How many causes there are beside those that are shown."""
    if len(shown) < MOST_CAUSES:
        return 0
    return _groups(job).distinct().order_by().count() - len(shown)


def _groups(job: ImportJob) -> QuerySet[ImportResult, dict[str, Any]]:
    groups: QuerySet[ImportResult, dict[str, Any]] = trouble(job).values(*GROUPED_BY)
    return groups


def _cause(row: Mapping[str, Any], example: ImportResult, job_type: str) -> Cause:
    return Cause(
        key=f"{row['status']}.{row['cause']}.{row['error_code']}",
        status=row["status"],
        code=row["error_code"],
        sentence=in_words(in_general(example.message or "")),
        count=row["count"],
        waiting=row["waiting"] if row["status"] != ResultStatus.EXCLUDED else 0,
        example=example,
        remedy=error_codes.about(row["error_code"], job_type),
    )


def of_cause(key: str) -> Q:
    """Those of one cause; none for a key that is no cause's."""
    status, _dot, rest = key.partition(".")
    cause, _dot, code = rest.partition(".")
    return Q(status=status, cause=cause, error_code=code)
