"""Cuts customers into batches, and joins a batch's bytes so that each can be taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.customers.checks import COMMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imports.customers.checks import Checks
    from imports.customers.records import Record


def cut(records: Iterable[Record], size: int, checks: Checks) -> Iterator[list[Record]]:
    """Batches of at most `size` records, of what the API takes, and of its bytes; order is kept.

    Raises ValueError for a refused record: the caller has excluded those, by name, before.
    """
    most = max(1, min(size, checks.max_batch_records))
    batch: list[Record] = []
    length = checks.frame_bytes
    for record in records:
        if record.refusal:
            raise ValueError(f"a refused record cannot be sent: {record.refusal.code}")
        added = record.size + checks.added_record_bytes
        if batch and (len(batch) == most or length + added > checks.max_batch_bytes):
            yield batch
            batch, length = [], checks.frame_bytes
        batch.append(record)
        length += added
    if batch:
        yield batch


def body(
    raws: Sequence[bytes], opening: bytes = b'{"data": [', closing: bytes = b"]}"
) -> tuple[bytes, list[tuple[int, int]]]:
    """One request's bytes, and each record's (offset, length) in them.

    `body[offset:offset + length]` is the record byte for byte as it came in.
    """
    spans, offset = [], len(opening)
    for raw in raws:
        spans.append((offset, len(raw)))
        offset += len(raw) + len(COMMA)
    return opening + COMMA.join(raws) + closing, spans
