"""Corrected customers on their way out: put into batches as the API takes them."""

from __future__ import annotations

from collections import Counter, deque
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from imports.customers.batches import body, cut
from imports.customers.records import Record
from imports.ledger.intake import NewRecord
from imports.ledger.versions import Parcel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imports.customers.checks import Checks
    from imports.models import ImportResult

NEVER_IN_A_BATCH = 1  # the number of a batch for those that could not be sent before


class Version(NamedTuple):
    """A corrected record, and the result of the version that failed."""

    record: Record
    old: ImportResult


def of_text(raw: bytes, key: str, email: str, old: ImportResult) -> Version:
    """The version that somebody has written by hand."""
    return Version(Record(old.position, 0, len(raw), raw, key, email), old)


def parcels(versions: Iterable[Version], size: int, checks: Checks) -> Iterator[Parcel]:
    """Batches of up to `size`, of customers that came in by one file and failed in one batch.

    The versions come in that order. A batch keeps the number of the one that it comes from.
    """
    parts: Counter[int] = Counter()
    for (_file_id, number), group in groupby(versions, key=_origin):
        olds: deque[ImportResult] = deque()
        for batch in cut(_records(group, olds), size, checks):
            mine = [olds.popleft() for _ in batch]
            yield _parcel(number, parts[number], batch, mine, checks)
            parts[number] += 1


def _origin(version: Version) -> tuple[int | None, int]:
    old = version.old
    return old.file_id, old.batch.number if old.batch else NEVER_IN_A_BATCH


def _records(group: Iterable[Version], olds: deque[ImportResult]) -> Iterator[Record]:
    """The records alone; the versions that they correct are put aside in the same order."""
    for each in group:
        olds.append(each.old)
        yield each.record


def _parcel(
    number: int, part: int, batch: Sequence[Record], olds: Sequence[ImportResult], checks: Checks
) -> Parcel:
    opening, closing = checks.opening, checks.closing
    whole, spans = body([each.raw for each in batch], opening, closing)
    records = tuple(
        NewRecord(old.position, record.key, record.email, start, length, old.pk)
        for record, old, (start, length) in zip(batch, olds, spans, strict=True)
    )
    return Parcel(number, part, (whole, len(opening), len(closing)), records, olds[0].file_id)
