"""The Credentials tab: each credential's state, live; correcting a password; trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bills import failed_rows, keeping, passwords
from bills.admin import permissions as own
from bills.admin import rows
from bills.admin.timeline import timeline
from bills.models import Bill, BillRun, Credential, CredentialUse
from bills.portals.failures import Code
from imports.admin import bulk_actions, page, permissions, workspace
from imports.admin.addresses import act_url, to_tab
from imports.event_codes import EventCode
from imports.exports import csv_rows
from imports.ledger import rounds
from imports.ledger.moves import note
from imports.messages import sentence
from imports.models import ImportResult
from imports.models.plans import PlanAction
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.http import HttpResponse

    from imports.ledger.sums import Sums
    from imports.models import ImportJob, ImportResult

ROWS = 50
LONGEST_PASSWORD = 1_000
REFUSED_SHOWN = 20
UNCHANGED = Q(error_code=Code.LOGIN_FAILED, batch__credential_use__credential__refused_count__gt=0)

OF_ACCOUNT = sentence("OF_ACCOUNT", "{email}")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """A page of credentials after the one that `after` names, and what Start would do."""
    status, query = request.GET.get("status", ""), request.GET.get("q", "").strip()
    after = _number(request.GET.get("after", ""))
    found = rows.results(job, status, query).filter(position__gt=after)
    results = list(found[: ROWS + 1])
    is_draft = job.status == JobStatus.DRAFT
    run = BillRun.objects.select_related("portal").get(job=job)
    return {
        "run": run,
        "rows": [rows.row_of(job, result, run.extra_columns) for result in results[:ROWS]],
        "next_after": results[ROWS - 1].position if len(results) > ROWS else None,
        "after": request.GET.get("after", ""),
        "chosen_status": status,
        "query": query,
        "refused": _refused(job) if is_draft else [],
        "unchanged": _unchanged(job).count() if job.finished_at else 0,
        "can_start": is_draft and permissions.may(request, permissions.START),
        "plan": workspace.of(job.kind).plan(job) if is_draft else "",
        "is_live": job.status in (JobStatus.QUEUED, JobStatus.RUNNING),
    }


def _refused(job: ImportJob) -> list[str]:
    """Why rows of the CSV are not in this job."""
    left_out = job.results.filter(batch=None).order_by("pk")
    return list(left_out.values_list("error", flat=True)[:REFUSED_SHOWN])


def _unchanged(job: ImportJob) -> Any:
    """Failed credentials whose password was refused and is still the same."""
    return rounds.waiting(job).filter(UNCHANGED)


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
        "row": rows.row_of(job, result, BillRun.objects.get(job=job).extra_columns),
        "result": result,
        "credential": use.credential,
        "attempts": timeline(result),
        "bills": Bill.objects.filter(batch=result.batch).order_by("-date", "-number"),
        "kept": len(keeping.known_bills(use.credential)),
    }
    return render(request, "bills/job/credential.html", shown)


def password(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Enter a password and, where this credential failed, try it again at once."""
    result = _chosen(request, job)
    credential = Credential.objects.get(pk=_use(result).credential_id)
    entered = request.POST.get("password", "")
    here = redirect(f"{act_url(job.pk, 'credentials', 'one')}?id={result.pk}")
    if not entered.strip() or len(entered) > LONGEST_PASSWORD or "\0" in entered:
        messages.warning(request, _("Enter the password that the portal accepts."))
        return here
    if not passwords.change(credential, entered):
        messages.warning(
            request, _("That is the password that is stored already. Nothing was changed.")
        )
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
    """Try failed ones again. With `insist`, those too whose refused password is unchanged."""
    only = UNCHANGED if request.POST.get("insist") else None
    return _retry(request, job, only, insists=bool(request.POST.get("insist")))


def _retry(
    request: HttpRequest, job: ImportJob, only: Q | None = None, *, insists: bool = False
) -> HttpResponse:
    done = bulk_actions.carry_out(request, job, PlanAction.RETRY, only, insists=insists)
    return to_tab(done.made if done and done.made else job, "credentials")


def failed_csv(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """The failed rows, without passwords."""
    header, found = failed_rows.rows_of(job)
    response = StreamingHttpResponse(csv_rows(header, found), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="failed-credentials-{job.pk}.csv"'
    return response


def _chosen(request: HttpRequest, job: ImportJob) -> ImportResult:
    pk = _number(request.POST.get("id", "") or request.GET.get("id", ""))
    return get_object_or_404(rows.results(job).filter(batch__isnull=False), pk=pk)


def _use(result: ImportResult) -> CredentialUse:
    use: CredentialUse = result.batch.credential_use  # type: ignore[union-attr]
    return use


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _count(job: ImportJob, sums: Sums) -> int | None:
    return sums.total or None


TAB = workspace.Tab(
    slug="credentials",
    label=gettext_lazy("Credentials"),
    icon="badge",
    template="bills/job/credentials.html",
    context=context,
    count=_count,
    acts={
        "panel": workspace.Act(panel, permissions.VIEW, methods=("GET",)),
        "one": workspace.Act(one, permissions.VIEW, methods=("GET",)),
        "password": workspace.Act(password, own.MANAGE_CREDENTIALS),
        "retry": workspace.Act(retry, permissions.RETRY),
        "csv": workspace.Act(failed_csv, permissions.EXPORT, methods=("GET",)),
    },
)
