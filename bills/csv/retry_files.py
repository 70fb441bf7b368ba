"""retry_batches_YYYYMMDD_HHMMSS/ of a job of bills: its failed rows as a CSV, no passwords."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from bills import error_codes
from bills.models import BillRun
from imports import retry_directory
from imports.exports import csv_rows
from imports.ledger import left_out, retries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imports.models import ImportJob, ImportResult
    from imports.retry_directory import NewDirectory


CSV_NAME = "failed_credentials.csv"
LEFT_OUT_NAME, LEFT_OUT_HEADER = "left_out_rows.csv", ("row", "code", "error")
HEADER = ("row", "email", "code", "error", "attempts", "who_must_act", "remedy")


def rows_of(job: ImportJob) -> tuple[list[str], Iterator[list[object]]]:
    """Header and rows of the credentials that wait for a person, of the job and its retries."""
    extras = list(BillRun.objects.get(job=job).extra_columns)
    return [*HEADER, *extras], (_row(result, extras) for result in _waiting(job))


def _waiting(job: ImportJob) -> Iterator[ImportResult]:
    found = retries.waiting(job).select_related("batch__credential_use__credential")
    deferred = found.defer("batch__body", "batch__credential_use__credential__password")
    return deferred.order_by("batch__number", "pk").iterator(chunk_size=1000)


def _row(result: ImportResult, extras: list[str]) -> list[object]:
    advice = error_codes.about(result.error_code)
    error = result.english
    cells = [result.position, result.email, result.error_code, error, result.retry_attempts]
    kept = result.batch.credential_use.credential.extra if result.batch else {}
    said = (advice.who, str(advice.remedy)) if advice else ("", "")
    return [*cells, *said, *(kept.get(name, "") for name in extras)]


def write(job: ImportJob, parent: Path) -> Path | None:
    """Write what waits for a person; the new directory, or None where nothing does.

    Raises OSError where `parent` cannot be written to.
    """
    never_sent = list(
        left_out.left_out(retries.descendants(job)).order_by("job_id", "position", "pk")
    )
    results = list(retries.waiting(job).order_by("batch__number", "pk"))
    if not (results or never_sent):
        return None
    with retry_directory.new_directory(parent) as new:
        if results:
            new.add(CSV_NAME, csv_rows(*rows_of(job)), [each.pk for each in results])
        if never_sent:
            rows = ([each.position, each.error_code, each.english] for each in never_sent)
            ids = [each.pk for each in never_sent]
            content = csv_rows(LEFT_OUT_HEADER, rows)
            new.add(LEFT_OUT_NAME, content, ids, confirmed=False, left_out=True)
        new.explain(
            _summary(job, new, results, never_sent), _instructions(job, results, never_sent)
        )
        return retry_directory.publish_retry_directory(job, new, parent)


def _summary(
    job: ImportJob,
    new: NewDirectory,
    results: Sequence[ImportResult],
    never_sent: Sequence[ImportResult],
) -> dict[str, Any]:
    return retry_directory.base_summary(job) | {
        "total_failed_batches": len(results),
        "total_failed_credentials": len(results),
        "total_left_out_rows": len(never_sent),
        "retry_files": [each.name for each in new.entries if not each.left_out],
        "left_out_files": [each.name for each in new.entries if each.left_out],
        "sha256": {each.name: each.sha256 for each in new.entries},
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
        "left_out_details": [
            {"row": each.position, "code": each.error_code, "error": each.english}
            for each in never_sent
        ],
    }


def _instructions(
    job: ImportJob, results: Sequence[ImportResult], never_sent: Sequence[ImportResult]
) -> str:
    counts = Counter((each.error_code, each.english) for each in results)
    causes = [
        {"code": code, "error": error, "count": count, "advice": error_codes.about(code)}
        for (code, error), count in counts.most_common()
    ]
    shown = {
        "job": job, "causes": causes, "count": len(results), "csv_name": CSV_NAME,
        "left_out": len(never_sent), "left_out_name": LEFT_OUT_NAME,
    }  # fmt: skip
    return render_to_string("bills/RETRY_INSTRUCTIONS.md", shown)
