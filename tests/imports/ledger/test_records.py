"""From a batch to the smaller batches that follow: byte for byte, each under its own key."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from imports.ledger import outcomes
from imports.ledger.batches import body_of, slice_of
from imports.ledger.outcomes import Finding
from imports.models import ImportBatch
from imports.policy import Verdict
from tests.jobs import HALVE, LOST, OK, answer, assert_totals_hold, at_once, batches, mixed, send

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.jobs import JobMaker

pytestmark = pytest.mark.usefixtures("both_ways")
S, R = Verdict.SUCCESS, Verdict.RETRY


def bytes_by_customer(job: ImportJob) -> dict[str, bytes]:
    bodies = {batch.pk: body_of(batch.pk) for batch in job.batches.all()}
    sent = job.results.filter(batch__isnull=False)
    return {r.key: slice_of(bodies[r.batch_id or 0], r) for r in sent}


def assert_bodies_are_whole(job: ImportJob) -> None:
    """Every live batch's body holds exactly its own records, and has the hash that it says."""
    for batch in job.batches.exclude(status="split"):
        body = body_of(batch.pk)
        assert batch.body_sha256 == hashlib.sha256(body).hexdigest()
        names = [each["person"]["customerId"] for each in json.loads(body)["data"]]
        live = batch.results.order_by("body_start").values_list("key", flat=True)
        if batch.size == len(names):
            assert names == list(live)


def test_a_record_keeps_its_bytes_through_every_split_and_partial_retry(
    make_job: JobMaker,
) -> None:
    job = make_job(7, batch_size=7)
    before = bytes_by_customer(job)
    answer(job, HALVE, mixed(R, S, R), HALVE, mixed(R, R))
    assert job.batches.count() > 5
    assert bytes_by_customer(job) == before
    assert_bodies_are_whole(job)
    assert_totals_hold(job)


def test_a_batch_of_one_record_that_is_refused_without_a_name_has_failed(
    make_job: JobMaker,
) -> None:
    job = make_job(1)
    answer(job, HALVE)
    (batch,) = batches(job)
    assert (batch.status, batch.error_count, batch.attempts) == ("failed", 1, 1)


def test_an_odd_batch_is_split_without_losing_the_one_in_the_middle(make_job: JobMaker) -> None:
    job = make_job(5, batch_size=5)
    answer(job, HALVE)
    assert [(b.part, b.size, b.status) for b in batches(job)] == [
        (0, 0, "split"), (1, 2, "pending"), (2, 3, "pending"),
    ]  # fmt: skip


def test_a_split_costs_no_attempt_but_is_kept_among_the_attempts(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE)
    assert [b.attempts for b in batches(job)] == [0, 0, 0]
    assert job.attempts.get().counted is False


def test_a_batch_is_never_closed_while_one_of_its_records_is_pending(make_job: JobMaker) -> None:
    job = make_job(3)
    send(job)
    with pytest.raises(AssertionError, match="records pending"):
        outcomes.close(job.batches.get())


@pytest.mark.django_db(transaction=True)
def test_two_parts_of_one_number_that_are_cut_at_once_get_two_numbers(make_job: JobMaker) -> None:
    for _ in range(4):
        job = make_job(8, batch_size=8)
        answer(job, HALVE)
        works = send(job, room=2)
        at_once(
            *[
                lambda job=job, work=work: outcomes.record(job, [Finding(work, HALVE)])
                for work in works
            ]
        )
        assert [b.part for b in batches(job)] == [0, 1, 2, 3, 4, 5, 6]
        assert_totals_hold(job)


@pytest.mark.django_db(transaction=True)
def test_the_whole_and_its_part_that_are_cut_at_once_do_not_block_each_other(
    make_job: JobMaker,
) -> None:
    job = make_job(12, batch_size=6, concurrency=10)
    answer(job, mixed(S, S, S, R, R, R), mixed(S, S, S, R, R, R))
    works = send(job, room=4)
    assert len(works) == 2
    at_once(
        *[
            lambda work=work: outcomes.record(job, [Finding(work, mixed(S, R, R))])
            for work in works
        ]
    )
    assert_totals_hold(job)
    assert job.batches.filter(status="pending", size=2).count() == 2


def test_a_record_that_is_tried_again_shows_its_own_reason(make_job: JobMaker) -> None:
    from imports.policy import Outcome, RecordOutcome

    job = make_job(3)
    entries = (
        RecordOutcome(R, "FAILED", "Busy."),
        RecordOutcome(R, "ROLLED_BACK", "Others were at fault."),
        RecordOutcome(S),
    )
    answer(job, Outcome(Verdict.MIXED, "SOME_FAILED", "Some.", 201, records=entries))
    summary = job.results.order_by("pk").values_list("error_code", "error", "status")
    assert list(summary) == [
        ("FAILED", "Busy.", "pending"), ("ROLLED_BACK", "Others were at fault.", "pending"),
        ("", "", "success"),
    ]  # fmt: skip


def test_unknown_records_stay_in_the_batch_they_were_sent_in(make_job: JobMaker) -> None:
    job = make_job(3)
    (work,) = answer(job, LOST)
    assert body_of(ImportBatch.objects.get().pk) == work.body
    assert set(job.results.values_list("batch_id", flat=True)) == {work.batch_id}


def test_a_success_after_a_split_is_counted_in_the_part(make_job: JobMaker) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE, OK)
    assert [(b.part, b.success_count) for b in batches(job)] == [(0, 0), (1, 2), (2, 0)]
