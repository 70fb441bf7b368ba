"""A job and its retries as one row of a list: one name, one status, one set of totals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from unfold.views import ChangeList

from imports.ledger.totals import MEMBERS_READ, attempts_of, totals_of, totals_of_families
from imports.models import ImportJob
from imports.states import ENDED_JOBS, JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from imports.ledger.totals import FamilyTotals, Totals

LIVE = [each for each in JobStatus if each not in ENDED_JOBS]
MOST_LISTED = 30  # retries of one job, in a list


@dataclass(frozen=True, slots=True)
class Member:
    """The first job or one of its retries, with its own totals."""

    job: ImportJob
    totals: Totals


@dataclass(frozen=True, slots=True)
class Family:
    """A first job and its retries; `totals` say what became of the first job's records."""

    members: list[Member]
    totals: FamilyTotals

    @property
    def retries(self) -> list[Member]:
        """The newest retries, oldest first."""
        return self.members[1:][-MOST_LISTED:]

    @property
    def retry_count(self) -> int:
        return len(self.members) - 1

    @property
    def statuses(self) -> list[str]:
        """The status of the latest job that was started, then those of the others not ended."""
        started = [each.job for each in self.members if each.job.status != JobStatus.DRAFT]
        latest = started[-1] if started else self.members[0].job
        others = [each.job.status for each in self.members if each.job.status in LIVE]
        return list(dict.fromkeys([latest.status, *others]))


class JobList(ChangeList):
    """A page of first jobs, each with its family in a few queries for the page.

    What is filtered and searched for may be in any job of the family.
    """

    root_queryset: QuerySet[ImportJob]

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[ImportJob]:
        self.root_queryset = self.root_queryset.filter(root=None)
        found: QuerySet[ImportJob] = super().get_queryset(request, exclude_parameters)
        return found

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        attach(self.result_list)
        families = [job.page_family for job in self.result_list]
        attempts = attempts_of(each.job.pk for family in families for each in family.members)
        for job in self.result_list:
            members = job.page_family.members
            job.page_attempts = sum(attempts.get(each.job.pk, 0) for each in members)
            job.shows_retries = bool(self.query)  # what was searched for may be one of them


def newest_first(jobs: QuerySet[ImportJob]) -> QuerySet[ImportJob]:
    """With `newest_id`, the id of the newest job of the family, to order by."""
    retries = ImportJob.objects.filter(root=OuterRef("pk")).order_by().values("root")
    newest = Subquery(retries.annotate(newest=Max("pk")).values("newest"))
    return jobs.annotate(newest_id=Greatest(F("pk"), Coalesce(newest, F("pk"))))


def of(members: QuerySet[ImportJob]) -> Q:
    """The first jobs of the families that any of these jobs belongs to."""
    return Q(pk__in=_with_first(members).values("first_id"))


def with_status(status: str) -> Q:
    """The first jobs of the families that show this status: see `Family.statuses`."""
    if status in LIVE:
        return of(ImportJob.objects.filter(status=status))
    started = ImportJob.objects.filter(Q(pk=OuterRef("pk")) | Q(root=OuterRef("pk")))
    latest = started.exclude(status=JobStatus.DRAFT).order_by("-pk").values("status")[:1]
    shown = ImportJob.objects.filter(root=None).annotate(latest_status=Subquery(latest))
    return Q(pk__in=shown.filter(latest_status=status).values("pk"))


def _with_first(jobs: QuerySet[ImportJob]) -> QuerySet[Any]:
    return jobs.order_by().annotate(first_id=Coalesce(F("root_id"), F("pk")))


def first_of_each(jobs: QuerySet[ImportJob]) -> list[int]:
    """Of each family the first of these jobs, by its id, the newest first.

    Its page speaks of the later ones, too.
    """
    firsts = _with_first(jobs).values("first_id").annotate(first_pk=Min("pk"))
    return list(firsts.order_by("-first_pk").values_list("first_pk", flat=True))


def attach(jobs: list[Any]) -> None:
    """Give each job `page_totals`, its own, and `page_family`, its family's. Three queries."""
    firsts = {job.root_id or job.pk for job in jobs}
    related = ImportJob.objects.filter(Q(pk__in=firsts) | Q(root__in=firsts)).order_by("pk")
    members = list(related.only(*MEMBERS_READ))
    own = totals_of(members)
    added = totals_of_families(members, own)
    by_first: dict[int, list[Member]] = defaultdict(list)
    for each in members:
        by_first[each.root_id or each.pk].append(Member(each, own[each.pk]))
    for job in jobs:
        first = job.root_id or job.pk
        job.page_totals, job.page_family = own[job.pk], Family(by_first[first], added[first])
