"""Jobs of bills: a new one from a CSV, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bills.admin import bills as admin_bills
from bills.admin import common, credentials
from bills.admin import common as own
from bills.admin.credentials import bill_count, row_of
from bills.admin.credentials import credential_results as with_uses
from bills.drafts import duplicate
from bills.error_codes import JOB_TYPE
from bills.log_lines import of_attempts
from bills.models import Bill, BillRun
from imports.admin import site
from imports.admin.exports import Advice, Sheet, at_once, local, status_word
from imports.admin.formatting import number
from imports.admin.job import failures, log, progress, retry_files, settings
from imports.admin.job.page import Fix, JobPage, Place, act_url, register
from imports.rendering import in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from imports.models import ImportBatch, ImportJob, ImportResult


def of_credentials(job: ImportJob, results: QuerySet[ImportResult]) -> Sheet:
    """One row for each credential, with the CSV's further columns. Two queries."""
    extras = list(BillRun.objects.get(job=job).extra_columns)
    header = [
        _("Job"), _("Row"), _("E-mail"), _("Status"), _("Code"), _("Error"), _("Attempts"),
        _("Bills"), _("Changed"), _("Again in job"), _("Who must act"), _("Remedy"), *extras,
    ]  # fmt: skip
    columns = results.annotate(
        again=F("retries__job"),
        bills=bill_count(),
        extra=F("batch__credential_use__credential__extra"),
    ).values_list(
        "job_id", "position", "email", "status", "error_code", "message", "retry_attempts",
        "bills", "updated_at", "again", "extra",
    )  # fmt: skip
    return Sheet(header, _rows(columns, extras, Advice(JOB_TYPE)))


def _rows(
    columns: QuerySet[Any, tuple[Any, ...]], extras: list[str], advice: Advice
) -> Iterator[Sequence[object]]:
    for *who, status, code, message, attempts, bills, at, again, extra in at_once(columns):
        cells = (status_word(status), code, in_words(message), attempts, bills, local(at), again)
        more = ((extra or {}).get(name, "") for name in extras)
        yield (*who, *cells, *advice[code, status], *more)


def workload(job: ImportJob) -> str:
    """ "12 credentials at Ellevio, 3 at once, up to 5 attempts each"."""
    return _("%(accounts)s at %(portal)s, %(at_once)s at once, up to %(attempts)s each") % {
        "accounts": common.accounts(job.batches.count()),
        "portal": BillRun.objects.select_related("portal").get(job=job).portal,
        "at_once": number(job.concurrency),
        "attempts": common.attempts(job.max_attempts),
    }


def json_of(results: list[ImportResult]) -> dict[int, dict[str, object]]:
    """What each result of one job adds to the JSON views. Three queries."""
    if not results:
        return {}
    job = results[0].job
    rows = with_uses(job).filter(pk__in=[result.pk for result in results])
    bills: dict[int, list[dict[str, object]]] = {}
    for bill in Bill.objects.filter(batch__in=[result.batch_id for result in rows]):
        bills.setdefault(bill.batch_id or 0, []).append(_bill(bill))
    return {result.pk: _entry(job, result, bills) for result in rows}


def _bill(bill: Bill) -> dict[str, object]:
    return {
        "number": bill.number or None,
        "date": bill.date,
        "amount": bill.amount,
        "currency": bill.currency or None,
        "contract": bill.contract or None,
        "date_text": bill.date_text or None,
        "size": bill.size,
        "sha256": bill.sha256,
        "url": reverse("admin:bills_bill_pdf", args=[bill.pk]),
    }


def _entry(
    job: ImportJob, result: ImportResult, bills: dict[int, list[dict[str, object]]]
) -> dict[str, object]:
    row = row_of(job, result)
    return {
        "bills": bills.get(result.batch_id or 0, []),
        "rows": row.list_rows,
        "attempts_told": common.attempts(result.retry_attempts),
        "max_attempts": row.max_attempts,
        "stage": str(row.stage) or None,
        "next_attempt_in": row.next_in,
        "who_must_act": row.advice.who if row.advice else None,
        "remedy": str(row.advice.remedy) if row.advice else None,
    }


def _sidebar(request: HttpRequest) -> site.Group:
    return {
        "title": _("Bills"),
        "items": [
            site.item(
                _("Bills"), "receipt_long", "admin:bills_bill_changelist", own.VIEW_BILL
            ),
            site.item(
                _("Deliveries"), "outbox", "admin:bills_billdelivery_changelist",
                own.VIEW_DELIVERY,
            ),
            site.item(
                _("Destinations"), "drive_file_move", "admin:bills_destination_changelist",
                own.VIEW_DESTINATION, own.MANAGE_DESTINATIONS,
            ),
            site.item(
                _("Accounts"), "badge", "admin:bills_credential_changelist",
                own.MANAGE_CREDENTIALS,
            ),
            site.item(
                _("Schedules"), "event_repeat", "admin:bills_schedule_changelist",
                own.VIEW_SCHEDULE, own.MANAGE_SCHEDULES,
            ),
            site.item(
                _("Portals"), "captive_portal", "admin:bills_portal_changelist",
                own.VIEW_PORTAL, own.MANAGE_PORTALS,
                but=("admin:bills_new", "admin:bills_preview"),
            ),
        ],
    }  # fmt: skip


def _account_of(batch: ImportBatch) -> str:
    return next((result.email for result in batch.results.all()), str(batch))


def _place(job: ImportJob) -> Place:
    portal = job.bill_run.portal
    url = reverse("admin:bills_portal_change", args=[portal.pk])
    return Place(portal.name, url, (own.VIEW_PORTAL, own.MANAGE_PORTALS))


def _fix_url(result: ImportResult) -> str | None:
    """The page where a password is corrected, for an account that failed."""
    if result.status != ResultStatus.ERROR or result.batch_id is None:
        return None
    return f"{act_url(result.job_id, 'credentials', 'one')}?id={result.pk}"


site.add(_sidebar)
register(
    JobPage(
        kind="bills",
        label=gettext_lazy("Bill download"),
        records=common.accounts,
        done=gettext_lazy("downloaded"),
        subject=gettext_lazy("Account %(name)s"),
        became=gettext_lazy("had its bills downloaded on %(day)s at %(time)s"),
        new_label=gettext_lazy("New bill download"),
        add_url="admin:bills_new",
        add_permissions=own.NEW_JOB,
        workload=workload,
        duplicate=duplicate,
        sheet=of_credentials,
        pace_title=gettext_lazy("Speed and attempts"),
        retry_files_hold=gettext_lazy(
            "The failed accounts as a CSV, each with its reason and remedy, and without passwords."
        ),
        field_words=common.OF_SETTINGS,
        has_batches=False,
        stage_title="bills/parts/stage_title.html",
        batch_name=_account_of,
        batch_related=("batch__results",),
        place=_place,
        related=("bill_run__portal",),
        tabs=(
            credentials.TAB,
            settings.TAB,
            progress.TAB,
            failures.TAB,
            admin_bills.TAB,
            retry_files.TAB,
            log.TAB,
        ),
        fix=Fix(gettext_lazy("Correct the password"), own.MANAGE_CREDENTIALS, _fix_url),
        log_lines=of_attempts,
        json_of=json_of,
    )
)
