"""The list of jobs shows each job and its retries as one row."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from imports.engine import runner
from imports.ledger import lifecycle
from imports.models import CustomerApi, ImportJob
from imports.policy import Verdict
from imports.states import JobStatus
from tests.decisions import retry
from tests.imports.admin.conftest import ended, url
from tests.jobs import OK, answer, mixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.jobs import JobMaker

TWO_OF_THREE = mixed(Verdict.SUCCESS, Verdict.SUCCESS, Verdict.REJECTED)
LIST = "/admin/imports/importjob/"


def listed(client: Client, **query: str | int) -> list[Any]:
    return list(client.get(LIST, query).context["cl"].result_list)


def ids(client: Client, **query: str | int) -> set[int]:
    return {each.pk for each in listed(client, **query)}


def act(client: Client, action: str, *jobs: ImportJob, **more: str) -> Any:
    data = {"action": action, "_selected_action": [each.pk for each in jobs], **more}
    return client.post(LIST, data, follow=True)


def again(job: ImportJob) -> ImportJob:
    """A retry of what failed, under way."""
    made = retry(job).job
    runner.read_input(made)
    made.refresh_from_db()
    return made


@pytest.fixture
def first(failed_job: Callable[..., ImportJob]) -> ImportJob:
    """12 customers: 9 were imported, 3 failed."""
    return failed_job(unknown=False)


def test_a_job_and_its_retries_are_one_row_with_the_whole_story(
    operator: Client, first: ImportJob
) -> None:
    made = again(first)
    answer(made, TWO_OF_THREE)
    ended(made)
    (row,) = listed(operator)
    assert row.pk == first.pk
    totals, own = row.page_family.totals, row.page_totals
    assert (own.total, own.success, own.error) == (12, 9, 3)
    assert (totals.total, totals.success, totals.error) == (12, 11, 1)
    assert row.page_attempts == first.attempts.count() + made.attempts.count()
    page = operator.get(LIST).content.decode()
    for job in (first, made):
        assert f'href="{url(job, "progress")}"' in page


def test_a_row_whose_failures_were_all_retried_with_success_is_finished(
    operator: Client, first: ImportJob
) -> None:
    assert "Finished with failures" in operator.get(LIST).content.decode()
    made = again(first)
    answer(made, OK)
    ended(made)
    (row,) = listed(operator)
    assert row.page_family.statuses == ["finished"]
    assert (row.page_family.totals.success, row.page_family.totals.error) == (12, 0)
    assert ids(operator, outcome="attention") == set()
    assert ids(operator, outcome="failures") == {first.pk}
    assert ids(operator, outcome="clean") == set()


@pytest.mark.parametrize("status", JobStatus.values)
def test_the_status_filter_finds_the_rows_that_show_it(
    operator: Client, first: ImportJob, make_job: JobMaker, status: str
) -> None:
    alone, made = make_job(3), again(first)
    draft = make_job.draft()
    for job in (alone, made):
        ImportJob.objects.filter(pk=job.pk).update(status=status)
    shown = {each.pk for each in listed(operator) if status in each.page_family.statuses}
    assert ids(operator, status=status) == shown
    assert {alone.pk, first.pk} - {draft.pk} <= shown or status == JobStatus.DRAFT
    assert first.pk in shown


def test_a_draft_of_a_retry_hides_nothing_of_what_was_sent(
    operator: Client, first: ImportJob
) -> None:
    made = again(first)
    ImportJob.objects.filter(pk=made.pk).update(status=JobStatus.DRAFT, started_at=None)
    (row,) = listed(operator)
    assert row.page_family.statuses == ["finished", "draft"]
    assert ids(operator, status="finished") == ids(operator, status="draft") == {first.pk}


def test_what_is_searched_or_filtered_for_may_be_in_a_retry(
    operator: Client, first: ImportJob, make_job: JobMaker
) -> None:
    other, made = make_job(3), again(first)
    ImportJob.objects.filter(pk=made.pk).update(name="Quite another name")
    long_ago = timezone.now() - timedelta(days=40)
    ImportJob.objects.filter(pk__in=[first.pk, other.pk]).update(created_at=long_ago)
    assert ids(operator, q="another name") == {first.pk}
    assert first.pk in ids(operator, q=made.pk)
    assert ids(operator, created="7") == {first.pk}
    elsewhere = CustomerApi.objects.create(name="Elsewhere", url="http://127.0.0.1:1/")
    ImportJob.objects.filter(pk=made.pk).update(api=elsewhere)
    assert ids(operator, api=elsewhere.pk) == {first.pk}
    lifecycle.pause(made, "berta")
    assert ids(operator, person="berta") == {first.pk}


def test_the_row_of_the_newest_job_comes_first(
    operator: Client, first: ImportJob, make_job: JobMaker
) -> None:
    other = make_job(3)
    assert [each.pk for each in listed(operator)] == [other.pk, first.pk]
    again(first)
    assert [each.pk for each in listed(operator)] == [first.pk, other.pk]


def test_an_action_on_a_row_reaches_its_retries(operator: Client, first: ImportJob) -> None:
    made = again(first)
    act(operator, "pause", first)
    made.refresh_from_db()
    assert made.status == JobStatus.PAUSED
    act(operator, "resume", first)
    made.refresh_from_db()
    assert made.status == JobStatus.RUNNING
    question = act(operator, "cancel", first)
    assert question.context["able"] == [made]
    act(operator, "cancel", first, confirmed="1")
    made.refresh_from_db()
    assert made.status == JobStatus.CANCELLED


def test_cancelling_a_row_leaves_drafts_as_they_are(operator: Client, first: ImportJob) -> None:
    made = again(first)
    ImportJob.objects.filter(pk=made.pk).update(status=JobStatus.DRAFT)
    act(operator, "cancel", first, confirmed="1")
    made.refresh_from_db()
    assert made.status == JobStatus.DRAFT


def test_home_counts_and_shows_a_family_once(operator: Client, first: ImportJob) -> None:
    made = again(first)
    answer(made, TWO_OF_THREE)
    ended(made)
    home = operator.get("/admin/").context
    assert home["counts"]["troubled"] == len(home["troubled"]) == 1
    assert ids(operator, outcome="attention") == {first.pk}
    (shown,) = home["finished"]
    assert shown["job"].pk == made.pk
    assert shown["job_totals"].total == 12
