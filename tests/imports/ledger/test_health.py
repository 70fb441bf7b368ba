"""How an API's last attempts sum up: its last success, its rate, and where that goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from imports.engine import runner
from imports.ledger import claims, outcomes
from imports.ledger.health import Health, health_of
from imports.ledger.outcomes import Finding
from imports.models import Attempt, ImportJob
from tests.jobs import BUSY, LATER, OK, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from imports.models import CustomerApi
    from imports.policy import Outcome
    from tests.jobs import JobMaker

DAY = 24 * 3600.0
pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(make_job: JobMaker) -> Callable[..., None]:
    """Have so many batches end in an outcome."""
    make_job.api.concurrency = 100
    make_job.api.save()

    def end(outcome: Outcome, count: int = 1) -> None:
        job = make_job.queued(count, batch_size=1, concurrency=100)
        runner.read_input(job)
        works = claims.intend(claims.claim(job, "worker", count, 60.0).works, 60.0)
        outcomes.record(job, [Finding(work, outcome) for work in works])

    return end


def test_an_api_that_was_never_used_has_no_rate(api: CustomerApi) -> None:
    assert health_of([api.rate_limit_key]) == {}
    assert health_of([]) == {}
    assert (Health().rate, Health().trend) == (None, 0)


def test_the_rate_is_of_attempts_and_what_was_put_off_does_not_count(
    api: CustomerApi, attempt: Callable[..., None]
) -> None:
    for outcome, count in ((OK, 3), (REFUSED, 1), (BUSY, 2), (LATER, 4)):
        attempt(outcome, count)
    found = health_of([api.rate_limit_key])[api.rate_limit_key]
    assert (found.tried, found.succeeded, found.rate) == (6, 3, 0.5)
    last = Attempt.objects.filter(success_count__gt=0).latest("ended_at")
    assert found.last_success_at == last.ended_at


def test_the_trend_compares_two_days(
    api: CustomerApi, attempt: Callable[..., None], pass_time: Callable[[float], None]
) -> None:
    attempt(OK, 10)
    pass_time(DAY + 3600)
    attempt(OK, 5)
    attempt(REFUSED, 5)
    found = health_of([api.rate_limit_key])[api.rate_limit_key]
    assert (found.tried, found.tried_before, found.trend) == (10, 10, -1)
    pass_time(DAY + 3600)
    attempt(OK, 5)
    assert health_of([api.rate_limit_key])[api.rate_limit_key].trend == 1


def test_a_success_of_long_ago_is_still_the_last(
    api: CustomerApi, attempt: Callable[..., None], pass_time: Callable[[float], None]
) -> None:
    attempt(OK)
    pass_time(30 * DAY)
    ImportJob.objects.update(finished_at=Attempt.objects.get().ended_at)
    found = health_of([api.rate_limit_key])[api.rate_limit_key]
    assert found.last_success_at == Attempt.objects.get().ended_at
    assert found.rate is None


def test_the_list_of_apis_shows_it(
    client: Client, api: CustomerApi, attempt: Callable[..., None]
) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    page = client.get("/admin/imports/customerapi/")
    assert page.status_code == 200
    attempt(OK, 2)
    (row,) = client.get("/admin/imports/customerapi/").context["cl"].result_list
    assert row.page_health.succeeded == 2
    assert client.get("/admin/bills/portal/").status_code == 200
