"""A schedule's truth is its row: it is carried out once, whoever sweeps, however often."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone

from bills import schedules
from bills.models import Credential, Repeats, Schedule, ScheduleRun
from imports import job_types
from imports.engine import queue, runner, sweeper
from imports.ledger import lifecycle
from imports.models import ImportBatch, ImportJob
from imports.states import JobStatus
from tests.jobs import at_once

if TYPE_CHECKING:
    from bills.models import Portal
    from config.dev.sandbox.portal import PortalSite

pytestmark = pytest.mark.django_db(transaction=True)

A_MONTH_AND_A_HALF = timedelta(days=45)


def accounts(portal: Portal, *names: str, **fields: Any) -> list[Credential]:
    return [
        Credential.objects.create(
            portal=portal, email=f"{name}@example.test", account=f"{name}@example.test",
            password="secret", **fields,
        )
        for name in names
    ]  # fmt: skip


@pytest.fixture
def schedule(portal: Portal, messages: Any) -> Schedule:
    """Monthly, and overdue."""
    accounts(portal, "good1", "good2", "good3", "good4")
    made = Schedule.objects.create(name="Monthly", portal=portal)
    make_due(made)
    return made


def make_due(schedule: Schedule, ago: timedelta = timedelta(minutes=1)) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=Now() - Value(ago))
    schedule.refresh_from_db()


def end_all() -> None:
    for job in ImportJob.objects.exclude(status=JobStatus.CANCELLED):
        lifecycle.cancel(job)


def test_the_sweeper_makes_and_starts_a_job_of_all_accounts(schedule: Schedule) -> None:
    sweeper.sweep()
    job = ImportJob.objects.get()
    assert (job.status, job.results.count()) == (JobStatus.QUEUED, 4)
    assert job.bill_run.schedule == schedule
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > timezone.now()
    sweeper.sweep()
    assert ImportJob.objects.count() == 1


def test_many_sweepers_at_once_carry_it_out_once(schedule: Schedule) -> None:
    at_once(*[schedules.sweep] * 6)
    assert ImportJob.objects.count() == 1
    assert ScheduleRun.objects.count() == 1


def test_what_was_missed_is_caught_up_once(schedule: Schedule) -> None:
    make_due(schedule, A_MONTH_AND_A_HALF * 3)
    for _ in range(3):
        schedules.sweep()
    assert ImportJob.objects.count() == 1


def test_a_failure_in_between_leaves_it_due(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(lifecycle, "start", broken)
    with pytest.raises(RuntimeError):
        schedules.sweep()
    monkeypatch.undo()
    assert ImportJob.objects.count() == 0
    schedules.sweep()
    assert ImportJob.objects.count() == 1


def test_a_run_waits_while_the_last_one_still_runs(schedule: Schedule) -> None:
    schedules.sweep()
    make_due(schedule)
    schedules.sweep()
    assert ImportJob.objects.count() == 1
    end_all()
    schedules.sweep()
    assert ImportJob.objects.count() == 2


def test_nothing_begins_in_quiet_hours(schedule: Schedule) -> None:
    now = timezone.localtime()
    around = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    Schedule.objects.update(quiet_from=around[0], quiet_until=around[1])
    schedules.sweep()
    assert ImportJob.objects.count() == 0
    Schedule.objects.update(quiet_from=around[1], quiet_until=(now + timedelta(hours=2)).time())
    schedules.sweep()
    assert ImportJob.objects.count() == 1


def test_accounts_are_spread_and_none_begins_in_quiet_hours(schedule: Schedule) -> None:
    now = timezone.localtime()
    quiet = (now + timedelta(minutes=2)).time(), (now + timedelta(hours=3)).time()
    Schedule.objects.update(spread_minutes=120, quiet_from=quiet[0], quiet_until=quiet[1])
    schedules.sweep()
    begins = list(ImportBatch.objects.values_list("next_attempt_at", flat=True))
    assert len(begins) == 4
    allowed = Schedule.objects.get().rhythm
    assert all(allowed.allowed_from(timezone.localtime(one)) == timezone.localtime(one)
               for one in begins)  # fmt: skip
    assert max(begins) > timezone.now() + timedelta(hours=2)


def test_retries_and_accounts_not_begun_yet_wait_for_the_end_of_quiet_hours(
    schedule: Schedule, site: PortalSite
) -> None:
    schedules.sweep()
    job = ImportJob.objects.get()
    assert runner.read_input(job)
    failed = ImportBatch.objects.earliest("pk")
    ImportBatch.objects.filter(pk=failed.pk).update(
        tries=1, attempts=1, next_attempt_at=Now() + Value(timedelta(seconds=10))
    )
    now = timezone.localtime()
    ends = now.replace(second=0, microsecond=0) + timedelta(hours=1)
    Schedule.objects.update(quiet_from=(now - timedelta(hours=1)).time(), quiet_until=ends.time())
    queue.run_job(job.pk)
    assert set(ImportBatch.objects.values_list("next_attempt_at", flat=True)) == {ends}
    assert site.accounts.counts.logins == {}
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_a_job_that_a_person_made_knows_no_quiet_hours(schedule: Schedule) -> None:
    now = timezone.localtime()
    around = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    Schedule.objects.update(quiet_from=around[0], quiet_until=around[1])
    mine = Credential.objects.values_list("pk", flat=True)
    (job,) = schedules.run_again(list(mine), "by hand", "anna").jobs
    assert job_types.get("bills").rests_until(job) is None


def test_resting_accounts_stay_out(schedule: Schedule) -> None:
    first, second, third, _ = Credential.objects.order_by("pk")
    Credential.objects.filter(pk=first.pk).update(is_paused=True)
    Credential.objects.filter(pk=second.pk).update(stop_code="LOGIN_FAILED")
    Credential.objects.filter(pk=third.pk).update(deleted_at=Now())
    schedules.sweep()
    assert ImportJob.objects.get().results.count() == 1
    message = ScheduleRun.objects.get().message
    assert message.own_params == {"n": 1}
    assert message.then[0].own_params == {"n": 2}


def test_a_group_is_run_at_all_its_portals(portal: Portal, messages: Any) -> None:
    other = type(portal).objects.create(
        name="other", login_url="https://a", billing_url="https://a"
    )
    accounts(portal, "good1", "good2", group="north")
    accounts(portal, "good3", group="south")
    accounts(other, "good1", group="north")
    made = Schedule.objects.create(name="North", group="north", repeats=Repeats.WEEKLY)
    make_due(made)
    schedules.sweep()
    sizes = {job.bill_run.portal.name: job.results.count() for job in ImportJob.objects.all()}
    assert sizes == {"sandbox": 2, "other": 1}


def test_an_account_is_never_in_two_jobs_at_once(schedule: Schedule, portal: Portal) -> None:
    second = Schedule.objects.create(name="Weekly", portal=portal, repeats=Repeats.WEEKLY)
    make_due(second)
    schedules.sweep()
    assert ImportJob.objects.count() == 1
    assert ScheduleRun.objects.count() == 2
    with connection.cursor() as sql:
        sql.execute(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM bills_credentialuse"
            " GROUP BY credential_id) uses"
        )
        assert sql.fetchone() == (1,)


def test_a_schedule_that_is_not_active_is_never_due(schedule: Schedule) -> None:
    Schedule.objects.update(is_active=False)
    schedules.sweep()
    assert ImportJob.objects.count() == 0
    schedules.plan(schedule)
    assert schedule.next_run_at is None
    Schedule.objects.update(is_active=True, at=time(7))
    schedules.plan(schedule)
    assert schedule.next_run_at is not None
    assert timezone.localtime(schedule.next_run_at).hour == 7
