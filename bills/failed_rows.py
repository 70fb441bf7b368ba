"""retry_batches_YYYYMMDD_HHMMSS/ of a job of bills: its failed rows as a CSV, no passwords."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from bills import error_codes
from bills.models import BillRun
from imports import retry_files
from imports.event_codes import EventCode
from imports.exports import csv_rows
from imports.ledger import moves, rounds
from imports.models import ImportJob, RetryFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.error_codes import ErrorCode
    from imports.models import ImportResult

CSV_NAME = "failed_credentials.csv"
HEADER = ("row", "email", "code", "error", "attempts", "who_must_act", "remedy")


def rows_of(job: ImportJob) -> tuple[list[str], Iterator[list[object]]]:
    """Header and rows of what waits for a person, of the job and its later rounds."""
    extras = list(BillRun.objects.get(job=job).extra_columns)
    return [*HEADER, *extras], (_row(result, extras) for result in _waiting(job))


def _waiting(job: ImportJob) -> Iterator[ImportResult]:
    found = rounds.waiting(job).select_related("batch__credential_use__credential")
    deferred = found.defer("batch__body", "batch__credential_use__credential__password")
    return deferred.order_by("batch__number", "pk").iterator(chunk_size=1000)


def _row(result: ImportResult, extras: list[str]) -> list[object]:
    advice = error_codes.about(result.error_code)
    error = result.english
    told = [result.position, result.email, result.error_code, error, result.retry_attempts]
    kept = result.batch.credential_use.credential.extra if result.batch else {}
    return [*told, *_cells(advice), *(kept.get(name, "") for name in extras)]


def _cells(advice: ErrorCode | None) -> tuple[str, str]:
    return (advice.who, str(advice.remedy)) if advice else ("", "")


def write(job: ImportJob, parent: Path) -> Path | None:
    """Write what waits for a person; the new directory, or None where nothing does.

    Raises OSError where `parent` cannot be written to.
    """
    if not rounds.waiting(job).exists():
        return None
    parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=".writing_", dir=parent))
    try:
        header, rows = rows_of(job)
        content = b"".join(csv_rows(header, rows))
        sha256 = hashlib.sha256(content).hexdigest()
        retry_files.write_synced(workplace / CSV_NAME, content)
        _write_words(job, sha256, workplace)
        workplace.chmod(0o700)
        retry_files.sync(workplace)
        with transaction.atomic():
            directory = retry_files.rename_to_free_second(workplace, parent)
            _note(job, directory, sha256)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return directory


def _write_words(job: ImportJob, sha256: str, workplace: Path) -> None:
    """The summary for programs, the instructions for people."""
    results = list(rounds.waiting(job).order_by("batch__number", "pk"))
    causes = Counter((each.error_code, each.english) for each in results)
    summary: dict[str, Any] = {
        "timestamp": timezone.localtime().isoformat(timespec="seconds"),
        "import_type": job.kind,
        "job": job.pk,
        "job_name": job.name,
        "total_failed_batches": len(results),
        "total_failed_credentials": len(results),
        "retry_files": [CSV_NAME],
        "sha256": {CSV_NAME: sha256},
        "error_details": [
            {
                "batch_id": each.batch.number if each.batch else 0,
                "email": each.email,
                "code": each.error_code,
                "error": each.english,
                "attempts": each.retry_attempts,
            }
            for each in results
        ],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    retry_files.write_synced(workplace / retry_files.SUMMARY, text.encode())
    told = [
        {"code": code, "error": error, "count": count, "advice": error_codes.about(code)}
        for (code, error), count in causes.most_common()
    ]
    words = {"job": job, "causes": told, "count": len(results), "csv_name": CSV_NAME}
    instructions = render_to_string("bills/RETRY_INSTRUCTIONS.md", words)
    retry_files.write_synced(workplace / retry_files.INSTRUCTIONS, instructions.encode())


def _note(job: ImportJob, directory: Path, sha256: str) -> None:
    ids = list(rounds.waiting(job).values_list("pk", flat=True))
    RetryFile.objects.create(
        job=job,
        directory=str(directory),
        name=CSV_NAME,
        sha256=sha256,
        batch_number=0,
        result_ids=ids,
    )
    ImportJob.objects.filter(pk=job.pk).update(retry_directory=str(directory))
    job.retry_directory = str(directory)
    moves.note(
        job,
        EventCode.RETRY_FILES_WRITTEN,
        retry_files.IN_DIRECTORY.format(what=CSV_NAME, directory=directory.name),
    )
