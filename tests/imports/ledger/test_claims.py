"""Claim and intent: only one worker sends a batch, within every limit."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from imports.job_types import Work
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import ImportBatch, ImportJob, RateLimit
from imports.states import BatchStatus
from tests.jobs import LATER, LEASE, OK, answer, at_once, batches, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker

in_flight = ImportBatch.objects.filter(status__in=[BatchStatus.CLAIMED, BatchStatus.SENDING])


def test_a_claim_takes_due_batches_in_order_and_no_more_than_there_is_room_for(
    make_job: JobMaker,
) -> None:
    job = make_job(9)
    works = claims.claim(job, "host:1", 2, LEASE).works
    assert [work.number for work in works] == [1, 2]
    assert [batch.status for batch in batches(job)] == ["claimed", "claimed", "pending"]
    assert {batch.worker for batch in batches(job)} == {"host:1", ""}


def test_a_claim_hands_over_what_a_runner_needs(make_job: JobMaker) -> None:
    job = make_job(3)
    (work,) = claims.claim(job, "worker", 1, LEASE).works
    batch = job.batches.get()
    assert (work.job_id, work.batch_id, work.token) == (job.pk, batch.pk, batch.token)
    assert work.body == bytes(batch.body)
    assert work.idempotency_key == batch.idempotency_key != ""
    assert (work.attempt, work.max_attempts, work.tries, work.size) == (1, 3, 1, 3)


def test_nothing_is_claimed_of_a_job_that_is_paused(make_job: JobMaker) -> None:
    job = make_job(3)
    lifecycle.pause(job)
    assert claims.claim(job, "worker", 1, LEASE).works == []
    lifecycle.resume(job)
    assert claims.claim(job, "worker", 1, LEASE).works


def test_while_another_worker_cuts_the_files_a_claim_that_finds_nothing_is_repeated_soon(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    claims.claim(job, "first", 5, LEASE)
    assert claims.claim(job, "second", 5, LEASE).wait is None
    ImportJob.objects.filter(pk=job.pk).update(uncut_count=9, cut_through=[0, 3, 1])
    assert claims.claim(job, "second", 5, LEASE).wait == claims.CUT_LOOK_SECONDS


def test_a_second_worker_leaves_a_claimed_batch_alone(make_job: JobMaker) -> None:
    job = make_job(3)
    claims.claim(job, "first", 5, LEASE)
    assert claims.claim(job, "second", 5, LEASE).works == []


def test_a_batch_that_is_not_due_is_not_claimed_and_the_claim_says_how_long_to_wait(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    ImportBatch.objects.update(next_attempt_at="2999-01-01T00:00Z")
    claim = claims.claim(job, "worker", 1, LEASE)
    assert claim.works == []
    assert claim.wait is not None
    assert claim.wait > 1e9


def test_where_nothing_will_ever_be_due_there_is_nothing_to_wait_for(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    assert claims.claim(job, "worker", 1, LEASE) == claims.Claim([], None)


@pytest.mark.django_db(transaction=True)
def test_connections_that_claim_at_once_never_get_the_same_batch(make_job: JobMaker) -> None:
    job = make_job(60, batch_size=1, concurrency=200)
    RateLimit.objects.update(concurrency=200)

    def take() -> list[Work]:
        taken: list[Work] = []
        while works := claims.claim(job, "worker", 2, LEASE).works:
            taken += works
        return taken

    shares = at_once(*[take] * 6)
    numbers = sorted(work.number for share in shares for work in share)
    assert numbers == list(range(1, 61))
    assert len({work.token for share in shares for work in share}) == 60


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_somebody_is_at_is_passed_over_without_waiting(make_job: JobMaker) -> None:
    job = make_job(6)
    held, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            job.batches.select_for_update().get(number=1)
            held.set()
            assert taken.wait(60)

    def take() -> list[int]:
        held.wait(60)
        with connection.cursor() as sql:
            sql.execute("SET lock_timeout = '2s'")
        works = claims.claim(job, "worker", 5, LEASE).works
        taken.set()
        return [work.number for work in works]

    assert at_once(hold, take)[1] == [2]


@pytest.mark.django_db(transaction=True)
def test_a_jobs_number_in_flight_holds_over_all_connections(make_job: JobMaker) -> None:
    job = make_job(30, batch_size=1, concurrency=3)
    seen: list[int] = []
    watching = threading.Lock()

    def worker() -> None:
        while True:
            works = claims.intend(claims.claim(job, "worker", 4, LEASE).works, LEASE)
            with watching:
                seen.append(in_flight.count())
            if works:
                outcomes.record(job, [Finding(work, OK) for work in works])
            elif not job.batches.filter(status="pending").exists():
                return

    at_once(*[worker] * 5)
    assert max(seen) == 3
    assert job.batches.filter(status="done").count() == 30


def test_an_apis_number_in_flight_holds_over_all_its_jobs(make_job: JobMaker) -> None:
    one, other = (make_job(9, batch_size=1, concurrency=9) for _ in range(2))
    assert len(claims.claim(one, "worker", 9, LEASE).works) == 4  # the API's own
    assert claims.claim(other, "worker", 9, LEASE).works == []
    claims.give_back(_claimed(one)[:1])
    assert len(claims.claim(other, "worker", 9, LEASE).works) == 1


def _claimed(job: ImportJob) -> list[Work]:
    return [
        Work(job.pk, b.pk, b.number, b.token, 1, 3, b.size, b"", "", 1)
        for b in job.batches.filter(status="claimed")
        if b.token
    ]


def test_a_lease_that_is_over_still_counts_as_in_flight_until_it_is_judged(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(6, concurrency=1)
    send(job)
    pass_time(LEASE + 1)
    assert send(job) == []
    outcomes.expire()
    assert len(send(job)) == 1


@pytest.mark.parametrize("stop", [lifecycle.pause, lifecycle.cancel])
def test_a_job_that_was_stopped_gives_nothing_away(
    stop: Callable[[ImportJob], bool], make_job: JobMaker
) -> None:
    job = make_job(6)
    stop(job)
    assert claims.claim(job, "worker", 5, LEASE).works == []


@pytest.mark.parametrize("stop", [lifecycle.pause, lifecycle.cancel])
def test_what_was_claimed_before_a_job_was_stopped_is_not_sent(
    stop: Callable[[ImportJob], bool], make_job: JobMaker
) -> None:
    job = make_job(3)
    works = claims.claim(job, "worker", 1, LEASE).works
    stop(job)
    assert claims.intend(works, LEASE) == []
    batch = job.batches.get()
    assert batch.status == ("pending" if stop is lifecycle.pause else "failed")
    assert (batch.token, batch.tries, batch.sent_at) == (None, 0, None)


def test_intent_is_in_the_ledger_before_a_byte_leaves(make_job: JobMaker) -> None:
    job = make_job(3)
    works = send(job)
    batch = job.batches.get()
    assert len(works) == 1
    assert (batch.status, batch.tries, batch.attempts) == ("sending", 1, 0)
    assert batch.sent_at is not None


def test_a_claim_that_ran_out_and_is_somebody_elses_now_is_not_sent_by_the_first(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    late = claims.claim(job, "slow worker", 1, LEASE).works
    pass_time(LEASE + 1)
    outcomes.expire()
    mine = claims.claim(job, "quick worker", 1, LEASE).works
    assert claims.intend(late, LEASE) == []
    assert job.batches.get().status == "claimed"  # and what is not one's own is not given back
    assert claims.intend(mine, LEASE) == mine


def test_no_job_claims_for_an_api_that_asked_for_a_pause(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job, other = make_job(6), make_job(3)
    answer(job, LATER)
    for each in (job, other):
        claim = claims.claim(each, "worker", 1, LEASE)
        assert claim.works == []
        assert claim.wait == pytest.approx(63, abs=30)
    pass_time(67)
    (probe,) = send(other, room=5)
    assert send(job, room=5) == []
    outcomes.record(other, [Finding(probe, OK)])
    assert len(send(job, room=5)) == 2


def test_a_delay_lets_one_batch_start_at_a_time_over_all_jobs_of_the_api(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job, other = (make_job(6, delay_seconds=10.0) for _ in range(2))
    assert len(claims.claim(job, "worker", 4, LEASE).works) == 1
    for each in (job, other):
        claim = claims.claim(each, "worker", 4, LEASE)
        assert claim.works == []
        assert claim.wait == pytest.approx(10, abs=5)
    pass_time(10)
    assert len(claims.claim(other, "worker", 4, LEASE).works) == 1


@pytest.mark.django_db(transaction=True)
def test_the_delay_between_two_starts_is_never_shorter_over_several_connections(
    make_job: JobMaker,
) -> None:
    job = make_job(8, batch_size=1, concurrency=50, delay_seconds=0.05)
    RateLimit.objects.update(concurrency=50)

    def worker() -> None:
        while (claim := claims.claim(job, "worker", 4, LEASE)).works or claim.wait is not None:
            threading.Event().wait(claim.wait or 0)

    at_once(worker, worker, worker)
    with connection.cursor() as sql:
        sql.execute(
            "SELECT count(*), min(gap) FROM (SELECT extract(epoch FROM claimed_at"
            " - lag(claimed_at) OVER (ORDER BY claimed_at)) AS gap FROM imports_importbatch) gaps"
        )
        count, shortest = sql.fetchone()
    assert count == 8
    assert shortest >= 0.05


@pytest.mark.django_db(transaction=True)
def test_pausing_and_cancelling_at_once_with_claims_leaves_no_batch_in_between(
    make_job: JobMaker,
) -> None:
    for _ in range(5):
        job = make_job(40, batch_size=1, concurrency=50)
        RateLimit.objects.update(concurrency=50)

        def worker(job: ImportJob = job) -> list[int]:
            sent = []
            while works := claims.claim(job, "worker", 7, LEASE).works:
                sent += [work.batch_id for work in claims.intend(works, LEASE)]
            return sent

        _, *sent = at_once(partial(lifecycle.cancel, job), worker, worker)
        gone = {pk for each in sent for pk in each}
        now = dict(job.batches.values_list("pk", "status"))
        assert {pk for pk, status in now.items() if status == "sending"} == gone
        assert {pk for pk, status in now.items() if status == "failed"} == set(now) - gone


def test_a_claim_and_its_intent_travel_together_and_are_two_transactions(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    works = claims.claim_and_intend(job, "worker", 2, LEASE).works
    assert [work.number for work in works] == [1, 2]
    rows = ImportBatch.objects.filter(job=job).order_by("number")
    assert [(row.status, row.tries) for row in rows] == [("sending", 1), ("sending", 1)]
    assert [row.token for row in rows] == [work.token for work in works]
    assert claims.claim_and_intend(job, "worker", 2, LEASE).works == []


def test_what_was_paused_between_its_claim_and_its_intent_is_given_back_and_not_sent(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(6)
    only_second = claims.INTEND_CLAIMED.replace("RETURNING", "AND b.number = 2 RETURNING")
    monkeypatch.setattr(claims, "INTEND_CLAIMED", only_second)
    assert [work.number for work in claims.claim_and_intend(job, "w", 2, LEASE).works] == [2]
    statuses = ImportBatch.objects.filter(job=job).order_by("number")
    assert [row.status for row in statuses] == ["pending", "sending"]


def test_an_intent_is_only_of_its_own_claim(make_job: JobMaker) -> None:
    job = make_job(9)
    claims.claim(job, "worker", 1, LEASE)  # it died before it sent
    (work,) = claims.claim_and_intend(job, "worker", 1, LEASE).works
    statuses = ImportBatch.objects.filter(job=job).order_by("number")
    assert [row.status for row in statuses] == ["claimed", "sending", "pending"]
    assert work.number == 2


def test_a_success_that_is_not_recorded_yet_leaves_its_place_to_the_next_batch_once(
    make_job: JobMaker,
) -> None:
    job = make_job(9, batch_size=1, concurrency=2)
    first, second = claims.claim_and_intend(job, "worker", 2, LEASE).works
    over = claims.Over([first])
    assert len(claims.claim_and_intend(job, "worker", 2, LEASE, over).works) == 1
    over = claims.Over([first], replaced=1)
    assert claims.claim_and_intend(job, "worker", 2, LEASE, over).works == []
    outcomes.record(job, [Finding(first, OK)])
    assert claims.claim_and_intend(job, "worker", 2, LEASE).works == []
    outcomes.record(job, [Finding(second, OK)])
    assert len(claims.claim_and_intend(job, "worker", 2, LEASE).works) == 1


def test_a_place_stays_a_workers_own_while_others_have_not_recorded_what_is_over(
    make_job: JobMaker,
) -> None:
    job = make_job(9, batch_size=1, concurrency=2)
    (mine,) = claims.claim_and_intend(job, "one", 1, LEASE).works
    (theirs,) = claims.claim_and_intend(job, "other", 1, LEASE).works
    assert claims.claim_and_intend(job, "other", 1, LEASE, claims.Over([theirs])).works
    assert in_flight.count() == 3  # of which one is over
    assert (
        len(claims.claim_and_intend(job, "one", 9, LEASE, claims.Over([mine], limit=4)).works) == 1
    )


def test_a_place_is_not_passed_on_where_a_limit_was_lowered(make_job: JobMaker) -> None:
    job = make_job(9, batch_size=1, concurrency=3)
    works = claims.claim_and_intend(job, "worker", 3, LEASE).works
    over = claims.Over(works[:1], limit=4)
    ImportJob.objects.filter(pk=job.pk).update(concurrency=2)
    assert claims.claim_and_intend(job, "worker", 3, LEASE, over).works == []
    ImportJob.objects.filter(pk=job.pk).update(concurrency=3)
    RateLimit.objects.update(concurrency=2)
    assert claims.claim_and_intend(job, "worker", 3, LEASE, over).works == []


def test_a_place_that_a_lost_lease_gave_up_is_not_passed_on(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(9, batch_size=1, concurrency=1)
    (late,) = claims.claim_and_intend(job, "frozen", 1, LEASE).works
    pass_time(LEASE + 1)
    outcomes.expire()
    assert len(claims.claim_and_intend(job, "another", 1, LEASE).works) == 1
    assert (
        claims.claim_and_intend(job, "frozen", 1, LEASE, claims.Over([late], limit=4)).works == []
    )


def test_a_pause_or_a_not_now_holds_places_that_could_be_passed_on(make_job: JobMaker) -> None:
    job = make_job(9, batch_size=1, concurrency=3)
    works = claims.claim_and_intend(job, "worker", 3, LEASE).works
    outcomes.record(job, [Finding(works[0], LATER)])
    assert (
        claims.claim_and_intend(job, "worker", 3, LEASE, claims.Over(works[1:2], limit=4)).works
        == []
    )
    RateLimit.objects.update(paused_until=None)
    assert (
        claims.claim_and_intend(job, "worker", 3, LEASE, claims.Over(works[1:2], limit=4)).works
        == []
    )
