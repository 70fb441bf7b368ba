"""What the bill sender decides before an attempt, and what it records during one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from bills.batch_sender import BillRunner, Limits, StageBoard
from bills.browser.plan import PortalPlan
from bills.models import CredentialUse
from bills.portals.recipe_schema import load_recipe
from imports.job_types import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from bills.batch_sender import DatabaseThread
    from tests.bills.runs import BillMaker

PLAN = PortalPlan("https://p.example/login", "https://p.example/bills", load_recipe({}))


def work(tries: int, attempt: int, most: int) -> Work:
    return Work(
        job_id=1, batch_id=1, number=1, token=cast("Any", None), attempt=attempt,
        max_attempts=most, size=1, body=b"", idempotency_key="", tries=tries,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tries", "attempt", "most", "is_retry", "expected"),
    [
        (1, 1, 5, False, False),  # nearly every one: it succeeds, or another follows
        (2, 2, 5, False, True),
        (2, 1, 5, False, True),  # the one before was deferred
        (1, 1, 1, False, True),  # none will follow
        (1, 1, 5, True, True),  # a person has asked for another look
    ],
)
def test_what_follows_a_failure_is_traced_and_what_nothing_follows(
    tries: int, attempt: int, most: int, is_retry: bool, expected: bool
) -> None:
    runner = BillRunner(
        cast("Any", None), cast("Any", None), PLAN, Limits(5, 0, 1.0), traced=is_retry
    )
    assert runner.plan_for(work(tries, attempt, most)).keep_trace is expected


class Later:
    """Keeps what it is asked to do for when the event loop has ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[Callable[..., None], tuple[object, ...]]] = []

    def do(self, work: Callable[..., None], *args: object) -> None:
        self.asked.append((work, args))


def test_stages_of_a_moment_are_written_together_the_latest_of_each(
    make_bills: BillMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_bills("good", "flaky")
    first, second = job.batches.order_by("number").values_list("pk", flat=True)
    monkeypatch.setattr("bills.batch_sender.WRITTEN_AFTER_SECONDS", 0.0)
    database = Later()

    async def run() -> None:
        board = StageBoard(cast("DatabaseThread", database))
        board.note(first, "open", 0, 0)
        board.note(second, "open", 0, 0)
        board.note(second, "download", 2, 9)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    ((work, args),) = database.asked
    work(*args)
    seen = CredentialUse.objects.order_by("batch__number").values_list(
        "stage", "stage_done", "stage_total"
    )
    assert list(seen) == [("open", 0, 0), ("download", 2, 9)]
