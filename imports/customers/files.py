"""Customer files and the ledger: checked when added, cut into batches when the job is started."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from imports.customers.already import Already
from imports.customers.batches import body, cut
from imports.customers.id_register import IdRegister
from imports.customers.reading import FileVerdict, check_file, read_records
from imports.customers.setup import checks_of
from imports.customers.unreadable import UnreadableFile
from imports.kinds import UnreadableInput
from imports.ledger.intake import Intake, NewRecord, Refused
from imports.ledger.moves import note
from imports.models.files import FileStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imports.customers.checks import Checks
    from imports.customers.records import Record
    from imports.models import ImportFile, ImportJob

REREAD_BYTES = (
    64 << 20
)  # files up to this size are read again to find ids they share with a new one
SENTENCES_KEPT = 100
RECORD_KEPT = 1 << 20  # bytes of a refused record that the ledger keeps


def check(file: ImportFile) -> None:
    """Read a file of a draft through once and set its verdict. The caller saves it."""
    job = file.job
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks = checks_of(job.api)
    try:
        verdict = check_file(Path(file.path), file.name, checks, _register(job, checks))
    except UnreadableFile as error:
        file.status, file.message = FileStatus.INVALID, str(error)
        file.size = Path(file.path).stat().st_size if Path(file.path).is_file() else 0
        return
    _set(file, verdict)


def _set(file: ImportFile, verdict: FileVerdict) -> None:
    file.status, file.message = FileStatus.VALID, verdict.summary()
    file.size, file.sha256 = verdict.size, verdict.sha256
    file.record_count, file.excluded_count = verdict.records, verdict.refused
    file.warnings = [*verdict.warnings, *verdict.duplicates][:SENTENCES_KEPT]
    file.refusals = [{"code": each.code, "message": each.sentence} for each in verdict.refusals]


def _register(job: ImportJob, checks: Checks) -> IdRegister:
    """The ids of the draft's other files, where they are small enough to read again."""
    register = IdRegister()
    others = list(job.files.filter(status=FileStatus.VALID))
    if sum(file.size for file in others) <= REREAD_BYTES:
        for file in others:
            try:
                for record in read_records(Path(file.path), file.name, checks):
                    if record.key and not record.refusal:
                        register.add(record.key, file.name, record.position)
            except UnreadableFile:
                continue  # it has changed or gone since: starting the job says so
    return register


def read(job: ImportJob) -> None:
    """Cut all files of a queued job into batches. Raises UnreadableInput, and nothing is kept."""
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    reader = _Reader(job, checks_of(job.api))
    for file in job.files.order_by("pk"):
        reader.add(file)
    reader.intake.finish()
    if reader.duplicates:
        note(job, "duplicates", f"{reader.duplicates:,} customers are named more than once.")


class _Reader:
    """Puts the records of several files into one job's ledger."""

    def __init__(self, job: ImportJob, checks: Checks) -> None:
        self.job, self.checks = job, checks
        self.intake = Intake(job)
        self.register = IdRegister()
        self.duplicates = 0
        self.taken: set[int] = set()  # the results that retry files of ours stand for
        self.last_number = 0

    def add(self, file: ImportFile) -> None:
        try:
            _refuse_changed(file)
            records = read_records(Path(file.path), file.name, self.checks)
            already = Already(file, self.taken, insists=self.job.insists)
            groups = cut(self._sendable(file, records, already), self.job.batch_size, self.checks)
            for group in groups:
                self._add_batch(file, group, already)
        except UnreadableFile as error:
            raise UnreadableInput(str(error)) from None

    def _sendable(
        self, file: ImportFile, records: Iterable[Record], already: Already
    ) -> Iterator[Record]:
        """The records that go out; the others are excluded, each with its reason."""
        for record in records:
            refusal = record.refusal or already.refusal(record)
            if refusal is not None:
                kept = record.raw[:RECORD_KEPT]
                refused = Refused(
                    record.position, record.key, record.email, refusal.code, refusal.sentence, kept
                )
                self.intake.add_refused(refused, file.pk)
                continue
            if record.key and self.register.add(record.key, file.name, record.position):
                self.duplicates += 1
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
        self.intake.add_batch(self.last_number, 0, frame, records, file.pk)


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
