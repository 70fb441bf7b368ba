"""What is older than the settings say goes, never of an unresolved failure; the numbers stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from imports.customers import drafts
from imports.engine import runner, sweeper
from imports.ledger import lifecycle
from imports.models import Attempt, ImportJob, ImportResult
from imports.policy import Verdict
from tests.decisions import exclude
from tests.jobs import OK, REFUSED, answer, assert_totals_hold, mixed, run

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = 30


def age(job: ImportJob, days: int = DAYS + 1) -> None:
    """Let the job, its attempts and its log be so much older."""
    with connection.cursor() as sql:
        for table, column in (("imports_importjob", "finished_at"), ("imports_jobevent", "at")):
            where = "id" if table == "imports_importjob" else "job_id"
            sql.execute(
                f"UPDATE {table} SET {column} = {column} - make_interval(days => %s)"  # noqa: S608
                f" WHERE {where} = %s",
                [days, job.pk],
            )


def ended(make_job: JobMaker, *answers: Any) -> ImportJob:
    job = make_job(3 * len(answers), max_attempts=1)
    answer(job, *answers)
    run(job)
    assert job.closed_at is not None
    return job


def bodies(job: ImportJob) -> list[bool]:
    """Of each batch whether its bytes are kept."""
    return [bool(bytes(each.body)) for each in job.batches.order_by("number", "part")]


def keep_for(settings: Any, **days: int) -> None:
    for name, value in days.items():
        setattr(settings, name, value)


def test_bytes_go_when_their_time_is_over_and_are_counted_in_the_log(
    make_job: JobMaker, settings: Any
) -> None:
    keep_for(settings, RECORDS_DAYS=DAYS)
    job = ended(make_job, OK, OK)
    sweeper.tidy()
    assert bodies(job) == [True, True]
    age(job)
    sweeper.tidy()
    sweeper.tidy()
    assert bodies(job) == [False, False]
    event = job.events.get(code="removed")
    assert dict(event.message.params) == {"n": 2, "days": DAYS}
    assert_totals_hold(job)


def test_nothing_goes_by_default(make_job: JobMaker) -> None:
    job = ended(make_job, OK)
    age(job, 9_999)
    assert sweeper.tidy() == 0
    assert bodies(job) == [True]


def test_a_failure_that_nobody_decided_keeps_everything_of_its_batch(
    make_job: JobMaker, settings: Any
) -> None:
    keep_for(settings, RECORDS_DAYS=DAYS, RESULTS_DAYS=DAYS, ANSWERS_DAYS=DAYS, LOG_DAYS=DAYS)
    S, X = Verdict.SUCCESS, Verdict.REJECTED
    job = ended(make_job, OK, mixed(S, X, S))
    Attempt.objects.filter(job=job).update(answer="what the API said")
    events = job.events.count()
    age(job)
    sweeper.tidy()
    assert bodies(job) == [False, True]
    assert [bool(key) for key in job.results.order_by("pk").values_list("key", flat=True)] == [
        False, False, False, True, True, True,
    ]  # fmt: skip
    assert sorted(Attempt.objects.filter(job=job).values_list("answer", flat=True))[0] == ""
    assert Attempt.objects.filter(job=job, answer="what the API said").count() == 1
    assert job.events.exclude(code="removed").count() == events
    assert Path(job.retry_directory).is_dir()
    assert_totals_hold(job)


def test_once_the_failure_is_resolved_its_family_goes_too(
    make_job: JobMaker, settings: Any
) -> None:
    keep_for(settings, RECORDS_DAYS=DAYS, LOG_DAYS=DAYS)
    job = ended(make_job, REFUSED)
    directory = Path(job.retry_directory)
    assert directory.is_dir()
    exclude(job, ImportResult.objects.filter(job=job), reason="not ours", actor="tester")
    age(job)
    sweeper.tidy()
    assert bodies(job) == [False]
    assert not directory.exists()
    job.refresh_from_db()
    assert job.retry_directory == ""
    assert set(job.events.values_list("code", flat=True)) == {"removed"}


def test_an_upload_goes_once_its_job_is_cut(make_job: JobMaker, settings: Any) -> None:
    keep_for(settings, RECORDS_DAYS=DAYS)
    job = drafts.new_draft(make_job.api, "upload")
    content = make_job.files(3)[0].read_bytes()
    path = drafts.add_upload(job, SimpleUploadedFile("a.json", content)).location
    lifecycle.start(job)
    runner.read_input(job)
    answer(job, OK)
    run(job)
    age(job)
    sweeper.tidy()
    assert not path.exists()
    assert job.files.get().path == ""
    assert json.loads(content)["data"]


def test_a_draft_and_a_running_job_lose_nothing(make_job: JobMaker, settings: Any) -> None:
    keep_for(settings, RECORDS_DAYS=1, RESULTS_DAYS=1, ANSWERS_DAYS=1, LOG_DAYS=1)
    draft, running = make_job.draft(), make_job(6)
    answer(running, OK)
    age(draft, 400)
    age(running, 400)
    assert sweeper.tidy() == 0
    assert bodies(running) == [True, True]
