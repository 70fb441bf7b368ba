"""Records in blocks: as the reader finds and judges them, many at a time."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers.files.json_stream import Run
from imports.customers.files.validation import Judge, Record, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imports.customers.files.json_stream import Element
    from imports.customers.files.limits import Checks

BLOCK_RECORDS = 100  # of those that are judged one by one
BLOCK_BYTES = 1 << 20


class Block(NamedTuple):
    """Records that stand behind each other in a file, each at the same index of all lists.

    `first` is the position of the first, counted from 1; `starts` are offsets in the file.
    `refusals` and `warnings` hold the few records that have any, by their index. As in a Record,
    `raws` holds b"" for a refused one that is too large to be copied.
    """

    first: int
    starts: list[int]
    sizes: list[int]
    raws: list[bytes]
    keys: list[str]
    emails: list[str]
    refusals: dict[int, Refusal]
    warnings: dict[int, tuple[Any, ...]]

    @property
    def is_plain(self) -> bool:
        """Whether all its records can be sent, and nothing is strange about any."""
        return not self.refusals and not self.warnings

    @property
    def end(self) -> int:
        """The offset behind its last record."""
        return self.starts[-1] + self.sizes[-1]

    def behind(self, position: int) -> Block:
        """The block without the records up to that position."""
        gone = position + 1 - self.first
        if gone <= 0:
            return self
        refusals = {n - gone: each for n, each in self.refusals.items() if n >= gone}
        warnings = {n - gone: each for n, each in self.warnings.items() if n >= gone}
        return Block(
            position + 1, self.starts[gone:], self.sizes[gone:], self.raws[gone:],
            self.keys[gone:], self.emails[gone:], refusals, warnings,
        )  # fmt: skip

    def records(self) -> Iterator[Record]:
        """The records one by one."""
        rows = zip(self.starts, self.sizes, self.raws, self.keys, self.emails, strict=True)
        for index, row in enumerate(rows):
            yield Record(
                self.first + index, *row, self.refusals.get(index), self.warnings.get(index, ())
            )


def blocks(found: Iterable[Element | Run], name: str, checks: Checks) -> Iterator[Block]:
    """What stands in a file's list, judged: runs as they are, and all else one by one."""
    judge, position = Judge(name, checks), 1
    some: list[Record] = []
    size = 0
    for each in found:
        if isinstance(each, Run):
            if some:
                yield _block_of(some)
                some, size = [], 0
            yield _block_of_run(each, position)
            position += len(each.stretch.raws)
            continue
        some.append(judge.record(each, position))
        position, size = position + 1, size + each.size
        if len(some) == BLOCK_RECORDS or size > BLOCK_BYTES:
            yield _block_of(some)
            some, size = [], 0
    if some:
        yield _block_of(some)


def _block_of_run(run: Run, first: int) -> Block:
    raws, keys, emails = run.stretch
    sizes = list(map(len, raws))
    starts = list(accumulate((size + run.gap for size in sizes[:-1]), initial=run.start))
    return Block(first, starts, sizes, raws, keys, emails, {}, {})


def _block_of(records: list[Record]) -> Block:
    return Block(
        records[0].position,
        [each.offset for each in records],
        [each.size for each in records],
        [each.raw for each in records],
        [each.key for each in records],
        [each.email for each in records],
        {n: each.refusal for n, each in enumerate(records) if each.refusal},
        {n: each.warnings for n, each in enumerate(records) if each.warnings},
    )
