"""The bell for notifications: what RQ calls to have those sent that are due."""

from __future__ import annotations

import django_rq

from imports.jobs import QUEUE
from imports.notices import delivering

LONGEST_SECONDS = delivering.LEASE_SECONDS * delivering.MOST_AT_ONCE


def ring() -> None:
    """Have a worker send what is due, before other work: unless one has been asked already.

    Raises RedisError where Redis is away.
    """
    queue = django_rq.get_queue(QUEUE)
    asked = f"{deliver.__module__}.{deliver.__name__}"
    if any(bell and bell.func_name == asked for bell in queue.get_jobs(0, 100)):
        return
    queue.enqueue(
        deliver, at_front=True, result_ttl=0, failure_ttl=3600, job_timeout=LONGEST_SECONDS,
        description="bell: notifications",
    )  # fmt: skip


def deliver() -> None:
    """Answer the bell."""
    delivering.deliver_due()
