"""The Failures tab: what went wrong, by cause and one by one, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import error_codes
from imports.admin import exports, permissions
from imports.admin.base import CappedPaginator, page_of
from imports.admin.job import actions, page
from imports.admin.job.actions import Choice
from imports.ledger import retries
from imports.ledger.bulk_actions import EXCLUDED_CODE
from imports.ledger.lifecycle import NotAllowed
from imports.models import ImportResult
from imports.models.bulk_actions import ActionType
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    from imports.error_codes import ErrorCode
    from imports.ledger.totals import Totals
    from imports.models import ImportJob


ROWS = 50
DECISIONS = {
    "arrived": ActionType.ARRIVED,
    "not-arrived": ActionType.NOT_ARRIVED,
    "send-again": ActionType.SEND_AGAIN,
    "look-up": ActionType.LOOK_UP,
}


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The causes, and a page of records."""
    choice = Choice.of(request.GET)
    matching = ImportResult.objects.filter(choice.matching(job)).order_by("pk")
    matches = matching.select_related("file", "job").prefetch_related("retries")
    pages = page_of(request, CappedPaginator(matches, ROWS))
    rows = list(pages["page_obj"])
    status = choice.status if choice.status in actions.TROUBLE else ""
    wait = retries.how_many_wait(job)
    found = actions.causes(job)
    own = actions.own_codes(job)
    for row in rows:
        meaning = own.get(row.error_code) or error_codes.about(row.error_code, job.kind)
        remedy = error_codes.for_record(meaning, row.status)
        is_retried = bool(row.retries.all())
        row.row_actions = [] if is_retried else row_actions(request, row, remedy)
    return {
        **_matching_counts(job, choice, found),
        "causes": found,
        "more_causes": actions.more(job, found),
        "rows": rows,
        **pages,
        "chosen_status": status,
        "chosen_cause": choice.cause,
        "query": choice.query,
        "filter": choice.filter,
        "matching_status": choice.cause.partition(".")[0] or status,
        "waiting_here": wait.failed,
        "unknown_here": wait.unknown,
    }


def _matching_counts(job: ImportJob, choice: Choice, found: list[actions.Cause]) -> dict[str, Any]:
    """How many failed, unknown and excluded records the filter matches that wait for a decision.

    Counted by cause; None where there are more causes than are listed.
    """
    status, statuses = choice.cause.partition(".")[0] or choice.status, actions.TROUBLE
    counts: dict[str, int | None] = dict.fromkeys(statuses, 0)
    for each in statuses:
        if status in statuses and status != each:
            continue
        if choice.query:
            counts[each] = retries.waiting(job, each).filter(choice.matching(job)).count()
        elif not choice.cause and len(found) == actions.MOST_CAUSES:
            counts[each] = None
        else:
            of_filter = [one for one in found if choice.cause in ("", one.key)]
            counts[each] = sum(one.waiting for one in of_filter if one.status == each)
    return {f"matching_{each}": counts[each] for each in statuses}


def retry(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Retry all failed records (also of later retries), those a filter matches, or ticked ones.

    Asked for with GET: first how many they are. So, too, where some need a person first or are
    older than what the API has, and nobody has confirmed that.
    """
    if request.method != "POST":
        return actions.ask_retry(request, job, Choice.of(request.GET))
    choice = Choice.of(request.POST)
    if choice.is_nothing:
        raise NotAllowed(_("Select at least one record."))
    is_confirmed = choice.counted is not None or "force" in request.POST
    if not is_confirmed and actions.must_ask(job, choice):
        return actions.ask_retry(request, job, choice)
    more = {"force", "blocked"} & set(request.POST)  # than were counted
    only = choice.records(job)
    if "blocked" not in request.POST:
        only &= ~retries.needs_person(job)
    return actions.retry_and_show(request, job, only, None if more else choice.counted)


def exclude(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Leave failed records out for good: first how many, then, with a reason, do it."""
    if request.method != "POST":
        return actions.ask(request, job, "exclude", Choice.of(request.GET), ResultStatus.ERROR)
    choice, reason = Choice.of(request.POST), request.POST.get("reason", "").strip()
    if not reason:
        return actions.ask(request, job, "exclude", choice, ResultStatus.ERROR, needs_reason=True)
    return actions.decide(request, job, ActionType.EXCLUDE, choice, reason)


def restore(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Undo the exclusion of records: first how many, then, with a reason, do it."""
    if request.method != "POST":
        choice = Choice.of(request.GET)
        return actions.ask(request, job, "restore", choice, ResultStatus.EXCLUDED)
    choice, reason = Choice.of(request.POST), request.POST.get("reason", "").strip()
    if not reason:
        return actions.ask(
            request, job, "restore", choice, ResultStatus.EXCLUDED, needs_reason=True
        )
    return actions.decide(request, job, ActionType.RESTORE, choice, reason)


def decide(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Say what became of unknown records: first what that means, then, with a reason, do it."""
    if request.method != "POST":
        return actions.ask(request, job, "decide", Choice.of(request.GET), ResultStatus.UNKNOWN)
    choice, reason = Choice.of(request.POST), request.POST.get("reason", "").strip()
    decision = request.POST.get("decision", "")
    if decision == "look-up":
        reason = reason or _("Looked up in the API.")
    if decision not in DECISIONS or not reason:
        return actions.ask(
            request, job, "decide", choice, ResultStatus.UNKNOWN, decision=decision,
            needs_reason=not reason, needs_decision=decision not in DECISIONS,
        )  # fmt: skip
    if decision == "send-again":
        permissions.require(request, permissions.RETRY)
    return actions.decide(request, job, DECISIONS[decision], choice, reason)


def export(request: HttpRequest, job: ImportJob) -> HttpResponseBase:
    """What the tab's filter matches, `as` csv or xlsx."""
    matching = ImportResult.objects.filter(Choice.of(request.GET).matching(job))
    return exports.records(request, job, matching, "failures")


def _count(job: ImportJob, job_totals: Totals) -> int | None:
    return job_totals.error + job_totals.unknown or None


TAB = page.Tab(
    slug="failures",
    label=gettext_lazy("Failures"),
    icon="error",
    template="imports/job/failures.html",
    context=context,
    count=_count,
    acts={
        "retry": page.Action(retry, permissions.RETRY, methods=("GET", "POST")),
        "exclude": page.Action(exclude, permissions.EXCLUDE, methods=("GET", "POST")),
        "restore": page.Action(restore, permissions.EXCLUDE, methods=("GET", "POST")),
        "decide": page.Action(decide, permissions.RESOLVE, methods=("GET", "POST")),
        "stop": page.Action(actions.stop, permissions.START),
        "export": page.Action(export, permissions.EXPORT, methods=("GET",)),
    },
)


@dataclass(frozen=True, slots=True)
class RowAction:
    """One link. `asks` opens a question about this record, in a dialog where a script runs."""

    label: str
    url: str
    symbol: str
    asks: bool = True


def row_actions(
    request: HttpRequest, result: ImportResult, remedy: ErrorCode | None
) -> list[RowAction]:
    """The actions for a record that no later retry has, for those who may."""
    found = list(_row_actions(request, result))
    names_fix = remedy is None or remedy.is_in_data
    if result.status == ResultStatus.ERROR and not names_fix:
        found.sort(key=lambda each: not each.asks)
    return found


def _row_actions(request: HttpRequest, result: ImportResult) -> Iterator[RowAction]:
    fix = page.way_to_fix(request, result)
    if fix:
        yield RowAction(str(fix["label"]), fix["url"], "edit", asks=False)
    match result.status:
        case ResultStatus.ERROR if permissions.may(request, permissions.RETRY):
            yield _asking(result, _("Retry this one"), "retry", "replay")
        case ResultStatus.UNKNOWN if permissions.may(request, permissions.RESOLVE):
            yield _asking(result, _("Mark as imported or failed"), "decide", "help")
        case ResultStatus.EXCLUDED if result.error_code == EXCLUDED_CODE and permissions.may(
            request, permissions.EXCLUDE
        ):
            yield _asking(result, _("Undo exclusion"), "restore", "undo")


def exclusion(request: HttpRequest, result: ImportResult) -> RowAction | None:
    """The link that excludes a failed record."""
    if result.status != ResultStatus.ERROR or not permissions.may(request, permissions.EXCLUDE):
        return None
    return _asking(result, _("Exclude"), "exclude", "do_not_disturb_on")


def _asking(result: ImportResult, label: str, act: str, symbol: str) -> RowAction:
    url = page.act_url(result.job_id, "failures", act)
    return RowAction(label, f"{url}?{urlencode({'ids': result.pk})}", symbol)
