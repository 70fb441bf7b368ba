"""Reads customer files: each record in order, byte for byte, in memory that does not grow."""

from __future__ import annotations

import mmap
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from imports.customers.files.blocks import Block, blocks
from imports.customers.files.check_index import IndexWriter, fingerprint
from imports.customers.files.duplicates import MOST_IN_MEMORY, IdRegister, Repeats
from imports.customers.files.errors import BOM, UnreadableFile, near, place, refuse_disguise, shown
from imports.customers.files.json_stream import (
    EXPORT_AGAIN,
    LONGEST_LOOK,
    NOT_JSON,
    Element,
    Run,
    elements,
    mark_at,
    no_stretch,
    skip_space,
    value_end,
)
from imports.customers.files.limits import EXPORTED
from imports.customers.files.quick_check import Ahead, Quick, QuickCheck
from imports.customers.files.record_names import A_LIST, A_NUMBER, AN_OBJECT
from imports.customers.files.warnings import Warnings, keep
from imports.messages import Message, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator

    from imports.customers.files.limits import Checks
    from imports.customers.files.validation import Record, Refusal

NDJSON = sentence(
    "NDJSON", _("a second JSON value begins here, as in NDJSON (one record on each line)")
)
A_TEXT = sentence("A_TEXT", _("a text"))
NO_JSON = sentence("NO_JSON", _("no JSON"))
WRAP = sentence("WRAP", _("Put the customers into {wrapped}"))
EMPTY_OBJECT = sentence(
    "EMPTY_OBJECT", _("there is no list called {names} in it, but an empty object")
)
OTHER_KEYS = sentence(
    "OTHER_KEYS", _("there is no list called {names} in it, but only the keys {keys}")
)
HOUSEHOLDS_ELSEWHERE = sentence(
    "HOUSEHOLDS_ELSEWHERE", _("Households go to an API of their own: choose that one")
)
ONLY_SPACE = sentence("ONLY_SPACE", _("the file holds nothing but white space"))
SECOND_LIST = sentence("SECOND_LIST", _("a second list, “{key}”, stands beside “{found}”"))
ONE_LIST = sentence("ONE_LIST", _("Put all customers into one list"))
KEY_HOLDS = sentence("KEY_HOLDS", _("“{key}” holds {kind} where a list of customers belongs"))
MORE_FOLLOWS = sentence("MORE_FOLLOWS", _("something follows the end of the list, {near}"))
REMOVE_IT = sentence("REMOVE_IT", _("Remove it"))
ENDS_IN_MIDDLE = sentence("ENDS_IN_MIDDLE", _("the file ends in the middle"))
FILE_HOLDS = sentence("FILE_HOLDS", _("the file holds {kind} where a list of customers belongs"))

KINDS: dict[bytes, Text] = {
    b"{": AN_OBJECT,
    b"[": A_LIST,
    b'"': A_TEXT,
    b"n": "null",
    b"t": "true",
    b"f": "false",
}
WORDS = (b"null", b"true", b"false")
MOST_KEYS = 20  # as many keys beside the list are remembered for the operator


def customers(
    data: mmap.mmap,
    name: str,
    envelopes: Collection[str],
    ignored: list[str],
    quick: Quick = no_stretch,
    exported: Collection[str] = EXPORTED,
) -> Generator[Element | Run, None, None]:
    """Each customer of the file, in its order. `ignored` collects the keys beside the list.

    Those that `quick` knows come together.

    Raises UnreadableFile, possibly after many customers, where the file is not such JSON.
    """
    refuse_disguise(data, name)
    start = skip_space(data, len(BOM) if data[:3] == BOM else 0)
    match mark_at(data, start):
        case b"":
            what = ONLY_SPACE
            raise UnreadableFile(name, what, EXPORT_IT_AGAIN)
        case b"[":
            end = yield from elements(data, start + 1, name, quick)
        case b"{":
            end = yield from _members(data, start, name, envelopes, ignored, quick, exported)
        case _:
            raise _no_list(data, start, name, envelopes)
    _refuse_more(data, end, name, envelopes)


def _members(
    data: mmap.mmap,
    start: int,
    name: str,
    envelopes: Collection[str],
    ignored: list[str],
    quick: Quick,
    exported: Collection[str],
) -> Generator[Element | Run, None, int]:
    """Walk the outermost object and yield from its list; the position behind the object."""
    pos, found = start, ""
    if mark_at(data, skip_space(data, start + 1)) == b"}":
        raise _wrong_envelope(name, envelopes, ignored)
    while mark_at(data, pos) != b"}":
        key, pos = _key(data, skip_space(data, pos + 1), name)
        if key in envelopes or (key in exported and mark_at(data, pos) == b"["):
            found = _only_list(data, pos, name, found, key)
            pos = yield from elements(data, pos + 1, name, quick)
        else:
            if len(ignored) < MOST_KEYS:
                ignored.append(key)
            pos = _skip_value(data, pos, name)
        pos = skip_space(data, pos)
        if mark_at(data, pos) not in (b",", b"}"):
            raise _not_json(data, pos, name)
    if not found:
        _refuse_more(data, pos + 1, name, envelopes)
        raise _wrong_envelope(name, envelopes, ignored)
    return pos + 1


def _key(data: mmap.mmap, pos: int, name: str) -> tuple[str, int]:
    """The key at `pos` and the position of its value."""
    end = value_end(data, pos)
    colon = skip_space(data, end or pos)
    if end is None or mark_at(data, pos) != b'"' or mark_at(data, colon) != b":":
        raise _not_json(data, pos, name)
    try:
        key = msgspec.json.decode(data[pos:end], type=str)
    except ValueError:
        raise _not_json(data, pos, name) from None
    return key, skip_space(data, colon + 1)


def _only_list(data: mmap.mmap, pos: int, name: str, found: str, key: str) -> str:
    if found:
        what = SECOND_LIST.format(key=shown(key), found=shown(found))
        remedy = ONE_LIST
        raise UnreadableFile(name, what, remedy, place(data, pos))
    if mark_at(data, pos) != b"[":
        what = KEY_HOLDS.format(key=shown(key), kind=_kind(data, pos))
        raise UnreadableFile(name, what, _wrap([key]), place(data, pos))
    return key


def _skip_value(data: mmap.mmap, pos: int, name: str) -> int:
    end = value_end(data, pos)
    if end is None:
        raise _not_json(data, pos, name)
    if end - pos <= LONGEST_LOOK:
        try:
            msgspec.json.decode(data[pos:end], type=msgspec.Raw)
        except (ValueError, RecursionError):
            raise _not_json(data, pos, name) from None
    return end


def _refuse_more(data: mmap.mmap, pos: int, name: str, envelopes: Collection[str]) -> None:
    pos = skip_space(data, pos)
    if mark_at(data, pos) in (b"{", b"["):
        raise UnreadableFile(name, NDJSON, _wrap(envelopes), place(data, pos))
    if pos < len(data):
        what = MORE_FOLLOWS.format(near=near(data, pos))
        raise UnreadableFile(name, what, REMOVE_IT, place(data, pos))


def _not_json(data: mmap.mmap, pos: int, name: str) -> UnreadableFile:
    at_end = pos >= len(data)
    what = ENDS_IN_MIDDLE if at_end else NOT_JSON.format(near=near(data, pos))
    return UnreadableFile(name, what, EXPORT_AGAIN, place(data, pos))


def _no_list(data: mmap.mmap, pos: int, name: str, envelopes: Collection[str]) -> UnreadableFile:
    kind = _kind(data, pos)
    end = value_end(data, pos)
    if kind == NO_JSON or end is None:
        return _not_json(data, pos, name)
    what = FILE_HOLDS.format(kind=kind)
    return UnreadableFile(name, what, _wrap(envelopes))


def _wrong_envelope(name: str, envelopes: Collection[str], keys: list[str]) -> UnreadableFile:
    wanted = "/".join(f"“{key}”" for key in envelopes)
    what = EMPTY_OBJECT.format(names=wanted)
    if keys:
        listed = ", ".join(f"“{shown(key)}”" for key in keys[:6])
        what = OTHER_KEYS.format(names=wanted, keys=listed)
    remedy = HOUSEHOLDS_ELSEWHERE if "households" in keys else _wrap(envelopes)
    return UnreadableFile(name, what, remedy)


def _kind(data: mmap.mmap, pos: int) -> Text:
    mark = mark_at(data, pos)
    is_number = mark.isdigit() or mark == b"-"
    is_no_word = mark.isalpha() and not data[pos : pos + 5].startswith(WORDS)
    return NO_JSON if is_no_word else KINDS.get(mark, A_NUMBER if is_number else NO_JSON)


def _wrap(envelopes: Collection[str]) -> Message:
    return WRAP.format(wrapped=f'{{"{next(iter(envelopes))}": [ … ]}}')


RETRY_FILE = re.compile(r"retry_batch_(\d+)_failed\.json")
UNCONFIRMED_FILE = re.compile(r"unconfirmed_batch_\d+\.json")
LEFT_OUT_FILE = re.compile(r"left_out_batch_\d+\.json")
SUMMARY = "retry_summary.json"
# How the names of customer files end; any of them may be compressed.
MEMBER_FILES = (".json", ".csv", ".tsv", ".xlsx", ".xlsm", ".ndjson", ".jsonl", ".gz")


def customer_files(path: Path) -> list[Path]:
    """The customer files at `path`, sorted: itself, or those of a directory (not of its children).

    Of a retry directory only the failed customers count, by batch number; of any other, every
    *.json. Hidden files and links that lead out of the directory are left alone; what is no
    regular file (a pipe, a broken link) is among them, so that reading it refuses it by name.
    Raises UnreadableFile for a path that does not exist or a directory without such a file.
    """
    # os.path, because these calls of Path raise for loops of links and for closed directories.
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112
        return [path]
    if not os.path.isdir(path):  # noqa: PTH112
        what = "there is no such file or directory"
        raise UnreadableFile(str(path), what, "Check the path, and that Redrive may read it")
    try:
        files = [file for file in path.iterdir() if _belongs(file, path)]
    except OSError as error:
        what = f"the directory cannot be read ({error.strerror})"
        raise UnreadableFile(str(path), what, "Give Redrive the right to read it") from None
    retries = [file for file in files if RETRY_FILE.fullmatch(file.name)]
    if retries or _is_retry_directory(files):
        return _retry_files(retries, path)
    chosen = sorted(file for file in files if file.name.lower().endswith(MEMBER_FILES))
    if not chosen:
        what = "the directory holds no customer files (JSON, NDJSON, CSV, XLSX)"
        raise UnreadableFile(str(path), what, "Choose the directory that holds the customer files")
    return chosen


def _belongs(file: Path, directory: Path) -> bool:
    inside = real(file).is_relative_to(real(directory))
    is_directory = os.path.isdir(file)  # noqa: PTH112
    return inside and not file.name.startswith(".") and not is_directory


def real(path: Path) -> Path:
    """Where a path leads; of links in a circle one of them, where Path.resolve may raise."""
    return Path(os.path.realpath(path))


def _is_retry_directory(files: list[Path]) -> bool:
    return any(file.name == SUMMARY or UNCONFIRMED_FILE.fullmatch(file.name) for file in files)


def _retry_files(retries: list[Path], directory: Path) -> list[Path]:
    if not retries:
        what = "this retry directory holds no failed customers, only a summary or unconfirmed ones"
        remedy = (
            "Unconfirmed customers are settled on their job's page, not by loading them again; "
            "left-out ones are corrected first, then their file is chosen by its name"
        )
        raise UnreadableFile(str(directory), what, remedy)
    return sorted(retries, key=_batch_number)


def _batch_number(file: Path) -> tuple[int, str]:
    match = RETRY_FILE.fullmatch(file.name)
    return (int(match[1]) if match else 0, os.fspath(file))


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
    sentence("TWICE_IN_FILE", _("{n} duplicates"), one=_("{n} duplicate")),
)
WARNED = sentence("WARNED", _("{n} with a warning"))
LISTED = sentence("LISTED", "{parts}")
RELEASE_BYTES = 16 << 20  # pages behind the reader are given back this often


@dataclass(slots=True)
class FileCheck(Warnings):
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

    def count(self, block: Block, register: IdRegister | Repeats) -> None:
        """Take a block of records in."""
        self.records += len(block.keys)
        if block.is_plain:
            self.warn_all(self.name, block, register)
            return
        for record in block.records():
            if record.refusal:
                self.refused += 1
                keep(self.refusals, record.refusal)
            else:
                self.warn(self.name, record, register)

    def summary(self) -> Message:
        """One line for the list of files: "1,000 customers, 3 cannot be sent"."""
        rest = ((NOT_SENDABLE, self.refused), (TWICE, self.duplicated), (WARNED, self.warned))
        first = (ONE if self.records == 1 else MANY).format(n=self.records)
        return LISTED.format(parts=(first, *(phrase.format(n=n) for phrase, n in rest if n)))


def read_records(
    path: Path, name: str, checks: Checks, ignored: list[str] | None = None
) -> Iterator[Record]:
    """Every record of the file at `path`, in order; `name` is what the operator calls the file.

    Raises UnreadableFile if the file is not a customer file, possibly after many records: call
    `check_file` first, or write inside one transaction. `ignored` collects keys beside the list.
    The file must not shrink meanwhile: read Redrive's own copy.
    """
    with _mapped(path, name) as data:
        quick = QuickCheck(checks).stretch
        for block in _judged(data, name, checks, [] if ignored is None else ignored, quick):
            yield from block.records()


def _judged(
    data: mmap.mmap, name: str, checks: Checks, ignored: list[str], quick: Quick
) -> Iterator[Block]:
    released = 0
    found = customers(data, name, checks.envelopes, ignored, quick, checks.exported)
    for block in blocks(found, name, checks):
        yield block
        if block.starts[-1] - released > RELEASE_BYTES:
            released = _release(data, released, block.starts[-1])


def check_file(
    path: Path,
    name: str,
    checks: Checks,
    register: IdRegister | None = None,
    indexes: Path | None = None,
    seen: Callable[[int], None] = lambda records: None,
) -> FileCheck:
    """Read the file once and judge it. One `register` for all files of a job finds duplicates,
    but the customers of a large file are not put into it: memory does not grow with them.

    What was found is kept in the directory `indexes`, under `index_name`. `seen` is called with
    the number of customers so far. Raises UnreadableFile for a file that is refused as a whole,
    also for one without customers.
    """
    register = IdRegister(checks.spell) if register is None else register
    ignored: list[str] = []
    with (
        _mapped(path, name) as data,
        IndexWriter(indexes, data) as index,
        Ahead(QuickCheck(checks), data) as ahead,
    ):
        verdict = FileCheck(name, len(data), "")
        names: IdRegister | Repeats = register
        for block in _judged(data, name, checks, ignored, ahead.stretch):
            if not verdict.records:
                expected = len(block.keys) * len(data) // (block.end - block.starts[0])
                names = _names(register, expected, checks, indexes)
            index.add(block)
            verdict.count(block, names)
            seen(verdict.records)
        if not verdict.records:
            raise UnreadableFile(name, EMPTY_LIST, REMOVE_FILE)
        verdict.sha256 = index.finish(ignored)
        if isinstance(names, Repeats) and (marks := names.marks()):
            verdict.warn_marked(name, index.written().customers(), marks, register)
        index.keep(index_name(verdict.sha256, checks))
    verdict.warn_of_ignored(name, ignored)
    return verdict


def _names(
    register: IdRegister, expected: int, checks: Checks, indexes: Path | None
) -> IdRegister | Repeats:
    """What takes the names of a file that may have as many customers."""
    if indexes is None or len(register) + expected <= MOST_IN_MEMORY:
        register.expect(expected)
        return register
    return Repeats(indexes, checks.spell, register)


def index_name(sha256: str, checks: Checks) -> str:
    """What the index of a file with these bytes is called, for these checks."""
    return f"{sha256}-{fingerprint(checks)}"


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
