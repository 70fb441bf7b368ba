"""Corrected files and the import they belong to: which record is which, and what becomes of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Exists, OuterRef

from imports.customers.changed_ids import ChangedIds
from imports.customers.correcting import is_same
from imports.customers.reading import read_records
from imports.customers.versions import Version
from imports.ledger.bodies import bytes_of
from imports.ledger.later_imports import later_imports
from imports.ledger.sums import family
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from imports.customers.checks import Checks
    from imports.customers.records import Record
    from imports.models import ImportJob

RECORDS_AT_ONCE = 1_000
MOST_RECORDS = 50_000  # are read while somebody waits; more are an import of their own
EXAMPLES = 20  # of each fate, named on the page


class Fate(StrEnum):
    """What becomes of one record of a corrected file."""

    SENT = "sent"  # it failed, and is another now: it goes out as a new version
    CHANGED_ID = "changed_id"  # the same, but its id is another now, too: a person must look
    SAME = "same"  # it failed, and is what it was: it would fail again
    LATER = "later"  # it failed, and its API has, or may have, a newer version from another job
    IMPORTED = "imported"  # it has been imported meanwhile, or never failed
    UNKNOWN = "unknown"  # it may have arrived: a person looks first
    LEFT_OUT = "left_out"  # a person left it out for good
    ON_ITS_WAY = "on_its_way"  # it is being sent already
    STRANGER = "stranger"  # nobody of that id is in this import
    TWICE = "twice"  # the file names it more often than the import
    UNSENDABLE = "unsendable"  # it cannot be sent as it stands


# These keep the whole file from being sent: nothing is half-imported.
OBSTACLES = (Fate.STRANGER, Fate.TWICE, Fate.UNSENDABLE)
GO_OUT = (Fate.SENT, Fate.CHANGED_ID)
# These go out only if somebody insists, and only where they were changed.
INSISTABLE = (Fate.LATER, Fate.IMPORTED, Fate.UNKNOWN, Fate.LEFT_OUT)
FATE_OF = {
    ResultStatus.SUCCESS: Fate.IMPORTED,
    ResultStatus.UNKNOWN: Fate.UNKNOWN,
    ResultStatus.EXCLUDED: Fate.LEFT_OUT,
    ResultStatus.PENDING: Fate.ON_ITS_WAY,
}


class Upload(NamedTuple):
    """A corrected file: where it lies, and what the operator calls it."""

    path: Path
    name: str


class TooMany(Exception):
    """The files have more records than are read while somebody waits."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a file, the latest version of it in the import, and what becomes of it."""

    file: str
    record: Record
    fate: Fate
    latest: ImportResult | None = None
    before: bytes = b""  # what was sent last
    is_changed: bool = False

    def is_sent(self, *, insists: bool) -> bool:
        """Whether it goes out."""
        return self.fate in GO_OUT or (insists and self.fate in INSISTABLE and self.is_changed)


class Changed(Exception):
    """What would happen is not what somebody has agreed to: the import went on meanwhile."""


class Plan:
    """What would happen to all records of the files. `digest` is another when any of it is."""

    def __init__(self) -> None:
        self.counts: Counter[Fate] = Counter()
        self.examples: dict[Fate, list[Entry]] = {}
        self.insistable = 0  # were changed, and go out if somebody insists
        self._hash = hashlib.sha256()

    def add(self, entry: Entry) -> None:
        """One more record; a few of each fate are held."""
        self.counts[entry.fate] += 1
        self.insistable += entry.fate in INSISTABLE and entry.is_changed
        kept = self.examples.setdefault(entry.fate, [])
        if len(kept) < EXAMPLES:
            kept.append(entry)
        latest = entry.latest.pk if entry.latest else 0
        self._hash.update(f"{latest} {entry.fate} {entry.is_changed}\n".encode())
        self._hash.update(hashlib.sha256(entry.record.raw).digest())

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    @property
    def is_blocked(self) -> bool:
        return any(self.counts[each] for each in OBSTACLES)

    @property
    def can_be_sent(self) -> bool:
        return not self.is_blocked and bool(self.sent or self.insistable)

    @property
    def sent(self) -> int:
        """How many go out without anybody insisting."""
        return sum(self.counts[each] for each in GO_OUT)


def plan(found: Iterable[Entry]) -> Plan:
    """What would happen."""
    made = Plan()
    for each in found:
        made.add(each)
    return made


def versions(found: Iterable[Entry], agreed: str, *, insists: bool) -> Iterator[Version]:
    """Those that go out. Raises Changed behind the last one if this is not the agreed plan."""
    made = Plan()
    for each in found:
        made.add(each)
        if each.latest is not None and each.is_sent(insists=insists):
            yield Version(each.record, each.latest)
    if made.digest != agreed or not made.can_be_sent:
        raise Changed


def entries(job: ImportJob, uploads: Sequence[Upload], checks: Checks) -> Iterator[Entry]:
    """Every record of the files, in order, with its fate. Two queries for a thousand records.

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
    """The records of an import and of its rounds, each told by its latest version."""

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
                yield Entry(file, record, Fate.UNSENDABLE)
                continue
            rows = latest.get(record.key, [])
            row = next((each for each in rows if each.pk not in self.taken), None)
            if row is None:
                yield (
                    Entry(file, record, Fate.TWICE) if rows else self._renamed(file, record, count)
                )
                continue
            self.taken.add(row.pk)
            yield _judged(file, record, row, sent[row.pk], is_later=row.pk in later)

    def _renamed(self, file: str, record: Record, count: int) -> Entry:
        """A record whose id nobody in the import has: a failed one, corrected, or a stranger."""
        origin = self.changed_ids.origin(record, file, count)
        if origin is None:
            return Entry(file, record, Fate.STRANGER)
        rows = ImportResult.objects.select_related("batch").defer("batch__body", "refused_record")
        row = rows.get(pk=origin)
        self.taken.add(origin)
        before = bytes_of([origin])[origin]
        return Entry(file, record, Fate.CHANGED_ID, row, before, is_changed=True)

    def _latest(self, keys: set[str]) -> dict[str, list[ImportResult]]:
        later = ImportResult.objects.filter(retry_of=OuterRef("pk"))
        rows = ImportResult.objects.filter(key__in=keys, job__in=self.jobs).exclude(Exists(later))
        found: dict[str, list[ImportResult]] = {}
        told = rows.select_related("batch").defer("batch__body", "refused_record")
        for row in sorted(told, key=lambda each: (not _has_failed(each), each.pk)):
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
        fate = Fate.LATER if is_later else Fate.SENT
    elif _has_failed(row):
        fate = Fate.SAME
    else:
        fate = FATE_OF[ResultStatus(row.status)]
    return Entry(file, record, fate, row, before, is_changed)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")
