"""Jobs of stored accounts: what a schedule makes when it is due, and what "Run again" makes.

Each time a schedule is due, it is carried out once, whoever sweeps and however often.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from bills import health
from bills.accounts import states
from bills.drafts import add_stored, new_job
from bills.models import BillRun, Credential, Portal, Schedule, ScheduleRun
from bills.models.schedules import spread
from imports.engine import queue
from imports.ledger import lifecycle
from imports.ledger.batches import put_off
from imports.messages import marked as _
from imports.messages import sentence
from imports.states import ENDED_JOBS, EventCode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from django.db.models import QuerySet

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
    started = start(accounts, name, f"schedule: {schedule.name}", schedule, begins)
    message = RAN.format(n=started.accounts) if started.accounts else RAN_NONE
    if started.resting:
        message += RESTED.format(n=started.resting)
    if started.held:
        message += HELD.format(n=started.held)
    if started.busy:
        message += BUSY.format(n=started.busy)
    ScheduleRun.objects.create(schedule=schedule, due_at=due_at, message=message)
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


OF_ACCOUNTS = sentence("OF_ACCOUNTS", _("{n} stored accounts."))
OF_SCHEDULE = sentence("OF_SCHEDULE", _("{n} stored accounts, by the schedule “{name}”."))


@dataclass(frozen=True, slots=True)
class Account:
    """What a job needs to know of an account: no secret."""

    pk: int
    portal_id: int
    email: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Started:
    """The jobs that were made, and the accounts that are in none of them."""

    jobs: list[ImportJob] = field(default_factory=list)
    accounts: int = 0
    resting: int = 0  # paused, or stopped by a refusal
    held: int = 0  # at a portal whose scheduled runs are stopped
    busy: int = 0  # another job is still at them


def run_again(credentials: Collection[int], name: str, actor: str) -> Started:
    """Start a job for each portal of these accounts, now. Those that rest or are busy stay out."""
    with transaction.atomic():
        mine = Credential.objects.in_use().filter(pk__in=credentials)
        started = start(mine.values_list("pk", flat=True), name, actor)
    for job in started.jobs:
        queue.enqueue_on_commit(job.pk)
    return started


def start(
    credentials: Iterable[int],
    name: str,
    actor: str,
    schedule: Schedule | None = None,
    begins: Callable[[Account], datetime] | None = None,
) -> Started:
    """Make and start the jobs, in the caller's transaction. `begins` says when each is due.

    The caller enqueues them.
    """
    chosen = list(credentials)
    stopped = health.stopped_portals().values_list("portal_id", flat=True)
    held = set(stopped) if schedule is not None else set()
    # Locked in one order, so that no account gets into two jobs by two clicks at once.
    locked = Credential.objects.select_for_update(of=("self",), no_key=True).in_use()
    list(locked.filter(pk__in=chosen).order_by("pk").values_list("pk", flat=True))
    fit, busy = _fit(chosen), states.busy(chosen)
    going = [each for each in fit if each.portal_id not in held]
    started = Started(busy=sum(each.pk in busy for each in going), held=len(fit) - len(going))
    started.resting = Credential.objects.in_use().filter(pk__in=chosen).count() - len(fit)
    free = [each for each in going if each.pk not in busy]
    portals = {each.portal_id for each in free}
    for portal in Portal.objects.filter(pk__in=portals).order_by("name"):
        accounts = [each for each in free if each.portal_id == portal.pk]
        job = _job(portal, accounts, name, schedule, begins, actor)
        started.jobs.append(job)
        started.accounts += len(accounts)
    return started


def _fit(credentials: Collection[int]) -> list[Account]:
    rows = Credential.objects.runnable().filter(pk__in=credentials).order_by("portal", "account")
    return [
        Account(pk, portal_id, email, tuple(extra))
        for pk, portal_id, email, extra in rows.values_list("pk", "portal_id", "email", "extra")
    ]


def _job(
    portal: Portal,
    accounts: list[Account],
    name: str,
    schedule: Schedule | None,
    begins: Callable[[Account], datetime] | None,
    actor: str,
) -> ImportJob:
    job = new_job(portal, f"{portal}: {name}")
    batches = add_stored(job, [(account.pk, account.email) for account in accounts])
    if begins is not None:
        put_off(dict(zip(batches, map(begins, accounts), strict=True)))
    columns = dict.fromkeys(column for account in accounts for column in account.columns)
    BillRun.objects.create(
        job=job, portal=portal, csv_name=name, extra_columns=list(columns), schedule=schedule
    )
    message = OF_ACCOUNTS.format(n=len(accounts))
    if schedule is not None:
        message = OF_SCHEDULE.format(n=len(accounts), name=schedule.name)
    lifecycle.note(job, EventCode.CREATED, message, actor)
    lifecycle.start(job, actor)
    return job
