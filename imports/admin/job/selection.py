"""Which of a job's failures: grouped by cause, and those that a person means.

A cause is the same code and, but for names and numbers, the same message. A person ticks records,
or means all that a filter matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, Min, Q
from django.utils.dateparse import parse_datetime

from imports import error_codes
from imports.admin.formatting import whole_number
from imports.customers.api.mapping import BadMapping
from imports.customers.api.record_results import filter_code
from imports.customers.api.setup import mapping_of
from imports.error_codes import ERROR_CODES, ErrorCode
from imports.ledger import retries
from imports.ledger.bulk_actions import EXCLUDED_CODE
from imports.messages import Message, in_general
from imports.models import ImportResult
from imports.rendering import as_sentence, in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import QueryDict

    from imports.messages import Text
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
    every: int = trouble(job).values(*GROUPED_BY).distinct().order_by().count()
    return every - len(shown)


def _cause(row: Mapping[str, Any], example: ImportResult, remedy: ErrorCode | None) -> Cause:
    return Cause(
        key=f"{row['status']}.{row['cause']}.{row['error_code']}",
        status=row["status"],
        code=row["error_code"],
        sentence=_sentence(example.message or "", row["count"]),
        count=row["count"],
        waiting=row["waiting"] if _can_wait(row) else 0,
        example=example,
        remedy=error_codes.for_record(remedy, row["status"]),
    )


def _sentence(message: Text, count: int) -> str:
    """The one record's own message, or what the messages of all have in common."""
    if count == 1:
        return in_words(message)
    common = in_general(message)
    fault = common.own_params.get("what") if isinstance(common, Message) else None
    if isinstance(fault, Message):  # without its place in the file, which is each one's own
        return f"{as_sentence(fault)}."
    return in_words(common)


def _can_wait(row: Mapping[str, Any]) -> bool:
    """Whether a person can still decide about them: not about what was never sent."""
    is_excluded: bool = row["status"] == ResultStatus.EXCLUDED
    return not is_excluded or str(row["error_code"]) == EXCLUDED_CODE


def of_cause(key: str) -> Q:
    """Those of one cause; none for a key that is no cause's."""
    status, _dot, rest = key.partition(".")
    cause, _dot, code = rest.partition(".")
    return Q(status=status, cause=cause, error_code=code)


MOST_TICKED = 1_000
FILTER = ("status", "cause", "q")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a form or an address says. With `as_of`, only records that have not changed since."""

    which: str = ""  # "all", "filter", "cause" (a filter, too), or else those that are ticked
    status: str = ""
    cause: str = ""
    query: str = ""
    ids: tuple[int, ...] = ()
    counted: int | None = None  # how many she was told
    as_of: datetime | None = None

    @classmethod
    def of(cls, data: QueryDict) -> Choice:
        """As a form was sent, or a link says it."""
        return cls(
            which=data.get("which", ""),
            status=data.get("status", ""),
            cause=data.get("cause", ""),
            query=data.get("q", "").strip(),
            ids=tuple(whole_number(each) or 0 for each in data.getlist("ids")[:MOST_TICKED]),
            counted=whole_number(data.get("counted", "")) or 0 if "counted" in data else None,
            as_of=_moment(data.get("as_of", "")),
        )

    @property
    def is_nothing(self) -> bool:
        """Whether no filter is meant and nothing is ticked."""
        is_filter = self.which in ("all", "filter") or (self.which == "cause" and self.cause)
        return not is_filter and not self.ids

    @property
    def filter(self) -> str:
        """The filter as an address names it."""
        return urlencode({"status": self.status, "cause": self.cause, "q": self.query})

    def fields(self) -> list[tuple[str, str]]:
        """The names and values that say the same in a form."""
        plain = [("which", self.which), ("status", self.status), ("cause", self.cause)]
        ticked = [("ids", str(each)) for each in self.ids]
        return [(name, value) for name, value in [*plain, ("q", self.query), *ticked] if value]

    def matching(self, job: ImportJob) -> Q:
        """What the filter matches among the job's failures, whatever is ticked."""
        found = in_trouble(job)
        if self.cause:
            found &= of_cause(self.cause)
        elif self.status in TROUBLE:
            found &= Q(status=self.status)
        if self.query:
            found &= Q(key=self.query) | Q(email=self.query)
        return found

    def records(self, job: ImportJob) -> Q:
        """The chosen records, whatever their status; "all" includes those of later retries."""
        match self.which:
            case "all":
                chosen = Q()
            case "filter":
                chosen = self.matching(job)
            case "cause" if self.cause:
                chosen = self.matching(job)
            case _:
                chosen = in_trouble(job) & Q(pk__in=self.ids)
        return chosen & Q(updated_at__lte=self.as_of) if self.as_of else chosen

    def waiting(self, job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
        """The chosen records with the needed status that are in no later retry."""
        return retries.waiting(job, status).filter(self.records(job))


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def now() -> str:
    """The database's time, for a form that says which state of things it speaks of."""
    with connection.cursor() as sql:
        sql.execute("SELECT clock_timestamp()")
        moment: datetime = sql.fetchone()[0]
    return moment.isoformat()


def some(records: QuerySet[ImportResult], most: int = 5) -> Iterable[ImportResult]:
    """A few of them, for example."""
    return records.order_by("pk")[:most]
