"""How a job's records come into the ledger: by COPY, in the transaction that reads its input."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from psycopg.types.json import Jsonb

from imports.ledger.statements import cursor
from imports.messages import cause_of, render, to_json
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from imports.messages import Text
    from imports.models import ImportJob

BATCHES_AT_ONCE = 100  # kept in memory before they are written

BATCH_COLUMNS = {
    "id": "int8", "job_id": "int8", "number": "int4", "part": "int4", "size": "int4",
    "body": "bytea",
    "head_length": "int4", "tail_length": "int4", "body_sha256": "text", "idempotency_key": "text",
    "after_numbers": "int4[]",
}  # fmt: skip
RESULT_COLUMNS = {
    "job_id": "int8", "batch_id": "int8", "file_id": "int8", "position": "int4", "key": "text",
    "email": "text", "status": "text", "error_code": "text", "error": "text",
    "final_error": "text", "message": "jsonb", "cause": "text",
    "body_start": "int4", "body_length": "int4", "refused_record": "bytea", "retry_of_id": "int8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One record of a batch to be: what it is called, and where its bytes stand in the body."""

    position: int
    key: str
    email: str
    start: int = 0
    length: int = 0
    retry_of: int | None = None
    file_id: int | None = None  # where a batch's records come from several


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that is never sent: why, and its bytes, so that it is not lost."""

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
        self._ids: list[int] = []
        self._batch_rows: list[tuple[object, ...]] = []
        self._result_rows: list[tuple[object, ...]] = []

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None, key: str = "", after: Collection[int] = (),
    ) -> int:  # fmt: skip
        """One batch; its id. `frame` is the body, and how many of its bytes stand before and
        after the records. Its idempotency key is a new one, unless `key` is given. It may be
        claimed once the batches numbered `after` have ended."""
        batch_id = self._next_id()
        body, head, tail = frame
        sha256 = hashlib.sha256(body).hexdigest() if body else ""
        row = (batch_id, self.job.pk, number, part, len(records), body, head, tail, sha256)
        self._batch_rows.append((*row, key or uuid.uuid4().hex, sorted(after) or None))
        pending = ResultStatus.PENDING.value
        self._result_rows += [
            (
                self.job.pk, batch_id, record.file_id or file_id, record.position, record.key,
                record.email, pending, "", "", None, None, "", record.start, record.length, None,
                record.retry_of,
            )
            for record in records
        ]  # fmt: skip
        self.batches += 1
        if len(self._batch_rows) >= BATCHES_AT_ONCE:
            self.flush()
        return batch_id

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """One record that cannot be sent: excluded, with its reason and its bytes."""
        self.refused += 1
        error = render(record.message)
        self._result_rows.append(
            (
                self.job.pk, None, file_id, record.position, record.key, record.email,
                ResultStatus.EXCLUDED.value, record.code, error, error,
                Jsonb(to_json(record.message)), cause_of(record.message), 0, 0,
                record.raw, None,
            )
        )  # fmt: skip

    def finish(self) -> None:
        """Write the rest, and how many records the job excludes."""
        self.flush()
        if self.batches >= BATCHES_AT_ONCE:  # or plans are made for the tables as they were before
            with connection.cursor() as sql:
                sql.execute("ANALYZE imports_importbatch, import_results")
        self.job.unsendable_count = self.refused
        self.job.save(update_fields=["unsendable_count"])

    def flush(self) -> None:
        """Write what has been collected. Batches first: results point at them."""
        copy_in("imports_importbatch", BATCH_COLUMNS, self._batch_rows)
        copy_in("import_results", RESULT_COLUMNS, self._result_rows)
        self._batch_rows.clear()
        self._result_rows.clear()

    def _next_id(self) -> int:
        if not self._ids:
            with connection.cursor() as sql:
                sql.execute(
                    "SELECT nextval(pg_get_serial_sequence('imports_importbatch', 'id'))"
                    " FROM generate_series(1, %s) ORDER BY 1 DESC",
                    [BATCHES_AT_ONCE],
                )
                self._ids = [row[0] for row in sql.fetchall()]
        return self._ids.pop()


def one_at_a_time(names: Iterable[str]) -> None:
    """Hold these names until the transaction ends: whoever reads the same input waits for it."""
    with connection.cursor() as sql:
        for name in sorted(set(names)):
            sql.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def copy_in(table: str, columns: dict[str, str], rows: Sequence[tuple[object, ...]]) -> None:
    """COPY rows into a table, in binary: bytes go over as they are."""
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor() as sql, sql.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
