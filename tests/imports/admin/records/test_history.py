"""A record's page: everything that happened to it, in every job, and what people did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from config.dev.sandbox import samples
from imports.admin.records import history
from imports.engine import runner
from imports.ledger import lifecycle
from imports.policy import Verdict
from tests.decisions import exclude, resolve_unknown, retry
from tests.imports.admin.conftest import ended, with_permissions
from tests.jobs import BUSY, HALVE, LOST, OK, REFUSED, answer, mixed, send

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoAssertNumQueries

    from imports.models import ImportJob, ImportResult
    from tests.jobs import JobMaker

RESULTS = "/admin/imports/importresult/"
S, R, X = Verdict.SUCCESS, Verdict.RETRY, Verdict.REJECTED


def page_of(client: Client, result: ImportResult) -> str:
    return client.get(f"{RESULTS}{result.pk}/change/").content.decode()


def retried(job: ImportJob, **why: str) -> ImportJob:
    """The next round, its batches due."""
    new = retry(job, **why).job  # type: ignore[arg-type]
    assert runner.read_input(new)
    return new


def failed_one(job: ImportJob) -> ImportResult:
    return job.results.filter(status="error").order_by("pk")[0]


def actions(summary: history.JobStay) -> list[str]:
    """What happened in a round, in order: what people did by its name, attempts by verdict."""
    return [
        moment.event.code if moment.event else moment.attempt.verdict  # type: ignore[union-attr]
        for moment in summary.moments
    ]


def test_a_record_shows_its_history_over_all_retries(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    retry = retried(ended(job), actor="anna", reason="the cause is gone")
    answer(retry, OK)
    ended(retry)
    page = page_of(operator, failed_one(job))
    assert "was refused on" in page
    assert "and was imported on" in page
    assert "the cause is gone" in page
    assert REFUSED.error in page
    assert "Sent again, unchanged, in retry 1" in page


@pytest.mark.parametrize("arrived", [True, False])
def test_an_attempt_shows_how_it_ended_whatever_somebody_found_later(
    make_job: JobMaker, arrived: bool
) -> None:
    job = make_job(3)
    answer(job, LOST)
    resolve_unknown(job, job.results.all(), arrived=arrived, reason="it", actor="eva")
    (entry,) = history.entries(job.results.order_by("pk")[0])
    assert entry.latest.status == ("success" if arrived else "error")
    assert entry.stays[0].came_to == "unknown"


def test_one_that_was_left_out_by_hand_had_failed(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    exclude(job, job.results.all(), reason="members already", actor="eva")
    (entry,) = history.entries(job.results.order_by("pk")[0])
    assert (entry.latest.status, entry.stays[0].came_to) == ("excluded", "error")


def test_attempts_and_what_people_did_stand_in_the_order_in_which_they_happened(
    make_job: JobMaker,
) -> None:
    job = make_job(3, retry_delay_seconds=0.0)
    answer(job, BUSY)
    answer(job, LOST)
    result = job.results.order_by("pk")[0]
    everyone = job.results.all()
    resolve_unknown(job, everyone, arrived=False, reason="looked", actor="eva")
    (entry,) = history.entries(result)
    (only,) = entry.stays
    assert actions(only) == ["created", "started", "retry", "unknown", "unknown_did_not_arrive"]


def test_only_those_that_were_decided_about_tell_of_it(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    first, second, _ = job.results.order_by("pk")
    exclude(job, job.results.filter(pk=first.pk), reason="moved away", actor="eva")
    (summary,), (other,) = history.entries(first)[0].stays, history.entries(second)[0].stays
    assert [(each.code, each.actor) for each in summary.record_events] == [("excluded", "eva")]
    assert other.record_events == []


def test_the_attempts_of_a_batch_that_was_split_belong_to_its_records(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, OK, REFUSED)
    (summary,) = history.entries(failed_one(job))[0].stays
    assert [each.verdict for each in summary.attempts] == ["split", "rejected"]
    good = job.results.filter(status="success")[0]
    (summary,) = history.entries(good)[0].stays
    assert [each.verdict for each in summary.attempts] == ["split", "success"]


def test_a_record_that_went_on_in_a_smaller_batch_says_so(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3, retry_delay_seconds=0.0)
    answer(job, mixed(S, R, X))
    answer(job, OK)
    went_on = job.results.order_by("pk")[1]
    page = page_of(operator, went_on)
    assert "It was not stored in this attempt, and was sent again." in page
    refused = page_of(operator, failed_one(job))
    assert "Said rejected." in refused
    assert "was sent again" not in refused


def test_the_same_customer_in_another_import_is_on_the_page_the_latest_first(
    operator: Client, make_job: JobMaker
) -> None:
    customer = samples.customer(1)
    first = make_job.of(customer)
    answer(first, REFUSED)
    second = make_job.of(customer)
    answer(second, OK)
    summary = operator.get(f"{RESULTS}{first.results.get().pk}/change/").context
    assert [each["summary"].latest.job_id for each in summary["entries"]] == [second.pk, first.pk]
    assert "was imported" in summary["entries"][0]["sentence"]
    assert "was refused" in summary["entries"][1]["sentence"]


def test_a_customer_listed_twice_in_one_file_has_two_histories(make_job: JobMaker) -> None:
    customer = samples.customer(1)
    job = make_job.of(customer, customer)
    answer(job, OK, REFUSED)  # copies never share a batch
    for result in job.results.order_by("pk"):
        found = history.entries(result)
        assert [len(each.stays) for each in found] == [1, 1]
        assert found[0].latest == result  # each has a page of its own
        assert [each.is_copy for each in found] == [False, True]


def test_each_copy_of_a_customer_has_a_page_that_tells_what_became_of_it(
    operator: Client, make_job: JobMaker
) -> None:
    customer = samples.customer(1)
    job = make_job.of(customer, customer)
    answer(job, OK, REFUSED)
    imported, refused = job.results.order_by("pk")
    for result, other in ((imported, refused), (refused, imported)):
        shown = operator.get(reverse("admin:imports_importresult_change", args=[result.pk]))
        assert shown.context["latest"].status == result.status
        other_page = reverse("admin:imports_importresult_change", args=[other.pk])
        assert other_page in shown.content.decode()


@pytest.mark.parametrize("retries_made", [2, 6])
def test_a_page_needs_no_more_queries_for_more_retries_and_attempts(
    operator: Client,
    make_job: JobMaker,
    retries_made: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    job = make_job(1, retry_delay_seconds=0.0)
    first = job.results.get()
    for _ in range(retries_made):
        answer(job, BUSY, BUSY, BUSY)
        job = retried(ended(job))
    with django_assert_max_num_queries(14):
        page = page_of(operator, first)
    assert page.count("rd-verdict-") == 3 * retries_made


def test_the_history_of_a_record_with_many_namesakes_is_cut_but_includes_the_record(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_RESULTS", 2)
    customer = samples.customer(1)
    jobs = [make_job.of(customer) for _ in range(4)]
    oldest = jobs[0].results.get()
    summary = [each.latest.job_id for each in history.entries(oldest)]
    assert summary == [jobs[3].pk, jobs[2].pk, jobs[0].pk]


def test_a_record_that_waits_says_what_holds_it_up(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    result = job.results.order_by("pk")[0]
    assert "is being sent in job" in page_of(operator, result)
    lifecycle.pause(job, "anna")
    assert "is paused" in page_of(operator, result)
    lifecycle.resume(job, "anna")
    send(job)
    lifecycle.cancel(job, "anna")
    assert "is being sent in job" in page_of(operator, result)


def test_a_viewer_sees_the_history_but_no_answers(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    page = page_of(with_permissions("viewer"), failed_one(job))
    assert "was refused on" in page
    assert "Answer" not in page
