"""Makes one checked PDF of whatever file came for a bill: unpacks it, chooses, opens it.

The ZIP and gzip files that some portals send in place of a PDF are trusted in nothing. Names
inside are read, never used as paths; sizes are counted while unpacking, never believed.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from bills.accounting import Listed, facts_in
from bills.browser.downloads import HEADER_WITHIN, check_pdf, looks_like_page, looks_like_pdf
from bills.browser.plan import DocumentFacts
from bills.portals import failures
from bills.portals.documents.links import has_number
from bills.portals.documents.pages import LONGEST_HTML, reason_of, text_in
from bills.portals.documents.words import Says, says, words_of
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zipfile import ZipInfo

    from imports.messages import Text


MOST_NAMES = 10  # in a sentence
MOST_ENTRIES = 200
LARGEST_BYTES = 200 * 1024 * 1024  # all of it together, unpacked
PIECE_BYTES = 1 << 16
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_START = b"\x1f\x8b\x08"
OTHER_ARCHIVES = (*ZIP_STARTS, GZIP_START, b"Rar!", b"7z\xbc\xaf\x27\x1c")
# A Word or Excel file is a ZIP too, but nothing is unpacked from it.
DOCUMENTS_THAT_ARE_ZIPS = re.compile(r"\.(docx|xlsx|pptx|odt|ods|odp|epub)$", re.IGNORECASE)
OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[a-z]:", re.IGNORECASE)
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class FileRule:
    """What the recipe says of a bill's file; `number` and `bill` name the bill."""

    bill: str
    number: str = ""
    password: str = ""
    in_zip: str = ""  # a regular expression of the right name
    listed: Listed = field(default_factory=Listed)


@dataclass(frozen=True, slots=True)
class Checked:
    """A whole PDF. `others` are the names of what came along in its ZIP."""

    sha256: str
    size: int
    others: tuple[str, ...] = ()
    facts: DocumentFacts = field(default_factory=DocumentFacts)


def settle(path: Path, rule: FileRule) -> Checked:
    """Leave one whole PDF at `path`. Raises PortalError with the reason where there is none."""
    try:
        if starts_with(path, (GZIP_START,)):
            gunzip(path)
        others = take_from_zip(path, rule) if is_zip(path) else ()
    finally:
        for left in path.parent.glob(path.name + ".*"):
            left.unlink()
    with path.open("rb") as file:
        start = file.read(HEADER_WITHIN)
    if looks_like_page(start):
        html = path.read_bytes()[:LONGEST_HTML].decode("utf-8", "replace")
        raise reason_of(text_in(html), is_file=True)
    pdf = check_pdf(path, rule.password)
    facts = facts_in(pdf.text, rule.listed)
    if facts.other:
        is_listed = facts.other in rule.listed.all_numbers
        said = failures.NAMES_ANOTHER if is_listed else failures.SHOWS_NONE_OF_IT
        shown = said.format(bill=rule.bill, other=facts.other)
        raise PortalError(Code.DOCUMENT_UNCLEAR, shown)
    return Checked(pdf.sha256, pdf.size, others, facts)


def take_from_zip(path: Path, rule: FileRule) -> tuple[str, ...]:
    """Put the bill's PDF in the ZIP's place; the names of the others."""
    entries = unpack(path, rule.password)
    chosen = choose(entries, rule)
    chosen.path.replace(path)
    return tuple(shown(entry.name) for entry in entries if entry is not chosen)


def choose(entries: Sequence[Entry], rule: FileRule) -> Entry:
    """The bill's PDF among a ZIP's files. Raises PortalError where that takes a guess."""
    pdfs = [entry for entry in entries if entry.is_pdf]
    if not pdfs:
        raise PortalError(
            Code.DOWNLOAD_BAD, failures.ZIP_WITHOUT_PDF.format(names=listed(entries) or "nothing")
        )
    if rule.in_zip:
        pool = [entry for entry in pdfs if re.search(rule.in_zip, entry.name)]
    else:
        pool = _likeliest(pdfs, rule.number)
    if len({_digest(entry) for entry in pool}) != 1:
        raise PortalError(
            Code.DOCUMENT_UNCLEAR,
            failures.SEVERAL_DOCUMENTS.format(bill=rule.bill, names=listed(pool or pdfs)),
        )
    return pool[0]


def _likeliest(pdfs: list[Entry], number: str) -> list[Entry]:
    """Those whose names speak of a bill; of several, those that name its number."""
    meant = {entry.name: says(words_of(entry.name.rpartition("/")[2])) for entry in pdfs}
    best = min(meant.values())
    if best is Says.NEVER:
        return []
    pool = [entry for entry in pdfs if meant[entry.name] is best]
    named = [entry for entry in pool if number and has_number(entry.name, number)]
    return named if len(pool) > 1 and named else pool


def _digest(entry: Entry) -> str:
    with entry.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(entries: Sequence[Entry]) -> Text:
    """The names, as a sentence shows them."""
    names = ", ".join(shown(entry.name) for entry in entries[:MOST_NAMES])
    more = len(entries) - MOST_NAMES
    return failures.AND_MORE.format(bills=names, n=more) if more > 0 else names


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a ZIP, unpacked under a name of ours. `name` is the ZIP's own."""

    name: str
    path: Path
    is_pdf: bool


class Room:
    """How many bytes may still be unpacked."""

    def __init__(self) -> None:
        self.left = LARGEST_BYTES

    def take(self, size: int) -> None:
        """Raises PortalError ZIP_REFUSED when there is no room for them."""
        self.left -= size
        if self.left < 0:
            raise refused(failures.ZIP_SIZE.format(most=LARGEST_BYTES >> 20))


def refused(detail: Text) -> PortalError:
    """The failure for a ZIP that is not safe to unpack."""
    return PortalError(Code.ZIP_REFUSED, detail)


def broken(reason: object) -> PortalError:
    """The failure for a ZIP that can't be read: the next try may bring a whole one."""
    text = reason if isinstance(reason, str) else type(reason).__name__
    return PortalError(Code.DOWNLOAD_BAD, failures.ZIP_BROKEN.format(reason=text))


def is_zip(path: Path) -> bool:
    """Whether a ZIP begins here."""
    return starts_with(path, ZIP_STARTS)


def starts_with(path: Path, starts: tuple[bytes, ...]) -> bool:
    """Whether the file's first bytes are one of these."""
    with path.open("rb") as file:
        return file.read(8).startswith(starts)


def unpack(path: Path, password: str = "") -> list[Entry]:
    """Every file of the ZIP, beside it under names of ours.

    Raises PortalError ZIP_REFUSED, DOCUMENT_PASSWORD, or DOWNLOAD_BAD for a broken one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) > MOST_ENTRIES:
                raise refused(failures.ZIP_ENTRIES.format(most=MOST_ENTRIES))
            for entry in files:
                _refuse_unsafe(entry)
            room = Room()
            return [
                _unpacked(archive, entry, path.with_name(f"{path.name}.{number}"), password, room)
                for number, entry in enumerate(files)
            ]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise broken(error) from None


def _refuse_unsafe(entry: ZipInfo) -> None:
    name = shown(entry.filename)
    if OUTSIDE.search(entry.filename):
        raise refused(failures.ZIP_NAME.format(name=name))
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refused(failures.ZIP_LINK.format(name=name))


def _unpacked(
    archive: zipfile.ZipFile, entry: ZipInfo, target: Path, password: str, room: Room
) -> Entry:
    is_encrypted = bool(entry.flag_bits & 0x1)
    if is_encrypted and not password:
        raise PortalError(Code.DOCUMENT_PASSWORD)
    try:
        with archive.open(entry, pwd=password.encode() or None) as source:
            _copy(source, target, room)
    except NotImplementedError:  # AES, or a compression of its own
        if is_encrypted:
            raise PortalError(Code.DOCUMENT_PASSWORD, failures.ZIP_ENCRYPTION) from None
        raise broken("compression") from None
    except RuntimeError:  # what zipfile raises for a wrong password
        raise PortalError(Code.DOCUMENT_PASSWORD, failures.WRONG_FILE_PASSWORD) from None
    if starts_with(target, OTHER_ARCHIVES) and not DOCUMENTS_THAT_ARE_ZIPS.search(entry.filename):
        raise refused(failures.ZIP_NESTED.format(name=shown(entry.filename)))
    with target.open("rb") as file:
        return Entry(entry.filename, target, looks_like_pdf(file.read(HEADER_WITHIN)))


def _copy(source: IO[bytes], target: Path, room: Room) -> None:
    with target.open("wb") as file:
        while piece := source.read(PIECE_BYTES):
            room.take(len(piece))
            file.write(piece)


def gunzip(path: Path) -> None:
    """Replace a gzip file by what is in it. Raises PortalError as `unpack` does."""
    unzipped, room = path.with_name(path.name + ".gunzip"), Room()
    inflater = zlib.decompressobj(wbits=31)
    try:
        with path.open("rb") as source, unzipped.open("wb") as target:
            while piece := inflater.unconsumed_tail or source.read(PIECE_BYTES):
                plain = inflater.decompress(piece, PIECE_BYTES)
                room.take(len(plain))
                target.write(plain)
                if inflater.eof:
                    break
    except zlib.error as error:
        raise broken(error) from None
    if not inflater.eof:
        raise broken("EOFError")
    unzipped.replace(path)


def shown(name: str) -> str:
    """A name from outside as a sentence may show it."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= LONGEST_NAME else clean[:LONGEST_NAME] + "…"
