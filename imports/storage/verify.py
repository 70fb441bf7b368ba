"""Compares what the ledger names with what the storage has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef

from imports.models import ImportBatch, ImportFile, RetryFile
from imports.sealing.keys import KeyMissing, Unreadable
from imports.states import JobStatus
from imports.storage import stored
from imports.storage.stored import StorageAway

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_NAMED = 100  # of each kind, in the answer; all are counted


@dataclass(frozen=True, slots=True)
class Expected:
    """One file that the ledger names."""

    where: str
    sha256: str
    owner: str  # "job 7", for a person
    size: int | None = None


@dataclass(slots=True)
class Comparison:
    """What was found of one kind of files. `missing` and `altered` name the first hundred."""

    kind: str
    expected: int = 0
    present: int = 0
    missing_count: int = 0
    altered_count: int = 0
    missing: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.missing_count or self.altered_count)


def compare(kind: str, files: Iterable[Expected], *, quick: bool = False) -> Comparison:
    """Look for each file; read it, too, unless only existence and size are asked for.

    Raises StorageAway where the storage does not answer: nothing is known then.
    """
    found = Comparison(kind)
    for file in files:
        found.expected += 1
        try:
            is_same = _is_same(file, quick=quick)
        except (StorageAway, KeyMissing):
            raise
        except Unreadable:
            is_same = False
        except OSError:
            found.missing_count += 1
            if len(found.missing) < MOST_NAMED:
                found.missing.append(f"{stored.shown(file.where)} ({file.owner})")
            continue
        found.present += 1
        if not is_same:
            found.altered_count += 1
            if len(found.altered) < MOST_NAMED:
                found.altered.append(f"{stored.shown(file.where)} ({file.owner})")
    return found


def _is_same(file: Expected, *, quick: bool) -> bool:
    if quick:
        size = stored.size(file.where)
        return file.size is None or file.size == size
    digest = hashlib.sha256()
    for piece in stored.pieces(file.where):
        digest.update(piece)
    return not file.sha256 or digest.hexdigest() == file.sha256


def uploads() -> Iterator[Expected]:
    """The input files that Redrive keeps, and the operators' own that are still to be read."""
    is_cut = Exists(ImportBatch.objects.filter(job=OuterRef("job")))
    files = ImportFile.objects.annotate(is_cut=is_cut).select_related("job").order_by("pk")
    for file in files.exclude(sha256="").exclude(path="").iterator():
        unread = not file.is_cut and file.job.status in (JobStatus.DRAFT, JobStatus.QUEUED)
        if file.is_ours or unread:
            yield Expected(file.path, file.sha256, f"job {file.job_id}", file.size)


def retry_directories() -> Iterator[Expected]:
    """The files of each job's newest retry directory: `retry_files JOB` writes them again."""
    newest = RetryFile.objects.filter(directory=F("job__retry_directory")).order_by("pk")
    for file in newest.defer("result_ids").iterator():
        yield Expected(f"{file.directory}/{file.name}", file.sha256, f"job {file.job_id}")
