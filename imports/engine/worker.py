"""The RQ worker that runs lanes in its own process, and finishes what is in flight at the end."""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError
from rq.worker import SimpleWorker

from imports.engine import runner


class JobWorker(SimpleWorker):
    """No fork: a kill ends the lane with its worker, so no orphan goes on sending.

    The first SIGTERM or SIGINT lets the lane record what is in flight; further ones change
    nothing (rq would cut the lane off in mid-request at the second).
    """

    def request_stop(self, signum: int, frame: Any) -> None:
        runner.stopping.set()
        try:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        except RedisError:  # it only notes the wish there; a lane in mid-run must not die of that
            self._stop_requested = True

    def request_force_stop(self, signum: int, frame: Any) -> None:
        self.log.info("Worker %s: is ending already, after what is in flight", self.name)
