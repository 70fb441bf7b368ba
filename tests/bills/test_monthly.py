"""A month's round runs by itself: twenty accounts, a schedule, and people only when needed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Now

from bills.csv.credentials import CredentialRow
from bills.drafts import store
from bills.models import Bill, CodeRequest, Credential, Schedule
from bills.portals.logins.totp import read_totp
from bills.schedules import due
from config.dev.sandbox.portal_codes import APP_SECRET
from imports.models import Channel, ImportJob, ImportResult, Notification
from tests.bills.phones import operator
from tests.bills.runs import attempts_of, full, run

if TYPE_CHECKING:
    from bills.models import Portal
    from config.dev.sandbox.portal import PortalSite

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = [f"good{number}" for number in range(1, 17)]
BY_APP, BY_SMS, WRONG = ["totp1", "totp2"], ["sms1"], ["wrongpassword1"]
EVERYBODY = [*GOOD, *BY_APP, *BY_SMS, *WRONG]


@pytest.fixture
def schedule(portal: Portal, messages: Any) -> Schedule:
    portal.keeps_devices, portal.code_wait_seconds = True, 240
    portal.recipe, portal.attempt_timeout_seconds = {"login": {"answer_seconds": 60}}, 240.0
    portal.save()
    Channel.objects.create(name="ops", recipients="ops@example.test")
    return Schedule.objects.create(name="Monthly", portal=portal)


def stored(portal: Portal, names: list[str]) -> None:
    rows = [
        CredentialRow(
            number, full(name), "secret", {},
            totp=read_totp(APP_SECRET).uri if name.startswith("totp") else "",
        )
        for number, name in enumerate(names, start=1)
    ]  # fmt: skip
    with transaction.atomic():
        store(portal, rows)


def month(schedule: Schedule) -> ImportJob:
    """The schedule comes due, and is carried out by a browser."""
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=Now() - Value(timedelta(hours=1)))
    (job,) = due.carry_out(schedule.pk)
    return run(job)


def statuses(job: ImportJob) -> Counter[str]:
    return Counter(ImportResult.objects.filter(job=job).values_list("status", flat=True))


def kinds() -> Counter[str]:
    return Counter(Notification.objects.values_list("what", flat=True))


def test_the_second_month_needs_no_password_and_no_code(
    portal: Portal, site: PortalSite, schedule: Schedule
) -> None:
    stored(portal, EVERYBODY)
    with operator(site) as asked:
        first = month(schedule)
    assert statuses(first) == {"success": 19, "error": 1}
    assert asked == [full(name) for name in BY_SMS]
    assert site.codes.typed == {full(name): 1 for name in [*BY_APP, *BY_SMS]}
    assert len({code for _, code in site.codes.used}) == 3  # two accounts have one secret
    refused = Credential.objects.get(email=full(*WRONG))
    assert (refused.stop_code, refused.last_success_at) == ("LOGIN_FAILED", None)
    assert kinds() == {"code_wanted": 1, "account_stopped": 1, "finished": 1}

    logins = dict(site.accounts.counts.logins)
    for name in EVERYBODY:
        site.accounts.add_bills(full(name))
    second = month(schedule)
    assert statuses(second) == {"success": 19}
    assert site.accounts.counts.logins == logins
    assert CodeRequest.objects.count() == 1
    assert kinds()["account_stopped"] == 1
    bills = Counter(Bill.objects.values_list("email", flat=True))
    assert bills == {full(name): 4 for name in EVERYBODY if name not in WRONG}


def test_a_known_device_needs_a_password_and_no_code(
    portal: Portal, site: PortalSite, schedule: Schedule
) -> None:
    names = ["totp1", "sms1"]
    stored(portal, names)
    with operator(site):
        month(schedule)
    site.accounts.end_sessions()
    second = month(schedule)
    assert statuses(second) == {"success": 2}
    assert site.codes.typed == {full(name): 1 for name in names}
    assert site.accounts.counts.logins == {full(name): 2 for name in names}


def test_nobody_answers_and_no_attempt_is_used_up(
    portal: Portal, site: PortalSite, schedule: Schedule
) -> None:
    portal.code_wait_seconds = 1
    portal.save()
    stored(portal, BY_SMS)
    job = month(schedule)
    result = ImportResult.objects.get(job=job)
    assert (result.status, result.error_code, result.retry_attempts) == ("error", "OTP_NEEDED", 0)
    assert [attempt.counted for attempt in attempts_of(job, "sms1")] == [False]
    assert Credential.objects.get().stop_code == ""  # the next month asks again
