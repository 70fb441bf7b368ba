"""Dry runs: read the input exactly as an import does, but count instead of storing."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max, Q, Sum, Value
from django.db.models.functions import Now

from imports.customers import drafts
from imports.customers.api.setup import checks_of
from imports.customers.files.batching import Reader
from imports.customers.files.duplicates import IdRegister
from imports.customers.files.warnings import MOST_SENTENCES, keep
from imports.customers.members import sources
from imports.engine.runner import DATABASE_AWAY
from imports.job_types import UnreadableInput
from imports.ledger.known_before import of_files
from imports.ledger.lifecycle import NotAllowed, lock, note
from imports.messages import Message, Text, render, sentence, to_json
from imports.messages import marked as gettext_noop
from imports.models import CustomerApi, DryRun, ImportFile, ImportJob, ImportResult
from imports.outside_text import on_one_line
from imports.states import EventCode, FileStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from imports.ledger.batches import NewRecord, Refused
    from imports.models import RecordTemplate

LOOKED_UP_AT_ONCE = 1_000  # customers
LEAST_EXAMPLES = 3  # of each reason, also beyond the first hundred


@dataclass(slots=True)
class _OfFile:
    """One file's share."""

    file: ImportFile
    sent: int = 0
    left_out: int = 0
    batches: int = 0

    def summary(self) -> dict[str, Any]:
        return {
            "file": self.file.name,
            "path": self.file.path,
            "size": self.file.size,
            "sha256": self.file.sha256,
            "verdict": str(self.file.status),
            "message": str(self.file.message or ""),
            "customers": self.sent + self.left_out,
            "would_send": self.sent,
            "would_exclude": self.left_out,
            "batches": self.batches,
        }


@dataclass(slots=True)
class Count:
    """Takes what the ledger's intake takes, and only counts it. Sentences: the first hundred."""

    api: CustomerApi
    seen: Callable[[int], None]  # told now and then how many records have been read
    files: list[_OfFile] = field(default_factory=list)
    sizes: Counter[int] = field(default_factory=Counter)  # how many batches have so many records
    codes: Counter[str] = field(default_factory=Counter)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    imported_before: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None, key: str = "", after: Collection[int] = (),
    ) -> int:  # fmt: skip
        """Count a batch that would be sent."""
        self.files[-1].batches += 1
        self.files[-1].sent += len(records)
        self.sizes[len(records)] += 1
        self._keys += [record.key for record in records if record.key]
        if len(self._keys) >= LOOKED_UP_AT_ONCE:
            self.look_up()
        self._read(len(records))
        return number

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """Count a record that would not be sent."""
        self.files[-1].left_out += 1
        self.codes[record.code] += 1
        if len(self.left_out) < MOST_SENTENCES or self.codes[record.code] <= LEAST_EXAMPLES:
            self.left_out.append(self._summary(record))
        self._read(1)

    def _summary(self, record: Refused) -> dict[str, Any]:
        return {
            "file": self.files[-1].file.name,
            "position": record.position,
            "customer": record.key or record.email,
            "code": record.code,
            "reason": render(record.message),
            "message": to_json(record.message),
        }

    def _read(self, count: int) -> None:
        self.records += count
        self.seen(self.records)

    def look_up(self) -> None:
        """Which of the latest customers this API took in earlier jobs. One query, by index."""
        keys = Counter(self._keys)
        self._keys.clear()
        taken = ImportResult.objects.filter(
            key__in=list(keys), status=ResultStatus.SUCCESS, job__api=self.api
        )
        found = taken.order_by("key").values_list("key").annotate(job=Max("job_id"))
        for key, job in found:
            self.imported_before += keys[key]
            keep(self.examples, {"customer": key, "job": job})


def forecast(
    job: ImportJob, files: Iterable[ImportFile], seen: Callable[[int], None] = lambda records: None
) -> dict[str, Any]:
    """What starting `job` with these checked files would come to, as JSON says it.

    Nothing is stored or sent; neither job nor files need be stored. Raises UnreadableInput.
    """
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks = checks_of(job.api)
    count = Count(job.api, seen)
    reader = Reader(job, checks, count)
    reader.read(files, lambda file: count.files.append(_OfFile(file)))
    count.look_up()
    at_most = min(job.batch_size, checks.max_batch_records)
    return _summary(job, count, at_most) | _strange(reader, count)


def _summary(job: ImportJob, count: Count, at_most: int) -> dict[str, Any]:
    sent, left_out = (
        sum(getattr(file, name) for file in count.files) for name in ("sent", "left_out")
    )
    return {
        "api": job.api.name if job.api else "",
        "files": [file.summary() for file in count.files],
        "customers": sent + left_out,
        "would_send": sent,
        "would_exclude": left_out,
        "batches": {
            "total": count.sizes.total(),
            "at_most": at_most,
            "largest": max(count.sizes, default=0),
            "smallest": min(count.sizes, default=0),
            "at_once": job.concurrency,
        },
        "excluded_by_reason": dict(count.codes.most_common()),
        "excluded": count.left_out,
        "already_imported": count.codes["ALREADY_IMPORTED"],
    }


def _strange(reader: Reader, count: Count) -> dict[str, Any]:
    """What is sent all the same, and a person may want to look at before."""
    return {
        "named_twice": reader.warnings.duplicated,
        "named_twice_examples": list(map(render, reader.warnings.duplicates)),
        "earlier_copies_left_out": reader.warnings.left_out_copies,
        "imported_before": count.imported_before,
        "imported_before_examples": count.examples,
        "with_warnings": reader.warnings.warned,
        "warnings": list(map(render, reader.warnings.warnings)),
        "messages": {"named_twice": list(map(to_json, reader.warnings.duplicates))},
    }


MOST_FILES = 20
MOST_REASONS = 20
MOST_EXAMPLES = 5


def in_words(found: dict[str, Any]) -> str:
    """The dry run as text: totals, each file, what is left out and why, warnings."""
    known = of_files(found.get("known_before", ()))
    return "\n".join(
        [*_totals(found), *_files(found), *known, *_left_out(found), *_warning_lines(found)]
    )


def _totals(found: dict[str, Any]) -> Iterator[str]:
    batches = found["batches"]
    yield f"Dry run for {found['api']!r}: nothing was sent and nothing was stored."
    yield (
        f"{_customers(found['customers'])} in {_count(len(found['files']), 'file')}: "
        f"{found['would_send']:,} would be sent in {_count(batches['total'], 'batch', 'batches')}"
        f" of up to {batches['at_most']:,}, {found['would_exclude']:,} would be left out."
    )


def _files(found: dict[str, Any]) -> Iterator[str]:
    for file in found["files"][:MOST_FILES]:
        left_out = f", {file['would_exclude']:,} left out" if file["would_exclude"] else ""
        batches = _count(file["batches"], "batch", "batches")
        name, customers = on_one_line(file["file"]), _customers(file["customers"])
        yield f"  {name}: {customers}, {batches}{left_out}"
    yield from _more(len(found["files"]), MOST_FILES)


def _left_out(found: dict[str, Any]) -> Iterator[str]:
    if found["would_exclude"]:
        yield "Left out, each with its reason:"
        for code, count in found["excluded_by_reason"].items():
            yield f"  {count:,} × {code}"
        for each in found["excluded"][:MOST_REASONS]:
            yield f"  {each['reason']}"
        yield from _more(found["would_exclude"], MOST_REASONS)


def _warning_lines(found: dict[str, Any]) -> Iterator[str]:
    """What is sent all the same."""
    if found["named_twice"]:
        yield f"Named more than once: {found['named_twice']:,}"
        yield from _some(found["named_twice_examples"], found["named_twice"])
    if found["imported_before"]:
        yield f"Imported before by this API, and sent again: {found['imported_before']:,}"
        examples = found["imported_before_examples"]
        named = [f"{each['customer']}, in job {each['job']}" for each in examples]
        yield from _some(named, found["imported_before"])
    if found["warnings"]:
        count = max(found["with_warnings"], len(found["warnings"]))
        yield f"Warnings: {count:,}"
        yield from _some(found["warnings"], count)


def _some(sentences: list[str], count: int) -> Iterator[str]:
    for shown in sentences[:MOST_EXAMPLES]:
        yield f"  {shown}"
    yield from _more(count, MOST_EXAMPLES)


def _more(count: int, shown: int) -> Iterator[str]:
    if count > shown:
        yield f"  … and {count - shown:,} more"


def _customers(count: int) -> str:
    return _count(count, "customer")


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


logger = logging.getLogger(__name__)
AT_ONCE_BYTES = 16 << 20  # of files that are read while a person waits: a second or two
SIGN_SECONDS = 2.0
SILENT = timedelta(seconds=60)  # after which another may begin anew: a worker was killed
WOULD_SEND = sentence(
    "WOULD_SEND", gettext_noop("{n} of {total} customers would be sent in {batches} batches.")
)
FAILED_READING = sentence(
    "FAILED_READING_DRY",
    gettext_noop("Redrive itself failed while reading ({error}). See the log."),
)
CHECK_TOO_LATE = sentence(
    "CHECK_TOO_LATE", gettext_noop("This job has started, so there is nothing left to check.")
)
NOTHING_TO_CHECK = sentence(
    "NOTHING_TO_CHECK", gettext_noop("There is nothing to check yet. Add files first.")
)
SOME_UNREADABLE = sentence(
    "CHECK_UNREADABLE", gettext_noop("Some files cannot be read. Remove them first.")
)
SOME_UNFINISHED = sentence(
    "CHECK_UNFINISHED", gettext_noop("Some files need a record template, or are being read.")
)
NOTHING_SENT = sentence("NOTHING_SENT_BY_CHECK", gettext_noop("Nothing was sent."))
NOBODY_IS_AT_IT = Q(finished_at=None) & (Q(alive_at=None) | Q(alive_at__lt=Now() - Value(SILENT)))


class _Overtaken(Exception):
    """The dry run was requested again, or the draft was started or discarded."""


def of_paths(
    api: CustomerApi, paths: list[Path], template: RecordTemplate | None = None, **options: bool
) -> dict[str, Any]:
    """What importing these files would come to, as JSON says it. Nothing is stored.

    `options` are fields of the job: `force`, `leave_earlier_copies_out`.

    Raises UnreadableInput with a line for each file that is refused.
    """
    job = ImportJob(kind="customers", api=api, **options, **drafts.settings_of(api))
    register = IdRegister(checks_of(api).spelling)
    files: list[ImportFile] = []
    try:
        for path in paths:
            files.append(drafts.checked(job, path, register=register, template=template))  # noqa: PERF401 - the finished ones are forgotten, too
        refused = [file.message for file in files if file.status != FileStatus.VALID]
        if refused:
            raise UnreadableInput("\n".join(map(str, refused)))
        notes = [note for file in files for note in file.known_before]
        return forecast(job, files) | {"known_before": notes}
    finally:
        for file in files:
            sources.forget_pieces(file)


def ask(job: ImportJob, actor: str) -> DryRun:
    """Have a draft checked; what was found before is forgotten. Raises NotAllowed.

    The caller makes it, or enqueues it for a worker.
    """
    with transaction.atomic():
        if lock(job) != JobStatus.DRAFT:
            raise NotAllowed(CHECK_TOO_LATE)
        if not job.files.exists():
            raise NotAllowed(NOTHING_TO_CHECK)
        if drafts.unreadable(job):
            raise NotAllowed(SOME_UNREADABLE)
        if drafts.unfinished(job):
            raise NotAllowed(SOME_UNFINISHED)
        DryRun.objects.filter(job=job).delete()
        return DryRun.objects.create(job=job, actor=actor, draft=digest(job))


def is_small(job: ImportJob) -> bool:
    """Whether a person may wait for it."""
    size: int = job.files.aggregate(size=Sum("size", default=0))["size"]
    return size <= AT_ONCE_BYTES


def digest(job: ImportJob) -> str:
    """Changes with the draft's files, its settings, and its API's."""
    api = job.api
    inputs = [
        list(job.files.order_by("pk").values_list("pk", "sha256")),
        [job.batch_size, job.concurrency, job.force, job.leave_earlier_copies_out],
        [api.pk, api.preset, api.mapping] if api else [],
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def carry_out(job: ImportJob) -> None:
    """Make the dry run that a draft waits for, if there is one and nobody is at it.

    Raises InputOutOfSight where it waits for a host that can see the files.
    """
    token = uuid.uuid4()
    waiting = DryRun.objects.filter(NOBODY_IS_AT_IT, job=job, job__status=JobStatus.DRAFT)
    if waiting.exists():
        drafts.bring_files(job)
    if not waiting.update(token=token, alive_at=Now(), records=0):
        return
    found: dict[str, Any] = {}
    trouble: Text | None = None
    try:
        found = forecast(job, job.files.order_by("pk").iterator(), _Signs(token))
        found["files"] = len(found["files"])  # the page lists them as it is
    except _Overtaken:
        return
    except UnreadableInput as error:
        trouble = error.message
    except DATABASE_AWAY:
        raise  # the sweeper enqueues it again once its heartbeat is old
    except Exception as error:
        logger.exception("job %s: its dry run failed", job.pk, extra={"job": job.pk})
        trouble = FAILED_READING.format(error=type(error).__name__)
    _finish(job, token, found, trouble)


def _finish(job: ImportJob, token: uuid.UUID, found: dict[str, Any], trouble: Text | None) -> None:
    with transaction.atomic():
        mine = DryRun.objects.filter(token=token, finished_at=None)
        if mine.update(forecast=found, trouble=trouble, finished_at=Now()):
            message = trouble or _in_short(found)
            actor = DryRun.objects.values_list("actor", flat=True).get(token=token)
            note(job, EventCode.CHECKED, message + NOTHING_SENT, actor)


def _in_short(found: dict[str, Any]) -> Message:
    return WOULD_SEND.format(
        n=found["would_send"], total=found["customers"], batches=found["batches"]["total"]
    )


class _Signs:
    """Records a heartbeat and the progress now and then; stops if the dry run is superseded."""

    def __init__(self, token: uuid.UUID) -> None:
        self.mine = DryRun.objects.filter(token=token, job__status=JobStatus.DRAFT)
        self.next_at = time.monotonic() + SIGN_SECONDS

    def __call__(self, records: int) -> None:
        if time.monotonic() < self.next_at:
            return
        if not self.mine.update(alive_at=Now(), records=records):
            raise _Overtaken
        self.next_at = time.monotonic() + SIGN_SECONDS
