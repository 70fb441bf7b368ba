"""No page makes more queries as rows grow, and none more than is stated here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bills.portal_setup import sandbox_portal
from config.dev.sandbox.stories import sandbox_api
from imports.admin.job import actions, views
from imports.models import (
    Channel,
    CustomerApi,
    ImportJob,
    Notification,
    NotificationDelivery,
    RateLimit,
)
from imports.models.notifications import What
from imports.states import JobStatus
from tests import big_bills, big_jobs, pages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FEW, MANY = 8, 40  # rows of everything; both fit on a page, so that each row could cost a query
TOTALS = {"total": 9, "success": 8, "error": 1, "unknown": 0, "excluded": 0, "pending": 0}
STATES = (JobStatus.RUNNING, JobStatus.DRAFT, JobStatus.FINISHED)

# The most queries of a page, the session and its user included, however many rows there are.
OF_A_JOB, OTHERS = 30, 11
MOST = dict.fromkeys(pages.OF_JOB | pages.OF_BILLS, OF_A_JOB) | {
    "home": 18, "home_live": 18, "record": 14, "bills_details": 14,
    # Each job with its retries: who they are, what became of their records, how many attempts.
    "jobs": 12, "jobs_filtered": 12, "jobs_searched_by_name": 13, "jobs_searched_by_customer": 13,
}  # fmt: skip


def test_no_page_makes_more_queries_as_rows_grow(
    db: None, installation: Path, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "LATELY", timedelta(days=1))  # however slow this machine is
    client = _somebody_who_may_do_all()
    rows = _rows(FEW)
    _of_all(client, pages.OF_ADMIN, rows)  # what Django keeps in memory is there from now on
    few, many = _counts(client, rows), _counts(client, _rows(MANY))
    assert {name: (few[name], many[name]) for name in few if few[name] != many[name]} == {}
    assert {name: count for name, count in many.items() if count > _most(name)} == {}


def _most(name: str) -> int:
    return MOST.get(name.partition(",")[0], OTHERS)


def _somebody_who_may_do_all() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
    return client


def _rows(count: int) -> dict[str, object]:
    """So many more of everything that a page lists; what stands for the ids of their pages."""
    api, portal = sandbox_api(), sandbox_portal()
    for number in range(count):
        CustomerApi.objects.create(name=f"API {count}.{number}", url="http://127.0.0.1:1/")
        User.objects.create(username=f"user{count}.{number}", is_staff=True)
        Group.objects.create(name=f"group {count}.{number}")
        job = _job(api, number, JobStatus.values[number % len(JobStatus.values)])
        notification = Notification.objects.create(job=job, what=What.FINISHED, job_totals=TOTALS)
        channel = Channel.objects.create(name=f"mail {count}.{number}")
        NotificationDelivery.objects.create(notification=notification, channel=channel)
    size = big_jobs.Size(batches=count, records=4, one_in=4, files=count)
    jobs = [big_jobs.make(api, size) for _ in range(count // 4)]
    _retries(jobs[-1], count // 2)
    found = big_jobs.ids(jobs[-1]) | big_bills.ids(big_bills.make(portal, count))
    return found | {"cause": actions.causes(jobs[-1])[0].key, "last_page": 2}


def _retries(job: ImportJob, count: int) -> None:
    for number in range(count):
        made = _job(job.api, number, JobStatus.FINISHED)
        ImportJob.objects.filter(pk=made.pk).update(
            retry_of=job, root=job, retry_number=number + 2
        )


def _job(api: CustomerApi | None, number: int, status: str) -> ImportJob:
    assert api is not None
    rate_limit, _ = RateLimit.objects.get_or_create(key=api.rate_limit_key)
    return ImportJob.objects.create(
        kind="customers", name=f"job {number}", api=api, rate_limit=rate_limit, status=status
    )


def _counts(client: Client, ids: dict[str, object]) -> dict[str, int]:
    """How many queries each page makes; of a job's, in each state that it can be looked at in."""
    found: dict[str, int] = {}
    for state in STATES:
        _move(state, ids["job"], ids["bills"])
        asked = _of_all(client, pages.OF_JOB | pages.OF_BILLS, ids)
        found |= {f"{name}, {state}": count for name, count in asked.items()}
    others = pages.OF_ADMIN | pages.PARTS | pages.OF_RECORDS | pages.STREAMS
    return found | _of_all(client, others, ids)


def _of_all(client: Client, paths: dict[str, str], ids: dict[str, object]) -> dict[str, int]:
    return {name: _count(client, pages.at(path, ids)) for name, path in paths.items()}


def _move(state: JobStatus, *jobs: Any) -> None:
    ended = timezone.now() if state == JobStatus.FINISHED else None
    moved = ImportJob.objects.filter(pk__in=jobs)
    moved.update(status=state, finished_at=ended, closed_at=ended)


def _count(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
        b"".join(answer)  # what is streamed is asked for now
    assert answer.status_code in {200, 302}, address
    return len(asked)
