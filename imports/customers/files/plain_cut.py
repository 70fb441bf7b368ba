"""Cuts blocks into batches where each customer is named once: the way of nearly all imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.ledger.batches import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from imports.customers.files.blocks import Block
    from imports.customers.files.limits import Checks
    from imports.customers.files.validation import Record, Refusal
    from imports.ledger.batches import Intake
    from imports.models import ImportFile


class PlainCutter:
    """Cuts the same batches as `batching.Cutter`, many records at a time."""

    def __init__(
        self,
        intake: Intake,
        file: ImportFile,
        checks: Checks,
        last_number: int,
        leave_out: Callable[[Record, Refusal], None],
    ) -> None:
        """`leave_out` takes each record that cannot be sent."""
        self.last_number = last_number
        self._intake, self._file_id, self._leave_out = intake, file.pk, leave_out
        self._most = max(1, min(intake.job.batch_size, checks.max_batch_records))
        self._most_bytes, self._added = checks.max_batch_bytes, checks.added_record_bytes
        self._ends = checks.opening, checks.closing
        self._frame = checks.envelope_bytes
        self._open, self._length = Columns(), self._frame

    def cut(self, blocks: Iterable[Block]) -> Iterator[int]:
        """Cut the blocks into batches; refused records are left out.

        Yields the position of the last record of each batch that is closed: all records up to
        it are in batches, or left out, and none behind it.
        """
        for block in blocks:
            if not block.refusals:
                positions = range(block.first, block.first + len(block.keys))
                yield from self._add(positions, block.raws, block.keys, block.emails)
                continue
            for record in block.records():
                if record.refusal is None:
                    row = [record.position], [record.raw], [record.key], [record.email]
                    yield from self._add(*row)
                else:
                    self._leave_out(record, record.refusal)
        if self._open.raws:
            yield self._close()

    def _add(
        self, positions: Sequence[int], raws: list[bytes], keys: list[str], emails: list[str]
    ) -> Iterator[int]:
        at = 0
        while at < len(raws):
            end = self._fitting(raws, at)
            if end > at:
                batch = self._open
                batch.positions.extend(positions[at:end])
                batch.raws.extend(raws[at:end])
                batch.keys.extend(keys[at:end])
                batch.emails.extend(emails[at:end])
            at = end
            if at < len(raws) or len(self._open.raws) == self._most:
                yield self._close()

    def _fitting(self, raws: list[bytes], at: int) -> int:
        """The index behind the last record from `at` on that fits into the open batch."""
        end = min(len(raws), at + self._most - len(self._open.raws))
        length = self._length + sum(map(len, raws[at:end])) + (end - at) * self._added
        while length > self._most_bytes and (end > at + 1 or self._open.raws) and end > at:
            end -= 1
            length -= len(raws[end]) + self._added
        self._length = length
        return end

    def _close(self) -> int:
        self.last_number += 1
        last = self._open.positions[-1]
        self._intake.add_columns(self.last_number, self._ends, self._open, self._file_id)
        self._open, self._length = Columns(), self._frame
        return last
