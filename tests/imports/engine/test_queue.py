"""Queue messages carry an id and no state; losing or repeating one costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_rq
import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from redis.exceptions import ConnectionError as RedisDown
from rq.serializers import JSONSerializer

from config.dev.sandbox import samples
from imports import notifications
from imports.engine import queue, runner
from imports.engine.worker import JobWorker
from imports.ledger import lifecycle
from imports.models import ImportBatch, ImportJob
from imports.sealing import working
from imports.storage import stored
from tests.jobs import OK, REFUSED, answer, assert_totals_hold, keys, run

if TYPE_CHECKING:
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


def work(messages: Any) -> None:
    """Run a real worker until the queue is empty."""
    worker = JobWorker([messages], connection=messages.connection, serializer=JSONSerializer)
    worker.work(burst=True, with_scheduler=False, logging_level="WARNING")


def test_a_queue_message_carries_an_id_as_json_and_nothing_else(messages: Any) -> None:
    assert queue.enqueue(7)
    (message,) = messages.get_jobs()
    assert (message.args, message.kwargs) == ([7], {})
    raw = messages.connection.hget(message.key, "data")
    assert b"imports.engine.queue.run_job" in raw or raw[:1] == b"x"  # compressed, never a pickle
    assert message.timeout > 3600


def test_a_worker_ends_its_turn_for_every_message_but_its_own(
    messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.enqueue(7, messages=2)
    assert not queue.other_jobs_wait(7)
    assert queue.other_jobs_wait(8)
    notifications.enqueue()  # of no job: somebody waits for a mail, or watches a portal's test
    assert queue.other_jobs_wait(7)

    def away(name: str) -> Any:
        raise RedisDown

    monkeypatch.setattr(django_rq, "get_queue", away)
    assert queue.other_jobs_wait(7)


def test_no_plain_copy_of_a_sealed_file_outlives_the_message_whose_work_made_it(
    installation: Path, messages: Any, settings: Any
) -> None:
    settings.ENCRYPT_RECORDS = True
    where = stored.keep(stored.fresh_name("corrected"), ContentFile(b"{}"))
    copies.clear()
    messages.enqueue(copy_of, where)
    work(messages)
    assert [content for _path, content in copies] == [b"{}"]
    assert not any(path.exists() for path, _content in copies)
    assert not any(working.home().iterdir())


copies: list[tuple[Path, bytes]] = []


def copy_of(where: str) -> None:
    """Any work but a job's."""
    path = stored.local_path(where)
    copies.append((path, path.read_bytes()))


def test_one_queue_message_is_enough_for_a_whole_import(
    make_job: JobMaker, sandbox: SandboxApi, messages: Any
) -> None:
    job = make_job.queued(12)
    queue.enqueue(job.pk)
    work(messages)
    job.refresh_from_db()
    assert (job.status, job.closed_at is not None) == ("finished", True)
    assert not sandbox.account.difference(keys(job, "success"))


def test_a_stage_that_ended_enqueues_the_next_at_once_without_a_sweep(
    make_job: JobMaker, sandbox: SandboxApi, messages: Any
) -> None:
    job = make_job.queued(60, batch_size=1, rollout="ramp")
    queue.enqueue(job.pk)
    work(messages)
    job.refresh_from_db()
    assert (job.status, job.stage, job.stage_limit) == ("finished", 3, None)
    assert sandbox.account.total_effects == 60


def test_a_stage_that_waits_for_a_person_enqueues_nothing(
    make_job: JobMaker, messages: Any
) -> None:
    job = make_job.queued(9, rollout="one")
    queue.enqueue(job.pk)
    work(messages)
    job.refresh_from_db()
    assert (job.status, messages.count) == ("paused", 0)


def test_ten_messages_for_one_job_send_nothing_twice(
    make_job: JobMaker, sandbox: SandboxApi, messages: Any
) -> None:
    job = make_job.queued(12)
    queue.enqueue(job.pk, messages=10)
    work(messages)
    assert sandbox.account.distinct == sandbox.account.total_effects == 12
    assert not sandbox.account.sent_again


def test_a_message_for_a_job_that_is_gone_or_at_rest_does_nothing(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    queue.run_job(987654321)
    draft, paused = make_job.draft(3), make_job(3)
    lifecycle.pause(paused)
    for job in (draft, paused):
        before = job.status
        queue.run_job(job.pk)
        job.refresh_from_db()
        assert job.status == before
    assert sandbox.account.requests == 0


def test_redis_being_down_is_no_error_for_whoever_rings(
    make_job: JobMaker, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise RedisDown

    job = make_job.queued(3)
    monkeypatch.setattr(django_rq, "get_queue", down)
    assert queue.enqueue(job.pk) is False
    assert queue.worker_count() == 0
    queue.enqueue_on_commit(job.pk)  # outside a transaction: at once
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_message_is_enqueued_on_commit_and_not_after_a_rollback(
    make_job: JobMaker, messages: Any
) -> None:
    with transaction.atomic():
        queue.enqueue_on_commit(1)
        assert messages.count == 0
    assert queue.enqueued_jobs() == {1}
    with pytest.raises(RuntimeError):
        ring_and_fail(2)
    assert queue.enqueued_jobs() == {1}


def ring_and_fail(job_id: int) -> None:
    with transaction.atomic():
        queue.enqueue_on_commit(job_id)
        raise RuntimeError


def test_a_job_that_ended_with_failures_is_closed_by_the_worker_that_saw_its_end(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": samples.customer_id(0)}, "fault": "http_422"})
    job = run(make_job.queued(6, concurrency=1))
    assert job.closed_at is not None
    assert job.retry_directory != ""
    assert_totals_hold(job)


def test_a_job_whose_worker_died_before_it_was_closed_is_closed_by_another(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    answer(job, REFUSED, OK)
    lifecycle.finish_if_done([job.pk])
    job = run(job)
    assert job.closed_at is not None
    assert job.retry_files.count() == 1


def test_a_worker_that_dies_while_closing_leaves_no_trace_and_the_next_one_does_it(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    from imports.customers import retry_files

    job = make_job(3)
    answer(job, REFUSED)
    lifecycle.finish_if_done([job.pk])
    with monkeypatch.context() as dying:
        dying.setattr(retry_files, "_summary", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            run(job)
    job.refresh_from_db()
    assert (job.closed_at, job.retry_directory, job.retry_files.count()) == (None, "", 0)
    assert list(settings.RETRY_FILES_DIR.iterdir()) == []
    job = run(job)
    assert [path.name for path in settings.RETRY_FILES_DIR.iterdir()] == [
        job.retry_directory.rsplit("/", 1)[-1]
    ]


def test_every_worker_has_its_own_name_and_signs_its_attempts(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job = run(make_job(3))
    assert job.attempts.get().worker == runner.worker_name()
    assert ImportBatch.objects.get().worker == runner.worker_name()
    assert ImportJob.objects.filter(pk=job.pk, status="finished").exists()
