"""The workspace of bill downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bills.admin import credentials, downloads, sheets, words
from bills.admin import permissions as own
from bills.admin.rows import results as with_uses
from bills.admin.rows import row_of
from bills.models import Bill, BillRun
from imports.admin import failures, log, navigation, progress, retry_files, settings
from imports.admin.addresses import act_url
from imports.admin.words import number
from imports.admin.workspace import Fix, Workspace, register
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.http import HttpRequest

    from imports.models import ImportJob, ImportResult


def plan(job: ImportJob) -> str:
    """ "12 credentials at Ellevio, 3 at once, up to 5 attempts each"."""
    return _("%(credentials)s at %(portal)s, %(at_once)s at once, up to %(attempts)s each") % {
        "credentials": words.credentials(job.batches.count()),
        "portal": BillRun.objects.select_related("portal").get(job=job).portal,
        "at_once": number(job.concurrency),
        "attempts": words.attempts(job.max_attempts),
    }


def json_of(results: list[ImportResult]) -> dict[int, dict[str, object]]:
    """What each result of one job adds to the JSON views. Three queries."""
    if not results:
        return {}
    job = results[0].job
    told = with_uses(job).filter(pk__in=[result.pk for result in results])
    bills: dict[int, list[dict[str, object]]] = {}
    for bill in Bill.objects.filter(batch__in=[result.batch_id for result in told]):
        bills.setdefault(bill.batch_id or 0, []).append(_bill(bill))
    return {result.pk: _entry(job, result, bills) for result in told}


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
        "attempts_told": words.attempts(result.retry_attempts),
        "max_attempts": row.max_attempts,
        "stage": str(row.stage) or None,
        "next_attempt_in": row.next_in,
        "who_must_act": row.advice.who if row.advice else None,
        "remedy": str(row.advice.remedy) if row.advice else None,
    }


def _sidebar(request: HttpRequest) -> navigation.Group:
    return {
        "title": _("Bills"),
        "items": [
            navigation.item(
                _("Bills"), "receipt_long", "admin:bills_bill_changelist", own.VIEW_BILL
            ),
            navigation.item(
                _("Portals"), "captive_portal", "admin:bills_portal_changelist",
                own.VIEW_PORTAL, own.MANAGE_PORTALS,
                but=("admin:bills_new", "admin:bills_preview"),
            ),
        ],
    }  # fmt: skip


def _fix_url(result: ImportResult) -> str | None:
    """The page where a password is corrected, for an account that failed."""
    if result.status != ResultStatus.ERROR or result.batch_id is None:
        return None
    return f"{act_url(result.job_id, 'credentials', 'one')}?id={result.pk}"


navigation.add(_sidebar)
register(
    Workspace(
        kind="bills",
        label=gettext_lazy("Bill download"),
        records=words.credentials,
        done=gettext_lazy("downloaded"),
        subject=gettext_lazy("Account %(name)s"),
        became=gettext_lazy("had its bills fetched on %(day)s at %(time)s"),
        new_label=gettext_lazy("New bill download"),
        add_url="admin:bills_new",
        add_permissions=own.NEW_JOB,
        plan=plan,
        sheet=sheets.of_credentials,
        pace_title=gettext_lazy("How hard to press the portal"),
        retry_files_hold=gettext_lazy(
            "The failed credentials as a CSV, with the reasons and what helps. No password is in "
            "it. Redrive never deletes it."
        ),
        field_words=words.OF_SETTINGS,
        tabs=(
            credentials.TAB,
            settings.TAB,
            progress.TAB,
            failures.TAB,
            downloads.TAB,
            retry_files.TAB,
            log.TAB,
        ),
        fix=Fix(gettext_lazy("Correct the password"), own.MANAGE_CREDENTIALS, _fix_url),
        json_of=json_of,
    )
)
