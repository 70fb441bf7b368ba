"""A retry's batches: records of earlier ones, byte for byte, under the numbers they had."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from django.db.models import ExpressionWrapper, F, Func, IntegerField
from django.db.models.functions import Substr

from imports.ledger.bodies import Frame, bytes_of
from imports.ledger.intake import Intake, NewRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.models import ImportJob, ImportResult

ROWS_AT_ONCE = 5_000
BYTES_AT_ONCE = 1_000  # records
LENGTH = Func("batch__body", function="octet_length", output_field=IntegerField())
HEAD_LENGTH = ExpressionWrapper(F("batch__head_length"), IntegerField())
TAIL_LENGTH = ExpressionWrapper(F("batch__tail_length"), IntegerField())


@dataclass(frozen=True, slots=True)
class _Old:
    """A record that goes out again, with what its batch was, and its bytes."""

    pk: int
    position: int
    key: str
    email: str
    file_id: int | None
    batch_id: int
    number: int
    batch_size: int
    batch_key: str
    head: bytes | None
    tail: bytes | None
    raw: bytes


OLD_COLUMNS = (
    "pk", "position", "key", "email", "file_id", "batch_id", "batch__number", "batch__size",
    "batch__idempotency_key", "head", "tail",
)  # fmt: skip


@dataclass(slots=True)
class _NewBatch:
    """One batch of the retry while it is put together from one or more old ones.

    The key is the old one's only for the same bytes that are not known to have failed: it
    protects from doing them twice.
    """

    olds: list[_Old] = field(default_factory=list)
    key: str = ""

    def as_new(self) -> tuple[tuple[bytes, int, int], list[NewRecord]]:
        """As the ledger takes it in: the body with the lengths of its ends, and its records."""
        first = self.olds[0]
        ends = bytes(first.head or b""), bytes(first.tail or b"")
        frame = Frame(ends[0], tuple(old.raw for old in self.olds), ends[1])
        records = [
            NewRecord(old.position, old.key, old.email, start, length, old.pk, old.file_id)
            for old, (start, length) in zip(self.olds, frame.places, strict=True)
        ]
        return (frame.body, len(frame.head), len(frame.tail)), records


def copy(new: ImportJob, chosen: QuerySet[ImportResult], *, keep_keys: bool) -> int:
    """Copy records and their bytes, batch by batch, holding one batch in memory at a time."""
    intake, count = Intake(new), 0
    for number, group in groupby(_olds(chosen), key=lambda old: old.number):
        for part, made in enumerate(_gather(number, group, new.batch_size, keep_keys=keep_keys)):
            frame, records = made.as_new()
            intake.add_batch(number, part, frame, records, None, key=made.key)
            count += len(records)
    intake.flush()
    return count


def _olds(chosen: QuerySet[ImportResult]) -> Iterator[_Old]:
    """The records in the order of their batches, with their bytes: a query for each thousand."""
    rows = (
        chosen.annotate(
            head=Substr("batch__body", 1, HEAD_LENGTH),
            tail=Substr("batch__body", LENGTH - TAIL_LENGTH + 1, TAIL_LENGTH),
        )
        .order_by("batch__number", "batch__part", "batch_id", "body_start", "pk")
        .values_list(*OLD_COLUMNS)
        .iterator(chunk_size=ROWS_AT_ONCE)
    )
    while some := list(islice(rows, BYTES_AT_ONCE)):
        raws = bytes_of([row[0] for row in some])
        for row in some:
            values: list[Any] = [*row, raws[row[0]]]
            yield _Old(*values)


def _gather(
    number: int, olds: Iterator[_Old], most: int, *, keep_keys: bool
) -> Iterator[_NewBatch]:
    """The records of one number, in one batch as far as they fit.

    They may not: retry files that were loaded are numbered anew, so rounds can share a number.
    """
    gathered = _NewBatch()
    for _, group in groupby(olds, key=lambda old: old.batch_id):
        some = list(group)
        if gathered.olds and len(gathered.olds) + len(some) > most:
            yield gathered
            gathered = _NewBatch()
        whole = keep_keys and len(some) == some[0].batch_size
        gathered.key = some[0].batch_key if whole and not gathered.olds else ""
        gathered.olds += some
    yield gathered
