"""Intent is committed before a byte leaves, and only one worker reads a job's input."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from imports.customers.job_type import CustomerJobType, CustomerRunner
from imports.engine import runner as engine_runner
from imports.models import ImportBatch, ImportJob
from tests.jobs import at_once, run

if TYPE_CHECKING:
    from concurrent.futures import Future

    from imports.job_types import Work
    from imports.policy import Outcome
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 30.0  # seconds that nothing here takes


def committed(batch_id: int) -> tuple[str, bool]:
    """What anybody else's connection sees of a batch: its status, and whether it has a time."""
    (found,) = at_once(lambda: ImportBatch.objects.defer("body").get(pk=batch_id))
    return found.status, found.sent_at is not None


def test_intent_is_committed_before_a_batch_is_handed_to_whoever_sends_it(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    submit = CustomerRunner.submit

    def look_first(runner: CustomerRunner, work: Work) -> Future[Outcome]:
        seen.append(committed(work.batch_id))
        return submit(runner, work)

    monkeypatch.setattr(CustomerRunner, "submit", look_first)
    job = run(make_job(9))
    assert job.status == "finished"
    assert seen == [("sending", True)] * 3


def test_a_worker_does_not_read_what_another_is_reading(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.queued(6)
    is_reading, may_go_on, second_is_back = (threading.Event() for _ in range(3))
    read, readers = CustomerJobType.read, list[str]()

    def read_slowly(kind: CustomerJobType, read_job: ImportJob) -> None:
        readers.append(threading.current_thread().name)
        is_reading.set()
        assert may_go_on.wait(LONG)
        read(kind, read_job)

    def first() -> bool:
        return engine_runner.read_input(ImportJob.objects.get(pk=job.pk))

    def second() -> bool:
        assert is_reading.wait(LONG)
        answered: list[bool] = []

        def ask() -> None:
            answered.append(engine_runner.read_input(ImportJob.objects.get(pk=job.pk)))
            connection.close()
            second_is_back.set()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        was_back = second_is_back.wait(LONG / 3)
        may_go_on.set()
        asking.join(LONG)
        assert was_back, "the second waited for the first, or read, too"
        return answered[0]

    monkeypatch.setattr(CustomerJobType, "read", read_slowly)
    assert at_once(first, second) == [True, False]
    assert len(readers) == 1
    job.refresh_from_db()
    assert (job.status, job.batches.count()) == ("running", 2)


def test_only_one_of_many_workers_reads_the_input(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.queued(6)
    read, reads = CustomerJobType.read, list[int]()

    def counted(kind: CustomerJobType, read_job: ImportJob) -> None:
        reads.append(read_job.pk)
        read(kind, read_job)

    monkeypatch.setattr(CustomerJobType, "read", counted)
    readers_at_once: list[Any] = [
        lambda: engine_runner.read_input(ImportJob.objects.get(pk=job.pk))
    ] * 4
    assert sorted(at_once(*readers_at_once)) == [False, False, False, True]
    assert reads == [job.pk]
    assert job.results.count() == 6
