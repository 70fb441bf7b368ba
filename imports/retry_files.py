"""retry_batches_YYYYMMDD_HHMMSS/: the failed records, byte for byte, ready to be loaded again.

Written whole or not at all: into a temporary directory, synced, then renamed. Never deleted by us.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from imports.ledger import moves, rounds
from imports.ledger.bodies import slice_of
from imports.models import ImportBatch, ImportJob, ImportResult, RetryFile
from imports.states import ResultStatus
from imports.wording import kept as _

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "retry_batches_"
SUMMARY, INSTRUCTIONS = "retry_summary.json", "RETRY_INSTRUCTIONS.md"
FILES, IN_DIRECTORY = _("{n} files"), _("{what} in {directory}")
RECORDS_EXPLAINED = 100  # of one file, in the summary; all of them are in the ledger


@dataclass(slots=True)
class _Written:
    """One file of the directory, and what the summary says of it."""

    name: str
    number: int
    confirmed: bool
    sha256: str
    results: list[ImportResult] = field(default_factory=list)

    @property
    def error(self) -> str:
        """The batch's errors in one line, the most frequent first."""
        counts = Counter(result.final_error or result.error for result in self.results)
        if len(counts) == 1:
            return next(iter(counts))
        return "; ".join(f"{count} × {text}" for text, count in counts.most_common(5))

    def details(self) -> dict[str, object]:
        statuses = Counter(result.http_status for result in self.results)
        return {
            "batch_id": self.number,
            "customer_count": len(self.results),
            "error": self.error,
            "status_code": statuses.most_common(1)[0][0],
            "retry_file": self.name,
            "sha256": self.sha256,
            "customers": [
                {
                    "customer": result.key or result.email,
                    "code": result.error_code,
                    "error": result.final_error or result.error,
                    "status_code": result.http_status,
                    "attempts": result.retry_attempts,
                }
                for result in self.results[:RECORDS_EXPLAINED]
            ],
        }


def write(job: ImportJob, parent: Path) -> Path | None:
    """Write what still waits for a person, of the job and its later rounds; the new directory.

    None, and nothing is written, where no record failed and none is unknown.
    Raises OSError where `parent` cannot be written to.
    """
    parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=".writing_", dir=parent))
    try:
        failed = _write_files(job, ResultStatus.ERROR, workplace)
        unconfirmed = _write_files(job, ResultStatus.UNKNOWN, workplace)
        if not failed and not unconfirmed:
            return None
        _write_words(job, failed, unconfirmed, workplace)
        os.chmod(workplace, 0o700)  # noqa: PTH101 - the mode of customers' data
        sync(workplace)
        with transaction.atomic():
            directory = rename_to_free_second(workplace, parent)
            _note(job, directory, [*failed, *unconfirmed])
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return directory


def _write_files(job: ImportJob, status: ResultStatus, workplace: Path) -> list[_Written]:
    """One file for each original batch that has such records, holding one batch in memory."""
    ordered = rounds.waiting(job, status).order_by("batch__number", "batch_id", "body_start", "pk")
    rows = ordered.select_related("batch").defer("batch__body").iterator(chunk_size=5_000)
    groups = groupby(rows, key=lambda row: row.batch.number if row.batch else 0)
    confirmed = status == ResultStatus.ERROR
    written = []
    for index, (number, group) in enumerate(groups, start=1):
        pattern = (
            "retry_batch_{:02d}_failed.json" if confirmed else "unconfirmed_batch_{:02d}.json"
        )
        one = _Written(pattern.format(index), number, confirmed, sha256="")
        content = b'{"data": [\n' + b",\n".join(_records(group, one)) + b"\n]}\n"
        one.sha256 = hashlib.sha256(content).hexdigest()
        write_synced(workplace / one.name, content)
        written.append(one)
    return written


def _records(rows: Iterator[ImportResult], one: _Written) -> Iterator[bytes]:
    """The records' own bytes, cut out of the batches they were sent in."""
    for batch_id, group in groupby(rows, key=lambda row: row.batch_id):
        body = bytes(ImportBatch.objects.values_list("body", flat=True).get(pk=batch_id))
        for result in group:
            one.results.append(result)
            yield slice_of(body, result)


def _write_words(
    job: ImportJob, failed: list[_Written], unconfirmed: list[_Written], workplace: Path
) -> None:
    """The summary for programs, the instructions for people."""
    summary: dict[str, object] = {
        "timestamp": timezone.localtime().isoformat(timespec="seconds"),
        "import_type": job.kind,
        "job": job.pk,
        "job_name": job.name,
        "api": job.api.name if job.api else "",
        "total_failed_batches": len(failed),
        "total_failed_customers": sum(len(one.results) for one in failed),
        "total_unconfirmed_customers": sum(len(one.results) for one in unconfirmed),
        "retry_files": [one.name for one in failed],
        "unconfirmed_files": [one.name for one in unconfirmed],
        "sha256": {one.name: one.sha256 for one in [*failed, *unconfirmed]},
        "error_details": [one.details() for one in failed],
        "unconfirmed_details": [one.details() for one in unconfirmed],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    write_synced(workplace / SUMMARY, text.encode())
    words = {"job": job, "failed": failed, "unconfirmed": unconfirmed, "summary": summary}
    instructions = render_to_string("retry_files/RETRY_INSTRUCTIONS.md", words)
    write_synced(workplace / INSTRUCTIONS, instructions.encode())


def write_synced(path: Path, content: bytes) -> None:
    """Write a file whose bytes are on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(directory: Path) -> None:
    """Let the names in a directory be on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_to_free_second(workplace: Path, parent: Path, now: datetime | None = None) -> Path:
    """Give the directory the first name from now on that is not taken.

    A rename onto a directory that has files fails, so two writers in one second get two names.
    """
    at = now or timezone.localtime()
    while True:
        directory = parent / f"{PREFIX}{at:%Y%m%d_%H%M%S}"
        try:
            if not directory.exists():
                workplace.rename(directory)
                sync(parent)
                return directory
        except OSError:
            if not directory.exists():
                raise
        at += timedelta(seconds=1)


def _note(job: ImportJob, directory: Path, written: list[_Written]) -> None:
    RetryFile.objects.bulk_create(
        RetryFile(
            job=job,
            directory=str(directory),
            name=one.name,
            sha256=one.sha256,
            batch_number=one.number,
            confirmed=one.confirmed,
            result_ids=[result.pk for result in one.results],
        )
        for one in written
    )
    ImportJob.objects.filter(pk=job.pk).update(retry_directory=str(directory))
    job.retry_directory = str(directory)
    files = FILES.format(n=len(written))
    told = IN_DIRECTORY.format(what=files, directory=directory.name)
    moves.note(job, "retry files written", told)
