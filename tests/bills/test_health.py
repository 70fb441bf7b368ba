"""A portal at fault is noticed once, from what the ledger says of its accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Value
from django.db.models.functions import Now
from django.urls import reverse

from bills import health, schedules
from bills.models import BillRun, Credential, PortalTrouble, Schedule, ScheduleRun
from imports.ledger import lifecycle
from imports.models import Attempt, Channel, Heartbeat, ImportJob, ImportResult, Notification
from imports.policy import Outcome, Verdict
from imports.states import JobStatus
from tests.jobs import OK, answer, at_once

if TYPE_CHECKING:
    from django.test import Client

    from bills.models import Portal
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)

NO_LIST = Outcome(Verdict.REJECTED, "LIST_INCOMPLETE", "Not every row.")
WRONG = Outcome(Verdict.RETRY, "LOGIN_FAILED", "Refused.", details={"password_submissions": 1})
NOT_SENT = Outcome(Verdict.REJECTED, "LOGIN_FAILED", "Spent.", details={"password_submissions": 0})
SLOW = Outcome(Verdict.RETRY, "TIMEOUT", "No answer.")


@pytest.fixture(autouse=True)
def channel(db: None) -> Channel:
    return Channel.objects.create(name="ops", recipients="ops@example.test")


@pytest.fixture(autouse=True)
def patience(settings: Any) -> None:
    settings.STOP_AFTER_ACCOUNTS = 4


def names(count: int, start: int = 1) -> list[str]:
    return [f"a{number}" for number in range(start, start + count)]


def days_ago(job: ImportJob, days: float) -> None:
    """The job and all that it came to lie back by so many days."""
    ago = Value(timedelta(days=days))
    Attempt.objects.filter(job=job).update(ended_at=F("ended_at") - ago)
    ImportResult.objects.filter(job=job).update(updated_at=F("updated_at") - ago)
    ImportJob.objects.filter(pk=job.pk).update(finished_at=F("finished_at") - ago)


def month_that_worked(make_bills: BillMaker, *accounts: str) -> None:
    job = make_bills(*accounts)
    answer(job, *[OK] * len(accounts))
    lifecycle.finish_if_done([job.pk])
    days_ago(job, 31)
    Credential.objects.update(last_success_at=Now() - Value(timedelta(days=31)))


def look() -> None:
    Heartbeat.objects.filter(name=health.NAME).delete()
    health.sweep()


def open_kinds() -> list[str]:
    return list(health.open_troubles().order_by("kind").values_list("kind", flat=True))


def said() -> list[str]:
    """What was announced, but for months that ended well."""
    found = Notification.objects.exclude(what="finished").order_by("pk")
    return list(found.values_list("what", flat=True))


def test_pages_that_have_changed_are_noticed_after_a_few_accounts_and_once(
    make_bills: BillMaker, portal: Portal
) -> None:
    month_that_worked(make_bills, *names(8))
    straggler = make_bills("b1")
    answer(straggler, NO_LIST)
    days_ago(straggler, 31)
    Credential.objects.update(last_success_at=Now() - Value(timedelta(days=31)))
    job = make_bills(*names(8))
    answer(job, NO_LIST, NO_LIST)
    look()
    assert open_kinds() == []  # two accounts may be two accounts
    answer(job, NO_LIST)
    look()
    answer(job, OK, NO_LIST)
    look()
    trouble = PortalTrouble.objects.get()
    assert (trouble.kind, trouble.code, trouble.failing, trouble.tried) == (
        "changed", "LIST_INCOMPLETE", 4, 5,
    )  # fmt: skip
    assert (
        trouble.since
        == ImportResult.objects.filter(job=job, status="error").earliest("updated_at").updated_at
    )
    assert said() == ["portal_trouble"]
    notification = Notification.objects.get(what="portal_trouble")
    assert notification.path == reverse("admin:bills_portal_change", args=[portal.pk])
    assert notification.message.own_params["failing"] == 3


def test_the_trouble_is_over_when_most_accounts_work_again(make_bills: BillMaker) -> None:
    month_that_worked(make_bills, *names(4))
    answer(make_bills(*names(4)), *[NO_LIST] * 4)
    look()
    assert open_kinds() == ["changed"]
    answer(make_bills(*names(3)), *[OK] * 3)
    look()
    assert open_kinds() == []
    assert PortalTrouble.objects.get().ended_by == ""


@pytest.mark.parametrize("worked", [0, 8])
def test_accounts_that_never_worked_and_a_few_of_many_are_not_the_portals_fault(
    make_bills: BillMaker, worked: int
) -> None:
    month_that_worked(make_bills, *names(max(worked, 1), start=100))
    job = make_bills(*names(3), *names(worked, start=100))
    if worked:
        Credential.objects.update(last_success_at=Now())
    answer(job, *[NO_LIST] * 3, *[OK] * worked)
    look()
    assert open_kinds() == []


def scheduled(make_bills: BillMaker, portal: Portal, *accounts: str) -> ImportJob:
    schedule, _ = Schedule.objects.get_or_create(name="Monthly", portal=portal)
    job = make_bills(*accounts)
    BillRun.objects.filter(job=job).update(schedule=schedule)
    return job


def test_refusals_in_a_row_over_several_jobs_stop_the_scheduled_runs_once(
    make_bills: BillMaker, portal: Portal
) -> None:
    answer(make_bills("a1", "a2", "a3"), WRONG, SLOW, WRONG)  # by hand
    job = scheduled(make_bills, portal, "a4", "a5", "a6")
    answer(job, WRONG)
    look()
    assert open_kinds() == []
    answer(job, WRONG)
    at_once(*[look] * 3)
    job.refresh_from_db()
    assert (open_kinds(), job.status, job.pause_code) == (["stopped"], "paused", "PORTAL_STOPPED")
    assert said() == ["portal_trouble"]
    schedule = Schedule.objects.get()
    lifecycle.cancel(job)
    Schedule.objects.update(next_run_at=Now() - Value(timedelta(minutes=1)))
    assert schedules.carry_out(schedule.pk) == []
    assert ScheduleRun.objects.get().message.then[0].code == "SCHEDULE_HELD"


@pytest.mark.parametrize(
    "outcomes",
    [
        [WRONG, WRONG, OK, WRONG, WRONG],  # not in a row
        [NOT_SENT] * 5,  # the portal was not asked
        [SLOW] * 5,  # nothing was refused
    ],
)
def test_what_locks_nobody_stops_nothing(make_bills: BillMaker, outcomes: list[Outcome]) -> None:
    for number, outcome in enumerate(outcomes):  # none of these jobs stops by itself
        answer(make_bills(f"a{number}", "another"), outcome)
    look()
    assert "stopped" not in open_kinds()


def test_zero_never_stops(make_bills: BillMaker, settings: Any) -> None:
    settings.STOP_AFTER_ACCOUNTS = 0
    answer(make_bills(*names(6)), *[WRONG] * 6)
    look()
    assert open_kinds() == []


def test_who_resumes_lets_the_waiting_jobs_go_on_and_the_count_begin_anew(
    make_bills: BillMaker, portal: Portal, client: Client, messages: Any
) -> None:
    job = scheduled(make_bills, portal, *names(8))
    answer(job, *[WRONG] * 3, Outcome(Verdict.REJECTED, "LOCKED", "Locked."))
    look()
    job.refresh_from_db()
    assert job.status == JobStatus.PAUSED
    url = reverse("admin:bills_portal_resume", args=[portal.pk])
    client.force_login(User.objects.create_user("vera", is_staff=True))
    assert client.post(url).status_code == 403
    client.force_login(User.objects.create_superuser("anna"))
    assert client.get(url).status_code == 405
    page = reverse("admin:bills_portal_change", args=[portal.pk])
    assert url in client.get(page).content.decode()
    assert client.post(url)["Location"] == page
    job.refresh_from_db()
    assert (job.status, open_kinds()) == (JobStatus.RUNNING, [])
    assert PortalTrouble.objects.get().ended_by == "anna"
    answer(job, *[WRONG] * 3)
    look()
    assert open_kinds() == []
    assert url not in client.get(page).content.decode()


def test_home_and_the_list_say_what_is_wrong(
    make_bills: BillMaker, portal: Portal, client: Client
) -> None:
    answer(make_bills(*names(5)), *[WRONG] * 4)
    look()
    client.force_login(User.objects.create_superuser("anna"))
    home = client.get(reverse("admin:index"))
    assert [each.url for each in home.context["alerts"]] == [
        reverse("admin:bills_portal_change", args=[portal.pk])
    ]
    assert "Scheduled runs stopped" in home.content.decode()
    listed = client.get(reverse("admin:bills_portal_changelist")).content.decode()
    assert "Scheduled runs stopped" in listed


def test_success_by_day_counts_each_account_once_as_it_ended_last(
    make_bills: BillMaker, portal: Portal, client: Client
) -> None:
    before = make_bills(*names(3))
    answer(before, OK, NO_LIST, NO_LIST)
    lifecycle.finish_if_done([before.pk])
    days_ago(before, 31)
    answer(make_bills("a1", "a2"), NO_LIST, NO_LIST)
    answer(make_bills("a2", "a3"), OK, Outcome(Verdict.REJECTED, "LOCKED", "Locked."))
    today, then = health.days_of(portal)
    assert (today.success, today.total) == (1, 3)
    assert today.codes == [("LIST_INCOMPLETE", 1), ("LOCKED", 1)]
    assert (then.success, then.error, then.codes) == (1, 2, [("LIST_INCOMPLETE", 2)])
    client.force_login(User.objects.create_superuser("anna"))
    page = client.get(reverse("admin:bills_portal_change", args=[portal.pk]))
    assert [day.total for day in page.context["days"]] == [3, 3]


def test_a_sweep_looks_every_ten_seconds(make_bills: BillMaker, pass_time: Any) -> None:
    health.sweep()
    answer(make_bills(*names(5)), *[WRONG] * 4)
    health.sweep()
    assert open_kinds() == []
    pass_time(11.0)
    health.sweep()
    assert open_kinds() == ["stopped"]
