"""Large files are cut in portions, each committed by itself, and sent meanwhile.

A job runs from its first portion on. What is still uncut counts as pending, and the job cannot
finish before it is cut. A portion moves `cut_through` on by compare-and-set: two workers never
cut the same records. What is cut is what was checked: a file that has changed pauses the job.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import F

from imports.customers.api.setup import checks_of
from imports.customers.files import batching
from imports.customers.files.check_index import Index
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.plain_cut import PlainCutter
from imports.customers.files.reader import index_name
from imports.customers.retry_file_matches import RetryFileMatches
from imports.job_types import InputOutOfSight, ReadLater
from imports.ledger import lifecycle
from imports.ledger.batches import Intake, Refused, analyze, one_at_a_time
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportFile, ImportJob
from imports.models.jobs import Rollout
from imports.sealing.keys import Unreadable
from imports.states import ENDED_JOBS, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imports.customers.files.limits import Checks
    from imports.messages import Text

FEWEST_RECORDS = 5_000  # fewer are cut at once
PORTION_BATCHES = 40  # fewer than the intake collects, so that none is written before
FILE_CHANGED = "FILE_CHANGED"
NOT_CUT = sentence(
    "NOT_CUT",
    _(
        "The job was cancelled, and its file changed, or was gone, before this record was read. "
        "It was not sent."
    ),
)


class Overtaken(Exception):
    """Another worker has cut these records."""


def read(job: ImportJob) -> None:
    """Cut a queued job's files, or the first portion of them.

    Raises UnreadableInput or ReadLater; then the caller stores nothing.
    """
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks, files = checks_of(job.api), _files(job)
    one_at_a_time(f"{job.api_id} {file.sha256}" for file in files)
    if _others_cut(job, files):
        raise ReadLater
    plain = batching.names_each_once(files, checks)
    if not (plain and _may_be_cut_in_portions(job, files)):
        batching.read(job, files, checks, plain=plain)
        batching.forget(files, checks)
        return
    total = sum(file.record_count for file in files)
    ImportJob.objects.filter(pk=job.pk).update(uncut_count=total, cut_through=[0, 0, 0])
    with batching.refusing_unreadable():
        Cut(job).portion()


def _files(job: ImportJob) -> list[ImportFile]:
    return list(job.files.select_related("retry_file__job").order_by("pk"))


def _others_cut(job: ImportJob, files: Sequence[ImportFile]) -> bool:
    """Whether another job at this API is at one of these files: what it sends is not known yet."""
    digests = [file.sha256 for file in files]
    others = ImportJob.objects.filter(api=job.api_id, uncut_count__gt=0).exclude(pk=job.pk)
    return others.filter(files__sha256__in=digests).exists()


def _may_be_cut_in_portions(job: ImportJob, files: Sequence[ImportFile]) -> bool:
    """Whether no record is known from before, and all of the job goes out at once."""
    if job.rollout != Rollout.ALL or sum(f.record_count for f in files) < FEWEST_RECORDS:
        return False
    return not any(RetryFileMatches(job, f, set(), force=job.force).knows for f in files)


class Cut:
    """Cuts a job from where it was cut to. Lives as long as its worker's turn."""

    def __init__(self, job: ImportJob) -> None:
        if job.api is None:
            raise TypeError("only customer imports have customer files")
        found = ImportJob.objects.values_list("cut_through", flat=True).get(pk=job.pk)
        self.job, self._through = job, found
        self._checks, self._files = checks_of(job.api), _files(job)
        self._intake = Intake(job)
        self._portions = 0
        self._batches = self._cut() if found else iter(())

    def _cut(self) -> Iterator[list[int]]:
        """Cut batch by batch; yields how far: [which file, record, batch number]."""
        start, position, number = self._through or (0, 0, 0)
        for index, file in enumerate(self._files[start:], start):
            leave_out = partial(batching.leave_out_of, self._intake, file)
            cutter = PlainCutter(self._intake, file, self._checks, number, leave_out)
            blocks = batching.recorded(file, self._checks, [], position)
            for last in cutter.cut(blocks):
                yield [index, last, cutter.last_number]
            number, position = cutter.last_number, 0

    def portion(self) -> bool:
        """Commit a portion; False if it was the last.

        Raises UnreadableFile, InputOutOfSight or Overtaken.
        """
        intake = self._intake
        before = intake.waiting + intake.refused, intake.refused
        with transaction.atomic():
            through = None
            for _n in range(PORTION_BATCHES):
                through = next(self._batches, None)
                if through is None:
                    break
            taken = intake.waiting + intake.refused - before[0]
            self._move_on(through, taken, intake.refused - before[1])
            intake.flush()
        self._portions += 1
        if through is None or self._portions in (1, 8, 64):
            analyze()
        return through is not None

    def _move_on(self, through: list[int] | None, taken: int, refused: int) -> None:
        """Compare-and-set how far the job is cut, in the portion's own transaction."""
        left = F("uncut_count") - taken if through else 0
        same = ImportJob.objects.filter(pk=self.job.pk, cut_through=self._through)
        moved = same.update(
            cut_through=through, uncut_count=left, unsendable_count=F("unsendable_count") + refused
        )
        if not moved:
            raise Overtaken
        self._through = through
        if through is None:
            batching.forget(self._files, self._checks)

    def name_rest(self, why: Text) -> None:
        """Exclude the records whose file has changed: by name, as far as checking has kept it."""
        start, position, _number = self._through or (0, 0, 0)
        with transaction.atomic():
            count = 0
            for file in self._files[start:]:
                for at, key in _names_behind(position, file, self._checks):
                    self._intake.add_refused(Refused(at, key, "", FILE_CHANGED, why, b""), file.pk)
                    count += 1
                position = 0
            self._move_on(None, count, count)
            self._intake.flush()


def _names_behind(position: int, file: ImportFile, checks: Checks) -> Iterator[tuple[int, str]]:
    """Each record behind that position, with its name where checking has kept it."""
    following = position + 1
    index = Index.opened(batching.indexes() / index_name(file.sha256, checks))
    for first, keys in index.customers() if index else ():
        for at, key in enumerate(keys, first):
            if at == following:
                yield at, key
                following += 1
    yield from ((at, "") for at in range(following, file.record_count + 1))


@contextmanager
def reading(job: ImportJob) -> Iterator[Callable[[], bool]]:
    """What cuts the next portion of a running job, and says whether more is left.

    One worker has it at a time, until the block ends or its connection breaks.
    """
    left = ImportJob.objects.filter(pk=job.pk, uncut_count__gt=0, status=JobStatus.RUNNING)
    if not left.exists() or not _try_lock(job):
        yield lambda: False
        return
    try:
        yield partial(_portion_or_pause, Cut(job))
    finally:
        _unlock(job)


def _portion_or_pause(cut: Cut) -> bool:
    try:
        return cut.portion()
    except Overtaken:
        return False
    except UnreadableFile as error:
        lifecycle.pause_for(cut.job, FILE_CHANGED, error.message)
        return False
    except Unreadable as error:
        lifecycle.pause_for(cut.job, "RECORDS_KEY", error.message)
        return False


def cut_rest(job: ImportJob) -> None:
    """Cut all that is left of an ended job: its records are in the ledger then, as not sent."""
    if job.status not in ENDED_JOBS or not _try_lock(job):
        return
    try:
        cut = Cut(job)
        try:
            while cut.portion():
                pass
        except (UnreadableFile, InputOutOfSight):
            Cut(job).name_rest(NOT_CUT)
    finally:
        _unlock(job)


def _try_lock(job: ImportJob) -> bool:
    with connection.cursor() as sql:
        sql.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"cut {job.pk}"])
        return bool(sql.fetchone()[0])


def _unlock(job: ImportJob) -> None:
    with connection.cursor() as sql:
        sql.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"cut {job.pk}"])
