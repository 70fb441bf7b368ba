"""A batch's bytes: frozen when it is made; a smaller batch is cut out of them, byte for byte."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F
from django.db.models.functions import Coalesce, Least, Substr

from imports.models import ImportBatch, ImportResult

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# As a kind's own reader joins them: a batch that is put together again whole has the same bytes.
BETWEEN = b", "
LARGEST_RECORD = 1 << 24  # bytes: no reader takes a larger one


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of a batch to be: what stands before, between and after, and each record."""

    head: bytes
    records: tuple[bytes, ...]
    tail: bytes

    @property
    def body(self) -> bytes:
        return self.head + BETWEEN.join(self.records) + self.tail if self.head else b""

    @property
    def places(self) -> list[tuple[int, int]]:
        """Each record's (start, length) in the body."""
        return list(_places(len(self.head), map(len, self.records)))

    def fields(self) -> dict[str, object]:
        """The fields of a new batch that never change: its bytes, their hash, its own key."""
        return {
            "body": self.body,
            "head_length": len(self.head),
            "tail_length": len(self.tail),
            "body_sha256": hashlib.sha256(self.body).hexdigest() if self.head else "",
            "idempotency_key": uuid.uuid4().hex,
        }


def _places(at: int, lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    for length in lengths:
        yield at, length
        at += length + len(BETWEEN)


def excerpt(batch: ImportBatch, results: Sequence[ImportResult]) -> Frame:
    """The frame of a batch with only these of its records. Bills have no bytes: all are empty."""
    body = bytes(ImportBatch.objects.values_list("body", flat=True).get(pk=batch.pk))
    return Frame(
        head=body[: batch.head_length],
        records=tuple(slice_of(body, result) for result in results),
        tail=body[len(body) - batch.tail_length :],
    )


def bytes_of(ids: Collection[int], most: int = LARGEST_RECORD) -> dict[int, bytes]:
    """Records byte for byte as they came in, by their results' ids: sent or not. One query.

    At most `most` bytes of each; b"" where only an id is known of it.
    """
    sent = Substr("batch__body", F("body_start") + 1, Least("body_length", most))
    kept = Coalesce(sent, Substr("refused_record", 1, most))
    rows = ImportResult.objects.filter(pk__in=ids).annotate(kept=kept)
    return {pk: bytes(each or b"") for pk, each in rows.values_list("pk", "kept")}


def slice_of(body: bytes, result: ImportResult) -> bytes:
    """One record, byte for byte as it came in."""
    return body[result.body_start : result.body_start + result.body_length]
