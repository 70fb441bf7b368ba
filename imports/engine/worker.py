"""The RQ worker: runs jobs in its own process, and finishes what is in flight on shutdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from rq.worker import SimpleWorker

from imports.engine import runner
from imports.sealing import working

if TYPE_CHECKING:
    from rq import Queue
    from rq.executions import Execution
    from rq.job import Job


class JobWorker(SimpleWorker):
    """Runs jobs without a fork: killing the worker leaves no orphan that keeps sending.

    After the first SIGTERM or SIGINT the runner records what is in flight. Further signals
    change nothing; plain RQ would abort in mid-request at the second one.
    """

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """One queue message; no plain copy of sealed files outlives it."""
        with working.task():
            return super().perform_job(job, queue, execution)

    def request_stop(self, signum: int, frame: Any) -> None:
        runner.stopping.set()
        try:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        except RedisError:  # RQ only records the request there; that must not end a run
            self._stop_requested = True

    def request_force_stop(self, signum: int, frame: Any) -> None:
        self.log.info("Worker %s: shutting down once what is in flight has finished", self.name)
