"""Opens the ZIP and gzip files that some portals send in place of a PDF, and trusts none of it.

Names inside are read, never used as paths; sizes are counted while unpacking, never believed.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from bills.browser.downloads import HEADER_WITHIN, looks_like_pdf
from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from pathlib import Path
    from zipfile import ZipInfo

    from imports.messages import Text

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
