"""Which of a job's records a person means: those she ticked, or all that a filter matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from imports.admin import causes
from imports.ledger import rounds
from imports.models import ImportResult

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import QueryDict

    from imports.models import ImportJob
    from imports.states import ResultStatus

MOST_TICKED = 1_000
FILTER = ("status", "cause", "q")


def number(text: str) -> int:
    """A whole number from an address; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


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
            ids=tuple(number(each) for each in data.getlist("ids")[:MOST_TICKED]),
            counted=number(data.get("counted", "")) if "counted" in data else None,
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

    def matching(self, job: ImportJob) -> QuerySet[ImportResult]:
        """What the filter matches among the job's failures, whatever is ticked."""
        rows = causes.trouble(job)
        if self.cause:
            rows = causes.of_cause(rows, self.cause)
        elif self.status in causes.TROUBLE:
            rows = rows.filter(status=self.status)
        if self.query:
            rows = rows.filter(key=self.query) | rows.filter(email=self.query)
        return rows

    def records(self, job: ImportJob) -> QuerySet[ImportResult]:
        """Those that are meant, wherever they stand; "all" are those of later rounds, too."""
        match self.which:
            case "all":
                family = Q(job__root=job.first) | Q(job=job)
                chosen = ImportResult.objects.filter(family).exclude(error_code="")
            case "filter":
                chosen = self.matching(job)
            case "cause" if self.cause:
                chosen = self.matching(job)
            case _:
                chosen = causes.trouble(job).filter(pk__in=self.ids)
        return chosen.filter(updated_at__lte=self.as_of) if self.as_of else chosen

    def waiting(self, job: ImportJob, status: ResultStatus) -> QuerySet[ImportResult]:
        """Those of them that something can be done with: they stand so and in no later round."""
        found = rounds.waiting(job, status)
        if self.which == "all" and not self.as_of:
            return found
        return found.filter(pk__in=self.records(job))


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
