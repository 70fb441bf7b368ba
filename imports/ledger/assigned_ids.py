"""The ids that an API gave to the records it stored: kept beside their results."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from imports.ledger.claims import cursor
from imports.messages import storable
from imports.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.policy import Outcome, RecordOutcome

LONGEST = 500  # characters of an id; what is longer is none

# A batch's judged records stand in the order of their bytes.
KEEP = """
INSERT INTO imports_assignedid (result_id, value)
SELECT r.id, mine.value
FROM unnest(%(batches)s::bigint[], %(places)s::int[], %(values)s::text[])
    AS mine(batch_id, place, value)
JOIN (
    SELECT id, batch_id, key,
           row_number() OVER (PARTITION BY batch_id ORDER BY body_start, id) AS place
    FROM import_results WHERE batch_id = ANY(%(batches)s::bigint[])
) r ON r.batch_id = mine.batch_id AND r.place = mine.place
WHERE mine.value <> r.key  -- the record's own id is no news
ON CONFLICT (result_id) DO UPDATE SET value = excluded.value
"""


ASSIGNED = attrgetter("assigned")


def records_of(outcome: Outcome) -> Sequence[RecordOutcome]:
    """What each record's own entry said; none where the answer had no entries."""
    return outcome.records or outcome.judged


def has_any(outcome: Outcome) -> bool:
    """Whether the API gave at least one of the records an id."""
    return any(map(ASSIGNED, records_of(outcome)))


def keep(batches: Iterable[tuple[int, Outcome]]) -> None:
    """Store the ids of the records that each of these batches' answers proves to be stored.

    Call it in the transaction that records the outcome, while the batch still has its records.
    """
    rows = [
        (batch_id, place, storable(record.assigned))
        for batch_id, outcome in batches
        for place, record in enumerate(records_of(outcome), start=1)
        if record.verdict is Verdict.SUCCESS and 0 < len(record.assigned) <= LONGEST
    ]
    if rows:
        ids, places, values = (list(column) for column in zip(*rows, strict=True))
        with cursor() as sql:
            sql.execute(KEEP, {"batches": ids, "places": places, "values": values})
