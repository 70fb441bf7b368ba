"""Retry failed, from wherever it is pressed: one call to the ledger, and counts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imports import jobs
from imports.admin import permissions, words, workspace
from imports.admin.addresses import to_tab
from imports.ledger import moves, rounds
from imports.ledger.sums import family
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from imports.models import ImportJob, ImportResult


def retry(
    request: HttpRequest, job: ImportJob, only: QuerySet[ImportResult] | None = None,
    *, start: bool = True, status: ResultStatus = ResultStatus.ERROR, reason: str = "",
    insists: bool = False,
) -> ImportJob | None:  # fmt: skip
    """Send failed records again and say with counts what happened; the new job, None if none."""
    try:
        made = rounds.retry(
            job,
            only=only,
            status=status,
            reason=reason,
            actor=permissions.actor(request),
            start=start,
            insists=insists,
        )
    except moves.NotAllowed as refusal:
        _refused(request, job, str(refusal))
        return None
    if start:
        jobs.ring_on_commit(made.job.pk)
    messages.success(request, _told(made, is_started=start))
    return made.job


def retry_and_show(
    request: HttpRequest, job: ImportJob, only: QuerySet[ImportResult] | None = None
) -> HttpResponse:
    """Retry from a job's page: to the new job's progress, or its settings if asked for."""
    start = request.POST.get("start") != "later"
    made = retry(request, job, only, start=start, insists="insists" in request.POST)
    if made is None:
        return to_tab(job, "failures")
    return to_tab(made, "progress" if start else "settings")


def _told(made: rounds.Retry, *, is_started: bool) -> str:
    told = {
        "records": workspace.of(made.job.kind).records(made.records),
        "job": made.job.pk,
        "skipped": words.number(made.skipped),
        "left_out": words.number(made.left_out),
    }
    parts = [_what_goes_out(made.records) if is_started else _what_is_ready()]
    if made.skipped:
        parts.append(
            ngettext(
                "%(skipped)s is being retried already",
                "%(skipped)s are being retried already",
                made.skipped,
            )
        )
    if made.left_out:
        parts.append(_("%(left_out)s would fail again and were left out: nothing was corrected"))
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
