"""The Failures tab: what went wrong, by cause and one by one, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import causes, exporting, page, permissions, retrying, workspace
from imports.admin.addresses import to_tab
from imports.ledger import rounds, verdicts
from imports.ledger.moves import NotAllowed
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, QueryDict
    from django.http.response import HttpResponseBase

    from imports.ledger.sums import Sums
    from imports.models import ImportJob, ImportResult

ROWS = 50
MOST_SELECTED = 1_000
FILTER = ("status", "cause", "q")
DECISIONS = ("arrived", "not-arrived", "send-again")


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The causes, and a page of records after the one that `after` names."""
    status, cause = request.GET.get("status", ""), request.GET.get("cause", "")
    query = request.GET.get("q", "").strip()
    after = _number(request.GET.get("after", ""))
    matching = _matching(job, request.GET).filter(pk__gt=after).order_by("pk")
    told = matching.select_related("file", "job").prefetch_related("retries")
    rows = list(told[: ROWS + 1])
    return {
        "causes": causes.causes(job, workspace.of(job.kind).remedies),
        "rows": rows[:ROWS],
        "next_after": rows[ROWS - 1].pk if len(rows) > ROWS else None,
        "is_later_page": bool(request.GET.get("after")),
        "chosen_status": status if status in causes.TROUBLE else "",
        "chosen_cause": cause,
        "query": query,
        "filter": urlencode({name: request.GET.get(name, "") for name in FILTER}),
        "waiting_here": rounds.waiting(job).count(),
        "unknown_here": rounds.waiting(job, ResultStatus.UNKNOWN).count(),
    }


def _matching(job: ImportJob, data: QueryDict) -> QuerySet[ImportResult]:
    """What the tab's filter matches: a cause or a status, an id or an e-mail."""
    status, cause = data.get("status", ""), data.get("cause", "")
    query = data.get("q", "").strip()
    rows = causes.trouble(job)
    if cause:
        rows = causes.of_cause(rows, cause)
    elif status in causes.TROUBLE:
        rows = rows.filter(status=status)
    if query:
        rows = rows.filter(key=query) | rows.filter(email=query)
    return rows


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _chosen(job: ImportJob, data: QueryDict) -> QuerySet[ImportResult]:
    """The records that were ticked, or those of a cause, or all of the job's with trouble."""
    if data.get("which") == "all":
        return causes.trouble(job)
    if cause := data.get("cause", "") if data.get("which") == "cause" else "":
        return causes.of_cause(causes.trouble(job), cause)
    ids = [_number(each) for each in data.getlist("ids")[:MOST_SELECTED]]
    return causes.trouble(job).filter(pk__in=ids)


def retry(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Send again: all that failed (in later rounds too), those of a cause, or those ticked."""
    if request.POST.get("which") == "all":
        return retrying.retry_and_show(request, job)
    only = _chosen(job, request.POST)
    if request.POST.get("which") != "cause" and not request.POST.getlist("ids"):
        raise NotAllowed(_("Tick the records that are to go out again first."))
    return retrying.retry_and_show(request, job, only)


def exclude(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Leave failed records out for good: first how many, then, with a reason, do it."""
    chosen = rounds.waiting(job).filter(pk__in=_chosen(job, _data(request)))
    if request.method != "POST":
        return _ask(request, job, chosen, "imports/job/exclude.html")
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return _ask(request, job, chosen, "imports/job/exclude.html", needs_reason=True)
    done = verdicts.exclude(job, chosen, reason=reason, actor=permissions.actor(request))
    told = {"records": workspace.of(job.kind).records(done)}
    messages.success(request, _("Excluded %(records)s. They are not sent again.") % told)
    return to_tab(job, "failures")


def decide(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Say what became of unknown records: first what that means, then, with a reason, do it."""
    chosen = rounds.waiting(job, ResultStatus.UNKNOWN)
    if _data(request).get("which") != "all":
        chosen = chosen.filter(pk__in=_chosen(job, _data(request)))
    if request.method != "POST":
        return _ask(request, job, chosen, "imports/job/decide.html")
    decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "").strip()
    if decision not in DECISIONS or not reason:
        told = {"needs_reason": not reason, "needs_decision": decision not in DECISIONS}
        return _ask(request, job, chosen, "imports/job/decide.html", decision=decision, **told)
    if decision == "send-again":
        permissions.require(request, permissions.RETRY)
        new = retrying.retry(request, job, chosen, status=ResultStatus.UNKNOWN, reason=reason)
        return to_tab(new, "progress") if new else to_tab(job, "failures")
    arrived = decision == "arrived"
    done = verdicts.resolve_unknown(
        job, chosen, arrived=arrived, reason=reason, actor=permissions.actor(request)
    )
    _say_decided(request, job, done, arrived=arrived)
    return to_tab(job, "failures")


def _say_decided(request: HttpRequest, job: ImportJob, done: int, *, arrived: bool) -> None:
    told = {"records": workspace.of(job.kind).records(done)}
    if arrived:
        messages.success(request, _("%(records)s arrived: they count as imported now.") % told)
    else:
        messages.success(
            request,
            _("%(records)s did not arrive: they count as failed. Retry failed sends them.") % told,
        )


def export(request: HttpRequest, job: ImportJob) -> HttpResponseBase:
    """What the tab's filter matches, `as` csv or xlsx."""
    return exporting.records(request, job, _matching(job, request.GET), "failures")


def _data(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _ask(
    request: HttpRequest, job: ImportJob, chosen: QuerySet[ImportResult], template: str,
    *, needs_reason: bool = False, needs_decision: bool = False, decision: str = "",
) -> HttpResponse:  # fmt: skip
    """The page before a decision: how many records, and what it means for them."""
    data = _data(request)
    shown = page.page_context(request, job, TAB) | {
        "count": chosen.count(),
        "examples": chosen.order_by("pk")[:5],
        "which": data.get("which", ""),
        "cause": data.get("cause", ""),
        "ids": [_number(each) for each in data.getlist("ids")[:MOST_SELECTED]],
        "reason": data.get("reason", ""),
        "decision": decision,
        "needs_reason": needs_reason,
        "needs_decision": needs_decision,
    }
    return render(request, template, shown, status=422 if needs_reason or needs_decision else 200)


def _count(job: ImportJob, sums: Sums) -> int | None:
    return sums.error + sums.unknown or None


TAB = workspace.Tab(
    slug="failures",
    label=gettext_lazy("Failures"),
    icon="error",
    template="imports/job/failures.html",
    context=context,
    count=_count,
    acts={
        "retry": workspace.Act(retry, permissions.RETRY),
        "exclude": workspace.Act(exclude, permissions.EXCLUDE, methods=("GET", "POST")),
        "export": workspace.Act(export, permissions.EXPORT, methods=("GET",)),
        "decide": workspace.Act(decide, permissions.RESOLVE, methods=("GET", "POST")),
    },
)
