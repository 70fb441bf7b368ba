"""Corrected records: matched with the failures they belong to, previewed, and sent as new
versions.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.core import signing
from django.db.models import Exists, OuterRef, Q

from imports.customers.files.batching import body, cut
from imports.customers.files.reader import read_records
from imports.customers.files.validation import Record
from imports.customers.members.failed_rows import as_records, forget_rows
from imports.customers.record_editor import is_same
from imports.ledger.batches import NewRecord, bytes_of
from imports.ledger.known_before import later_imports
from imports.ledger.retries import NewBatch
from imports.ledger.totals import family
from imports.models import ImportResult, RetryFile
from imports.sealing import files
from imports.states import ResultStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from django.core.files.uploadedfile import UploadedFile

    from imports.customers.files.limits import Checks
    from imports.models import ImportJob

COMPARED_WITH = 500  # other records of the import, that show which values are everybody's
FEW_VALUES = 3  # a record with fewer of its own is recognised by its place alone
# Codes and flags ("PERSON", "sv"): the same for many, and nobody's own.
SHARED_VALUE = re.compile(r"[A-Z0-9]*[A-Z_]{2,}[A-Z0-9_]*|.{0,2}", re.ASCII)

Leaf = tuple[str, str]  # a path and what stands there


class Candidate(NamedTuple):
    """A record that failed and that no corrected record names, with the values of its own."""

    pk: int
    leaves: frozenset[Leaf]


class ChangedIds:
    """The failed records of an import that corrected ones with unknown ids may come from."""

    def __init__(self, jobs: Collection[int], named: Collection[str], checks: Checks) -> None:
        """`named`: the ids that the corrected files have; whoever is named is no candidate."""
        self._jobs, self._named = jobs, named
        self._id_paths = {*checks.id_paths, *checks.username_paths, *checks.email_paths}
        self._files: dict[str, list[int]] = {}
        self._candidates: dict[int, Candidate] | None = None
        self._by_leaf: dict[Leaf, int] = {}

    def origin(self, record: Record, file: str, count: int) -> int | None:
        """The failed result that a record of a file with `count` records is the correction of."""
        leaves = _leaves(record.raw)
        at_its_place = self._all().get(self._at_place(record, file, count))
        if at_its_place is not None and _may_be(at_its_place, leaves):
            return self._take(at_its_place)
        found = {self._by_leaf[leaf] for leaf in leaves if leaf in self._by_leaf}
        alike = [self._all()[pk] for pk in found if pk in self._all()]
        likely = [each for each in alike if 2 * len(each.leaves & leaves) >= len(each.leaves)]
        return self._take(likely[0]) if len(likely) == 1 else None

    def _take(self, candidate: Candidate) -> int:
        del self._all()[candidate.pk]
        return candidate.pk

    def _at_place(self, record: Record, file: str, count: int) -> int:
        """The result at the record's place in the retry file of that name, 0 if there is none."""
        if file not in self._files:
            written = RetryFile.objects.filter(job__in=self._jobs, name=file).order_by("-pk")
            self._files[file] = next(iter(written.values_list("result_ids", flat=True)[:1]), [])
        ids = self._files[file]
        return ids[record.position - 1] if len(ids) == count else 0

    def _all(self) -> dict[int, Candidate]:
        if self._candidates is None:
            self._candidates = {each.pk: each for each in self._read()}
            leaves = Counter(leaf for each in self._candidates.values() for leaf in each.leaves)
            self._by_leaf = {
                leaf: each.pk
                for each in self._candidates.values()
                for leaf in each.leaves
                if leaves[leaf] == 1
            }
        return self._candidates

    def _read(self) -> Iterator[Candidate]:
        """The candidates, without the values that several records of the import have."""
        later = ImportResult.objects.filter(retry_of=OuterRef("pk"))
        latest = ImportResult.objects.filter(job__in=self._jobs).exclude(Exists(later))
        others = latest.filter(status=ResultStatus.SUCCESS).order_by("-pk")
        never_sent = Q(status=ResultStatus.EXCLUDED, batch__isnull=True)
        failed = latest.filter(Q(status=ResultStatus.ERROR) | never_sent).exclude(error_code="")
        rows = failed.order_by("pk").values_list("pk", "key")[:50_000]
        pks = [pk for pk, key in rows if not key or key not in self._named]
        read = {pk: self._own(raw) for pk, raw in bytes_of(pks).items()}
        shown = bytes_of(others.values_list("pk", flat=True)[:COMPARED_WITH]).values()
        frequent = _frequent([*read.values(), *map(self._own, shown)])
        return (Candidate(pk, leaves - frequent) for pk, leaves in sorted(read.items()))

    def _own(self, raw: bytes) -> frozenset[Leaf]:
        """What distinguishes a record besides its id and e-mail, which may be corrected."""
        return frozenset(leaf for leaf in _leaves(raw) if leaf[0] not in self._id_paths)


def _may_be(candidate: Candidate, leaves: frozenset[Leaf]) -> bool:
    """Whether the record at a candidate's place is not plainly another customer."""
    return len(candidate.leaves) < FEW_VALUES or bool(candidate.leaves & leaves)


def _frequent(records: Iterable[frozenset[Leaf]]) -> frozenset[Leaf]:
    counts = Counter(leaf for leaves in records for leaf in leaves)
    return frozenset(leaf for leaf, count in counts.items() if count > 1)


def _leaves(raw: bytes) -> frozenset[Leaf]:
    """The values of a record with their paths; none if it is not JSON."""
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(_walk(value, ""))


def _walk(value: object, path: str) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, f"{path}.{index}")
    elif not isinstance(value, bool) and value is not None:
        text = str(value).strip()
        if not SHARED_VALUE.fullmatch(text):
            yield path, text


NEVER_IN_A_BATCH = 1  # the number of a batch for those that could not be sent before


class Version(NamedTuple):
    """A corrected record, and the result of the version that failed."""

    record: Record
    old: ImportResult


def of_text(raw: bytes, key: str, email: str, old: ImportResult) -> Version:
    """A version that an operator wrote by hand."""
    return Version(Record(old.position, 0, len(raw), raw, key, email), old)


def new_batches(versions: Iterable[Version], size: int, checks: Checks) -> Iterator[NewBatch]:
    """Batches of up to `size`, of customers that came in by one file and failed in one batch.

    The versions come in that order. A batch keeps the number of the one that it comes from.
    """
    parts: Counter[int] = Counter()
    for (_file_id, number), group in groupby(versions, key=_origin):
        olds: deque[ImportResult] = deque()
        for batch in cut(_records(group, olds), size, checks):
            mine = [olds.popleft() for _ in batch]
            yield _new_batch(number, parts[number], batch, mine, checks)
            parts[number] += 1


def _origin(version: Version) -> tuple[int | None, int]:
    old = version.old
    return old.file_id, old.batch.number if old.batch else NEVER_IN_A_BATCH


def _records(group: Iterable[Version], olds: deque[ImportResult]) -> Iterator[Record]:
    """The records alone; the versions that they correct are put aside in the same order."""
    for each in group:
        olds.append(each.old)
        yield each.record


def _new_batch(
    number: int, part: int, batch: Sequence[Record], olds: Sequence[ImportResult], checks: Checks
) -> NewBatch:
    opening, closing = checks.opening, checks.closing
    whole, spans = body([each.raw for each in batch], opening, closing)
    records = tuple(
        NewRecord(old.position, record.key, record.email, start, length, old.pk)
        for record, old, (start, length) in zip(batch, olds, spans, strict=True)
    )
    return NewBatch(number, part, (whole, len(opening), len(closing)), records, olds[0].file_id)


RECORDS_AT_ONCE = 1_000
MOST_RECORDS = 50_000  # that one request reads; more need an import of their own
EXAMPLES = 20  # of each outcome, named on the page


class RowOutcome(StrEnum):
    """What becomes of one record of a corrected file."""

    SENT = "sent"  # it failed and was changed: it is sent as a new version
    CHANGED_ID = "changed_id"  # like SENT, but its id was changed, too: a person must check
    SAME = "same"  # it failed and was not changed: it would fail again
    LATER = "later"  # it failed, and its API has, or may have, a newer version from another job
    IMPORTED = "imported"  # it was imported meanwhile, or never failed
    UNKNOWN = "unknown"  # it may have arrived: a person looks first
    LEFT_OUT = "left_out"  # a person excluded it
    ON_ITS_WAY = "on_its_way"  # it is pending or in flight
    STRANGER = "stranger"  # its id is not in this import
    TWICE = "twice"  # the file names it more often than the import
    UNSENDABLE = "unsendable"  # it is invalid


# These keep the whole file from being sent: nothing is half-imported.
OBSTACLES = (RowOutcome.STRANGER, RowOutcome.TWICE, RowOutcome.UNSENDABLE)
GO_OUT = (RowOutcome.SENT, RowOutcome.CHANGED_ID)
# These go out only with `force`, and only if they were changed.
FORCEABLE = (RowOutcome.LATER, RowOutcome.IMPORTED, RowOutcome.UNKNOWN, RowOutcome.LEFT_OUT)
OUTCOME_OF = {
    ResultStatus.SUCCESS: RowOutcome.IMPORTED,
    ResultStatus.UNKNOWN: RowOutcome.UNKNOWN,
    ResultStatus.EXCLUDED: RowOutcome.LEFT_OUT,
    ResultStatus.PENDING: RowOutcome.ON_ITS_WAY,
}


class Upload(NamedTuple):
    """A corrected file: its path on this host, its name for the operator, and where it lies."""

    path: Path
    name: str
    where: str = ""


class TooMany(Exception):
    """The files have more records than one request may read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a file, the latest version of it in the import, and what becomes of it."""

    file: str
    record: Record
    row_outcome: RowOutcome
    latest: ImportResult | None = None
    before: bytes = b""  # what was sent last
    is_changed: bool = False

    def is_sent(self, *, force: bool) -> bool:
        """Whether the record is sent."""
        return self.row_outcome in GO_OUT or (
            force and self.row_outcome in FORCEABLE and self.is_changed
        )


class Changed(Exception):
    """The import went on meanwhile, so the result would differ from the confirmed one."""


class CorrectionPreview:
    """What would happen to all records of the files. `digest` changes with any of it."""

    def __init__(self) -> None:
        self.counts: Counter[RowOutcome] = Counter()
        self.examples: dict[RowOutcome, list[Entry]] = {}
        self.forceable = 0  # were changed, and go out with `force`
        self._hash = hashlib.sha256()

    def add(self, entry: Entry) -> None:
        """Count one more record, and keep a few examples of each outcome."""
        self.counts[entry.row_outcome] += 1
        self.forceable += entry.row_outcome in FORCEABLE and entry.is_changed
        kept = self.examples.setdefault(entry.row_outcome, [])
        if len(kept) < EXAMPLES:
            kept.append(entry)
        latest = entry.latest.pk if entry.latest else 0
        self._hash.update(f"{latest} {entry.row_outcome} {entry.is_changed}\n".encode())
        self._hash.update(hashlib.sha256(entry.record.raw).digest())

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    @property
    def is_blocked(self) -> bool:
        return any(self.counts[each] for each in OBSTACLES)

    @property
    def can_be_sent(self) -> bool:
        return not self.is_blocked and bool(self.sent or self.forceable)

    @property
    def sent(self) -> int:
        """How many records are sent without `force`."""
        return sum(self.counts[each] for each in GO_OUT)


def preview(found: Iterable[Entry]) -> CorrectionPreview:
    """The preview of these entries."""
    made = CorrectionPreview()
    for each in found:
        made.add(each)
    return made


def versions(found: Iterable[Entry], agreed: str, *, force: bool) -> Iterator[Version]:
    """Yield the versions to send. Raises Changed at the end if they are not as confirmed."""
    made = CorrectionPreview()
    for each in found:
        made.add(each)
        if each.latest is not None and each.is_sent(force=force):
            yield Version(each.record, each.latest)
    if made.digest != agreed or not made.can_be_sent:
        raise Changed


def entries(job: ImportJob, uploads: Sequence[Upload], checks: Checks) -> Iterator[Entry]:
    """Every record of the files, in order, with its outcome. Two queries per thousand records.

    Raises UnreadableFile for a file that is none, possibly after many records, and TooMany.
    """
    named, counts = _named(uploads, checks)
    found = _Family(job, named, checks)
    for upload, count in zip(uploads, counts, strict=True):
        records = read_records(upload.path, upload.name, checks)
        while some := list(islice(records, RECORDS_AT_ONCE)):
            yield from found.matched(upload.name, some, count)


def _named(uploads: Sequence[Upload], checks: Checks) -> tuple[set[str], list[int]]:
    """All ids that the files have, and how many records each file has."""
    named: set[str] = set()
    counts = []
    for upload in uploads:
        counts.append(0)
        for record in read_records(upload.path, upload.name, checks):
            named.add(record.key)
            counts[-1] += 1
            if sum(counts) > MOST_RECORDS:
                raise TooMany
    return named, counts


class _Family:
    """The records of an import and its retries, each in its latest version."""

    def __init__(self, job: ImportJob, named: set[str], checks: Checks) -> None:
        self.jobs = [each.pk for each in family(job)]
        self.changed_ids = ChangedIds(self.jobs, named, checks)
        self.taken: set[int] = set()  # the versions that records of these files stand for

    def matched(self, file: str, records: Sequence[Record], count: int) -> Iterator[Entry]:
        """Each record with the version that it corrects: one that failed before any other.

        `count`: how many records the file has in all.
        """
        latest = self._latest({each.key for each in records if each.key})
        sent = bytes_of([row.pk for rows in latest.values() for row in rows])
        later = later_imports(
            [
                row.pk
                for rows in latest.values()
                for row in rows
                if row.status == ResultStatus.ERROR
            ]
        )
        for record in records:
            if record.refusal:
                yield Entry(file, record, RowOutcome.UNSENDABLE)
                continue
            rows = latest.get(record.key, [])
            row = next((each for each in rows if each.pk not in self.taken), None)
            if row is None:
                yield (
                    Entry(file, record, RowOutcome.TWICE)
                    if rows
                    else self._renamed(file, record, count)
                )
                continue
            self.taken.add(row.pk)
            yield _judged(file, record, row, sent[row.pk], is_later=row.pk in later)

    def _renamed(self, file: str, record: Record, count: int) -> Entry:
        """A record whose id nobody in the import has: a failed one, corrected, or a stranger."""
        origin = self.changed_ids.origin(record, file, count)
        if origin is None:
            return Entry(file, record, RowOutcome.STRANGER)
        rows = ImportResult.objects.select_related("batch").defer("batch__body", "refused_record")
        row = rows.get(pk=origin)
        self.taken.add(origin)
        before = bytes_of([origin])[origin]
        return Entry(file, record, RowOutcome.CHANGED_ID, row, before, is_changed=True)

    def _latest(self, keys: set[str]) -> dict[str, list[ImportResult]]:
        later = ImportResult.objects.filter(retry_of=OuterRef("pk"))
        rows = ImportResult.objects.filter(key__in=keys, job__in=self.jobs).exclude(Exists(later))
        found: dict[str, list[ImportResult]] = {}
        versions = rows.select_related("batch").defer("batch__body", "refused_record")
        for row in sorted(versions, key=lambda each: (not _has_failed(each), each.pk)):
            found.setdefault(row.key, []).append(row)
        return found


def _has_failed(row: ImportResult) -> bool:
    never_sent = row.status == ResultStatus.EXCLUDED and row.batch_id is None
    return row.status == ResultStatus.ERROR or never_sent


def _judged(
    file: str, record: Record, row: ImportResult, before: bytes, *, is_later: bool
) -> Entry:
    is_changed = before != record.raw and not is_same(_text(before), _text(record.raw))
    if _has_failed(row) and is_changed:
        row_outcome = RowOutcome.LATER if is_later else RowOutcome.SENT
    elif _has_failed(row):
        row_outcome = RowOutcome.SAME
    else:
        row_outcome = OUTCOME_OF[ResultStatus(row.status)]
    return Entry(file, record, row_outcome, row, before, is_changed)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


FOLDER = "corrected"  # below MEDIA_ROOT
KEPT_SECONDS = 3600
SALT = "redrive.corrected-files"


class Gone(Exception):
    """These files are deleted, or belong to another job."""


def keep(job: ImportJob, uploads: Sequence[UploadedFile[bytes]]) -> str:
    """Keep what was uploaded; what names it later, signed, so that nothing else can be named.

    Rows become records by the template that the import's own rows became records by. Raises
    UnreadableFile for a table that has none.
    """
    kept: list[tuple[str, str]] = []
    try:
        for each in uploads:
            where, name = stored.keep(stored.fresh_name(FOLDER), each), each.name or ""
            kept.append((where, name))
            kept[-1] = as_records(job, where, name), name
    except BaseException:
        for where, _name in kept:
            stored.delete(where)
        raise
    return signing.dumps({"job": job.pk, "files": kept}, salt=SALT, compress=True)


def find(job: ImportJob, token: str) -> list[Upload]:
    """The files that a token names. Raises Gone."""
    try:
        named: dict[str, Any] = signing.loads(token, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        raise Gone from None
    if named["job"] != job.pk:
        raise Gone
    found = [Upload(stored.local_path(where), name, where) for where, name in named["files"]]
    if not all(each.path.is_file() for each in found):
        raise Gone
    return found


def forget(uploads: Sequence[Upload]) -> None:
    """Remove them: they were sent, or cannot be read."""
    for each in uploads:
        stored.delete(each.where)
        forget_rows(each.where)


def expire() -> None:
    """Remove those whose hour is over."""
    oldest = time.time() - KEPT_SECONDS
    for where, made_at in chain(*map(stored.listed, (FOLDER, files.FOLDER + FOLDER))):
        if made_at < oldest:
            with suppress(OSError):  # another sweeper was first
                stored.delete(where)
