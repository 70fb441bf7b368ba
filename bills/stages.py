"""What stage each running attempt has come to: seen on a job's page, and of no other use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from bills.keeper import Keeper

WRITTEN_AFTER_SECONDS = 0.25  # a page looks less often than this

WRITE = """
UPDATE bills_credentialuse u SET stage = n.stage, stage_done = n.done, stage_total = n.total
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[]) AS n(batch_id, stage, done, total)
WHERE u.batch_id = n.batch_id
"""


class StageBoard:
    """Gathers a lane's stages for a moment and writes the latest of each down, all in one go.

    An attempt has five or more of them, often within a second.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._latest: dict[int, tuple[str, int, int]] = {}

    def note(self, batch_id: int, stage: str, done: int, total: int) -> None:
        """Returns at once. To be called in the browser's event loop."""
        if not self._latest:
            asyncio.get_running_loop().call_later(WRITTEN_AFTER_SECONDS, self._hand_over)
        self._latest[batch_id] = (stage, done, total)

    def _hand_over(self) -> None:
        latest, self._latest = self._latest, {}
        self._keeper.do(write, latest)


def write(latest: dict[int, tuple[str, int, int]]) -> None:
    """Write down stage, done and total by batch id."""
    columns = zip(*((pk, *told) for pk, told in latest.items()), strict=True)
    with connection.cursor() as sql:
        sql.execute(WRITE, [list(column) for column in columns])
