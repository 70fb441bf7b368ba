"""Checks that a file is one whole PDF: a PDF library must open it with all its pages."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError, PyPdfError, WrongPasswordError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from bills.portals import details
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.messages import Text

LARGEST_BYTES = 100 * 1024 * 1024
MOST_NODES = 20_000  # of a page tree: a hostile one could have millions
# ISO 32000-1, annex H: readers accept the header within the first 1,024 bytes and the end
# marker within the last 1,024. Some portals pad their files, hence the strip.
HEADER_WITHIN = 1024
END_WITHIN = 1024
PADDING = b"\0 \t\r\n"
PAGE = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it quotes the file: say our own sentence


@dataclass(frozen=True, slots=True)
class PageTree:
    """What the file says of its pages, and those that are really there."""

    declared: int
    pages: tuple[DictionaryObject, ...]


def check_pdf(path: Path, password: str = "") -> tuple[str, int]:
    """(SHA-256 in hex, size in bytes) of a whole PDF.

    Raises PortalError DOWNLOAD_BAD, or DOCUMENT_PASSWORD where the password does not open it.
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise PortalError(Code.DOWNLOAD_BAD, details.TOO_LARGE.format(size=size))
    content = path.read_bytes()
    problem = flaw(content) or flaw_of_pages(content, password)
    if problem:
        raise PortalError(Code.DOWNLOAD_BAD, problem)
    return hashlib.sha256(content).hexdigest(), size


def flaw(content: bytes) -> Text:
    """What keeps the bytes from being a whole PDF, as a sentence; empty if nothing does."""
    if not content:
        return details.EMPTY
    if not looks_like_pdf(content):
        return details.NO_HEADER
    if b"%%EOF" not in content.rstrip(PADDING)[-END_WITHIN:]:
        return details.CUT_OFF.format(size=len(content))
    return ""


def flaw_of_pages(content: bytes, password: str = "") -> Text:
    """What keeps a reader from showing every page; empty if nothing does.

    Raises PortalError DOCUMENT_PASSWORD.
    """
    start = content.find(b"%PDF-", 0, HEADER_WITHIN)  # offsets count from the header
    try:
        reader = PdfReader(io.BytesIO(content[start:]), password=password or None)
        return _flaw_of_tree(_tree_of(reader))
    except (FileNotDecryptedError, WrongPasswordError):
        detail = details.WRONG_FILE_PASSWORD if password else ""
        raise PortalError(Code.DOCUMENT_PASSWORD, detail) from None
    # A damaged file breaks the library in any way there is. None of them may end the attempt.
    except (PyPdfError, Exception) as error:
        return details.NOT_OPENED.format(reason=type(error).__name__)


def _flaw_of_tree(tree: PageTree) -> Text:
    found = len(tree.pages)
    if not found and not tree.declared:
        return details.NO_PAGES
    if found != tree.declared:
        return details.PAGES_MISSING.format(found=found, declared=tree.declared)
    for number, page in enumerate(tree.pages, start=1):
        if not _has_its_content(page):
            return details.BROKEN_PAGE.format(page=number)
    return ""


def _tree_of(reader: PdfReader) -> PageTree:
    root = _resolved(reader.trailer["/Root"])
    top = _resolved(root.get("/Pages")) if isinstance(root, DictionaryObject) else None
    if not isinstance(top, DictionaryObject):
        return PageTree(0, ())
    declared = _resolved(top.get("/Count", 0))
    return PageTree(declared if isinstance(declared, int) else -1, tuple(_leaves(top)))


def _leaves(top: DictionaryObject) -> Iterator[DictionaryObject]:
    """The pages below a node. One that is missing, or met twice, is left out."""
    waiting: list[Any] = [top]
    met: set[tuple[int, int]] = set()
    nodes = 0
    while waiting and nodes < MOST_NODES:
        nodes += 1
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            place = (node.idnum, node.generation)
            if place in met:
                continue
            met.add(place)
        node = _resolved(node)
        if not isinstance(node, DictionaryObject):
            continue
        kids = _resolved(node.get("/Kids"))
        if isinstance(kids, ArrayObject):
            waiting.extend(reversed(kids))
        elif node.get("/Type") == "/Page":
            yield node


def _has_its_content(page: DictionaryObject) -> bool:
    """Whether what the page draws is there. A page may be empty, but not point at nothing."""
    if "/Contents" not in page:
        return True
    content = _resolved(page.raw_get("/Contents"))
    parts = list(content) if isinstance(content, ArrayObject) else [content]
    return all(isinstance(_resolved(part), StreamObject) for part in parts)


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def looks_like_pdf(content: bytes) -> bool:
    """Whether a PDF begins here."""
    return b"%PDF-" in content[:HEADER_WITHIN]


def looks_like_page(content: bytes) -> bool:
    """Whether it is a web page, whatever it is called."""
    return not looks_like_pdf(content) and bool(PAGE.search(content[:HEADER_WITHIN]))
