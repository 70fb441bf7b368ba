"""Carries out the schedules that are due: each time once, whoever sweeps and however often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from bills.accounts import runs
from bills.models import BillRun, Credential, Schedule, ScheduleRun
from bills.schedules.calendar import spread
from imports.engine import queue
from imports.messages import marked as _
from imports.messages import sentence
from imports.states import ENDED_JOBS

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from bills.accounts.runs import Account
    from imports.models import ImportJob

RAN = sentence("SCHEDULE_RAN", _("{n} accounts are run."))
RAN_NONE = sentence("SCHEDULE_RAN_NONE", _("No account could be run."))
RESTED = sentence("SCHEDULE_RESTED", _("{n} are paused, or need a new password."))
HELD = sentence("SCHEDULE_HELD", _("{n} wait until the runs of their portal are resumed."))
BUSY = sentence("SCHEDULE_BUSY", _("{n} are still tried by another job."))
AT_ONCE = 10  # schedules in one sweep


def sweep() -> None:
    """Carry out what is due."""
    due = Schedule.objects.filter(is_active=True, next_run_at__lte=Now()).order_by("next_run_at")
    for pk in due.values_list("pk", flat=True)[:AT_ONCE]:
        carry_out(pk)


def carry_out(schedule_id: int) -> list[ImportJob]:
    """Make the jobs of a schedule that is due, if it is still due and may begin now.

    One transaction moves `next_run_at` on and makes them: both happen, or neither. What came due
    while nobody swept is run once, whatever the number of times.
    """
    with transaction.atomic():
        held = Schedule.objects.select_for_update(of=("self",), skip_locked=True)
        found = held.filter(pk=schedule_id, is_active=True, next_run_at__lte=Now())
        schedule = found.annotate(now=Now()).first()
        due_at = schedule.next_run_at if schedule is not None else None
        if schedule is None or due_at is None or running(schedule).exists():
            return []
        now = timezone.localtime(schedule.now)
        if schedule.rhythm.allowed_from(now) > now:
            return []
        moved = Schedule.objects.filter(pk=schedule.pk, next_run_at=due_at).update(
            next_run_at=schedule.rhythm.next_after(now)
        )
        return _run(schedule, due_at, now) if moved else []


def _run(schedule: Schedule, due_at: datetime, now: datetime) -> list[ImportJob]:
    def begins(account: Account) -> datetime:
        later = now + spread(f"{schedule.pk} {account.pk}", schedule.spread_minutes)
        return schedule.rhythm.allowed_from(later)

    name = f"{schedule.name} {now:%Y-%m-%d}"
    accounts = accounts_of(schedule).values_list("pk", flat=True)
    started = runs.start(accounts, name, f"schedule: {schedule.name}", schedule, begins)
    summary = RAN.format(n=started.accounts) if started.accounts else RAN_NONE
    if started.resting:
        summary += RESTED.format(n=started.resting)
    if started.held:
        summary += HELD.format(n=started.held)
    if started.busy:
        summary += BUSY.format(n=started.busy)
    ScheduleRun.objects.create(schedule=schedule, due_at=due_at, message=summary)
    for job in started.jobs:
        queue.enqueue_on_commit(job.pk)
    return started.jobs


def quiet_until(schedule: Schedule) -> datetime | None:
    """The end of its quiet hours; None outside of them, and for one that has none."""
    if schedule.rhythm.quiet is None:
        return None
    now = timezone.localtime(Schedule.objects.annotate(now=Now()).get(pk=schedule.pk).now)
    allowed = schedule.rhythm.allowed_from(now)
    return allowed if allowed > now else None


def running(schedule: Schedule) -> QuerySet[BillRun]:
    """The schedule's jobs that have not ended: until then the next run waits."""
    return BillRun.objects.filter(schedule=schedule).exclude(job__status__in=ENDED_JOBS)


def accounts_of(schedule: Schedule) -> QuerySet[Credential]:
    """The accounts that it runs, resting ones included."""
    return Credential.objects.in_use().filter(covered_by(schedule))


def covered_by(schedule: Schedule) -> Q:
    """Which accounts a schedule is for."""
    mine = Q()
    if schedule.portal_id:
        mine &= Q(portal=schedule.portal_id)
    if schedule.group:
        mine &= Q(group=schedule.group)
    return mine


def plan(schedule: Schedule) -> None:
    """Set when it is due next, from now on; never for one that is not active."""
    with transaction.atomic():
        held = Schedule.objects.select_for_update(of=("self",)).annotate(now=Now())
        row = held.get(pk=schedule.pk)
        now = timezone.localtime(row.now)
        due = row.rhythm.next_after(now) if row.is_active else None
        Schedule.objects.filter(pk=row.pk).update(next_run_at=due)
    schedule.refresh_from_db()
