"""What an operator decides about records, from wherever it is pressed: one call, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imports import jobs, known_before
from imports.admin import permissions, plan_words, words, workspace
from imports.admin.addresses import to_tab
from imports.ledger import bulk_actions
from imports.ledger.bulk_actions import RETRIES
from imports.ledger.moves import NotAllowed
from imports.ledger.sums import family
from imports.models import Plan
from imports.models.jobs import Beginning
from imports.models.plans import PlanAction

if TYPE_CHECKING:
    from django.db.models import Q
    from django.http import HttpRequest, HttpResponse

    from imports.admin.choice import Choice
    from imports.models import ImportJob


def carry_out(
    request: HttpRequest, job: ImportJob, action: PlanAction, only: Q | None = None,
    *, reason: str = "", insists: bool = False, starts: bool = True,
    beginning: str = Beginning.ALL, counted: int | None = None,
) -> Plan | None:  # fmt: skip
    """Carry it out and say with counts what happened; None, and why, where nothing was done.

    Workers do what is about many records: the job's page then shows how far they are.
    `counted` is how many records the person was told of.
    """
    try:
        done = bulk_actions.carry_out(
            job, action, only, reason=reason, actor=permissions.actor(request), insists=insists,
            starts=starts, beginning=beginning,
        )  # fmt: skip
    except NotAllowed as refusal:
        _say_why_not(request, job, action, str(refusal))
        return None
    if done.in_background:
        jobs.ring_on_commit(job.pk)
        return done
    if done.made and starts:
        jobs.ring_on_commit(done.made.pk)
    messages.success(request, _what_happened(done, counted))
    for said in known_before.of_later(done.imported_later):
        messages.info(request, said)
    return done


def retry_and_show(
    request: HttpRequest, job: ImportJob, only: Q | None = None, counted: int | None = None
) -> HttpResponse:
    """Retry from a job's page: to the new job's progress, or its settings if asked for."""
    starts = request.POST.get("start") != "later"
    wanted = request.POST.get("beginning", "")
    done = carry_out(
        request, job, PlanAction.RETRY, only, starts=starts, counted=counted,
        insists="insists" in request.POST,
        beginning=wanted if wanted in Beginning.values else Beginning.ALL,
    )  # fmt: skip
    if done is None or done.made is None:
        return to_tab(job, "failures")
    return to_tab(done.made, "progress" if starts else "settings")


def decide(
    request: HttpRequest, job: ImportJob, action: PlanAction, choice: Choice, reason: str
) -> HttpResponse:
    """Decide from the Failures tab, with a reason; what goes out again is shown where it goes."""
    insists = "insists" in request.POST
    done = carry_out(
        request, job, action, choice.records(job), reason=reason, insists=insists,
        counted=choice.counted,
    )  # fmt: skip
    return to_tab(done.made, "progress") if done and done.made else to_tab(job, "failures")


def stop(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Do nothing more of what is being done in the background; what is done stays."""
    plan = Plan.objects.filter(root=job.first, finished_at=None).select_related("job").first()
    if plan is None or not bulk_actions.stop(plan, permissions.actor(request)):
        raise NotAllowed(_("Nothing was stopped: it had ended already."))
    return to_tab(plan.job, "failures")


def _what_happened(done: Plan, counted: int | None) -> str:
    """ "3 customers go out again in job 8; 1 is being retried already." """
    told_of = counted or 0
    if done.action == PlanAction.SEND_AGAIN:  # that question counts those that are left out, too
        told_of -= sum(count for _job, _status, count in done.imported_later)
    changed = max(0, told_of - done.taken)
    records = workspace.of(done.job.kind).records(done.taken)
    if done.action not in RETRIES:
        said = plan_words.done(PlanAction(done.action)) % {"records": records}
        return f"{said} {words.left_alone(changed)}." if changed else said
    said = _what_goes_out(done.taken) if done.starts else _what_is_ready()
    parts = [said % {"records": records, "job": done.made_id}]
    if changed:
        parts.append(words.left_alone(changed))
    elif done.skipped_retried:
        parts.append(words.retried_already(done.skipped_retried))
    if done.left_out:
        parts.append(words.left_out(done.left_out))
    return "; ".join(parts) + "."


def _what_goes_out(count: int) -> str:
    return ngettext(
        "%(records)s goes out again in job %(job)s",
        "%(records)s go out again in job %(job)s",
        count,
    )


def _what_is_ready() -> str:
    return _("Job %(job)s is ready with %(records)s: change its settings, then press Start")


def _say_why_not(request: HttpRequest, job: ImportJob, action: PlanAction, why: str) -> None:
    """Why nothing was done, and where the records of a retry are by now."""
    later = [each for each in family(job) if each.pk > job.pk] if action in RETRIES else []
    shown = {"why": why, "later": later[-1] if later else None}
    messages.warning(request, render_to_string("imports/messages/not_retried.html", shown))
