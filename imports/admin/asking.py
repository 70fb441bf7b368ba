"""The question before something is done to many records: how many they are, and what it means.

It is a dialog on the page, or a page of its own where no script runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from imports import known_before
from imports.admin import choice as choices
from imports.admin import page, workspace
from imports.ledger import bulk_actions
from imports.models.plans import PlanAction
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections import Counter

    from django.http import HttpRequest, HttpResponse

    from imports.admin.choice import Choice
    from imports.ledger.later_imports import Later
    from imports.models import ImportJob


def ask_retry(request: HttpRequest, job: ImportJob, choice: Choice) -> HttpResponse:
    """How many go out again, and how many would only fail again."""
    asked_at = choices.now()
    chosen = choice.waiting(job, ResultStatus.ERROR)
    sensible, left_out, later = bulk_actions.sensible(job, chosen)
    told = _told(choice, sensible, asked_at) | {
        "left_out": left_out + later.total(),
        "later": _said(later),
        "hopeless": left_out,
    }
    return _shown(request, job, "retry", told)


def has_later(job: ImportJob, choice: Choice) -> bool:
    """Whether the API has newer versions of some of the failed records that are chosen."""
    *_others, later = bulk_actions.sensible(job, choice.waiting(job, ResultStatus.ERROR))
    return bool(later)


def _said(later: Counter[Later]) -> list[str]:
    rows = sorted(later.items())
    return known_before.of_later((each.job, each.status, count) for each, count in rows)


def ask(
    request: HttpRequest, job: ImportJob, question: str, choice: Choice, status: ResultStatus,
    *, needs_reason: bool = False, **told: Any,
) -> HttpResponse:  # fmt: skip
    """A decision that needs a reason. HTTP 422 where one was missing."""
    asked_at = choices.now()
    chosen = choice.waiting(job, status)
    told |= _told(choice, chosen, asked_at)
    if status == ResultStatus.UNKNOWN:
        *_others, later = bulk_actions.sensible(job, chosen, PlanAction.SEND_AGAIN)
        told |= {"later": _said(later), "left_out": later.total()}
    told |= {"needs_reason": needs_reason, "reason": request.POST.get("reason", "")}
    return _shown(request, job, question, told)


def _told(choice: Choice, chosen: Any, asked_at: str) -> dict[str, Any]:
    count = chosen.count()
    return {
        "count": count,
        "examples": choices.some(chosen),
        "fields": [*choice.fields(), ("counted", str(count)), ("as_of", asked_at)],
        "is_in_background": count > bulk_actions.CHUNK,
    }


def _shown(
    request: HttpRequest, job: ImportJob, question: str, told: dict[str, Any]
) -> HttpResponse:
    told["question"] = f"imports/job/questions/{question}.html"
    if request.headers.get("HX-Request"):
        told |= {"job": job, "words": workspace.of(job.kind), "in_dialog": True}
        return render(request, "imports/job/ask_dialog.html", told)
    tab = workspace.of(job.kind).tab("failures")
    if tab is None:
        raise LookupError("every kind of work has a Failures tab")
    shown = page.page_context(request, job, tab) | told
    is_lacking = told.get("needs_reason") or told.get("needs_decision")
    return render(request, "imports/job/ask.html", shown, status=422 if is_lacking else 200)
