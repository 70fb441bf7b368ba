"""The Bills tab: what a job fetched, and all of it as one ZIP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext_lazy

from bills.admin import permissions as own
from bills.archives import zipped
from bills.models import Bill
from imports.admin import permissions, workspace
from imports.ledger.sums import family

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from imports.ledger.sums import Sums
    from imports.models import ImportJob

ROWS = 100


def of_job(job: ImportJob) -> QuerySet[Bill]:
    """What a job and its later rounds fetched."""
    jobs = [each for each in family(job) if each.pk >= job.pk]
    return Bill.objects.filter(batch__job__in=jobs).select_related("portal")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The newest bills of the job, and how many there are."""
    found = of_job(job)
    return {"bills": found.order_by("account", "-date", "-number")[:ROWS], "count": found.count()}


def archive(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """A folder for each account, a file for each bill, streamed."""
    permissions.require(request, own.VIEW_BILL)
    found = of_job(job).order_by("account", "date", "number")
    if not found.exists():
        raise Http404
    response = StreamingHttpResponse(zipped(found), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="bills-job-{job.pk}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _count(job: ImportJob, sums: Sums) -> int | None:
    return of_job(job).count() or None


TAB = workspace.Tab(
    slug="bills",
    label=gettext_lazy("Bills"),
    icon="receipt_long",
    template="bills/job/bills.html",
    context=context,
    count=_count,
    acts={"zip": workspace.Act(archive, permissions.EXPORT, methods=("GET",))},
)
