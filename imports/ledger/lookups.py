"""Look-ups of unknown records: what is proven of each is written down, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from imports.ledger import batches, bulk_actions, retries
from imports.ledger.bulk_actions import Decision
from imports.ledger.lifecycle import add_record_events, lock
from imports.messages import cause_of
from imports.models import BulkAction, BulkActionChunk
from imports.policy import Verdict
from imports.states import EventCode, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imports.models import ImportJob
    from imports.policy import LookedUp

DECIDES = (Verdict.SUCCESS, Verdict.REJECTED)
# A look-up keeps the API's pace: one slot for each request, none while the API is left alone.
TAKE_SLOT = """
UPDATE imports_ratelimit
SET next_slot_at = clock_timestamp() + make_interval(secs => %(delay)s)
WHERE id = %(rate_limit)s AND coalesce(paused_until <= clock_timestamp(), true)
  AND (%(delay)s = 0 OR coalesce(next_slot_at <= clock_timestamp(), true))
"""


def take_slot(job: ImportJob) -> bool:
    """Take the right to one request at the API's pace; False if it is not time yet."""
    with connection.cursor() as sql:
        sql.execute(TAKE_SLOT, {"rate_limit": job.rate_limit_id, "delay": job.delay_seconds})
        return bool(sql.rowcount)


def carry_on(bulk_action: BulkAction, look: Callable[[bytes], LookedUp | None]) -> bool:
    """Look up the next few records and write down what is proven; False if nothing is left.

    `look` gives None when the turn is over: those records are looked up in the next one. No
    transaction is open while the API is asked.
    """
    chunk = (
        BulkActionChunk.objects.filter(
            bulk_action=bulk_action, bulk_action__finished_at=None, done_at=None
        )
        .order_by("number")
        .first()
    )
    if chunk is None:
        return bulk_actions.carry_on(bulk_action)
    waiting = retries.waiting(bulk_action.job, ResultStatus.UNKNOWN)
    ids = list(waiting.filter(pk__in=chunk.result_ids).values_list("pk", flat=True))
    found: dict[int, LookedUp] = {}
    for pk, raw in batches.bytes_of(ids).items():
        one = look(raw)
        if one is None:
            return True
        if one.verdict not in (*DECIDES, Verdict.UNKNOWN):
            bulk_actions.give_up(bulk_action, one.message)
            return False
        found[pk] = one
    _write_down(bulk_action, chunk, found)
    return True


def _write_down(
    bulk_action: BulkAction, chunk: BulkActionChunk, found: Mapping[int, LookedUp]
) -> None:
    with transaction.atomic():
        mine = BulkAction.objects.select_for_update(no_key=True)
        if not mine.filter(pk=bulk_action.pk, finished_at=None).exists():
            return
        if not BulkActionChunk.objects.filter(pk=chunk.pk, done_at=None).update(done_at=Now()):
            return  # another worker has looked them up
        lock(bulk_action.root)
        moved: list[int] = []
        for verdict in DECIDES:
            ids = [pk for pk, one in found.items() if one.verdict is verdict]
            if ids:
                waiting = retries.waiting(bulk_action.job, ResultStatus.UNKNOWN)
                decision = decision_of(found[ids[0]])
                moved += bulk_actions.write_down(decision, waiting.filter(pk__in=ids))
        if bulk_action.event and moved:
            add_record_events(bulk_action.event, moved)
        undecided = len(chunk.result_ids) - len(moved)
        BulkAction.objects.filter(pk=bulk_action.pk).update(
            taken=F("taken") + len(moved), skipped_changed=F("skipped_changed") + undecided
        )


def decision_of(found: LookedUp) -> Decision:
    """What a proof changes: the record counts as stored, or as failed, with the reason."""
    if found.verdict is Verdict.SUCCESS:
        changes: dict[str, object] = {
            "status": ResultStatus.SUCCESS, "error_code": "", "error": "", "final_error": None,
            "message": None, "cause": "",
        }  # fmt: skip
    else:
        text = str(found.message)
        changes = {
            "status": ResultStatus.ERROR, "error_code": bulk_actions.NOT_ARRIVED_CODE,
            "error": text, "final_error": text, "message": found.message,
            "cause": cause_of(found.message),
        }  # fmt: skip
    return Decision(ResultStatus.UNKNOWN, changes, EventCode.LOOKED_UP)
