"""The sweeper recovers work from dead workers and re-queues lost jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisDown

from config.dev import servers
from imports.engine import queue, sweeper
from imports.ledger import claims, lifecycle, outcomes
from imports.models import Heartbeat, ImportBatch, RateLimit
from tests.jobs import BUSY, LATER, LEASE, OK, answer, at_once, batches, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch, messages: Any) -> list[int]:
    """The ids of the enqueued jobs, in order."""
    heard: list[int] = []
    real = queue.enqueue

    def listening(job_id: int, messages: int = 1) -> bool:
        heard.append(job_id)
        return real(job_id, messages)

    monkeypatch.setattr(queue, "enqueue", listening)
    return heard


def test_a_job_whose_message_was_lost_is_enqueued_again(
    make_job: JobMaker, enqueued: list[int], messages: Any
) -> None:
    queued, running = make_job.queued(3), make_job(3)
    sweeper.sweep()
    assert enqueued == [queued.pk, running.pk]
    messages.connection.flushall()  # everything that Redis knew
    sweeper.sweep()
    assert enqueued == [queued.pk, running.pk] * 2


def test_a_job_whose_message_waits_in_the_queue_is_not_enqueued_again(
    make_job: JobMaker, enqueued: list[int]
) -> None:
    job = make_job(3)
    for _ in range(3):
        sweeper.sweep()
    assert enqueued == [job.pk]


def test_jobs_without_work_for_a_worker_are_not_enqueued(
    make_job: JobMaker, enqueued: list[int]
) -> None:
    make_job.draft(3)
    lifecycle.pause(make_job(3))
    answer(make_job(3, retry_delay_seconds=100.0), BUSY)
    in_flight = make_job(3)
    send(in_flight)
    finished = make_job(3)
    answer(finished, OK)
    lifecycle.finish_if_done([finished.pk])
    type(finished).objects.filter(pk=finished.pk).update(closed_at=finished.created_at)
    sweeper.sweep()
    assert enqueued == []


def test_a_retry_that_became_due_is_enqueued(
    make_job: JobMaker, enqueued: list[int], pass_time: Callable[[float], None]
) -> None:
    job = make_job(3, retry_delay_seconds=100.0)
    answer(job, BUSY)
    sweeper.sweep()
    assert enqueued == []
    pass_time(300)
    sweeper.sweep()
    assert enqueued == [job.pk]


def test_a_job_whose_api_is_paused_is_enqueued_when_it_may_go_on(
    make_job: JobMaker, enqueued: list[int], pass_time: Callable[[float], None]
) -> None:
    job = make_job(6)
    answer(job, LATER)
    sweeper.sweep()
    assert enqueued == []
    pass_time(70)
    sweeper.sweep()
    assert enqueued == [job.pk]


def test_a_job_that_ended_without_being_closed_is_enqueued(
    make_job: JobMaker, enqueued: list[int]
) -> None:
    job = make_job(3)
    answer(job, OK)
    sweeper.sweep()  # it notices that nothing is left, and that nobody has closed it
    job.refresh_from_db()
    assert job.status == "finished"
    assert enqueued == [job.pk]


def test_a_lost_worker_is_judged_and_the_job_goes_on(
    make_job: JobMaker, enqueued: list[int], pass_time: Callable[[float], None]
) -> None:
    job = make_job(6)
    claims.claim(job, "lost", 1, LEASE)
    pass_time(LEASE + 1)
    ImportBatch.objects.filter(status="pending").update(next_attempt_at="2999-01-01T00:00Z")
    sweeper.sweep()
    assert [batch.status for batch in batches(job)] == ["pending", "pending"]
    assert enqueued == [job.pk]


def test_an_embedded_redis_that_died_is_started_again_by_the_sweeper(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def down() -> set[int]:
        raise RedisDown

    started: list[bool] = []
    make_job(3)
    monkeypatch.setattr(queue, "enqueued_jobs", down)
    monkeypatch.setattr(servers, "ensure", lambda postgres: started.append(postgres))
    settings.EMBEDDED_REDIS = True
    sweeper.sweep()
    assert started == [False]
    settings.EMBEDDED_REDIS = False  # somebody else's: it is waited for
    sweeper.sweep()
    assert started == [False]


def test_a_sweep_with_nothing_to_do_needs_few_statements(
    make_job: JobMaker, django_assert_max_num_queries: Any
) -> None:
    RateLimit.objects.all().delete()
    sweeper.sweep()  # the first one looks at more than is looked at each time
    with django_assert_max_num_queries(18):
        sweeper.sweep()


def test_a_sweep_that_fails_leaves_no_heartbeat(
    messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> set[int]:
        raise OperationalError

    monkeypatch.setattr(outcomes, "expire", away)
    with pytest.raises(OperationalError):
        sweeper.sweep()
    assert sweeper.silent_seconds() is None


def test_two_sweepers_share_one_heartbeat(messages: Any) -> None:
    at_once(sweeper.sweep, sweeper.sweep)
    assert Heartbeat.objects.filter(name=sweeper.NAME).count() == 1
