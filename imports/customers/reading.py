"""Reads customer files: each record in order, byte for byte, in memory that does not grow."""

from __future__ import annotations

import hashlib
import mmap
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imports.customers.envelope import customers
from imports.customers.id_register import IdRegister
from imports.customers.records import Judge, Record, Refusal
from imports.customers.remarks import Remarks, keep
from imports.customers.unreadable import UnreadableFile
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.customers.checks import Checks

EMPTY_LIST = sentence("EMPTY_LIST", _("its list of customers is empty"))
REMOVE_FILE = sentence("REMOVE_FILE", _("Remove the file"))
NO_FILE = sentence("NO_FILE", _("it is not a regular file"))
CHOOSE_FILE = sentence("CHOOSE_FILE", _("Choose a file"))
EMPTY_FILE = sentence("EMPTY_FILE", _("the file is empty"))
EXPORT_IT_AGAIN = sentence("EXPORT_IT_AGAIN", _("Export it again"))
CANNOT_BE_READ = sentence("CANNOT_BE_READ", _("it cannot be read ({error})"))
CHECK_IT_EXISTS = sentence("CHECK_IT_EXISTS", _("Check that it exists and may be read"))

ONE, MANY = sentence("ONE", _("{n} customer")), sentence("MANY", _("{n} customers"))
NOT_SENDABLE, TWICE = (
    sentence("NOT_SENDABLE", _("{n} cannot be sent")),
    sentence("TWICE_IN_FILE", _("{n} named twice")),
)
WARNED = sentence("WARNED", _("{n} with a warning"))
LISTED = sentence("LISTED", "{parts}")
RELEASE_BYTES = 16 << 20  # pages behind the reader are given back this often


@dataclass(slots=True)
class FileVerdict(Remarks):
    """What a whole file is worth; its refusals are the first hundred, too.

    `records` counts all, `refused` those that will be excluded.
    """

    name: str
    size: int
    sha256: str
    records: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def sendable(self) -> int:
        """Records that can be sent."""
        return self.records - self.refused

    def summary(self) -> Message:
        """One line for the list of files: "1,000 customers, 3 cannot be sent"."""
        rest = ((NOT_SENDABLE, self.refused), (TWICE, self.duplicated), (WARNED, self.warned))
        first = (ONE if self.records == 1 else MANY).format(n=self.records)
        return LISTED.format(parts=(first, *(phrase.format(n=n) for phrase, n in rest if n)))


def read_records(
    path: Path, name: str, checks: Checks, ignored: list[str] | None = None
) -> Iterator[Record]:
    """Every record of the file at `path`, in order; `name` is what the operator calls the file.

    Raises UnreadableFile where the file is no customer file, possibly after many records: call
    `check_file` first, or write inside one transaction. `ignored` collects keys beside the list.
    The file must not shrink meanwhile: read Redrive's own copy.
    """
    with _mapped(path, name) as data:
        released, judge = 0, Judge(name, checks)
        found = customers(data, name, checks.envelopes, [] if ignored is None else ignored)
        for position, element in enumerate(found, start=1):
            yield judge.record(element, position)
            if element.start - released > RELEASE_BYTES:
                released = _release(data, released, element.start)


def check_file(
    path: Path, name: str, checks: Checks, register: IdRegister | None = None
) -> FileVerdict:
    """Read the file once and judge it. One `register` for all files of a job finds duplicates.

    Raises UnreadableFile for a file that is refused as a whole, also for one without customers.
    """
    register = IdRegister() if register is None else register
    ignored: list[str] = []
    verdict = FileVerdict(name, *_size_and_digest(path, name))
    for record in read_records(path, name, checks, ignored):
        _count(verdict, record, register)
    if not verdict.records:
        raise UnreadableFile(name, EMPTY_LIST, REMOVE_FILE)
    verdict.remark_ignored(name, ignored)
    return verdict


def _count(verdict: FileVerdict, record: Record, register: IdRegister) -> None:
    verdict.records += 1
    if record.refusal:
        verdict.refused += 1
        keep(verdict.refusals, record.refusal)
        return
    verdict.remark(verdict.name, record, register)


@contextmanager
def _mapped(path: Path, name: str) -> Iterator[mmap.mmap]:
    """The file's bytes, mapped. Raises UnreadableFile for one that is empty or no file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile(name, NO_FILE, CHOOSE_FILE)
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # nothing to map
        raise UnreadableFile(name, EMPTY_FILE, EXPORT_IT_AGAIN) from None
    except OSError as error:
        what = CANNOT_BE_READ.format(error=error.strerror or type(error).__name__)
        raise UnreadableFile(name, what, CHECK_IT_EXISTS) from None
    with data:
        yield data


def _release(data: mmap.mmap, start: int, end: int) -> int:
    """Give pages from `start` to `end` back to the system; where to go on from next time."""
    end -= end % mmap.PAGESIZE
    if hasattr(data, "madvise"):
        data.madvise(mmap.MADV_DONTNEED, start, end - start)
    return end


def _size_and_digest(path: Path, name: str) -> tuple[int, str]:
    with _mapped(path, name), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
