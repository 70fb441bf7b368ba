"""Which columns hold the login and the password, where the operator says so."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bills.csv import reader
from bills.csv.reader import EMAIL_KEYS, PASSWORD_KEYS, UnreadableCsv, key
from imports.outside_text import trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS_LOOKED_AT = 50
LOGIN, PASSWORD = EMAIL_KEYS[0], PASSWORD_KEYS[0]


@dataclass(frozen=True, slots=True)
class Heading:
    """One column. `name` is empty where nothing shows that the first row is no credential."""

    position: int  # from 0
    name: str
    holds_addresses: bool


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Positions from 0; `has_header` says that the first row names the columns."""

    login: int
    password: int
    has_header: bool = True


def headings_of(path: Path, name: str) -> list[Heading]:
    """The file's columns. Raises UnreadableCsv where it can't be told apart into cells."""
    encoding = reader.find_encoding(path, name)
    separator = reader.find_separator(path, name, encoding)
    rows = list(islice(reader.filled_rows(path, name, encoding, separator), ROWS_LOOKED_AT + 1))
    cells = rows[0].cells if rows else []
    addresses = [_holds_addresses(rows, at) for at in range(len(cells))]
    is_header = any(
        key(cell) in EMAIL_KEYS + PASSWORD_KEYS or (below and "@" not in cell)
        for cell, below in zip(cells, addresses, strict=True)
    )
    return [
        Heading(at, trimmed(cell) if is_header else "", addresses[at])
        for at, cell in enumerate(cells)
    ]


def _holds_addresses(rows: Sequence[reader.Row], at: int) -> bool:
    cells = [row.cells[at].strip() for row in rows[1:] or rows if at < len(row.cells)]
    filled = [cell for cell in cells if cell]
    return bool(filled) and all("@" in cell for cell in filled)


def choose_columns(path: Path, name: str, choice: ColumnChoice) -> None:
    """Write the choice into the file's header: every reader then finds these two columns.

    The rows stay byte for byte. Raises UnreadableCsv as `headings_of` does, and for a choice
    that the file does not offer.
    """
    encoding = reader.find_encoding(path, name)
    separator = reader.find_separator(path, name, encoding)
    header = next(reader.filled_rows(path, name, encoding, separator), None)
    found = header.cells if header else []
    is_offered = {choice.login, choice.password} <= set(range(len(found)))
    if header is None or choice.login == choice.password or not is_offered:
        raise UnreadableCsv(f"{name}: choose two different columns of the file.")
    if not choice.has_header and len(found) != 2:  # a third could hold secrets, and be shown
        raise UnreadableCsv(
            f"{name} has {len(found)} columns and no headings. Name the columns in its first row."
        )
    names = _renamed(found if choice.has_header else ["", ""], choice)
    lines = list(reader.text_lines(path, name, encoding))
    ending = "\r\n" if lines[header.first_line - 1].endswith("\r\n") else "\n"
    after = header.last_line if choice.has_header else header.first_line - 1
    lines[header.first_line - 1 : after] = [_line(names, separator, ending)]
    path.write_text("".join(lines), encoding=encoding.codec, newline="")


def _renamed(cells: Sequence[str], choice: ColumnChoice) -> list[str]:
    """The headings with the two chosen; others that would be taken for a login step aside."""
    names = [trimmed(cell) for cell in cells]
    names = [f"{name} (extra)" if key(name) in EMAIL_KEYS else name for name in names]
    names[choice.login], names[choice.password] = LOGIN, PASSWORD
    return names


def _line(names: Sequence[str], separator: str, ending: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=ending).writerow(names)
    return text.getvalue()
