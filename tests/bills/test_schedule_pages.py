"""The pages of schedules: saving one says when it is due next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from bills import schedules
from bills.models import Credential, Schedule
from imports.models import ImportJob
from tests.bills.runs import full

if TYPE_CHECKING:
    from django.test import Client

    from bills.models import Portal

pytestmark = pytest.mark.django_db(transaction=True)

LIST, ADD = "admin:bills_schedule_changelist", "admin:bills_schedule_add"
FIELDS = {
    "name": "Monthly", "is_active": "on", "repeats": "monthly", "day": 3, "weekday": 0,
    "at": "06:00", "spread_minutes": 60,
}  # fmt: skip


@pytest.fixture
def operator(client: Client, messages: Any) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


def test_a_schedule_is_saved_and_due(operator: Client, portal: Portal) -> None:
    assert operator.post(reverse(ADD), FIELDS | {"portal": portal.pk}).status_code == 302
    made = Schedule.objects.get()
    assert made.next_run_at is not None
    local = timezone.localtime(made.next_run_at)
    assert (local.day, local.hour, local.minute) == (3, 6, 0)
    change = reverse("admin:bills_schedule_change", args=[made.pk])
    operator.post(change, FIELDS | {"portal": portal.pk, "at": "07:30"})
    made.refresh_from_db()
    assert timezone.localtime(made.next_run_at).hour == 7
    operator.post(change, {**FIELDS, "portal": portal.pk, "is_active": ""})
    made.refresh_from_db()
    assert made.next_run_at is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"portal": ""}, "portal"),
        ({"repeats": "cron", "cron": "never"}, "cron"),
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"),
        ({"day": 32}, "day"),
    ],
)
def test_a_wrong_field_is_named(
    operator: Client, portal: Portal, wrong: dict[str, Any], field: str
) -> None:
    answer = operator.post(reverse(ADD), {**FIELDS, "portal": portal.pk, **wrong})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Schedule.objects.exists()


def test_its_page_shows_what_was_run_and_what_it_waits_for(
    operator: Client, portal: Portal
) -> None:
    Credential.objects.create(
        portal=portal, email=full("good1"), account=full("good1"), password="x"
    )
    operator.post(reverse(ADD), FIELDS | {"portal": portal.pk})
    made = Schedule.objects.get()
    Schedule.objects.update(next_run_at=Now() - Value(timedelta(minutes=1)))
    schedules.sweep()
    job = ImportJob.objects.get()
    shown = operator.get(reverse("admin:bills_schedule_change", args=[made.pk]))
    assert [run.job for run in shown.context["going"]] == [job]
    assert len(shown.context["history"]) == 1
    assert f"{job.pk}" in operator.get(reverse(LIST)).content.decode()


def test_run_now_makes_it_due(operator: Client, portal: Portal) -> None:
    operator.post(reverse(ADD), FIELDS | {"portal": portal.pk})
    made = Schedule.objects.get()
    operator.post(reverse(LIST), {"action": "run_now", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.next_run_at is not None
    assert made.next_run_at <= timezone.now()
