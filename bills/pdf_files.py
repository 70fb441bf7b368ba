"""Checks that a downloaded file is one whole PDF."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from bills.portals import details
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from pathlib import Path

    from imports.messages import Text

LARGEST_BYTES = 100 * 1024 * 1024
# ISO 32000-1, annex H: readers accept the header within the first 1,024 bytes and the end
# marker within the last 1,024. Some portals pad their files, hence the strip.
HEADER_WITHIN = 1024
END_WITHIN = 1024
PADDING = b"\0 \t\r\n"
PAGE = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)


def check_pdf(path: Path) -> tuple[str, int]:
    """(SHA-256 in hex, size in bytes) of a whole PDF. Raises PortalError DOWNLOAD_BAD."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise PortalError(Code.DOWNLOAD_BAD, details.TOO_LARGE.format(size=size))
    content = path.read_bytes()
    problem = flaw(content)
    if problem:
        raise PortalError(Code.DOWNLOAD_BAD, problem)
    return hashlib.sha256(content).hexdigest(), size


def flaw(content: bytes) -> Text:
    """What keeps the bytes from being a whole PDF, as a sentence; empty if nothing does."""
    if not content:
        return details.EMPTY
    if not looks_like_pdf(content):
        if PAGE.search(content[:HEADER_WITHIN]):
            return details.IS_A_PAGE
        return details.NO_HEADER
    if b"%%EOF" not in content.rstrip(PADDING)[-END_WITHIN:]:
        return details.CUT_OFF.format(size=len(content))
    return ""


def looks_like_pdf(content: bytes) -> bool:
    """Whether a PDF begins here."""
    return b"%PDF-" in content[:HEADER_WITHIN]
