"""The workspace of customer imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import exports, formatting, permissions
from imports.admin.job import failures, files, log, progress, retry_files, settings
from imports.admin.job.page import Fix, JobPage, register
from imports.admin.records import edit
from imports.customers.api.setup import most_of
from imports.customers.drafts import duplicate

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.models import ImportJob, ImportResult


def workload(job: ImportJob) -> str:
    """ "1,000 customers in 20 batches of 50, 3 at once"."""
    cut = job.batches.aggregate(records=Sum("size"), n=Count("pk"))
    if cut["n"]:  # a retry: its batches are as they were
        return _("%(customers)s in %(batches)s, %(at_once)s at once") % {
            "customers": formatting.customers(cut["records"]),
            "batches": formatting.batches(cut["n"]),
            "at_once": formatting.number(job.concurrency),
        }
    sendable = [
        found - refused
        for found, refused in job.files.values_list("record_count", "excluded_count")
    ]
    size = most_of(job)
    count = sum(-(-each // size) for each in sendable)
    return _("%(customers)s in %(batches)s of up to %(size)s, %(at_once)s at once") % {
        "customers": formatting.customers(sum(sendable)),
        "batches": formatting.batches(count),
        "size": formatting.number(size),
        "at_once": formatting.number(job.concurrency),
    }


def sheet(job: ImportJob, results: QuerySet[ImportResult]) -> exports.Sheet:
    """What an export says of customers."""
    return exports.of_records(results)


def _fix_url(result: ImportResult) -> str | None:
    """The editor, for one that failed or was never sent."""
    return None if edit.reason_against(result) else reverse("admin:imports_fix", args=[result.pk])


register(
    JobPage(
        kind="customers",
        label=gettext_lazy("Customer import"),
        records=formatting.customers,
        done=gettext_lazy("imported"),
        subject=gettext_lazy("Customer %(name)s"),
        became=gettext_lazy("was imported on %(day)s at %(time)s"),
        new_label=gettext_lazy("New import"),
        add_url="admin:imports_importjob_add",
        add_permissions=(permissions.ADD,),
        workload=workload,
        duplicate=duplicate,
        sheet=sheet,
        pace_title=gettext_lazy("Pace"),
        retry_files_hold=gettext_lazy(
            "The failed records in files that you can import again, byte for byte as they came in."
        ),
        tabs=(files.TAB, settings.TAB, progress.TAB, failures.TAB, retry_files.TAB, log.TAB),
        fix=Fix(gettext_lazy("Fix and send again"), permissions.RETRY, _fix_url),
    )
)
