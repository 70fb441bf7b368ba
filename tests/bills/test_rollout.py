"""Rollouts of bills: one login first, or a few and then all, with a real browser and worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rq.serializers import JSONSerializer

from imports.engine import queue
from imports.engine.worker import JobWorker
from imports.ledger import lifecycle, stops
from imports.policy import Outcome, Verdict
from tests.bills.runs import attempts_of, came_of
from tests.decisions import retry
from tests.jobs import assert_totals_hold

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.bills.runs import BillMaker

pytest_plugins = ("tests.bills.browser_fixtures",)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("warm")]


def work(messages: Any, job: ImportJob) -> ImportJob:
    """Run a real worker until the queue is empty, the messages it enqueues itself included."""
    messages.empty()
    queue.enqueue(job.pk)
    worker = JobWorker([messages], connection=messages.connection, serializer=JSONSerializer)
    worker.work(burst=True, with_scheduler=False, logging_level="WARNING")
    job.refresh_from_db()
    return job


def tried(job: ImportJob, *names: str) -> list[int]:
    """How often each account was tried in this job."""
    return [len(attempts_of(job, name)) for name in names]


def test_one_credential_goes_first_and_the_others_when_somebody_has_looked(
    make_bills: BillMaker, messages: Any
) -> None:
    names = ("good1", "good2", "nobills1")
    job = work(messages, make_bills(*names, rollout="one"))
    assert (job.status, job.pause_code) == ("paused", "FIRST_BATCH")
    assert str(job.pause_message).startswith("The first account was tried: 1 of 1 downloaded")
    assert "batch" not in str(job.pause_message)
    assert tried(job, *names) == [1, 0, 0]

    assert lifecycle.resume(job, "anna")
    job = work(messages, job)
    assert (job.status, job.closed_at is not None) == ("finished", True)
    assert tried(job, *names) == [1, 1, 1]
    assert came_of(job, "good2").bills == 3
    assert_totals_hold(job)


def test_a_stop_for_one_cause_speaks_of_accounts() -> None:
    outcome = Outcome(Verdict.REJECTED, "SITE_5XX", "The portal is down.")
    failing = stops.Failing("SITE_5XX", [1, 2, 3], 3, 3)
    said = str(stops.message_of("bills", failing, outcome))
    assert said.startswith("3 accounts in a row failed")
    assert "batches in a row" in str(stops.message_of("customers", failing, outcome))


def test_a_ramped_retry_stops_at_the_first_account_that_fails_as_before(
    make_bills: BillMaker, messages: Any
) -> None:
    names = ("otp1", "otp2", "otp3")
    first = work(messages, make_bills(*names))
    assert first.status == "finished"

    again = retry(first, rollout="ramp").job
    again = work(messages, again)
    assert (again.status, again.pause_code) == ("paused", "STAGE_FAILED")
    assert str(again.pause_message).startswith(
        "The first account failed again with the same error:"
    )
    assert tried(again, *names) == [1, 0, 0]


def test_a_ramp_goes_on_by_itself_from_one_to_five_to_all(
    make_bills: BillMaker, messages: Any
) -> None:
    names = [f"nobills{number}" for number in range(7)]
    job = work(messages, make_bills(*names, rollout="ramp"))
    assert job.status == "finished"
    summary = job.events.filter(code="stage_ended").values_list("message", flat=True)
    assert [str(line).partition(" downloaded")[0] for line in summary] == ["1 of 1", "5 of 5"]
    assert tried(job, *names) == [1] * 7


def test_ten_accounts_in_a_row_that_are_refused_alike_stop_the_job(
    make_bills: BillMaker, messages: Any, settings: Any
) -> None:
    settings.STOP_AFTER_ACCOUNTS = 2
    names = ("otp1", "otp2", "otp3", "otp4")
    job = work(messages, make_bills(*names, concurrency=1))
    assert (job.status, job.pause_code) == ("paused", "ONE_CAUSE")
    assert tried(job, *names) == [1, 1, 0, 0]
    lifecycle.resume(job, "anna")
    job = work(messages, job)
    assert job.status == "finished"
    assert_totals_hold(job)
