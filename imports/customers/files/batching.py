"""Cuts a job's files into batches: what is sent, what is left out and why."""

from __future__ import annotations

from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from imports.customers.api.setup import checks_of
from imports.customers.files.check_index import (
    ADD_IT_AGAIN,
    CHANGED_SINCE,
    Index,
    refuse_changed,
)
from imports.customers.files.duplicates import (
    MOST_IN_MEMORY,
    IdRegister,
    LastCopies,
    Place,
    Repeats,
)
from imports.customers.files.errors import UnreadableFile, shown, without_faults
from imports.customers.files.limits import COMMA
from imports.customers.files.plain_cut import PlainCutter
from imports.customers.files.reader import FileCheck, check_file, index_name
from imports.customers.files.validation import Refusal
from imports.customers.files.warnings import MOST_SENTENCES, Warnings
from imports.customers.members.conversion import with_rows
from imports.customers.retry_file_matches import RetryFileMatches, is_at_home, twins
from imports.job_types import InputOutOfSight, UnreadableInput
from imports.ledger.batches import Intake, NewRecord, Refused
from imports.ledger.left_out import EARLIER_COPY, RECORD_KEPT
from imports.ledger.lifecycle import note
from imports.ledger.retries import GO_OUT
from imports.messages import marked as _
from imports.messages import marked as gettext_noop
from imports.messages import sentence, to_json
from imports.models import ImportJob, ImportResult
from imports.states import EventCode, FileStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from imports.customers.files.blocks import Block
    from imports.customers.files.limits import Checks
    from imports.customers.files.validation import Record
    from imports.models import ImportFile


def cut(records: Iterable[Record], size: int, checks: Checks) -> Iterator[list[Record]]:
    """Cuts batches within `size` and the API's limits on records and bytes, in order.

    Raises ValueError for a refused record: the caller excludes those before.
    """
    most = max(1, min(size, checks.max_batch_records))
    batch: list[Record] = []
    length = checks.envelope_bytes
    for record in records:
        if record.refusal:
            raise ValueError(f"a refused record cannot be sent: {record.refusal.code}")
        added = record.size + checks.added_record_bytes
        if batch and (len(batch) == most or length + added > checks.max_batch_bytes):
            yield batch
            batch, length = [], checks.envelope_bytes
        batch.append(record)
        length += added
    if batch:
        yield batch


MOST_OPEN = 16  # batches that are being filled at once: memory does not grow with copies


@dataclass(slots=True)
class Batch:
    """A batch to be. `after` holds the numbers of batches with earlier copies of its customers."""

    number: int
    length: int
    records: list[Record] = field(default_factory=list)
    after: set[int] = field(default_factory=set)


class Cutter:
    """Cuts customers into numbered batches that let each customer's copies keep their order.

    Two copies never share a batch, because its parts may go out in any order. A later copy goes
    into a batch with a higher number that says which batches it must wait for. Without copies
    only one batch is open, and the batches are those of `cut`.
    """

    def __init__(self, size: int, checks: Checks, last_number: int) -> None:
        self._most = max(1, min(size, checks.max_batch_records))
        self._most_bytes = checks.max_batch_bytes
        self._added, self._frame = checks.added_record_bytes, checks.envelope_bytes
        self._next = last_number + 1
        self._open: deque[Batch] = deque()
        self.placed = 0  # the number of the batch that the latest record went into

    def add(self, record: Record, earlier: int = 0) -> Sequence[Batch]:
        """Take a record in; the batches that are finished by it, in the order of their numbers.

        `earlier` is the number of the batch that holds the latest copy before, 0 for none.
        """
        if record.refusal:
            raise ValueError(f"a refused record cannot be sent: {record.refusal.sentence}")
        added = record.size + self._added
        if not earlier and self._open and self._fits(0, added):  # nearly always
            self._put(self._open[0], record, added)
            return ()
        return self._add_behind(record, added, earlier)

    def _add_behind(self, record: Record, added: int, earlier: int) -> Sequence[Batch]:
        """Take a record in that needs a new batch, or one behind its earlier copy's."""
        finished: list[Batch] = []
        index = self._first_allowed(earlier)
        while (is_full := not self._fits(index, added)) or index >= MOST_OPEN:
            if is_full and index > 0 and index < MOST_OPEN:
                index += 1
                continue
            finished.append(self._open.popleft())
            index = max(0, index - 1)
        batch = self._at(index)
        self._put(batch, record, added)
        if earlier:
            batch.after.add(earlier)
        return finished

    def _put(self, batch: Batch, record: Record, added: int) -> None:
        batch.records.append(record)
        batch.length += added
        self.placed = batch.number

    def rest(self) -> Iterator[Batch]:
        """What is still open: nothing more comes."""
        while self._open:
            yield self._open.popleft()

    def _first_allowed(self, earlier: int) -> int:
        """The first open batch behind the one that holds the earlier copy."""
        if not self._open or earlier < self._open[0].number:
            return 0
        return earlier - self._open[0].number + 1

    def _fits(self, index: int, added: int) -> bool:
        if index >= len(self._open):
            return True  # a new one, and an empty batch takes any record
        batch = self._open[index]
        if len(batch.records) == self._most:
            return False
        return not batch.records or batch.length + added <= self._most_bytes

    def _at(self, index: int) -> Batch:
        while index >= len(self._open):
            self._open.append(Batch(self._next, self._frame))
            self._next += 1
        return self._open[index]


def body(
    raws: Sequence[bytes], opening: bytes = b'{"data": [', closing: bytes = b"]}"
) -> tuple[bytes, list[tuple[int, int]]]:
    """One request's bytes, and each record's (offset, length) in them.

    `body[offset:offset + length]` are the record's original bytes.
    """
    spans, offset = [], len(opening)
    for raw in raws:
        spans.append((offset, len(raw)))
        offset += len(raw) + len(COMMA)
    return opening + COMMA.join(raws) + closing, spans


OUT_OF_SIGHT = sentence(
    "FILE_OUT_OF_SIGHT",
    _(
        "{file} cannot be seen from there ({error}). The job waits for a worker that can see it. "
        "If there is none, put the file back, or cancel the job."
    ),
)


OTHER_BYTES = sentence(
    "FILE_OTHER_BYTES",
    _(
        "{file} has other bytes there than the ones that were checked. The job waits for a worker "
        "that has those. If there is none, put the file back, or cancel the job."
    ),
)


def out_of_sight(name: str, error: OSError) -> InputOutOfSight:
    """What to raise where this host cannot see a file that another may see."""
    why = error.strerror or type(error).__name__
    return InputOutOfSight(OUT_OF_SIGHT.format(file=shown(name, 200), error=why))


LATER_COPY = sentence(
    "LATER_COPY",
    _(
        "{file}, record {record}: the customer “{customer}” appears again as record "
        "{other_record} of {other_file}. Only the last copy is sent."
    ),
)
LOOKED_UP_AT_ONCE = 1_000  # records


class Taker(Protocol):
    """What takes batches and refused records: the ledger's intake, or a dry run's count."""

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None, key: str = "", after: Collection[int] = (),
    ) -> int:  # fmt: skip
        """One batch, as it would be sent, once those numbered `after` have ended."""
        ...

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """One record that is not sent, and why."""
        ...


class Reader:
    """Puts the records of several files of one job into whatever takes them."""

    def __init__(self, job: ImportJob, checks: Checks, taker: Taker) -> None:
        self.job, self.checks, self.taker = job, checks, taker
        self.register = IdRegister(checks.spell)
        self.warnings = Warnings(leaves_earlier_out=job.leave_earlier_copies_out)
        self.taken: set[int] = set()  # the results that retry files of ours stand for
        self.last_copies: LastCopies | None = None
        self.last_number = 0
        self.marked: Marked | None = None  # who may come again; None: anybody
        self.twins: set[int] = set()  # files with the very same bytes as one before
        self.plain = False  # no customer is named twice

    def read(
        self,
        files: Iterable[ImportFile],
        begin: Callable[[ImportFile], object],
        plain: bool | None = None,
    ) -> None:
        """Read the files in order, calling `begin` before each; `plain` as in the function `read`.

        Raises UnreadableInput, possibly after many batches.
        """
        files = list(files)
        self.twins = _twins(files)
        self.plain = names_each_once(files, self.checks) if plain is None else plain
        if not self.plain and sum(file.record_count for file in files) > MOST_IN_MEMORY:
            self.marked = self._find_marked(files)
        if self.job.leave_earlier_copies_out:
            self._find_last_copies(files)
        for index, file in enumerate(files):
            begin(file)
            self._read_file(index, file)

    def _find_marked(self, files: Sequence[ImportFile]) -> Marked:
        """Find out before which records a register must know: too many for all of them."""
        try:
            with refusing_unreadable():
                return Marked(files, self.checks, self.twins)
        except OSError as error:
            raise out_of_sight(files[0].name, error) from None

    def _find_last_copies(self, files: Sequence[ImportFile]) -> None:
        """Read all files once before: only then is it known which copy is a customer's last."""
        last_copies, taken = LastCopies(self.checks.spell), set[int]()
        for index, file in enumerate(files):
            matches = self._matches(index, file, taken)
            with refusing_unreadable():
                for record, _reason in self._judged(file, matches, []):
                    if not record.key or record.refusal is not None:
                        continue  # a record that can't be sent replaces no earlier copy
                    # A copy that the API already has does: an earlier copy would overwrite it.
                    matches.retry_of(record)
                    if self._may_come_again(index, record):
                        last_copies.add(record.key, Place(index, file.name, record.position))
        self.last_copies = last_copies

    def _read_file(self, index: int, file: ImportFile) -> None:
        matches = self._matches(index, file, self.taken)
        if self.plain and not matches.knows and isinstance(self.taker, Intake):
            self._read_plain(file, self.taker)
        else:
            self._read_each(index, file, matches)

    def _read_plain(self, file: ImportFile, intake: Intake) -> None:
        """Put a file in of which no record is known from before, and that names none twice."""
        leave_out = partial(leave_out_of, intake, file)
        cutter = PlainCutter(intake, file, self.checks, self.last_number, leave_out)
        with refusing_unreadable():
            deque(cutter.cut(recorded(file, self.checks, [])), maxlen=0)
        self.last_number = cutter.last_number

    def _read_each(self, index: int, file: ImportFile, matches: RetryFileMatches) -> None:
        ignored: list[str] = []
        cutter = Cutter(self.job.batch_size, self.checks, self.last_number)
        with refusing_unreadable():
            for record, refusal in self._judged(file, matches, ignored):
                if refusal is None and self.last_copies is not None:
                    place = Place(index, file.name, record.position)
                    refusal = self._earlier_copy(record, place, self.last_copies)
                if refusal is not None:
                    leave_out_of(self.taker, file, record, refusal)
                    continue
                register = self.register if self._may_come_again(index, record) else None
                earlier = self.warnings.warn(file.name, record, register)
                for batch in cutter.add(record, earlier.batch if earlier else 0):
                    self._add_batch(file, batch, matches)
                if register is not None and record.key:
                    register.put_in(cutter.placed)
            for batch in cutter.rest():
                self._add_batch(file, batch, matches)
        self.warnings.warn_of_ignored(file.name, ignored)

    def _matches(self, index: int, file: ImportFile, taken: set[int]) -> RetryFileMatches:
        matches = RetryFileMatches(self.job, file, taken, force=self.job.force)
        matches.is_twin = index in self.twins
        return matches

    def _judged(
        self, file: ImportFile, matches: RetryFileMatches, ignored: list[str]
    ) -> Iterator[tuple[Record, Refusal | None]]:
        """Yield each record of a file with the reason not to send it, or None."""
        blocks = recorded(file, self.checks, ignored)
        records = (record for block in blocks for record in block.records())
        for record in _looked_up(records, matches):
            yield record, record.refusal or matches.refusal(record)

    def _may_come_again(self, index: int, record: Record) -> bool:
        """Whether another record may name the same customer: then the register must know it."""
        return self.marked is None or self.marked.has(index, record.position)

    def _earlier_copy(self, record: Record, place: Place, copies: LastCopies) -> Refusal | None:
        """The reason to leave a copy out because its customer comes again later; None if not."""
        last = copies.later(record.key, place)
        if last is None:
            return None
        self.warnings.left_out_copies += 1
        summary = LATER_COPY.format(
            file=shown(place.file, 200), record=place.position, customer=shown(record.key),
            other_record=last.position, other_file=shown(last.file, 200),
        )  # fmt: skip
        return Refusal(EARLIER_COPY, summary)

    def _add_batch(self, file: ImportFile, batch: Batch, matches: RetryFileMatches) -> None:
        opening, closing = self.checks.opening, self.checks.closing
        whole, spans = body([record.raw for record in batch.records], opening, closing)
        records = [
            NewRecord(
                record.position, record.key, record.email, start, length, matches.retry_of(record)
            )
            for record, (start, length) in zip(batch.records, spans, strict=True)
        ]
        self.last_number = batch.number
        frame = (whole, len(opening), len(closing))
        self.taker.add_batch(batch.number, 0, frame, records, file.pk, after=batch.after)


def leave_out_of(taker: Taker, file: ImportFile, record: Record, refusal: Refusal) -> None:
    """Exclude a record, with its reason and its bytes."""
    kept = without_faults(record.raw)[:RECORD_KEPT]
    message = with_rows(refusal.message, file)
    refused = Refused(record.position, record.key, record.email, refusal.code, message, kept)
    taker.add_refused(refused, file.pk)


class Marked:
    """Which records of a job's checked files name a customer that another of them names.

    Those of `but`, by their indices, do not count.
    """

    def __init__(
        self, files: Sequence[ImportFile], checks: Checks, but: Collection[int] = ()
    ) -> None:
        """Raises UnreadableFile or OSError where a file must be checked again."""
        repeats, self._offsets = Repeats(indexes(), checks.spell), [0]
        for number, file in enumerate(files):
            if number not in but:
                for first, keys in _index_of(file, checks).customers():
                    repeats.add_all(keys, file.name, self._offsets[-1] + first)
            self._offsets.append(self._offsets[-1] + file.record_count)
        self._marks = repeats.marks()

    @property
    def any(self) -> bool:
        return self._marks is not None

    def has(self, file_index: int, position: int) -> bool:
        at = self._offsets[file_index] + position
        return self._marks is not None and self._marks[at : at + 1] == b"\1"


def names_each_once(files: Sequence[ImportFile], checks: Checks) -> bool:
    """Whether it is certain that no two records of these checked files are of one customer."""
    if any(file.duplicate_count or file.known_before for file in files):
        return False
    if len(files) == 1:
        return True
    try:  # the checks of large files did not look into the others
        return not Marked(files, checks).any
    except (UnreadableFile, InputOutOfSight, OSError):
        return False


def _twins(files: Sequence[ImportFile]) -> set[int]:
    """The indices of files that have the very same bytes as one before."""
    first: dict[str, int] = {}
    return {i for i, file in enumerate(files) if first.setdefault(file.sha256 or str(i), i) < i}


@contextmanager
def refusing_unreadable() -> Iterator[None]:
    """Refuse the job's whole input if a file cannot be read."""
    try:
        yield
    except UnreadableFile as error:
        raise UnreadableInput(str(error)) from None


def _looked_up(records: Iterable[Record], matches: RetryFileMatches) -> Iterator[Record]:
    """The same records, after looking up what is known of many at once."""
    rest = iter(records)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        matches.look_up(some)
        yield from some


def recorded(
    file: ImportFile, checks: Checks, ignored: list[str], after: int = 0
) -> Iterator[Block]:
    """The blocks of a checked file, as it was when it was checked, from the record behind
    position `after` on. Raises UnreadableFile or InputOutOfSight.
    """
    try:
        yield from _recorded(file, checks, ignored, after)
    except OSError as error:
        raise out_of_sight(file.name, error) from None


def _recorded(file: ImportFile, checks: Checks, ignored: list[str], after: int) -> Iterator[Block]:
    yield from _index_of(file, checks).blocks(file.location, file.name, ignored, after)


def _index_of(file: ImportFile, checks: Checks) -> Index:
    """What checking found. Raises UnreadableFile or OSError where it must be checked again."""
    name = index_name(file.sha256, checks)
    index = Index.opened(indexes() / name)
    if index is None:  # it was checked on another host, or with another mapping
        _refuse_other_bytes(file)
        check_file(file.location, file.name, checks, indexes=indexes())
        index = Index.opened(indexes() / name)
    if index is None:
        raise UnreadableFile(file.name, CHANGED_SINCE, ADD_IT_AGAIN)
    return index


def _refuse_other_bytes(file: ImportFile) -> None:
    """Raise UnreadableFile where this host checked the file, and it has changed since.

    Raises InputOutOfSight where another host checked it, at whose path this one has other bytes.
    """
    try:
        refuse_changed(file.location, file.name, file.sha256)
    except UnreadableFile:
        if any(indexes().glob(f"{file.sha256}-*")):
            raise
        raise InputOutOfSight(OTHER_BYTES.format(file=shown(file.name, 200))) from None


def indexes() -> Path:
    """The directory in which this host keeps what checking found."""
    home: Path = settings.HOME
    return home / "checked"


# Files up to this size are read again to find ids they share with a new one.
REREAD_BYTES = 64 << 20
TWICE = sentence(
    "NAMED_TWICE",
    gettext_noop(
        "{n} customers appear more than once. Each copy is sent after the one before it has "
        "finished."
    ),
    one=gettext_noop(
        "{n} customer appears more than once. Each copy is sent after the one before it has "
        "finished."
    ),
)
COPIES_OUT = sentence(
    "COPIES_LEFT_OUT",
    gettext_noop("{n} duplicates are left out, as chosen."),
    one=gettext_noop("{n} duplicate is left out, as chosen."),
)
ELSEWHERE = sentence(
    "GO_ELSEWHERE",
    gettext_noop(
        "{n} records are sent to another API, {api}, in job {job}. Here they still count as "
        "failed."
    ),
    one=gettext_noop(
        "{n} record is sent to another API, {api}, in job {job}. Here it still counts as failed."
    ),
)


def check(
    file: ImportFile, register: IdRegister | None = None,
    seen: Callable[[int], None] = lambda records: None,
) -> None:  # fmt: skip
    """Read a file of a draft through once and set its verdict. The caller saves it.

    `register` knows the ids of the files before; without one the draft's own are read again.
    `seen` is called with the number of customers read so far.
    """
    job = file.job
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks = checks_of(job.api)
    if register is None:
        register = _register(job, checks)
    try:
        verdict = check_file(file.location, file.name, checks, register, indexes(), seen)
    except UnreadableFile as error:
        file.status, file.message = FileStatus.INVALID, error.message
        file.size = file.location.stat().st_size if file.location.is_file() else 0
        return
    file.sha256 = verdict.sha256
    if twins(job, file):  # none of it is sent: what it names twice is said with the other one
        verdict.duplicated, verdict.duplicates = 0, []
    _set(file, verdict)


def _set(file: ImportFile, verdict: FileCheck) -> None:
    file.status, file.message = FileStatus.VALID, verdict.summary()
    file.size, file.sha256 = verdict.size, verdict.sha256
    file.record_count, file.excluded_count = verdict.records, verdict.refused
    file.duplicate_count = verdict.duplicated
    file.warnings = list(map(to_json, [*verdict.warnings, *verdict.duplicates][:MOST_SENTENCES]))
    file.refusals = [
        {"code": each.code, "message": to_json(each.message)} for each in verdict.refusals
    ]


def _register(job: ImportJob, checks: Checks) -> IdRegister:
    """The ids of the draft's other files, where they are small enough to read again."""
    register = IdRegister(checks.spell)
    others = list(job.files.filter(status=FileStatus.VALID))
    if sum(file.size for file in others) <= REREAD_BYTES:
        for file in others:
            try:
                for block in recorded(file, checks, []):
                    _register_block(register, file, block)
            except UnreadableFile:
                continue  # it has changed or gone since: starting the job says so
    return register


def forget(files: Iterable[ImportFile], checks: Checks) -> None:
    """Remove the indexes of files that have been cut, once the caller has committed."""
    paths = [indexes() / index_name(file.sha256, checks) for file in files]

    def remove() -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    transaction.on_commit(remove, robust=True)


def _register_block(register: IdRegister, file: ImportFile, block: Block) -> None:
    if block.is_plain:
        deque(register.add_all(block.keys, file.name, block.first), maxlen=0)
        return
    for record in block.records():
        if record.key and not record.refusal:
            register.add(record.key, file.name, record.position)


def read(
    job: ImportJob, files: Sequence[ImportFile], checks: Checks, *, plain: bool | None = None
) -> None:
    """Cut all files of a queued job into batches. Raises UnreadableInput, storing nothing.

    `plain` is what `names_each_once` says of the files, where the caller has asked it already.
    """
    intake = Intake(job)
    reader = Reader(job, checks, intake)
    reader.read(files, lambda file: None, plain)
    intake.finish()
    _tell_sources(job, files)
    twice = reader.warnings.duplicated
    if twice:
        note(job, EventCode.DUPLICATES, TWICE.format(n=twice))
    if reader.warnings.left_out_copies:
        note(job, EventCode.DUPLICATES, COPIES_OUT.format(n=reader.warnings.left_out_copies))


def _tell_sources(job: ImportJob, files: Sequence[ImportFile]) -> None:
    """Log in the jobs that wrote the retry files where their records went."""
    loaded = [file for file in files if file.retry_file]
    if not loaded or job.api is None:
        return
    taken = ImportResult.objects.filter(job=job, retry_of__isnull=False).order_by()
    for source, count in taken.values_list("retry_of__job").annotate(n=Count("pk")):
        out = GO_OUT.format(n=count, job=job.pk)
        note(ImportJob.objects.get(pk=source), EventCode.RETRIED, out)
    elsewhere: Counter[int] = Counter()
    for file in loaded:
        if file.retry_file and not is_at_home(file, job):
            elsewhere[file.retry_file.job_id] += file.record_count
    for source, count in elsewhere.items():
        said = ELSEWHERE.format(n=count, api=job.api.name, job=job.pk)
        note(ImportJob.objects.get(pk=source), EventCode.SENT_ELSEWHERE, said)
