"""An uploaded CSV as numbered rows of cells: its encoding, separator, quotes and columns."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.outside_text import MARKS, scan, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

LONGEST_LINE = 1 << 20  # characters: eight cells of the longest kind; more would fill the memory
SAVE_AS_CSV = "Open it in the spreadsheet and save it as “CSV UTF-8”, then upload that file."

NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook (XLSX) or a ZIP archive",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (XLS)",
    b"\x89PNG": "a PNG picture",
    b"%PDF-": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
}


class UnreadableCsv(Exception):
    """A whole file is refused. The message names the file, where it is wrong, and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` is Python's name, `label` is for people, `warning` is a sentence or empty."""

    codec: str
    label: str
    warning: str = ""


def find_encoding(path: Path, name: str) -> Encoding:
    """The encoding of the whole file: by its mark, else UTF-8, else Windows-1252 with a warning.

    Reads the file once, in pieces. Raises UnreadableCsv for what is empty, no text, or of
    two encodings at once: guessing there would send a wrong password to a portal.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    _refuse_what_is_no_text(head, name)
    for mark, codec, label in MARKS:
        if head.startswith(mark):
            return _as_marked(path, name, Encoding(_marking(codec), label))
    if head.count(0) > len(head) // 4:
        raise UnreadableCsv(
            f"{name} is no plain text: it may be UTF-16 without its byte order mark. {SAVE_AS_CSV}"
        )
    return _without_mark(path, name)


def _marking(codec: str) -> str:
    """Python's name of an encoding that reads past the mark, and writes one."""
    return "utf-8-sig" if codec == "utf-8" else codec.removesuffix("-le").removesuffix("-be")


def text_lines(path: Path, name: str, encoding: Encoding) -> Iterator[str]:
    """Each line with its own ending: LF, CRLF or CR alone.

    Raises UnreadableCsv for a line over LONGEST_LINE characters.
    """
    with path.open(encoding=encoding.codec, newline="") as text:
        number = 0
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise UnreadableCsv(
                    f"{name}, line {number}: it is longer than {LONGEST_LINE:,} characters. "
                    "Check that each credential stands on a line of its own."
                )
            # Some programs write the mark twice; it would hide the first heading's quotes.
            yield line.lstrip("\ufeff") if number == 1 else line


def _refuse_what_is_no_text(head: bytes, name: str) -> None:
    if not head:
        raise UnreadableCsv(f"{name} is empty. Choose the file that holds the credentials.")
    for magic, what in NOT_TEXT.items():
        if head.startswith(magic):
            raise UnreadableCsv(f"{name} is {what}, whatever its name says. {SAVE_AS_CSV}")


def _as_marked(path: Path, name: str, encoding: Encoding) -> Encoding:
    found = scan(path, encoding.codec)
    if found.bad_line:
        raise UnreadableCsv(
            f"{name}, at or after line {found.bad_line}: the file begins as {encoding.label} and "
            "does not stay so: it is damaged or cut off. Export the file again."
        )
    return encoding


def _without_mark(path: Path, name: str) -> Encoding:
    utf8 = scan(path, "utf-8")
    if not utf8.bad_line:
        return Encoding("utf-8", "UTF-8")
    if utf8.is_partly_utf_8:
        raise UnreadableCsv(
            f"{name}, line {utf8.bad_line}: other lines are UTF-8 and this one is not: the file "
            f"is damaged, or was put together from two encodings. {SAVE_AS_CSV}"
        )
    windows = scan(path, "cp1252")
    if windows.bad_line:
        raise UnreadableCsv(
            f"{name}, line {windows.bad_line}: it is neither UTF-8 nor Windows-1252. {SAVE_AS_CSV}"
        )
    return Encoding("cp1252", "Windows-1252", _windows_warning(name, utf8.bad_line))


def _windows_warning(name: str, line: int) -> str:
    return (
        f"{name} is not UTF-8 (first at line {line}) and was read as Windows-1252. Check that "
        "letters such as å, ä and ö look right here; a password with a wrong letter is refused "
        "by the portal. To be sure, save the file as “CSV UTF-8”."
    )


# In order of preference: where a file has several of these, the first found is what is typed in.
EMAIL_KEYS = (
    *("credusername", "creduser", "credemail", "credlogin"),
    *("email", "emailaddress", "epost", "epostadress", "epostadresse", "mail", "mailadress"),
    *("mejl", "mejladress", "useremail", "loginemail"),
    *("username", "user", "userid", "login", "loginname", "loginid"),
    *("användarnamn", "anvandarnamn", "användare", "inloggning", "inloggningsnamn"),
    *("brukernavn", "brugernavn", "käyttäjätunnus", "benutzername", "benutzer"),
)
PASSWORD_KEYS = (
    *("credpassword", "credpass", "credpwd", "password", "passwd", "pass", "pwd", "pw"),
    *("userpassword", "loginpassword", "lösenord", "losenord", "passord", "adgangskode"),
    *("salasana", "passwort", "kennwort"),
)
TOTP_KEYS = (
    *("totp", "totpsecret", "totpkey", "totpuri", "otpauth", "otpauthuri", "otpauthurl"),
    *("otpsecret", "2fasecret", "2fakey", "twofactorsecret", "mfasecret", "mfakey"),
    *("authenticatorsecret", "authenticatorkey"),
)
SECRET_WORDS = ("password", "passwd", "lösenord", "losenord", "passord", "passwort", "kennwort")


@dataclass(frozen=True, slots=True)
class Columns:
    """The header: names as written ("" where a heading is empty), and positions from 0.

    `password` is None in a file without any, where that is allowed.
    """

    names: tuple[str, ...]
    email: int
    password: int | None
    warning: str = ""
    totp: int | None = None

    @property
    def extras(self) -> list[tuple[int, str]]:
        """Position and name of each column that is kept and shown, in the file's order."""
        found = enumerate(self.names)
        own = (self.email, self.password, self.totp)
        return [(at, name) for at, name in found if name and at not in own]


def key(heading: str) -> str:
    """A heading as it is compared: letters and digits only, whatever the case or Unicode form."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def score(cells: Sequence[str]) -> tuple[int, int]:
    """How well these cells serve as a header: roles found (0 to 2), then number of headings."""
    keys = {key(cell) for cell in cells}
    roles = bool(keys & set(EMAIL_KEYS)) + bool(keys & set(PASSWORD_KEYS))
    return roles, len(cells)


def columns_of(cells: Sequence[str], where: str, *, needs_password: bool = True) -> Columns:
    """The columns of a header. `where` is the file and row, for messages.

    Raises UnreadableCsv for a header without both roles, with one name twice, or with a second
    column of passwords (extra columns are shown, so it would be shown too).
    """
    names = tuple(trimmed(cell) for cell in cells)
    keys = [key(name) or name for name in names]  # a heading such as "#" has no letters
    emails = [keys.index(known) for known in EMAIL_KEYS if known in keys]
    passwords = [keys.index(known) for known in PASSWORD_KEYS if known in keys]
    if len(names) > MOST_COLUMNS:
        raise UnreadableCsv(
            f"{where}: {len(names):,} columns, and at most {MOST_COLUMNS:,} are read. Leave out "
            "what no login needs."
        )
    if not emails or (needs_password and not passwords):
        raise UnreadableCsv(_missing(names, bool(emails), bool(passwords), where))
    _refuse_one_name_twice(names, keys, where)
    password = passwords[0] if passwords else None
    secrets = [keys.index(known) for known in TOTP_KEYS if known in keys]
    _refuse_a_second_secret(names, keys, password, where)
    _refuse_two_totp_secrets(names, secrets, where)
    warning = _other_logins(names, emails, where)
    return Columns(names, emails[0], password, warning, secrets[0] if secrets else None)


def _missing(names: Sequence[str], email: bool, password: bool, where: str) -> str:
    remedy = "The first row must name the columns, such as: email,password"
    if not email and not password:
        # Nothing shows that this row is a header: it may be a credential, so it is not repeated.
        count = "1 cell" if len(names) == 1 else f"{len(names)} cells"
        return (
            f"{where}: none of its {count} names a column for the e-mail or the password. "
            f"{remedy}. Columns are separated by comma, semicolon, tab or |."
        )
    missing = "e-mail" if password else "password"
    found = [name for name in names if name]
    shown = ", ".join(f"“{name[:LONGEST_SHOWN]}”" for name in found[:MOST_SHOWN])
    more = f" and {len(found) - MOST_SHOWN:,} more" if len(found) > MOST_SHOWN else ""
    return f"{where}: no column for the {missing}. Found: {shown}{more}. {remedy}"


def _refuse_one_name_twice(names: Sequence[str], keys: Sequence[str], where: str) -> None:
    first_at: dict[str, int] = {}
    for at, this in enumerate(keys):
        if first_at.setdefault(this, at) != at and this:
            raise UnreadableCsv(
                f"{where}: columns {first_at[this] + 1} and {at + 1} are both named "
                f"“{names[at][:LONGEST_SHOWN]}”. Rename or remove one of them."
            )


def _refuse_two_totp_secrets(names: Sequence[str], secrets: Sequence[int], where: str) -> None:
    if len(secrets) > 1:
        raise UnreadableCsv(
            f"{where}: “{names[secrets[0]]}” and “{names[secrets[1]]}” both look as if they held "
            "TOTP secrets. Remove one of the columns."
        )


def _refuse_a_second_secret(
    names: Sequence[str], keys: Sequence[str], password: int | None, where: str
) -> None:
    for at, this in enumerate(keys):
        secret = this in PASSWORD_KEYS or any(word in this for word in SECRET_WORDS)
        if password is not None and at != password and secret:
            raise UnreadableCsv(
                f"{where}: besides “{names[password]}”, the column “{names[at]}” looks as if it "
                "held passwords, and extra columns are shown. Remove it or rename it."
            )


def _other_logins(names: Sequence[str], emails: Sequence[int], where: str) -> str:
    if len(emails) == 1:
        return ""
    others = ", ".join(f"“{names[at]}”" for at in emails[1:])
    return (
        f"{where}: the login is taken from “{names[emails[0]]}”; {others} is kept as extra "
        "information. Rename a column if that is the wrong way round."
    )


MOST_SHOWN, LONGEST_SHOWN = 30, 60  # headings in a message, and characters of each
MOST_COLUMNS = 1_000  # each is kept with each credential
LONGEST_CELL = 131_072  # characters: the csv module's own limit
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
EXCEL_HINT = re.compile(r'"?sep=([,;\t|])"?[\r\n]*', re.IGNORECASE)  # Excel's own first line
TOO_LONG = sentence(
    "CELL_TOO_LONG", _("a cell is longer than {most} characters. Shorten it.")
).format(most=LONGEST_CELL)
QUOTE_REMEDY = (
    'Put a quotation mark at both ends of a cell, and double one that belongs to the text: "a""b".'
)
QUOTE_IN_CELL = sentence(
    "QUOTE_IN_CELL",
    _(
        "a quotation mark stands within a quoted cell. Put a quotation mark at both ends of a "
        'cell, and double one that belongs to the text: "a""b".'
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `problem` is a message where the cells could not be told apart; no value in it."""

    number: int
    first_line: int
    last_line: int
    cells: list[str]
    problem: Message | None = None

    def __repr__(self) -> str:  # a cell may be a password, and a repr ends up in a log
        return f"Row({self.number}, line {self.first_line}, {len(self.cells)} cells)"

    @property
    def is_blank(self) -> bool:
        return not self.problem and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header is understood. `rows` are those below it, blank ones left out."""

    encoding: Encoding
    separator: str
    columns: Columns
    header: Row
    rows: Iterator[Row]


def open_csv(path: Path, name: str, *, needs_password: bool = True) -> Opened:
    """Find encoding, separator and columns. Raises UnreadableCsv for a file that can't be used."""
    encoding = find_encoding(path, name)
    separator = find_separator(path, name, encoding)
    rows = filled_rows(path, name, encoding, separator)
    header = next(rows, None)
    if header is None:
        raise UnreadableCsv(f"{name} has no header. The first row must name the columns.")
    if header.problem:
        raise UnreadableCsv(f"{name}, row {header.number}: {header.problem}")
    where = f"{name}, row {header.number}"
    columns = columns_of(header.cells, where, needs_password=needs_password)
    return Opened(encoding, separator, columns, header, rows)


def filled_rows(path: Path, name: str, encoding: Encoding, separator: str) -> Iterator[Row]:
    hinted = False
    for row in rows_of(text_lines(path, name, encoding), separator, name):
        if row.number == 1 and EXCEL_HINT.fullmatch(separator.join(row.cells)):
            hinted = True  # a spreadsheet reads this line and doesn't show it as a row
        elif not row.is_blank:
            yield replace(row, number=row.number - 1) if hinted else row


def find_separator(path: Path, name: str, encoding: Encoding) -> str:
    """The one that makes the best header of the first filled row."""
    if hint := EXCEL_HINT.fullmatch(next(text_lines(path, name, encoding), "")):
        return hint[1]
    headers: dict[str, list[str]] = {}
    problems: list[str] = []
    for separator in SEPARATORS:
        try:
            header = next(filled_rows(path, name, encoding, separator), None)
        except UnreadableCsv as unreadable:
            problems.append(unreadable.message)
            continue
        if header and header.problem:
            problems.append(f"{name}, row {header.number}: {header.problem}")
        elif header:
            headers[separator] = header.cells
    return _best(headers, problems, name)


def _best(headers: dict[str, list[str]], problems: list[str], name: str) -> str:
    best = max(headers, key=lambda separator: score(headers[separator]), default="")
    if best and (score(headers[best])[0] or not problems):
        return best
    raise UnreadableCsv(
        problems[0]
        if problems
        else f"{name} holds nothing but white space. Choose the file that holds the credentials."
    )


def place(name: str, row: int, line: int) -> str:
    """Where a row stands, for a message: the line too where an editor counts otherwise."""
    return f"{name}, row {row}" + (f" (line {line})" if line != row else "")


class _Lines:
    """Hands lines to the csv reader and remembers the last, to judge what it stumbled over."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self._lines)
        return self.last


def rows_of(lines: Iterable[str], separator: str, name: str) -> Iterator[Row]:
    """Each row, strictly read. A fault within one line is that row's problem.

    Raises UnreadableCsv where a quotation mark may have swallowed the rows that follow.
    """
    feed = _Lines(lines)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        first_line = reader.line_num + 1
        cells, fault = _next_cells(reader)
        if cells is None and not fault:
            return
        own_line = reader.line_num == first_line and feed.last.count('"') % 2 == 0
        if fault and not own_line:
            raise UnreadableCsv(_swallowed(place(name, number, first_line), fault))
        problem = _message(fault) if fault else None
        yield Row(number, first_line, reader.line_num, cells or [], problem)


def _next_cells(reader: Iterator[list[str]]) -> tuple[list[str] | None, str]:
    """The next row's cells, or what the csv module says is wrong (it quotes nothing of the file).

    After an error the reader starts afresh at the next line.
    """
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, str(error)


def _message(fault: str) -> Message:
    return TOO_LONG if "field limit" in fault else QUOTE_IN_CELL


def _swallowed(where: str, fault: str) -> str:
    detail = f" (a cell grew past {LONGEST_CELL:,} characters)" if "field limit" in fault else ""
    return (
        f"{where}: a quotation mark opens here and is not closed where its cell ends{detail}, so "
        f"the rows after it can't be told apart. {QUOTE_REMEDY} Nothing of this file was taken."
    )
