"""Which of a job's records a person means: those she ticked, or all that a filter matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from imports.admin.formatting import whole_number
from imports.admin.job import causes
from imports.ledger import retries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import QueryDict

    from imports.models import ImportJob, ImportResult
    from imports.states import ResultStatus

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
        found = causes.in_trouble(job)
        if self.cause:
            found &= causes.of_cause(self.cause)
        elif self.status in causes.TROUBLE:
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
                chosen = causes.in_trouble(job) & Q(pk__in=self.ids)
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
