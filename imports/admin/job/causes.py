"""Failures by cause: the same code and, but for names and numbers, the same message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Count, Min, Q

from imports import error_codes
from imports.customers.api.mapping import BadMapping
from imports.customers.api.record_results import filter_code
from imports.customers.api.setup import mapping_of
from imports.error_codes import ERROR_CODES, ErrorCode
from imports.ledger.bulk_actions import EXCLUDED_CODE
from imports.messages import in_general
from imports.models import ImportResult
from imports.rendering import in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from imports.models import ImportJob

MOST_CAUSES = 50
GROUPED_BY = ("error_code", "cause", "status")
# What an API's own code means, by the group that its mapping lists the code in.
OWN_CODES: Mapping[str, ErrorCode] = {
    "retryable": ERROR_CODES["FAILED"],
    "rolled_back": ERROR_CODES["FAILED"],
    "not_now": ERROR_CODES["HTTP_429"],
    "permanent": ERROR_CODES["ERROR"],
}
TROUBLE = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Cause:
    """Records of a job with one cause. `waiting` of them are in no later retry."""

    key: str
    status: str
    code: str
    sentence: str
    count: int
    waiting: int
    example: ImportResult
    remedy: ErrorCode | None

    @property
    def follows(self) -> str:
        """What Redrive does next by itself about them."""
        return error_codes.follows(self.status, self.remedy)

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
    own = own_codes(job)
    return [
        _cause(row, examples[row["example"]], own.get(code) or error_codes.about(code, job.kind))
        for row in rows
        if (code := row["error_code"])
    ]


def own_codes(job: ImportJob) -> dict[str, ErrorCode]:
    """What the API's own codes mean, as its mapping lists them, where another must act."""
    try:
        mapping = mapping_of(job.api) if job.api else None
    except BadMapping:
        mapping = None
    found: dict[str, ErrorCode] = {}
    for code, group in mapping.group_by_code.items() if mapping else ():
        own, name = OWN_CODES.get(group), filter_code(code, "")
        known = error_codes.about(name, job.kind)
        if own and (known is None or known.actor != own.actor):
            found[name] = own
    return found


def more(job: ImportJob, shown: Sequence[Cause]) -> int:
    """How many causes there are beside those that are shown."""
    if len(shown) < MOST_CAUSES:
        return 0
    return _groups(job).distinct().order_by().count() - len(shown)


def _groups(job: ImportJob) -> QuerySet[ImportResult, dict[str, Any]]:
    groups: QuerySet[ImportResult, dict[str, Any]] = trouble(job).values(*GROUPED_BY)
    return groups


def _cause(row: Mapping[str, Any], example: ImportResult, remedy: ErrorCode | None) -> Cause:
    return Cause(
        key=f"{row['status']}.{row['cause']}.{row['error_code']}",
        status=row["status"],
        code=row["error_code"],
        sentence=in_words(in_general(example.message or "")),
        count=row["count"],
        waiting=row["waiting"] if _can_wait(row) else 0,
        example=example,
        remedy=remedy,
    )


def _can_wait(row: Mapping[str, Any]) -> bool:
    """Whether a person can still decide about them: not about what was never sent."""
    is_excluded: bool = row["status"] == ResultStatus.EXCLUDED
    return not is_excluded or str(row["error_code"]) == EXCLUDED_CODE


def of_cause(key: str) -> Q:
    """Those of one cause; none for a key that is no cause's."""
    status, _dot, rest = key.partition(".")
    cause, _dot, code = rest.partition(".")
    return Q(status=status, cause=cause, error_code=code)
