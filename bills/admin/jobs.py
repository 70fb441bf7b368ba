"""Jobs of bills: a new one from a CSV, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import F
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bills.admin import bills as admin_bills
from bills.admin import common, credentials
from bills.admin import common as own
from bills.admin.credentials import bill_count, row_of
from bills.admin.credentials import credential_results as with_uses
from bills.admin.forms import NewBillsForm
from bills.admin.log_lines import of_attempts
from bills.csv.credentials import CredentialRow, UnreadableCsv, preview, read_credentials
from bills.drafts import new_draft_of_content, on_disk
from bills.error_codes import JOB_TYPE
from bills.models import Bill, BillRun, Credential, CsvUpload, Portal
from bills.models.credentials import account_of
from imports.admin import permissions, site
from imports.admin.formatting import number
from imports.admin.job import failures, log, progress, retry_files, settings
from imports.admin.job.page import Fix, JobPage, act_url, register, to_tab
from imports.admin.job.sheets import Advice, Sheet, at_once, local, status_word
from imports.fields import cipher
from imports.models import ImportJob
from imports.rendering import in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from bills.csv.credentials import Preview
    from imports.models import ImportResult


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
        summary = (status_word(status), code, in_words(message), attempts, bills, local(at), again)
        yield (*who, *summary, *advice[code], *((extra or {}).get(name, "") for name in extras))


COMPARED = 5_000  # rows of a file that are held against what is stored


def upload(request: HttpRequest) -> HttpResponse:
    """Portal and CSV. The file is kept encrypted until it is confirmed, an hour at most."""
    permissions.require(request, *own.NEW_JOB)
    form = NewBillsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["csv"]
        kept = CsvUpload.objects.create(
            portal=form.cleaned_data["portal"],
            name=(file.name or "credentials.csv")[:500],
            content=cipher().encrypt(file.read()),
            uploaded_by=_user(request),
        )
        return redirect("admin:bills_preview", kept.pk)
    shown = _around(request, _("New bill download")) | {
        "form": form,
        "has_portals": Portal.objects.exists(),
    }
    return render(request, "bills/new_job.html", shown, status=422 if form.errors else 200)


def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read; on POST a draft is made of it, or the file is forgotten."""
    permissions.require(request, *own.NEW_JOB)
    mine = CsvUpload.objects.filter(uploaded_by=_user(request)).select_related("portal")
    kept = get_object_or_404(mine, pk=pk)
    if request.method == "POST":
        return _decided(request, kept)
    shown = _around(request, kept.name) | {"upload": kept}
    content = cipher().decrypt(bytes(kept.content))
    try:
        with on_disk(content) as path:
            found = preview(path, kept.name)
            differing = _differing(kept.portal, path, kept.name)
    except UnreadableCsv as refusal:
        return render(request, "bills/preview.html", shown | {"refusal": str(refusal)}, status=422)
    shown |= {"found": found, "known": differing[0], "differing": differing[1]}
    return render(request, "bills/preview.html", shown | _summary(found))


def _summary(found: Preview) -> dict[str, Any]:
    return {"accepted": common.credentials(found.accepted), "can_confirm": found.accepted > 0}


def _decided(request: HttpRequest, kept: CsvUpload) -> HttpResponse:
    if "forget" in request.POST:
        kept.delete()
        messages.success(request, _("Nothing was stored: the file is forgotten."))
        return redirect("admin:bills_new")
    content = cipher().decrypt(bytes(kept.content))
    try:
        draft = new_draft_of_content(
            kept.portal,
            content,
            kept.name,
            request.POST.get("name", "").strip(),
            permissions.actor(request),
        )
    except UnreadableCsv as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:bills_preview", kept.pk)
    kept.delete()
    ImportJob.objects.filter(pk=draft.job.pk).update(created_by=request.user)
    text = ngettext(
        "%(credentials)s is ready: look it over, then press Start.",
        "%(credentials)s are ready: look them over, then press Start.",
        draft.accepted,
    )
    messages.success(request, text % {"credentials": common.credentials(draft.accepted)})
    return to_tab(draft.job, "credentials")


def _differing(portal: Portal, path: Path, name: str) -> tuple[int, int]:
    """How many accounts of the file are known, and how many of those have another password."""
    entered = {}
    for row in read_credentials(path, name):
        if isinstance(row, CredentialRow):
            entered[account_of(row.email)] = row.password
        if len(entered) >= COMPARED:
            break
    known = Credential.objects.filter(portal=portal, account__in=entered)
    stored = dict(known.values_list("account", "password"))
    return len(stored), sum(stored[each] != entered[each] for each in stored)


def _user(request: HttpRequest) -> User:
    """Whoever is logged in: the admin lets nobody else come here."""
    return cast("User", request.user)


def _around(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "opts": ImportJob._meta, "title": title}


def bulk_action(job: ImportJob) -> str:
    """ "12 credentials at Ellevio, 3 at once, up to 5 attempts each"."""
    return _("%(credentials)s at %(portal)s, %(at_once)s at once, up to %(attempts)s each") % {
        "credentials": common.credentials(job.batches.count()),
        "portal": BillRun.objects.select_related("portal").get(job=job).portal,
        "at_once": number(job.concurrency),
        "attempts": common.attempts(job.max_attempts),
    }


def json_of(results: list[ImportResult]) -> dict[int, dict[str, object]]:
    """What each result of one job adds to the JSON views. Three queries."""
    if not results:
        return {}
    job = results[0].job
    summary = with_uses(job).filter(pk__in=[result.pk for result in results])
    bills: dict[int, list[dict[str, object]]] = {}
    for bill in Bill.objects.filter(batch__in=[result.batch_id for result in summary]):
        bills.setdefault(bill.batch_id or 0, []).append(_bill(bill))
    return {result.pk: _entry(job, result, bills) for result in summary}


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


site.add(_sidebar)
register(
    JobPage(
        kind="bills",
        label=gettext_lazy("Bill download"),
        records=common.credentials,
        done=gettext_lazy("downloaded"),
        subject=gettext_lazy("Account %(name)s"),
        became=gettext_lazy("had its bills fetched on %(day)s at %(time)s"),
        new_label=gettext_lazy("New bill download"),
        add_url="admin:bills_new",
        add_permissions=own.NEW_JOB,
        bulk_action=bulk_action,
        sheet=of_credentials,
        pace_title=gettext_lazy("How hard to press the portal"),
        retry_files_hold=gettext_lazy(
            "The failed credentials as a CSV, with the reasons and what helps. No password is in "
            "it. Redrive never deletes it."
        ),
        field_words=common.OF_SETTINGS,
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
