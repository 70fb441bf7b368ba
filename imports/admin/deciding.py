"""What a person decides about records, at once or, for very many, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.utils.translation import gettext as _

from imports import jobs
from imports.admin import permissions, plan_words, retrying, words, workspace
from imports.admin.addresses import to_tab
from imports.ledger import plans, verdicts
from imports.ledger.moves import NotAllowed
from imports.models import ImportResult, Plan
from imports.states import ResultStatus

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from imports.admin.choice import Choice
    from imports.models import ImportJob
    from imports.models.plans import PlanAction


def decide(
    request: HttpRequest, job: ImportJob, action: PlanAction, choice: Choice, reason: str
) -> HttpResponse:
    """Write it down: small sets at once, large ones part by part while she does something else."""
    actor = permissions.actor(request)
    chosen = choice.waiting(job, plans.status_for(action))
    if chosen[: plans.PART + 1].count() > plans.PART:
        plans.make(job, action, choice.records(job), reason=reason, actor=actor)
        jobs.ring_on_commit(job.pk)
        return to_tab(job, "failures")  # its panel says the rest
    only = ImportResult.objects.filter(choice.records(job))
    done = verdicts.decide(job, action, only, reason, actor)
    changed = max(0, (choice.counted or 0) - done)
    told = plan_words.done(action) % {"records": workspace.of(job.kind).records(done)}
    if changed:
        told = f"{told} {words.left_alone(changed)}."
    say = messages.success if done else messages.warning
    say(request, told)
    return to_tab(job, "failures")


def send_again(request: HttpRequest, job: ImportJob, choice: Choice, reason: str) -> HttpResponse:
    """Unknown records go out again, on a person's word."""
    made = retrying.retry(
        request, job, choice.records(job), status=ResultStatus.UNKNOWN, reason=reason,
        counted=choice.counted,
    )  # fmt: skip
    return to_tab(made, "progress") if made else to_tab(job, "failures")


def stop(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Do nothing more of what is being done in the background; what is done stays."""
    plan = Plan.objects.filter(root=job.first, finished_at=None).select_related("job").first()
    if plan is None or not plans.stop(plan, permissions.actor(request)):
        raise NotAllowed(_("Nothing was stopped: it had ended already."))
    return to_tab(plan.job, "failures")
