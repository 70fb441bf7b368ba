"""Retry failed, from wherever it is pressed: one call to the ledger, and counts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imports import jobs
from imports.admin import permissions, words, workspace
from imports.admin.addresses import to_tab
from imports.ledger import moves, plans, rounds
from imports.ledger.sums import family
from imports.models import ImportResult
from imports.models.jobs import Beginning
from imports.models.plans import PlanAction
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from imports.models import ImportJob


def retry(
    request: HttpRequest, job: ImportJob, only: Q | None = None,
    *, start: bool = True, status: ResultStatus = ResultStatus.ERROR, reason: str = "",
    insists: bool = False, counted: int | None = None, beginning: str = Beginning.ALL,
) -> ImportJob | None:  # fmt: skip
    """Send failed records again and say with counts what happened; the new job, None if none.

    Very many are put together in the background: the new job is a draft until all are in it.
    `only` narrows them down; `counted` is how many the person was told of.
    """
    try:
        if _are_many(job, only, status):
            return _plan(
                request, job, only, status, reason,
                start=start, insists=insists, beginning=beginning,
            )  # fmt: skip
        made = rounds.retry(
            job,
            only=ImportResult.objects.filter(only) if only else None,
            status=status,
            reason=reason,
            actor=permissions.actor(request),
            start=start,
            insists=insists,
            beginning=beginning,
        )
    except moves.NotAllowed as refusal:
        _refused(request, job, str(refusal))
        return None
    if start:
        jobs.ring_on_commit(made.job.pk)
    messages.success(request, _told(made, counted, is_started=start))
    return made.job


def _are_many(job: ImportJob, only: Q | None, status: ResultStatus) -> bool:
    chosen = rounds.waiting(job, status).filter(only or Q())
    return chosen[: plans.PART + 1].count() > plans.PART


def _plan(
    request: HttpRequest, job: ImportJob, only: Q | None,
    status: ResultStatus, reason: str, *, start: bool, insists: bool, beginning: str,
) -> ImportJob | None:  # fmt: skip
    plan = plans.make(
        job,
        PlanAction.RETRY if status == ResultStatus.ERROR else PlanAction.SEND_AGAIN,
        only,
        reason=reason,
        actor=permissions.actor(request),
        insists=insists,
        starts=start,
        beginning=beginning,
    )
    jobs.ring_on_commit(job.pk)
    return plan.made


def retry_and_show(
    request: HttpRequest, job: ImportJob, only: Q | None = None,
    counted: int | None = None,
) -> HttpResponse:  # fmt: skip
    """Retry from a job's page: to the new job's progress, or its settings if asked for."""
    start = request.POST.get("start") != "later"
    insists = "insists" in request.POST
    wanted = request.POST.get("beginning", "")
    beginning = wanted if wanted in Beginning.values else Beginning.ALL
    made = retry(
        request, job, only, start=start, insists=insists, counted=counted, beginning=beginning
    )
    if made is None:
        return to_tab(job, "failures")
    return to_tab(made, "progress" if start else "settings")


def _told(made: rounds.Retry, counted: int | None, *, is_started: bool) -> str:
    changed = max(0, (counted or 0) - made.records)
    told = {
        "records": workspace.of(made.job.kind).records(made.records),
        "job": made.job.pk,
        "skipped": words.number(made.skipped),
    }
    parts = [_what_goes_out(made.records) if is_started else _what_is_ready()]
    if changed:
        parts.append(words.left_alone(changed))
    elif made.skipped:
        parts.append(
            ngettext(
                "%(skipped)s is being retried already",
                "%(skipped)s are being retried already",
                made.skipped,
            )
        )
    if made.left_out:
        parts.append(words.left_out(made.left_out))
    return "; ".join(parts) % told + "."


def _what_goes_out(count: int) -> str:
    return ngettext(
        "%(records)s goes out again in job %(job)s",
        "%(records)s go out again in job %(job)s",
        count,
    )


def _what_is_ready() -> str:
    return _("Job %(job)s is ready with %(records)s: change its settings, then press Start")


def _refused(request: HttpRequest, job: ImportJob, why: str) -> None:
    """Why nothing is sent, and where the records are by now."""
    later = [each for each in family(job) if each.pk > job.pk]
    shown = {"why": why, "later": later[-1] if later else None}
    messages.warning(request, render_to_string("imports/messages/not_retried.html", shown))
