"""Encrypts what was stored before ENCRYPT_RECORDS was on: a few rows or one file at a time.

Each step commits by itself. Killed, it goes on where it was; jobs may run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, Value

from imports.ledger import batches
from imports.models import (
    Attempt,
    CorrectedRow,
    ImportBatch,
    ImportFile,
    ImportResult,
    MemberFile,
    RetryFile,
)
from imports.retention import replace_directory
from imports.sealing import files, keys
from imports.states import FileStatus, JobStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

Change = Callable[[keys.DataKey, Any], dict[str, Any]]
ROWS_AT_ONCE = 100
IS_READ = (
    Q(status=FileStatus.READING)
    | Q(job__status=JobStatus.QUEUED)
    | Q(job__uncut_count__gt=0) & ~Q(job__status=JobStatus.PAUSED)
)


def everything() -> Iterator[tuple[str, int]]:
    """What was encrypted, step by step: ("batches", 100). Raises OSError."""
    for name, rows, changed in TABLES:
        last = 0
        while some := _sealed_rows(rows().filter(pk__gt=last), changed):
            last = some[-1]
            yield name, len(some)
    for pk in list(plain_files().values_list("pk", flat=True)):
        if file := plain_files().exclude(IS_READ).filter(pk=pk).first():
            yield "files", _seal_file(file)
    written = RetryFile.objects.filter(_is_plain("directory")).order_by()
    for directory in list(written.values_list("directory", flat=True).distinct()):
        replace_directory(directory)
        yield "retry directories", 1


def plain_files() -> QuerySet[ImportFile]:
    """The uploads that are still to be encrypted, those among them that a worker reads."""
    return ImportFile.objects.filter(_is_plain("path"), is_ours=True).order_by("pk")


def _is_plain(field: str) -> Q:
    """What lies in the storage, and not below the folder of sealed files."""
    sealed = Q((f"{field}__startswith", stored.STORED + files.FOLDER))
    return Q((f"{field}__startswith", stored.STORED)) & ~sealed


def _sealed_rows(rows: QuerySet[Any], changed: Change) -> list[int]:
    """Seal a few of these rows; return their ids. It waits for whoever has locked one of them."""
    key_of = cache(keys.of_job)
    with transaction.atomic():
        found = list(rows.select_for_update(of=("self",), no_key=True)[:ROWS_AT_ONCE])
        for row in found:
            key = key_of(_job_of(row))
            fields = changed(key, row) | {"sealed_with": key.pk}
            type(row)._default_manager.filter(pk=row.pk).update(**fields)
    return [row.pk for row in found]


def _job_of(row: Any) -> int:
    result = row.result if isinstance(row, CorrectedRow) else row
    return int(result.job_id)


def _batches() -> QuerySet[ImportBatch]:
    return ImportBatch.objects.filter(sealed_with=None).exclude(body=b"").order_by("pk")


def _batch(key: keys.DataKey, row: ImportBatch) -> dict[str, Any]:
    return {"body": batches.sealed(key, bytes(row.body), row.pk)[0]}


def _refused() -> QuerySet[ImportResult]:
    kept = ImportResult.objects.filter(sealed_with=None, batch=None, refused_record__isnull=False)
    return kept.exclude(refused_record=b"").order_by("pk")


def _refused_record(key: keys.DataKey, row: ImportResult) -> dict[str, Any]:
    about = keys.of_refused(row.position)
    return {"refused_record": key.seal(bytes(row.refused_record or b""), about)}


def _rows() -> QuerySet[CorrectedRow]:
    rows = CorrectedRow.objects.filter(sealed_with=None).exclude(raw=b"")
    return rows.select_related("result").order_by("pk")


def _row(key: keys.DataKey, row: CorrectedRow) -> dict[str, Any]:
    return {"raw": key.seal(bytes(row.raw), keys.of_row(row.result_id))}


def _answers() -> QuerySet[Attempt]:
    return Attempt.objects.filter(sealed_with=None).exclude(answer="").order_by("pk")


def _answer(key: keys.DataKey, row: Attempt) -> dict[str, Any]:
    kept = keys.sealed_text(key, row.answer, keys.of_answer(row.batch_id))
    return {"answer": Value(kept)}  # base64 may be longer than a text from outside


TABLES: tuple[tuple[str, Callable[[], QuerySet[Any]], Change], ...] = (
    ("batches", _batches, _batch),
    ("records left out", _refused, _refused_record),
    ("corrected rows", _rows, _row),
    ("answers", _answers, _answer),
)


def _seal_file(file: ImportFile) -> int:
    """Store an upload, and what was made of it, sealed; delete what is plain. How many files."""
    member = MemberFile.objects.filter(file=file).first()
    moved = {where: _sealed_name(where) for where in file.pieces if stored.exists(where)}
    for where, name in moved.items():
        stored.keep_sealed(name, stored.pieces(where))
    with transaction.atomic():
        same = ImportFile.objects.filter(pk=file.pk, path=file.path)
        if not same.update(path=stored.STORED + _sealed_name(file.path)):
            return 0  # it was made into something else meanwhile
        if member is not None and member.source:
            source = stored.STORED + _sealed_name(member.source)
            MemberFile.objects.filter(pk=member.pk).update(source=source)
    for where in moved:
        stored.delete(where)
    return len(moved)


def _sealed_name(where: str) -> str:
    return files.FOLDER + stored.name_of(where)
