"""Retry failed counts what it sends, and asks before it tries an account that needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bills.portals.failures import Code
from imports.ledger import lifecycle
from imports.models import ImportJob
from imports.policy import Outcome, Verdict
from tests.bills.runs import credential_of
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from tests.bills.runs import BillMaker

LOCKED = Outcome(Verdict.REJECTED, Code.LOCKED.value, "The account is locked.")
WRONG = Outcome(Verdict.REJECTED, Code.LOGIN_FAILED.value, "The portal refused the password.")
RETRY = "/admin/imports/importjob/{}/failures/retry/"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def mixed_job(make_bills: BillMaker) -> ImportJob:
    """One account downloaded, one failed, one locked, and one with a refused password."""
    job = make_bills("one", "two", "three", "four")
    answer(job, OK, REFUSED, LOCKED, WRONG)
    type(credential_of("four")).objects.filter(email__startswith="four").update(refused_count=1)
    lifecycle.finish_if_done([job.pk])
    ImportJob.objects.filter(pk=job.pk).update(closed_at=job.created_at)
    return job


def retried(job: ImportJob) -> list[str]:
    return [each.email.partition("@")[0] for each in job.retries.get().results.order_by("pk")]


def test_the_button_counts_what_it_sends_and_asks(operator: Client, mixed_job: ImportJob) -> None:
    page = operator.get(f"/admin/imports/importjob/{mixed_job.pk}/progress/").content.decode()
    assert "Retry failed (1)" in page
    assert RETRY.format(mixed_job.pk) + "?which=all" in page
    question = operator.get(RETRY.format(mixed_job.pk), {"which": "all"})
    assert (question.context["count"], question.context["blocked"]) == (1, 1)
    assert question.context["hopeless"] == 1


def test_a_locked_account_is_not_tried_unless_somebody_says_so(
    operator: Client, mixed_job: ImportJob
) -> None:
    asked = operator.post(RETRY.format(mixed_job.pk), {"which": "all"})
    assert asked.context["blocked"] == 1
    assert not mixed_job.retries.exists()
    operator.post(RETRY.format(mixed_job.pk), {"which": "all", "counted": "1"})
    assert retried(mixed_job) == ["two"]


def test_a_locked_account_goes_along_where_somebody_says_so(
    operator: Client, mixed_job: ImportJob
) -> None:
    operator.post(RETRY.format(mixed_job.pk), {"which": "all", "counted": "1", "blocked": "1"})
    assert retried(mixed_job) == ["two", "three"]


def test_the_list_of_jobs_leaves_it_to_the_jobs_page(
    operator: Client, mixed_job: ImportJob
) -> None:
    data = {"action": "retry_failed", "_selected_action": mixed_job.pk}
    page = operator.post("/admin/imports/importjob/", data, follow=True).content.decode()
    assert retried(mixed_job) == ["two"]
    assert "1 needs a person first and was not retried" in page
