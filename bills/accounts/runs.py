"""Jobs of stored accounts: what a schedule makes, and what "Run again" makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from bills.accounts import states
from bills.drafts import add_stored, new_job
from bills.health import troubles
from bills.models import BillRun, Credential, Portal
from imports.engine import queue
from imports.ledger import lifecycle
from imports.ledger.batches import put_off
from imports.messages import marked as _
from imports.messages import sentence
from imports.states import EventCode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from bills.models import Schedule
    from imports.models import ImportJob

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
    stopped = troubles.stopped_portals().values_list("portal_id", flat=True)
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
    summary = OF_ACCOUNTS.format(n=len(accounts))
    if schedule is not None:
        summary = OF_SCHEDULE.format(n=len(accounts), name=schedule.name)
    lifecycle.note(job, EventCode.CREATED, summary, actor)
    lifecycle.start(job, actor)
    return job
