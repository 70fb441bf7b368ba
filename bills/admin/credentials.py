"""The Accounts tab: each account's state, live; correcting a password; trying again.

An account that failed is offered the act that its code's remedy names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bills import error_codes, keeping
from bills.accounts import codes, passwords
from bills.admin import common as own
from bills.admin.account_forms import LONGEST_PASSWORD, with_time_left
from bills.admin.common import RUN_ACCOUNTS, STAGES, run_accounts, timeline
from bills.browser.report import brought
from bills.csv import retry_files
from bills.models import Bill, BillRun, Credential, CredentialUse
from bills.portals.failures import Code
from imports.admin import permissions
from imports.admin.base import CappedPaginator, page_of
from imports.admin.formatting import whole_number
from imports.admin.job import actions, page
from imports.admin.job.page import act_url, to_tab
from imports.exports import csv_rows
from imports.ledger import retries
from imports.ledger.lifecycle import note
from imports.messages import sentence
from imports.models import Attempt, ImportResult
from imports.models.bulk_actions import ActionType
from imports.states import IN_FLIGHT, BatchStatus, EventCode, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpResponse
    from django.utils.functional import _StrOrPromise

    from imports.error_codes import ErrorCode
    from imports.ledger.totals import Totals
    from imports.messages import Message
    from imports.models import ImportJob


UNREAD = ("batch__body", "batch__credential_use__credential__password", "refused_record")


@dataclass(frozen=True, slots=True)
class Row:
    """One credential of a job. `next_in` is in seconds; `stage` says what is being done now."""

    result: ImportResult
    bills: int
    advice: ErrorCode | None
    stage: _StrOrPromise = ""
    stage_done: int = 0
    stage_total: int = 0
    attempt: int = 0
    max_attempts: int = 0
    next_in: int | None = None
    refused_before: bool = False
    is_retried: bool = False
    way: str = ""  # what helps it, where it failed and waits for a person
    brought: Message | None = None  # "3 new, 9 already here"
    list_rows: dict[str, Any] | None = None  # of the last attempt's list: see RowCounts
    extra: list[tuple[str, str]] = field(default_factory=list)  # the CSV's further columns


def credential_results(
    job: ImportJob, status: str = "", query: str = ""
) -> QuerySet[ImportResult]:
    """A job's credentials, in the file's order, with all that a row shows. No password is read."""
    found = ImportResult.objects.filter(job=job)
    if status in ("success", "error", "pending", "excluded"):
        found = found.filter(status=status)
    if query:
        found = found.filter(email__icontains=query)
    last = Attempt.objects.filter(batch=OuterRef("batch")).order_by("-number").values("details")
    related = found.select_related("batch__credential_use__credential__portal").defer(*UNREAD)
    rows = related.annotate(bill_count=bill_count(), last_details=Subquery(last[:1]))
    return rows.prefetch_related("retries").order_by("position", "pk")


def bill_count() -> Coalesce:
    """How many bills a result's own batch brought."""
    fetched = Bill.objects.filter(batch=OuterRef("batch")).order_by().values("batch")
    return Coalesce(Subquery(fetched.annotate(n=Count("pk")).values("n")), 0)


def row_of(job: ImportJob, result: ImportResult, columns: Iterable[str] = ()) -> Row:
    """One row, of `results`; with the extra columns that are named."""
    use, batch = _use_of(result), result.batch
    last = getattr(result, "last_details", None) or {}
    progress: dict[str, Any] = {}
    if use is not None and batch is not None and result.status == ResultStatus.PENDING:
        progress = _now(job, result, use)
    return Row(
        result=result,
        bills=getattr(result, "bill_count", 0),
        advice=error_codes.about(result.error_code),
        max_attempts=job.max_attempts,
        refused_before=bool(use and use.credential.refused_count),
        is_retried=bool(result.retries.all()),
        way=_way(result),
        brought=brought(last),
        list_rows=last.get("rows"),
        extra=[(name, use.credential.extra.get(name, "")) for name in columns] if use else [],
        **progress,
    )


def _way(result: ImportResult) -> str:
    waits = result.status == ResultStatus.ERROR and result.batch_id and not result.retries.all()
    return way_of(result.error_code) if waits else ""


def _now(job: ImportJob, result: ImportResult, use: CredentialUse) -> dict[str, Any]:
    """ "attempt 2 of 5": the stage of one that runs, the seconds until one that is due."""
    batch = use.batch if result.batch is None else result.batch
    progress: dict[str, Any] = {"attempt": batch.attempts + 1}
    if batch.status in IN_FLIGHT:
        is_moving = batch.status == BatchStatus.SENDING and use.stage
        return progress | {
            "stage": STAGES.get(use.stage, "") if is_moving else STAGES["open"],
            "stage_done": use.stage_done,
            "stage_total": use.stage_total,
        }
    if job.status == JobStatus.RUNNING and batch.tries:
        due = max(batch.next_attempt_at, job.rate_limit.paused_until or batch.next_attempt_at)
        left = (due - timezone.now()).total_seconds()
        progress["next_in"] = max(0, round(left))
    return progress


def _use_of(result: ImportResult) -> CredentialUse | None:
    return getattr(result.batch, "credential_use", None) if result.batch else None


ROWS = 50
REFUSED_SHOWN = 20
UNCHANGED = Q(error_code=Code.LOGIN_FAILED, batch__credential_use__credential__refused_count__gt=0)

OF_ACCOUNT = sentence("OF_ACCOUNT", "{email}")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of credentials, and what Start would do."""
    status, query = request.GET.get("status", ""), request.GET.get("q", "").strip()
    pages = page_of(request, CappedPaginator(credential_results(job, status, query), ROWS))
    is_draft = job.status == JobStatus.DRAFT
    run = BillRun.objects.select_related("portal").get(job=job)
    return {
        "run": run,
        "rows": [row_of(job, result, run.extra_columns) for result in pages["page_obj"]],
        **pages,
        "chosen_status": status,
        "query": query,
        "refused": _refused(job) if is_draft else [],
        "unchanged": retries.waiting(job).filter(UNCHANGED).count() if job.finished_at else 0,
        "can_start": is_draft and permissions.may(request, permissions.START),
        "workload": page.of(job.kind).workload(job) if is_draft else "",
        "codes_wanted": with_time_left(codes.wanted().filter(batch__job=job)),
        "can_run_again": bool(job.finished_at) and permissions.may(request, *RUN_ACCOUNTS),
        "is_live": job.status in (JobStatus.QUEUED, JobStatus.RUNNING),
        "can_retry": bool(job.finished_at) and permissions.may(request, permissions.RETRY),
    }


def _refused(job: ImportJob) -> list[str]:
    """Why rows of the CSV are not in this job."""
    left_out = job.results.filter(batch=None).order_by("pk")
    return list(left_out.values_list("error", flat=True)[:REFUSED_SHOWN])


def panel(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The rows, for an open page that asks now and then."""
    shown = page.live_context(request, job) | {"tab": TAB, **context(request, job)}
    response = render(request, "bills/job/credentials_panel.html", shown)
    response["Cache-Control"] = "no-store"
    return response


def one(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """One credential: every attempt with its evidence, its bills, and a place for a password."""
    result = _chosen(request, job)
    use = _use(result)
    shown = page.page_context(request, job, TAB) | {
        "row": row_of(job, result, BillRun.objects.get(job=job).extra_columns),
        "result": result,
        "credential": use.credential,
        "attempts": timeline(result),
        "bills": Bill.objects.filter(batch=result.batch).order_by("-date", "-number"),
        "kept": len(keeping.known_bills(use.credential)),
        "next_failed": _next_failed(job, result),
        "portal": use.credential.portal,
        "can_retry": bool(job.finished_at) and permissions.may(request, permissions.RETRY),
    }
    return render(request, "bills/job/credential.html", shown)


def _next_failed(job: ImportJob, result: ImportResult) -> ImportResult | None:
    """The account after this one that failed and waits for a person."""
    waiting = retries.waiting(job).filter(job=job, batch__isnull=False)
    return waiting.filter(position__gt=result.position).order_by("position").first()


def password(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Enter a password and, where this credential failed, try it again at once."""
    result = _chosen(request, job)
    credential = Credential.objects.get(pk=_use(result).credential_id)
    entered = request.POST.get("password", "")
    here = redirect(f"{act_url(job.pk, 'credentials', 'one')}?id={result.pk}")
    if not entered.strip() or len(entered) > LONGEST_PASSWORD or "\0" in entered:
        messages.warning(request, _("Enter the password for this portal."))
        return here
    if not passwords.change(credential, entered):
        messages.warning(request, _("This password is already stored. Nothing was changed."))
        return here
    actor = permissions.actor(request)
    note(
        job, EventCode.PASSWORD_CHANGED, OF_ACCOUNT.format(email=credential.email), actor,
        about=[result.pk],
    )  # fmt: skip
    messages.success(request, _("The password of %(email)s is changed.") % {"email": credential})
    if request.POST.get("retry") and permissions.may(request, permissions.RETRY):
        uses = CredentialUse.objects.filter(credential=credential)
        return _retry(request, job, Q(batch__credential_use__in=uses))
    return here


def retry(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Retry failed accounts; with `force`, those whose refused password is unchanged; or one."""
    if request.POST.get("id"):
        return _retry(request, job, Q(pk=_chosen(request, job).pk))
    only = UNCHANGED if request.POST.get("force") else None
    return _retry(request, job, only, force=bool(request.POST.get("force")))


def _retry(
    request: HttpRequest, job: ImportJob, only: Q | None = None, *, force: bool = False
) -> HttpResponse:
    done = actions.carry_out(request, job, ActionType.RETRY, only, force=force)
    return to_tab(done.made if done and done.made else job, "credentials")


def run_again(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Run all accounts of this job once more, as they are stored now."""
    permissions.require(request, *RUN_ACCOUNTS)
    uses = CredentialUse.objects.filter(batch__job=job)
    accounts = list(uses.order_by().values_list("credential_id", flat=True).distinct())
    made = run_accounts(request, accounts, _("job %(id)s again") % {"id": job.pk})
    return made or to_tab(job, "credentials")


def failed_csv(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """The failed rows, without passwords."""
    header, found = retry_files.rows_of(job)
    response = StreamingHttpResponse(csv_rows(header, found), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="failed-credentials-{job.pk}.csv"'
    return response


def _chosen(request: HttpRequest, job: ImportJob) -> ImportResult:
    pk = whole_number(request.POST.get("id", "") or request.GET.get("id", ""))
    return get_object_or_404(credential_results(job).filter(batch__isnull=False), pk=pk)


def _use(result: ImportResult) -> CredentialUse:
    use: CredentialUse = result.batch.credential_use  # type: ignore[union-attr]
    return use


def _count(job: ImportJob, job_totals: Totals) -> int | None:
    return job_totals.total or None


TAB = page.Tab(
    slug="credentials",
    label=gettext_lazy("Accounts"),
    icon="badge",
    template="bills/job/credentials.html",
    context=context,
    count=_count,
    acts={
        "panel": page.Action(panel, permissions.VIEW, methods=("GET",)),
        "one": page.Action(one, permissions.VIEW, methods=("GET",)),
        "password": page.Action(password, own.MANAGE_CREDENTIALS),
        "retry": page.Action(retry, permissions.RETRY),
        "run-again": page.Action(run_again, permissions.START),
        "csv": page.Action(failed_csv, permissions.EXPORT, methods=("GET",)),
    },
)


class Way(StrEnum):
    """How an account is helped."""

    PASSWORD = "password"  # noqa: S105 - enter another one
    PORTAL = "portal"  # correct the portal's recipe, script or addresses
    RETRY = "retry"  # nothing to correct in Redrive


BY_PORTAL = frozenset(
    {
        Code.NAVIGATION,
        Code.UNRECOGNISED_PAGE,
        Code.NO_BILLS_BUT_HAD_BEFORE,
        Code.LIST_INCOMPLETE,
        Code.TWO_BILLS_ONE_KEY,
        Code.OLDER_BILLS_ELSEWHERE,
        Code.SEVERAL_ACCOUNTS,
        Code.WRONG_ACCOUNT,
        Code.DOCUMENT_UNCLEAR,
        Code.DOCUMENT_PASSWORD,
        Code.SCRIPT_ERROR,
        Code.BAD_SCRIPT,
        Code.FORBIDDEN,
        Code.OTHER_SITE,
        "BAD_RECIPE",
    }
)


def way_of(code: str) -> Way:
    """The act that fits the code; trying again where there is nothing to correct."""
    if code in (Code.LOGIN_FAILED, Code.PASSWORD_EXPIRED, Code.LOCKED):
        return Way.PASSWORD
    return Way.PORTAL if code in BY_PORTAL else Way.RETRY
