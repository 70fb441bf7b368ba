"""What is being done with many records in the background, in words for a job's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from imports import jobs
from imports.admin import words, workspace
from imports.ledger.bulk_actions import RETRIES
from imports.models import Plan
from imports.models.plans import PlanAction
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import ImportJob

LATELY = timedelta(hours=1)  # so long a page tells of what has ended


@dataclass(frozen=True, slots=True)
class Panel:
    """What a job's page says of a plan. `sentences` come after the title."""

    plan: Plan
    title: str
    sentences: tuple[str, ...]
    tone: str
    symbol: str
    is_at_work: bool
    no_worker: bool = False


def panel(job: ImportJob) -> Panel | None:
    """What is being done with many of a job's records, or was lately. One query."""
    mine = Plan.objects.filter(Q(root=job.first, finished_at=None) | Q(job=job) | Q(made=job))
    mine = mine.filter(in_background=True)  # what was done at once was said at once
    lately = Q(finished_at=None) | Q(finished_at__gt=Now() - Value(LATELY))
    plan = mine.filter(lately).select_related("job", "made").order_by("-pk").first()
    if plan is None or (plan.finished_at and plan.made_id == job.pk and not _is_worth_it(plan)):
        return None
    return _ended(plan) if plan.finished_at else _at_work(plan)


def _is_worth_it(plan: Plan) -> bool:
    """Whether the new job's page has anything to tell of how it was put together."""
    return bool(plan.left_alone or plan.trouble)


def _at_work(plan: Plan) -> Panel:
    names = {
        "seen": words.number(plan.seen),
        "records": workspace.of(plan.job.kind).records(plan.total),
        "job": plan.made_id,
    }
    return Panel(
        plan=plan,
        title=_doing(PlanAction(plan.action)) % names,
        sentences=tuple(sentence % names for sentence in _meanwhile(plan)),
        tone="info",
        symbol="pending_actions",
        is_at_work=True,
        no_worker=jobs.worker_count() == 0,
    )


def _doing(action: PlanAction) -> str:
    match action:
        case PlanAction.EXCLUDE:
            return _("Excluding %(seen)s of %(records)s")
        case PlanAction.ARRIVED:
            return _("Writing down as arrived: %(seen)s of %(records)s")
        case PlanAction.NOT_ARRIVED:
            return _("Writing down as not arrived: %(seen)s of %(records)s")
    return _("Putting job %(job)s together: %(seen)s of %(records)s")


def _meanwhile(plan: Plan) -> Iterator[str]:
    if plan.action in RETRIES:
        if plan.starts:
            yield _("Nothing is sent yet. The job starts by itself when all are in it.")
        else:
            yield _("Nothing is sent. Change the job’s settings and start it when all are in it.")
    yield _("This goes on without you: you may leave the page.")


def _ended(plan: Plan) -> Panel:
    records = workspace.of(plan.job.kind).records
    names = {
        "records": records(plan.taken),
        "total": records(plan.total),
        "job": plan.made_id,
        "why": in_words(plan.trouble),
    }
    is_clean = not plan.trouble and not plan.left_alone
    return Panel(
        plan=plan,
        title=done(PlanAction(plan.action)) % names,
        sentences=tuple(sentence % names for sentence in _afterwards(plan)),
        tone="success" if is_clean else "warning" if plan.trouble else "info",
        symbol="task_alt" if is_clean else "info",
        is_at_work=False,
    )


def done(action: PlanAction) -> str:
    """What was done, with `records` and `job` to be filled in."""
    match action:
        case PlanAction.EXCLUDE:
            return _("Excluded %(records)s. They are not sent again.")
        case PlanAction.ARRIVED:
            return _("%(records)s arrived: they count as imported now.")
        case PlanAction.NOT_ARRIVED:
            return _("%(records)s did not arrive: they count as failed. Retry failed sends them.")
    return _("Retried %(records)s, in job %(job)s.")


def _afterwards(plan: Plan) -> Iterator[str]:
    if plan.trouble:
        yield _("It ended before its time, out of %(total)s. %(why)s")
        if plan.made_id:
            yield _("Job %(job)s stays a draft with these: start it, or discard it.")
    if plan.left_alone:
        yield words.left_alone(plan.left_alone) + "."
    if plan.left_out:
        yield words.left_out(plan.left_out) + "."
