"""Cuts customers into batches, and joins a batch's bytes so that each can be taken out again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
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


MOST_OPEN = 16  # batches that are being filled at once: memory does not grow with copies


@dataclass(slots=True)
class Batch:
    """A batch to be. `after` holds the numbers of batches with earlier copies of its customers."""

    number: int
    length: int
    records: list[Record] = field(default_factory=list)
    after: set[int] = field(default_factory=set)


class Cutter:
    """Cuts customers into numbered batches that let each customer's copies keep their order.

    Two copies never share a batch, because its parts may go out in any order. A later copy goes
    into a batch with a higher number that says which batches it must wait for. Without copies
    only one batch is open, and the batches are those of `cut`.
    """

    def __init__(self, size: int, checks: Checks, last_number: int) -> None:
        self._most = max(1, min(size, checks.max_batch_records))
        self._most_bytes = checks.max_batch_bytes
        self._added, self._frame = checks.added_record_bytes, checks.frame_bytes
        self._next = last_number + 1
        self._open: deque[Batch] = deque()
        self.placed = 0  # the number of the batch that the latest record went into

    def add(self, record: Record, earlier: int = 0) -> Sequence[Batch]:
        """Take a record in; the batches that are finished by it, in the order of their numbers.

        `earlier` is the number of the batch that holds the latest copy before, 0 for none.
        """
        if record.refusal:
            raise ValueError(f"a refused record cannot be sent: {record.refusal.sentence}")
        added = record.size + self._added
        if not earlier and self._open and self._fits(0, added):  # nearly always
            self._put(self._open[0], record, added)
            return ()
        return self._add_behind(record, added, earlier)

    def _add_behind(self, record: Record, added: int, earlier: int) -> Sequence[Batch]:
        """Take a record in that needs a new batch, or one behind its earlier copy's."""
        finished: list[Batch] = []
        index = self._first_allowed(earlier)
        while (is_full := not self._fits(index, added)) or index >= MOST_OPEN:
            if is_full and index > 0 and index < MOST_OPEN:
                index += 1
                continue
            finished.append(self._open.popleft())
            index = max(0, index - 1)
        batch = self._at(index)
        self._put(batch, record, added)
        if earlier:
            batch.after.add(earlier)
        return finished

    def _put(self, batch: Batch, record: Record, added: int) -> None:
        batch.records.append(record)
        batch.length += added
        self.placed = batch.number

    def rest(self) -> Iterator[Batch]:
        """What is still open: nothing more comes."""
        while self._open:
            yield self._open.popleft()

    def _first_allowed(self, earlier: int) -> int:
        """The first open batch behind the one that holds the earlier copy."""
        if not self._open or earlier < self._open[0].number:
            return 0
        return earlier - self._open[0].number + 1

    def _fits(self, index: int, added: int) -> bool:
        if index >= len(self._open):
            return True  # a new one, and an empty batch takes any record
        batch = self._open[index]
        if len(batch.records) == self._most:
            return False
        return not batch.records or batch.length + added <= self._most_bytes

    def _at(self, index: int) -> Batch:
        while index >= len(self._open):
            self._open.append(Batch(self._next, self._frame))
            self._next += 1
        return self._open[index]


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
