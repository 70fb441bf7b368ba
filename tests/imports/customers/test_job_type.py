"""Customer imports as the engine sees them: budget, lease, and what a lost try means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imports import job_types
from imports.customers.files.limits import COMMA
from imports.customers.job_type import CustomerJobType
from imports.ledger import batches
from imports.models import ImportJob
from tests.jobs import run

if TYPE_CHECKING:
    from tests.jobs import JobMaker


def test_customers_are_registered_as_a_kind() -> None:
    found = job_types.get("customers")
    assert isinstance(found, CustomerJobType)
    assert found.record_noun == "customer"
    with pytest.raises(KeyError):
        job_types.get("nobody")


def test_the_budget_and_the_lease_are_the_operators_settings(
    make_job: JobMaker, settings: Any
) -> None:
    settings.LEASE_MARGIN_SECONDS = 7.0
    job = make_job.draft(1, max_attempts=9, retry_delay_seconds=4.0, timeout_seconds=20.0)
    kind = job_types.get("customers")
    budget = kind.budget(job)
    assert (budget.max_attempts, budget.retry_delay, budget.exponential) == (9, 4.0, True)
    assert kind.lease_seconds(job) == 27.0


def test_whatever_joins_records_joins_them_as_the_reader_does() -> None:
    assert batches.BETWEEN == COMMA


def test_a_job_that_is_no_customer_import_is_not_run_as_one(make_job: JobMaker) -> None:
    job = make_job(3)
    ImportJob.objects.filter(pk=job.pk).update(api=None)
    job = run(ImportJob.objects.get(pk=job.pk))
    assert (job.status, job.pause_code) == ("paused", "CANNOT_SEND")


def test_a_lost_try_says_what_it_means_with_and_without_a_key(make_job: JobMaker) -> None:
    kind, job = job_types.get("customers"), make_job.draft(1)
    assert (kind.lost(job).verdict, kind.lost(job).code) == ("unknown", "WORKER_LOST")
    job.repeatable = True
    assert kind.lost(job).verdict == "repeatable"
    assert "same key" in kind.lost(job).error
