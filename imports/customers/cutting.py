"""A job's files, cut into batches: what goes out, what is left out and why, what is strange."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imports.customers.already import Already
from imports.customers.batches import body, cut
from imports.customers.id_register import IdRegister
from imports.customers.reading import read_records
from imports.customers.remarks import Remarks
from imports.customers.unreadable import UnreadableFile
from imports.kinds import UnreadableInput
from imports.ledger.intake import NewRecord, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imports.customers.checks import Checks
    from imports.customers.records import Record
    from imports.models import ImportFile, ImportJob

LOOKED_UP_AT_ONCE = 1_000  # records
RECORD_KEPT = 1 << 20  # bytes of a refused record that the ledger keeps


class Taker(Protocol):
    """What takes batches and refused records: the ledger's intake, or a dry run's count."""

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None,
    ) -> int:  # fmt: skip
        """One batch, as it would be sent."""
        ...

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """One record that is not sent, and why."""
        ...


class Reader:
    """Puts the records of several files of one job into whatever takes them."""

    def __init__(self, job: ImportJob, checks: Checks, taker: Taker) -> None:
        self.job, self.checks, self.taker = job, checks, taker
        self.register = IdRegister()
        self.remarks = Remarks()
        self.taken: set[int] = set()  # the results that retry files of ours stand for
        self.last_number = 0

    def add(self, file: ImportFile) -> None:
        """Read one file through. Raises UnreadableInput, possibly after many batches."""
        ignored: list[str] = []
        try:
            _refuse_changed(file)
            records = read_records(Path(file.path), file.name, self.checks, ignored)
            already = Already(self.job, file, self.taken, insists=self.job.insists)
            groups = cut(self._sendable(file, records, already), self.job.batch_size, self.checks)
            for group in groups:
                self._add_batch(file, group, already)
        except UnreadableFile as error:
            raise UnreadableInput(str(error)) from None
        self.remarks.remark_ignored(file.name, ignored)

    def _sendable(
        self, file: ImportFile, records: Iterable[Record], already: Already
    ) -> Iterator[Record]:
        """The records that go out; the others are excluded, each with its reason."""
        for record in _looked_up(records, already):
            refusal = record.refusal or already.refusal(record)
            if refusal is not None:
                kept = record.raw[:RECORD_KEPT]
                refused = Refused(
                    record.position, record.key, record.email, refusal.code, refusal.sentence, kept
                )
                self.taker.add_refused(refused, file.pk)
                continue
            self.remarks.remark(file.name, record, self.register)
            yield record

    def _add_batch(self, file: ImportFile, group: list[Record], already: Already) -> None:
        opening, closing = self.checks.opening, self.checks.closing
        whole, spans = body([record.raw for record in group], opening, closing)
        records = [
            NewRecord(
                record.position, record.key, record.email, start, length, already.retry_of(record)
            )
            for record, (start, length) in zip(group, spans, strict=True)
        ]
        self.last_number += 1
        frame = (whole, len(opening), len(closing))
        self.taker.add_batch(self.last_number, 0, frame, records, file.pk)


def _looked_up(records: Iterable[Record], already: Already) -> Iterator[Record]:
    """The same records; what is known of them is found out for many at once."""
    rest = iter(records)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        already.look_up(some)
        yield from some


def _refuse_changed(file: ImportFile) -> None:
    """What was checked is what is sent: a file that is another one now is refused."""
    try:
        with Path(file.path).open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        what = f"it cannot be read any more ({error.strerror})"
        raise UnreadableFile(
            file.name, what, "Put it back, or remove it and add it again"
        ) from None
    if digest != file.sha256:
        what = "it has changed since it was checked"
        raise UnreadableFile(file.name, what, "Remove it and add it again")
