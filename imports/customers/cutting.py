"""A job's files, cut into batches: what goes out, what is left out and why, what is strange."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from imports.customers.already import Already
from imports.customers.batches import Cutter, body
from imports.customers.id_register import IdRegister, LastCopies, Place
from imports.customers.reading import read_records
from imports.customers.records import Refusal
from imports.customers.remarks import Remarks
from imports.customers.unreadable import UnreadableFile, shown
from imports.kinds import UnreadableInput
from imports.ledger.intake import NewRecord, Refused
from imports.ledger.left_out import EARLIER_COPY, RECORD_KEPT
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from imports.customers.batches import Batch
    from imports.customers.checks import Checks
    from imports.customers.records import Record
    from imports.models import ImportFile, ImportJob

GONE_SINCE = sentence("GONE_SINCE", _("it cannot be read any more ({error})"))
PUT_IT_BACK = sentence("PUT_IT_BACK", _("Put it back, or remove it and add it again"))
CHANGED_SINCE = sentence("CHANGED_SINCE", _("it has changed since it was checked"))
ADD_IT_AGAIN = sentence("ADD_IT_AGAIN", _("Remove it and add it again"))
LATER_COPY = sentence(
    "LATER_COPY",
    _(
        "{file}, record {record}: the customer “{customer}” comes again as record "
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
        self.register = IdRegister()
        self.remarks = Remarks(leaves_earlier_out=job.leave_earlier_copies_out)
        self.taken: set[int] = set()  # the results that retry files of ours stand for
        self.last_copies: LastCopies | None = None
        self.last_number = 0

    def read(self, files: Iterable[ImportFile], begin: Callable[[ImportFile], object]) -> None:
        """Read the files through, in order; `begin` is called before each.

        Raises UnreadableInput, possibly after many batches.
        """
        files = list(files)
        if self.job.leave_earlier_copies_out:
            self._find_last_copies(files)
        for index, file in enumerate(files):
            begin(file)
            self._read_file(index, file)

    def _find_last_copies(self, files: Sequence[ImportFile]) -> None:
        """Read all files once before: only then is it known which copy is a customer's last."""
        last_copies, taken = LastCopies(), set[int]()
        for index, file in enumerate(files):
            already = self._already(file, taken)
            with _told_by_name():
                for record, _reason in self._judged(file, already, []):
                    if not record.key or record.refusal is not None:
                        continue  # what can't be sent takes no earlier copy's place
                    # But what the API has already does: the earlier copy would overwrite it.
                    already.retry_of(record)
                    last_copies.add(record.key, Place(index, file.name, record.position))
        self.last_copies = last_copies

    def _read_file(self, index: int, file: ImportFile) -> None:
        ignored: list[str] = []
        cutter = Cutter(self.job.batch_size, self.checks, self.last_number)
        already = self._already(file, self.taken)
        with _told_by_name():
            _refuse_changed(file)
            for record, refusal in self._judged(file, already, ignored):
                if refusal is None and self.last_copies is not None:
                    place = Place(index, file.name, record.position)
                    refusal = self._earlier_copy(record, place, self.last_copies)
                if refusal is not None:
                    self._leave_out(file, record, refusal)
                    continue
                for batch in cutter.add(record, self._earlier_batch(file, record)):
                    self._add_batch(file, batch, already)
                if record.key:
                    self.register.put_in(cutter.placed)
            for batch in cutter.rest():
                self._add_batch(file, batch, already)
        self.remarks.remark_ignored(file.name, ignored)

    def _already(self, file: ImportFile, taken: set[int]) -> Already:
        return Already(self.job, file, taken, insists=self.job.insists)

    def _judged(
        self, file: ImportFile, already: Already, ignored: list[str]
    ) -> Iterator[tuple[Record, Refusal | None]]:
        """Each record of a file, and why it is not sent, if it is not."""
        records = read_records(file.location, file.name, self.checks, ignored)
        for record in _looked_up(records, already):
            yield record, record.refusal or already.refusal(record)

    def _earlier_batch(self, file: ImportFile, record: Record) -> int:
        """The number of the batch that holds the latest copy before, 0 for none."""
        earlier = self.remarks.remark(file.name, record, self.register)
        return earlier.batch if earlier else 0

    def _leave_out(self, file: ImportFile, record: Record, refusal: Refusal) -> None:
        """Exclude a record, with its reason and its bytes."""
        kept = record.raw[:RECORD_KEPT]
        refused = Refused(
            record.position, record.key, record.email, refusal.code, refusal.message, kept
        )
        self.taker.add_refused(refused, file.pk)

    def _earlier_copy(self, record: Record, place: Place, copies: LastCopies) -> Refusal | None:
        """Why a copy is left out whose customer comes again later."""
        last = copies.later(record.key, place)
        if last is None:
            return None
        self.remarks.left_out_copies += 1
        told = LATER_COPY.format(
            file=shown(place.file, 200), record=place.position, customer=shown(record.key),
            other_record=last.position, other_file=shown(last.file, 200),
        )  # fmt: skip
        return Refusal(EARLIER_COPY, told)

    def _add_batch(self, file: ImportFile, batch: Batch, already: Already) -> None:
        opening, closing = self.checks.opening, self.checks.closing
        whole, spans = body([record.raw for record in batch.records], opening, closing)
        records = [
            NewRecord(
                record.position, record.key, record.email, start, length, already.retry_of(record)
            )
            for record, (start, length) in zip(batch.records, spans, strict=True)
        ]
        self.last_number = batch.number
        frame = (whole, len(opening), len(closing))
        self.taker.add_batch(batch.number, 0, frame, records, file.pk, after=batch.after)


@contextmanager
def _told_by_name() -> Iterator[None]:
    """A file that cannot be read refuses the job's whole input."""
    try:
        yield
    except UnreadableFile as error:
        raise UnreadableInput(str(error)) from None


def _looked_up(records: Iterable[Record], already: Already) -> Iterator[Record]:
    """The same records; what is known of them is found out for many at once."""
    rest = iter(records)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        already.look_up(some)
        yield from some


def _refuse_changed(file: ImportFile) -> None:
    """What was checked is what is sent: a file that is another one now is refused."""
    try:
        with file.location.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        what = GONE_SINCE.format(error=error.strerror or type(error).__name__)
        raise UnreadableFile(file.name, what, PUT_IT_BACK) from None
    if digest != file.sha256:
        what = CHANGED_SINCE
        raise UnreadableFile(file.name, what, ADD_IT_AGAIN)
