"""How records get into the ledger (COPY), and how frozen bytes are cut into smaller batches."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from itertools import accumulate, groupby, islice
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import BinaryField, Case, ExpressionWrapper, F, Func, IntegerField, Max, When
from django.db.models.functions import Coalesce, Least, Substr
from psycopg.types.json import Jsonb

from imports.ledger.copy_rows import WaitingRows, copy_in
from imports.messages import cause_of, render, to_json
from imports.models import ImportBatch, ImportResult
from imports.sealing import keys
from imports.states import BatchStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from imports.messages import Text
    from imports.models import ImportJob
    from imports.sealing.keys import DataKey

# As a kind's own reader joins them: a batch that is put together again whole has the same bytes.
BETWEEN = b", "
LARGEST_RECORD = 1 << 24  # bytes: no reader takes a larger one
KEPT_COLUMNS = (
    "pk", "kept", "sealed_with", "position", "batch_id", "batch__sealed_with", "body_start",
    "body_length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchBody:
    """The bytes of a new batch: each record, and what stands before, between and after them."""

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

    def fields(self, job_id: int) -> dict[str, object]:
        """The fields of a new batch that never change: its bytes, their hash, its own key."""
        frozen: dict[str, object] = {"body": self.body}
        if self.head and (key := keys.to_seal(job_id)):
            pk = new_ids(1)[0]
            body, sealed_with = sealed(key, self.body, pk)
            frozen = {"pk": pk, "body": body, "sealed_with": sealed_with}
        return frozen | {
            "head_length": len(self.head),
            "tail_length": len(self.tail),
            "body_sha256": hashlib.sha256(self.body).hexdigest() if self.head else "",
            "idempotency_key": uuid.uuid4().hex,
        }


def _places(at: int, lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    for length in lengths:
        yield at, length
        at += length + len(BETWEEN)


def excerpt(batch: ImportBatch, results: Sequence[ImportResult]) -> BatchBody:
    """The body of a batch with only these records. The bodies of bills are empty."""
    body = body_of(batch.pk)
    return BatchBody(
        head=body[: batch.head_length],
        records=tuple(slice_of(body, result) for result in results),
        tail=body[len(body) - batch.tail_length :],
    )


def body_of(batch_id: int, ring: keys.Ring | None = None) -> bytes:
    """The bytes of a batch. Raises Unreadable where no key opens them."""
    found = ImportBatch.objects.values_list("body", "sealed_with").get(pk=batch_id)
    return keys.plain(*found, keys.of_batch(batch_id), ring)


def sealed(key: DataKey | None, body: bytes, batch_id: int) -> tuple[bytes, int | None]:
    """A batch's body as it is stored, and the id of the key that sealed it."""
    if key is None or not body:
        return body, None
    return key.seal(body, keys.of_batch(batch_id)), key.pk


def blank(batch_id: int, start: int, length: int) -> None:
    """Blank one record in a batch's bytes, so that the others stay where they stand.

    Raises Unreadable where no key opens them.
    """
    with transaction.atomic():
        mine = ImportBatch.objects.filter(pk=batch_id)
        locked = mine.select_for_update(no_key=True).values_list("body", "sealed_with")
        stored, sealed_with = locked.first() or (b"", None)
        body = keys.plain(stored, sealed_with, keys.of_batch(batch_id))
        if len(body) < start + length:
            return
        body = body[:start] + b" " * length + body[start + length :]
        key = None if sealed_with is None else keys.opened(sealed_with)
        kept, _pk = sealed(key, body, batch_id)
        mine.update(body=kept, body_sha256=hashlib.sha256(body).hexdigest())


def bytes_of(ids: Collection[int], most: int = LARGEST_RECORD) -> dict[int, bytes]:
    """{result id: the record's original bytes}, sent or not; one query, and one for each sealed
    batch.

    At most `most` bytes of each; b"" if only its id is known. Raises Unreadable where no key
    opens them.
    """
    sent = Substr("batch__body", F("body_start") + 1, Least("body_length", most))
    begun = Case(
        When(sealed_with=None, then=Substr("refused_record", 1, most)),
        default="refused_record", output_field=BinaryField(),
    )  # fmt: skip
    of_batch = Case(When(batch__sealed_with=None, then=sent), output_field=BinaryField())
    kept = Coalesce(of_batch, begun)
    rows = ImportResult.objects.filter(pk__in=ids).annotate(kept=kept).order_by()
    found: dict[int, bytes] = {}
    hidden: dict[int, list[tuple[int, int, int]]] = {}
    ring = keys.Ring()
    for pk, raw, sealed_with, position, *sent_in in rows.values_list(*KEPT_COLUMNS):
        batch_id, batch_sealed_with, start, length = sent_in
        if batch_sealed_with is not None:
            hidden.setdefault(batch_id, []).append((pk, start, length))
        else:
            found[pk] = keys.plain(raw, sealed_with, keys.of_refused(position), ring)[:most]
    for batch_id, places in hidden.items():
        body = body_of(batch_id, ring)
        found |= {pk: body[at : at + min(length, most)] for pk, at, length in places}
    return found


def slice_of(body: bytes, result: ImportResult) -> bytes:
    """The original bytes of one record."""
    return body[result.body_start : result.body_start + result.body_length]


PUT_OFF = """
UPDATE imports_importbatch b SET next_attempt_at = mine.due_at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS mine(id, due_at)
WHERE b.id = mine.id AND b.status = 'pending'
"""


def put_off(due: Mapping[int, datetime]) -> None:
    """Set when these new batches (by their ids) may be claimed."""
    if due:
        with connection.cursor() as sql:
            sql.execute(PUT_OFF, [list(due), list(due.values())])


def put_off_all(job: ImportJob, until: datetime) -> int:
    """Let nothing of the job be claimed before then; how many batches wait longer by that."""
    early = ImportBatch.objects.filter(job=job, status=BatchStatus.PENDING)
    return early.filter(next_attempt_at__lt=until).update(next_attempt_at=until)


BATCHES_AT_ONCE = 100  # kept in memory before they are written
RECORDS_AT_ONCE = 10_000  # the same of records that cannot be sent

BATCH_COLUMNS = {
    "id": "int8", "job_id": "int8", "number": "int4", "part": "int4", "size": "int4",
    "body": "bytea",
    "head_length": "int4", "tail_length": "int4", "body_sha256": "text", "idempotency_key": "text",
    "after_numbers": "int4[]", "sealed_with": "int8",
}  # fmt: skip
RESULT_COLUMNS = {
    "job_id": "int8", "batch_id": "int8", "file_id": "int8", "position": "int4", "key": "text",
    "email": "text", "status": "text", "error_code": "text", "error": "text",
    "final_error": "text", "message": "jsonb", "cause": "text",
    "body_start": "int4", "body_length": "int4", "refused_record": "bytea", "retry_of_id": "int8",
    "sealed_with": "int8", "is_new_version": "bool",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One record of a new batch: its id, and where its bytes stand in the body."""

    position: int
    key: str
    email: str
    start: int = 0
    length: int = 0
    retry_of: int | None = None
    file_id: int | None = None  # where a batch's records come from several


@dataclass(frozen=True, slots=True)
class Columns:
    """The records of a new batch, each at the same index of all lists: quicker than one by one."""

    positions: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that is never sent: the reason, and its bytes so that they are not lost."""

    position: int
    key: str
    email: str
    code: str
    message: Text
    raw: bytes


class Intake:
    """Collects new batches and refused records of one job and writes them in groups."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.refused = 0
        self.batches = 0
        self.waiting = 0
        self._ids: list[int] = []
        self._batch_rows: list[tuple[object, ...]] = []
        self._result_rows: list[tuple[object, ...]] = []
        self._waiting = WaitingRows()
        self._key: DataKey | None = None

    def add_columns(
        self, number: int, ends: tuple[bytes, bytes], records: Columns, file_id: int
    ) -> None:
        """One batch of new records that wait for nothing; `ends` stand before and after them."""
        head, tail = ends
        batch_id, raws = self._next_id(), records.raws
        sizes = list(map(len, raws))
        between = len(BETWEEN)
        starts = list(accumulate((size + between for size in sizes[:-1]), initial=len(head)))
        self._add_batch_row(
            batch_id,
            number,
            0,
            len(raws),
            (head + BETWEEN.join(raws) + tail, len(head), len(tail)),
        )
        self._waiting.add(
            self.job.pk, batch_id, file_id, starts, sizes, records.positions, records.keys,
            records.emails,
        )  # fmt: skip
        self._flush_if_many()

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None, key: str = "", after: Collection[int] = (), *, is_copy: bool = False,
    ) -> int:  # fmt: skip
        """One batch; its id. `frame` is the body, and how many of its bytes stand before and
        after the records. Its idempotency key is a new one, unless `key` is given. It may be
        claimed once the batches numbered `after` have ended. A copy has the bytes of the results
        that it is a retry of; of others that is looked up."""
        batch_id = self._next_id()
        changed = set() if is_copy else _new_versions(frame[0], records)
        self._add_batch_row(batch_id, number, part, len(records), frame, key, after)
        pending = ResultStatus.PENDING.value
        self._result_rows += [
            (
                self.job.pk, batch_id, record.file_id or file_id, record.position, record.key,
                record.email, pending, "", "", None, None, "", record.start, record.length, None,
                record.retry_of, None, record.retry_of in changed or None,
            )
            for record in records
        ]  # fmt: skip
        self._flush_if_many()
        return batch_id

    def _add_batch_row(
        self, batch_id: int, number: int, part: int, size: int, frame: tuple[bytes, int, int],
        key: str = "", after: Collection[int] = (),
    ) -> None:  # fmt: skip
        body, head, tail = frame
        sha256 = hashlib.sha256(body).hexdigest() if body else ""
        kept, sealed_with = sealed(self._sealing_key() if body else None, body, batch_id)
        row = (batch_id, self.job.pk, number, part, size, kept, head, tail, sha256)
        own_key = key or uuid.uuid4().hex
        self._batch_rows.append((*row, own_key, sorted(after) or None, sealed_with))
        self.batches += 1
        self.waiting += size

    def _flush_if_many(self) -> None:
        if len(self._batch_rows) >= BATCHES_AT_ONCE:
            self.flush()

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """One record that cannot be sent: excluded, with its reason and its bytes."""
        self.refused += 1
        error = render(record.message)
        raw, sealed_with = record.raw, None
        if raw and (key := self._sealing_key()):
            raw, sealed_with = key.seal(raw, keys.of_refused(record.position)), key.pk
        self._result_rows.append(
            (
                self.job.pk, None, file_id, record.position, record.key, record.email,
                ResultStatus.EXCLUDED.value, record.code, error, error,
                Jsonb(to_json(record.message)), cause_of(record.message), 0, 0,
                raw, None, sealed_with, None,
            )
        )  # fmt: skip
        if len(self._result_rows) >= RECORDS_AT_ONCE:
            self.flush()

    def finish(self) -> None:
        """Write the rest, and how many records the job excludes."""
        self.flush()
        if self.batches >= BATCHES_AT_ONCE:
            analyze()
        self.job.unsendable_count = self.refused
        self.job.save(update_fields=["unsendable_count"])

    def flush(self) -> None:
        """Write what has been collected. Batches first: results point at them."""
        copy_in("imports_importbatch", BATCH_COLUMNS, self._batch_rows)
        self._waiting.write()
        copy_in("import_results", RESULT_COLUMNS, self._result_rows)
        self._batch_rows.clear()
        self._result_rows.clear()

    def _next_id(self) -> int:
        if not self._ids:
            self._ids = new_ids(BATCHES_AT_ONCE)
        return self._ids.pop()

    def _sealing_key(self) -> DataKey | None:
        """The job's key, where records are sealed; asked for once."""
        if self._key is None and keys.is_on():
            self._key = keys.of_job(self.job.pk)
        return self._key


def new_ids(count: int) -> list[int]:
    """So many ids of new batches, the highest first."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT nextval(pg_get_serial_sequence('imports_importbatch', 'id'))"
            " FROM generate_series(1, %s) ORDER BY 1 DESC",
            [count],
        )
        return [row[0] for row in sql.fetchall()]


def _new_versions(body: bytes, records: Sequence[NewRecord]) -> set[int]:
    """The results that are sent again with other bytes than before."""
    retried = {each.retry_of: each for each in records if each.retry_of is not None}
    if not retried:
        return set()
    before = bytes_of(retried)
    mine = {pk: body[each.start : each.start + each.length] for pk, each in retried.items()}
    return {pk for pk, raw in mine.items() if before.get(pk) != raw}


# A table that was never counted has no pages.
HAVE_GROWN = """
SELECT relname FROM pg_class
WHERE oid IN ('imports_importbatch'::regclass, 'import_results'::regclass)
  AND pg_relation_size(oid) > 2 * relpages::bigint * current_setting('block_size')::bigint
ORDER BY relname
"""


def analyze() -> None:
    """Count the tables anew that have doubled, or plans are made for them as they were before.

    PostgreSQL counts the others itself, later. To count takes a quarter of a second.
    """
    with connection.cursor() as sql:
        sql.execute(HAVE_GROWN)
        if grown := ", ".join(name for (name,) in sql.fetchall()):
            sql.execute(f"ANALYZE {grown}")


def one_at_a_time(names: Iterable[str]) -> None:
    """Lock these ids until the transaction ends, so that jobs with the same input take turns."""
    with connection.cursor() as sql:
        for name in sorted(set(names)):
            sql.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


ROWS_AT_ONCE = 5_000
BYTES_AT_ONCE = 1_000  # records
LENGTH = Func("batch__body", function="octet_length", output_field=IntegerField())
HEAD_LENGTH = ExpressionWrapper(F("batch__head_length"), IntegerField())
TAIL_LENGTH = ExpressionWrapper(F("batch__tail_length"), IntegerField())


@dataclass(frozen=True, slots=True)
class _Old:
    """A record to send again, with its bytes and its old batch."""

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
    "batch__idempotency_key", "head", "tail", "batch__sealed_with", "batch__head_length",
    "batch__tail_length",
)  # fmt: skip


@dataclass(slots=True)
class _NewBatch:
    """One batch of the retry while it is built from one or more old batches.

    It keeps the old idempotency key only for the same bytes that are not known to have failed:
    the key keeps the API from storing them twice.
    """

    olds: list[_Old] = field(default_factory=list)
    key: str = ""

    def as_new(self) -> tuple[tuple[bytes, int, int], list[NewRecord]]:
        """As the ledger takes it in: the body with the lengths of its ends, and its records."""
        first = self.olds[0]
        ends = bytes(first.head or b""), bytes(first.tail or b"")
        frame = BatchBody(ends[0], tuple(old.raw for old in self.olds), ends[1])
        records = [
            NewRecord(old.position, old.key, old.email, start, length, old.pk, old.file_id)
            for old, (start, length) in zip(self.olds, frame.places, strict=True)
        ]
        return (frame.body, len(frame.head), len(frame.tail)), records


def copy(new: ImportJob, chosen: QuerySet[ImportResult], *, keep_keys: bool) -> int:
    """Copy records and their bytes, batch by batch, holding one batch in memory at a time."""
    intake, count = Intake(new), 0
    last = _last_number(new) if _divides(new) else None
    for number, group in groupby(_olds(chosen), key=lambda old: old.number):
        for part, made in enumerate(_gather(number, group, new.batch_size, keep_keys=keep_keys)):
            frame, records = made.as_new()
            place = (number, part)
            if last is not None:
                last += 1
                place = (last, 0)
            intake.add_batch(*place, frame, records, None, key=made.key, is_copy=True)
            count += len(records)
    intake.flush()
    return count


def _divides(new: ImportJob) -> bool:
    """Whether the retry has smaller batches. They are numbered anew: a rollout counts them."""
    return new.retry_of is not None and new.batch_size < new.retry_of.batch_size


def _last_number(job: ImportJob) -> int:
    last = ImportBatch.objects.filter(job=job).aggregate(last=Max("number"))["last"]
    return last or 0


def _olds(chosen: QuerySet[ImportResult]) -> Iterator[_Old]:
    """The records in the order of their batches, with their bytes; a query per thousand."""
    rows = (
        chosen.annotate(
            head=Substr("batch__body", 1, HEAD_LENGTH),
            tail=Substr("batch__body", LENGTH - TAIL_LENGTH + 1, TAIL_LENGTH),
        )
        .order_by("batch__number", "batch__part", "batch_id", "body_start", "pk")
        .values_list(*OLD_COLUMNS)
        .iterator(chunk_size=ROWS_AT_ONCE)
    )
    ring = keys.Ring()
    while some := list(islice(rows, BYTES_AT_ONCE)):
        raws = bytes_of([row[0] for row in some])
        ends = {row[5]: row[-2:] for row in some if row[-3] is not None}  # of sealed batches
        ends = {batch: _ends_of(ring, batch, *lengths) for batch, lengths in ends.items()}
        for row in some:
            values: list[Any] = [*row[:-3], raws[row[0]]]
            if row[5] in ends:
                values[-3:-1] = ends[row[5]]
            yield _Old(*values)


def _ends_of(
    ring: keys.Ring, batch_id: int, head_length: int, tail_length: int
) -> tuple[bytes, bytes]:
    """What stands before and after the records of a batch."""
    body = body_of(batch_id, ring)
    return body[:head_length], body[len(body) - tail_length :]


def _gather(
    number: int, olds: Iterator[_Old], most: int, *, keep_keys: bool
) -> Iterator[_NewBatch]:
    """Put the records of one batch number into one batch, as far as they fit.

    Loaded retry files are numbered from 1 again, so retries can share a number and not fit. What
    is more than fits is divided, unless it keeps its idempotency key.
    """
    gathered = _NewBatch()
    for _, group in groupby(olds, key=lambda old: old.batch_id):
        batch = list(group)
        whole = keep_keys and len(batch) == batch[0].batch_size
        for some in [batch] if whole else _divided(batch, most):
            if gathered.olds and len(gathered.olds) + len(some) > most:
                yield gathered
                gathered = _NewBatch()
            gathered.key = some[0].batch_key if whole and not gathered.olds else ""
            gathered.olds += some
    yield gathered


def _divided(batch: list[_Old], most: int) -> Iterator[list[_Old]]:
    for start in range(0, len(batch), most):
        yield batch[start : start + most]
