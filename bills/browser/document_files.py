"""Makes one checked PDF of whatever file came for a bill: unpacks it, chooses, opens it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.accounting import Listed, facts_in
from bills.browser.downloads import HEADER_WITHIN, check_pdf, looks_like_page
from bills.browser.plan import DocumentFacts
from bills.browser.unpacking import GZIP_START, Entry, gunzip, is_zip, shown, starts_with, unpack
from bills.portals import failures
from bills.portals.documents.links import has_number
from bills.portals.documents.pages import LONGEST_HTML, reason_of, text_in
from bills.portals.documents.words import Says, says, words_of
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imports.messages import Text

MOST_NAMES = 10  # in a sentence


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
