"""Writes the retry directory of a customer import: its records, byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from imports import retry_directory
from imports.customers.members import failed_rows
from imports.ledger import left_out, retries
from imports.ledger.batches import body_of, slice_of
from imports.sealing.keys import Ring
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from imports.customers.members.failed_rows import WrittenRows
    from imports.models import ImportJob, ImportResult
    from imports.retry_directory import NewDirectory

RECORDS_EXPLAINED = 100  # of one file, in the summary; all of them are in the ledger
MOST_EXPLAINED = 10_000  # of all files of one kind: the summary can still be read at once
LEFT_OUT_IN_A_FILE = 1_000
FAILED_NAME = "retry_batch_{:02d}_failed.json"
UNCONFIRMED_NAME = "unconfirmed_batch_{:02d}.json"
LEFT_OUT_NAME = "left_out_batch_{:02d}.json"


@dataclass(slots=True)
class _Written:
    """One file of the directory, and what the summary says of it: memory hardly grows with it."""

    name: str
    number: int
    most_explained: int
    sha256: str = ""
    result_ids: list[int] = field(default_factory=list)  # of those whose bytes are in the file
    customers: list[dict[str, object]] = field(default_factory=list)
    count: int = 0
    error: str = ""
    status_code: int | None = None
    _errors: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[int | None] = field(default_factory=Counter)

    def explain(self, result: ImportResult) -> None:
        """Count a record, and explain it if it is among the first."""
        self.count += 1
        self._errors[result.english] += 1
        self._statuses[result.http_status] += 1
        if len(self.customers) < self.most_explained:
            self.customers.append(
                {
                    "customer": result.key or result.email,
                    "code": result.error_code,
                    "error": result.english,
                    "status_code": result.http_status,
                    "attempts": result.retry_attempts,
                }
            )

    def close(self) -> None:
        """Put its errors into one line, the most frequent first."""
        most = self._errors.most_common(5)
        is_one = len(self._errors) == 1
        self.error = most[0][0] if is_one else "; ".join(f"{n} × {text}" for text, n in most)
        self.status_code = self._statuses.most_common(1)[0][0]
        self._errors.clear()

    def details(self) -> dict[str, object]:
        return {
            "batch_id": self.number,
            "customer_count": self.count,
            "error": self.error,
            "status_code": self.status_code,
            "retry_file": self.name,
            "sha256": self.sha256,
            "customers": self.customers,
        }


def write(job: ImportJob, parent: Path) -> Path | None:
    """Write the records of the job and its retries that wait for a person; the new directory.

    None, without writing, if no record failed, is unknown or could not be sent.
    Raises OSError if `parent` is not writable.
    """
    if not retry_directory.is_needed(job):
        return None
    with retry_directory.new_directory(parent) as new:
        failed = _write_batches(job, ResultStatus.ERROR, new)
        unconfirmed = _write_batches(job, ResultStatus.UNKNOWN, new)
        never_sent = _write_left_out(job, new)
        rows = failed_rows.write(job, new)
        if not (failed or unconfirmed or never_sent):
            return None  # somebody has just retried the last of them
        summary = _summary(job, failed, unconfirmed, never_sent) | _of_rows(rows)
        shown = {
            "job": job, "failed": failed, "unconfirmed": unconfirmed, "left_out": never_sent,
            "rows": rows, "summary": summary,
        }  # fmt: skip
        instructions = render_to_string("retry_files/RETRY_INSTRUCTIONS.md", shown)
        new.explain(summary, instructions)
        return retry_directory.publish_retry_directory(job, new, parent)


def _write_batches(job: ImportJob, status: ResultStatus, new: NewDirectory) -> list[_Written]:
    """One file for each original batch that has such records, holding one batch in memory."""
    ordered = retries.waiting(job, status).order_by(
        "batch__number", "batch_id", "body_start", "pk"
    )
    rows = ordered.select_related("batch").defer("batch__body").iterator(chunk_size=5_000)
    groups = groupby(rows, key=lambda row: row.batch.number if row.batch else 0)
    is_failed = status == ResultStatus.ERROR
    pattern = FAILED_NAME if is_failed else UNCONFIRMED_NAME
    written, room = [], MOST_EXPLAINED
    for index, (number, group) in enumerate(groups, start=1):
        one = _Written(pattern.format(index), number, min(RECORDS_EXPLAINED, room))
        content = _as_file(_records(group, one))
        one.sha256 = new.add(
            one.name, content, one.result_ids, batch_number=number, confirmed=is_failed
        )
        one.close()
        room -= len(one.customers)
        written.append(one)
    return written


def _write_left_out(job: ImportJob, new: NewDirectory) -> list[_Written]:
    """The records that could not be sent, as they came in, in files beside the failed ones."""
    ordered = left_out.left_out(retries.descendants(job)).order_by(
        "job_id", "file_id", "position", "pk"
    )
    rows = ordered.iterator(chunk_size=LEFT_OUT_IN_A_FILE)
    written: list[_Written] = []
    room, ring = MOST_EXPLAINED, Ring()
    while group := list(islice(rows, LEFT_OUT_IN_A_FILE)):
        one = _Written(LEFT_OUT_NAME.format(len(written) + 1), 0, min(RECORDS_EXPLAINED, room))
        for each in group:
            one.explain(each)
        one.close()
        room -= len(one.customers)
        whole = [each for each in group if left_out.is_kept_whole(each)]
        one.result_ids = [each.pk for each in whole]
        content = _as_file(map(partial(left_out.raw_of, ring=ring), whole))
        one.sha256 = new.add(one.name, content, one.result_ids, confirmed=False, left_out=True)
        written.append(one)
    return written


def _as_file(records: Iterable[bytes]) -> Iterator[bytes]:
    """`{"data": [...]}`, piece by piece."""
    yield b'{"data": [\n'
    for index, raw in enumerate(records):
        yield b",\n" + raw if index else raw
    yield b"\n]}\n"


def _records(rows: Iterator[ImportResult], one: _Written) -> Iterator[bytes]:
    """The records' own bytes, cut out of the batches they were sent in."""
    ring = Ring()
    for batch_id, group in groupby(rows, key=lambda row: row.batch_id):
        body = body_of(batch_id or 0, ring)  # all of them have one
        for result in group:
            one.explain(result)
            one.result_ids.append(result.pk)
            yield slice_of(body, result)


def _summary(
    job: ImportJob, failed: list[_Written], unconfirmed: list[_Written], never_sent: list[_Written]
) -> dict[str, Any]:
    return retry_directory.base_summary(job) | {
        "api": job.api.name if job.api else "",
        "total_failed_batches": len(failed),
        "total_failed_customers": _count(failed),
        "total_unconfirmed_customers": _count(unconfirmed),
        "total_left_out_customers": _count(never_sent),
        "retry_files": [one.name for one in failed],
        "unconfirmed_files": [one.name for one in unconfirmed],
        "left_out_files": [one.name for one in never_sent],
        "sha256": {one.name: one.sha256 for one in [*failed, *unconfirmed, *never_sent]},
        "error_details": [one.details() for one in failed],
        "unconfirmed_details": [one.details() for one in unconfirmed],
        "left_out_details": [one.details() for one in never_sent],
    }


def _of_rows(rows: list[WrittenRows]) -> dict[str, Any]:
    """The files that hold the same customers as rows, where they came in as rows."""
    return {"row_files": [one.details() for one in rows]} if rows else {}


def _count(files: list[_Written]) -> int:
    return sum(one.count for one in files)
