"""A CSV of portal credentials: which rows can be stored, and which are refused, with the
reason.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from bills.csv import reader
from bills.csv.reader import UnreadableCsv
from bills.portals.logins.totp import BadSecret, read_totp
from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.outside_text import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bills.csv.reader import Opened, Row

ROW_FAULT = sentence("ROW_FAULT", _("{file}, row {row}: {what}"))
ROW_FAULT_AT = sentence("ROW_FAULT_AT", _("{file}, row {row} (line {line}): {what}"))
TOO_FEW_CELLS = sentence(
    "TOO_FEW_CELLS",
    _("it has {cells} cells, the header has {headings}. Fill in the missing cells."),
)
TOO_MANY_CELLS = sentence(
    "TOO_MANY_CELLS",
    _(
        "it has {cells} cells, the header has {headings}. Put a text that holds the separator "
        "between quotation marks."
    ),
)
SAME_ROW = sentence(
    "SAME_ROW",
    _("it has the same e-mail and password as row {row}, which is kept. Delete one of the two."),
)
OTHER_PASSWORD = sentence(
    "OTHER_PASSWORD",
    _(
        "it has the same e-mail as row {row} and another password; row {row} is kept. Keep the "
        "row whose password is right."
    ),
)
NO_HEADING = sentence(
    "NO_HEADING", _("a cell stands under no heading. Name its column or empty it.")
)
NUL_IN_ROW = sentence(
    "NUL_IN_ROW", _("it holds a NUL character. Type the row again in the spreadsheet.")
)
HEADER_AGAIN = sentence("HEADER_AGAIN", _("it is the header once more. Delete the row."))
NO_EMAIL = sentence("NO_EMAIL", _("the e-mail or user name is empty. Fill it in."))
LONG_EMAIL = sentence("LONG_EMAIL", _("the e-mail is longer than {most} characters. Correct it."))
CONTROL_IN_EMAIL = sentence(
    "CONTROL_IN_EMAIL", _("the e-mail holds a line break or control character. Remove it.")
)
EMPTY_PASSWORD = sentence(
    "EMPTY_PASSWORD", _("the password is empty. Fill it in, or delete the row.")
)
BAD_TOTP = sentence(
    "BAD_TOTP",
    _(
        "the cell of the TOTP secret holds none. Enter the letters that the portal shows beside "
        "its QR code, or empty the cell."
    ),
)

MOST_ROWS = 1_000_000  # of one file: each is a login
PORTAL_KEYS = ("portal", "portalname", "site")
LONGEST_EMAIL = 320  # characters: 64 + "@" + 255, RFC 5321; a longer one can't be indexed either
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # also line breaks of every kind


class Refusal(StrEnum):
    """Why a row is left out: a name to group and filter by."""

    CELLS = "cells"  # more or fewer cells than the header, or a value under no heading
    QUOTES = "quotes"  # a quotation mark in the wrong place, or a cell that is too long
    NUL = "nul"  # a NUL character: PostgreSQL can't hold it, and no portal means it
    EMAIL = "email"  # empty, too long, or with a line break or control character
    PASSWORD = "password"  # noqa: S105 - empty
    TOTP = "totp"  # no TOTP secret
    HEADER = "header"  # the header once more
    DUPLICATE = "duplicate"  # e-mail and password as in an earlier row
    CONFLICT = "conflict"  # the e-mail of an earlier row with another password


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """One credential. `row` is the spreadsheet's number; `extras` keeps the file's order.

    `email` is trimmed of spaces around it, `password` and the extras' values are verbatim.
    `warnings` are short phrases such as "starts or ends with a space".
    """

    row: int
    email: str
    password: str = field(repr=False)
    extras: dict[str, str]
    warnings: tuple[str, ...] = ()
    totp: str = field(default="", repr=False)  # as it is stored: see `Totp.uri`


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not stored. `line` is where it starts in an editor; `reason` is a sentence."""

    file: str
    row: int
    line: int
    code: Refusal
    reason: Message

    @property
    def refusal(self) -> Message:
        """All of it for an operator: file, row, reason and remedy."""
        where = {"file": self.file, "row": self.row, "what": self.reason}
        if self.line == self.row:
            return ROW_FAULT.format(**where)
        return ROW_FAULT_AT.format(line=self.line, **where)

    @property
    def message(self) -> str:
        """The same in English."""
        return str(self.refusal)


def rows_from(
    opened: Opened, name: str, *, needs_password: bool = True
) -> Iterator[CredentialRow | RefusedRow]:
    """Each filled row below the header, in order: a credential, or why it is refused.

    Memory holds one row and about 150 bytes for each different e-mail. Raises UnreadableCsv
    where the rest can't be trusted, or at the end when there was no row.
    """
    judge = _Judge(opened, name, needs_password=needs_password)
    count = 0
    for row in opened.rows:
        count += 1
        if count > MOST_ROWS:
            raise UnreadableCsv(
                f"{name} has more than {MOST_ROWS:,} rows. Split it into several files."
            )
        yield judge.verdict(row)
    if not count:
        raise UnreadableCsv(f"{name} has a header and no rows. Add one row for each credential.")


class _Judge:
    """Says of each row whether it can be stored; remembers the e-mails it has let through."""

    def __init__(self, opened: Opened, name: str, *, needs_password: bool) -> None:
        self._needs_password = needs_password
        self._columns = opened.columns
        self._separator = opened.separator
        self._extras = opened.columns.extras
        self._header = [_folded(cell) for cell in opened.header.cells]
        self._name = name
        self._seen = _Seen()

    def verdict(self, row: Row) -> CredentialRow | RefusedRow:
        self._refuse_swallowed_rows(row)
        fault = self._fault_of_cells(row)
        if fault:
            return self._refused(row, *fault)
        email = trimmed(row.cells[self._columns.email])
        at = self._columns.password
        password = row.cells[at] if at is not None else ""
        if not self._needs_password and not password.strip():
            password = ""
        fault = self._fault_of_values(email, password, row)
        if fault:
            return self._refused(row, *fault)
        extras = {name: row.cells[at] for at, name in self._extras}
        warnings = warnings_about(password)
        return CredentialRow(row.number, email, password, extras, warnings, self._totp(row))

    def _fault_of_values(
        self, email: str, password: str, row: Row
    ) -> tuple[Refusal, Message] | None:
        fault = _fault_of_email(email)
        if fault is None and self._needs_password and not password.strip():
            fault = Refusal.PASSWORD, EMPTY_PASSWORD
        try:
            self._totp(row)
        except BadSecret:
            fault = fault or (Refusal.TOTP, BAD_TOTP)
        return fault or self._seen.fault(row.number, self._identity(email, row), password)

    def _identity(self, email: str, row: Row) -> str:
        """What may stand in the file only once: an account, at one portal."""
        login = account_of(email)
        at = next((at for at, name in self._extras if reader.key(name) in PORTAL_KEYS), None)
        if self._needs_password or at is None:  # all of its rows are of one portal
            return login
        return f"{_folded(row.cells[at])}\0{login}"

    def _totp(self, row: Row) -> str:
        at = self._columns.totp
        text = row.cells[at].strip() if at is not None else ""
        return read_totp(text).uri if text else ""

    def _refused(self, row: Row, code: Refusal, reason: Message) -> RefusedRow:
        return RefusedRow(self._name, row.number, row.first_line, code, reason)

    def _fault_of_cells(self, row: Row) -> tuple[Refusal, Message] | None:
        headings = len(self._columns.names)
        if row.problem:
            return Refusal.QUOTES, row.problem
        if len(row.cells) != headings:
            return Refusal.CELLS, _count_sentence(len(row.cells), headings)
        if any(
            cell for cell, name in zip(row.cells, self._columns.names, strict=True) if not name
        ):
            return Refusal.CELLS, NO_HEADING
        if any("\0" in cell for cell in row.cells):
            return Refusal.NUL, NUL_IN_ROW
        if any(len(cell) > reader.LONGEST_CELL for cell in row.cells):
            return Refusal.QUOTES, reader.TOO_LONG
        if all(_folded(cell) == self._header[at] for at, cell in enumerate(row.cells)):
            return Refusal.HEADER, HEADER_AGAIN
        return None

    def _refuse_swallowed_rows(self, row: Row) -> None:
        """A quote left open can end at a quote in a later row: the rows between would be lost."""
        if row.first_line == row.last_line:
            return
        wrong_count = len(row.cells) != len(self._columns.names)
        if wrong_count or any(self._holds_a_row(cell) for cell in row.cells):
            raise UnreadableCsv(
                f"{self._name}, row {row.number} (lines {row.first_line} to {row.last_line}): a "
                "cell with line breaks seems to hold other rows, so a quotation mark is missing "
                "or too many. Correct the quotation marks. Nothing of this file was taken."
            )

    def _holds_a_row(self, cell: str) -> bool:
        """One later line with as many cells as the header and an @ where the e-mail stands, or two
        lines with as many cells: a password or an address may well hold one separator."""
        later = [line.split(self._separator) for line in cell.splitlines()[1:]]
        whole = [cells for cells in later if len(cells) == len(self._columns.names)]
        return len(whole) > 1 or any("@" in cells[self._columns.email] for cells in whole)


def _folded(cell: str) -> str:
    return trimmed(cell).casefold()


def _count_sentence(cells: int, headings: int) -> Message:
    if cells < headings:
        return TOO_FEW_CELLS.format(cells=cells, headings=headings)
    return TOO_MANY_CELLS.format(cells=cells, headings=headings)


def account_of(email: str) -> str:
    """What tells one account from another: mail addresses differ by case only by mistake."""
    return email.casefold() if "@" in email else email


def _fault_of_email(email: str) -> tuple[Refusal, Message] | None:
    if not email:
        return Refusal.EMAIL, NO_EMAIL
    if len(email) > LONGEST_EMAIL:
        return Refusal.EMAIL, LONG_EMAIL.format(most=LONGEST_EMAIL)
    if CONTROL.search(email):
        return Refusal.EMAIL, CONTROL_IN_EMAIL
    return None


def warnings_about(password: str) -> tuple[str, ...]:
    """What is unusual about a password that is kept as it is: phrases that don't show it."""
    found = []
    if password != password.strip():
        found.append("starts or ends with a space")
    if "\n" in password or "\r" in password:
        found.append("holds a line break")
    return tuple(found)


class _Seen:
    """The e-mails let through: row and a digest of the password, under a key that dies with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._rows: dict[bytes, bytes] = {}

    def fault(self, row: int, account: str, password: str) -> tuple[Refusal, Message] | None:
        """Why this row repeats an earlier one, or None, and then it is remembered."""
        login = self._digest(account)
        secret = self._digest(password)
        known = self._rows.setdefault(login, secret + row.to_bytes(4))
        first = int.from_bytes(known[len(secret) :])
        if first == row:
            return None
        if known.startswith(secret):
            return Refusal.DUPLICATE, SAME_ROW.format(row=first)
        return Refusal.CONFLICT, OTHER_PASSWORD.format(row=first)

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), digest_size=12, key=self._key).digest()


REFUSED_SHOWN = 1000  # a page shows no more, and a million refusals would fill the memory


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A row as the preview shows it: without its password."""

    row: int
    email: str
    extras: dict[str, str]


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` counts the filled rows below the header: those accepted and those refused.

    `refused` holds the first REFUSED_SHOWN of them; `duplicates` counts those that repeat an
    earlier row's e-mail, with the same or another password. `warnings` are whole sentences.
    """

    name: str
    encoding: str
    separator: str
    email_column: str
    password_column: str
    extra_columns: tuple[str, ...]
    rows: int
    accepted: int
    refused_total: int
    duplicates: int
    refused: tuple[RefusedRow, ...]
    sample: tuple[SampleRow, ...]
    warnings: tuple[str, ...]
    totp_column: str = ""


@dataclass(slots=True)
class _Tally:
    accepted: int = 0
    refused_total: int = 0
    duplicates: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    sample: list[SampleRow] = field(default_factory=list)
    # For each warning: how many rows, and the numbers of the first few.
    warned: dict[str, tuple[int, list[int]]] = field(default_factory=dict)

    def add(self, row: CredentialRow | RefusedRow) -> None:
        if isinstance(row, RefusedRow):
            self._add_refused(row)
            return
        self.accepted += 1
        if len(self.sample) < 5:
            self.sample.append(SampleRow(row.row, row.email, row.extras))
        for warning in row.warnings:
            count, numbers = self.warned.get(warning, (0, []))
            self.warned[warning] = (count + 1, [*numbers, row.row][:5])

    def _add_refused(self, row: RefusedRow) -> None:
        self.refused_total += 1
        self.duplicates += row.code in (Refusal.DUPLICATE, Refusal.CONFLICT)
        if len(self.refused) < REFUSED_SHOWN:
            self.refused.append(row)


def read_credentials(
    path: Path, name: str, *, needs_password: bool = True
) -> Iterator[CredentialRow | RefusedRow]:
    """Each filled row below the header, in order: a credential, or why it is refused.

    `name` is what messages call the file. The header is read at once, the rows as they are asked
    for, in memory that hardly grows with the file. Raises UnreadableCsv, at once or in the middle:
    then nothing of the file may be kept.
    """
    opened = reader.open_csv(path, name, needs_password=needs_password)
    return rows_from(opened, name, needs_password=needs_password)


def preview(path: Path, name: str) -> Preview:
    """Read the whole file, store nothing. `name` is what messages call it.

    Raises UnreadableCsv for a file of which nothing can be used.
    """
    opened = reader.open_csv(path, name)
    tally = _Tally()
    for row in rows_from(opened, name):
        tally.add(row)
    columns = opened.columns
    return Preview(
        name=name,
        encoding=opened.encoding.label,
        separator=reader.SEPARATORS[opened.separator],
        email_column=columns.names[columns.email],
        password_column="" if columns.password is None else columns.names[columns.password],
        totp_column="" if columns.totp is None else columns.names[columns.totp],
        extra_columns=tuple(heading for _, heading in columns.extras),
        rows=tally.accepted + tally.refused_total,
        accepted=tally.accepted,
        refused_total=tally.refused_total,
        duplicates=tally.duplicates,
        refused=tuple(tally.refused),
        sample=tuple(tally.sample),
        warnings=_warnings(opened, tally, name),
    )


def _warnings(opened: Opened, tally: _Tally, name: str) -> tuple[str, ...]:
    about_file = [text for text in (opened.encoding.warning, opened.columns.warning) if text]
    about_rows = [
        f"{name}, {_rows_named(count, numbers)}: the password {warning}. It is kept exactly so; "
        "correct the file if that is not meant."
        for warning, (count, numbers) in tally.warned.items()
    ]
    return (*about_file, *about_rows)


def _rows_named(count: int, numbers: list[int]) -> str:
    named = ", ".join(str(number) for number in numbers)
    more = f" and {count - len(numbers):,} more" if count > len(numbers) else ""
    return f"{'row' if count == 1 else 'rows'} {named}{more}"
