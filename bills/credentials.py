"""A CSV of portal credentials: read row by row, or previewed before anything is stored.

Pure: the ORM and the queue are unknown here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills import csv_dialect
from bills.credential_rows import CredentialRow, Refusal, RefusedRow, rows_from
from bills.csv_text import UnreadableCsv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bills.csv_dialect import Opened

__all__ = [
    "CredentialRow",
    "Preview",
    "Refusal",
    "RefusedRow",
    "SampleRow",
    "UnreadableCsv",
    "preview",
    "read_credentials",
]

ROWS_SHOWN = 5
REFUSED_SHOWN = 1000  # a page shows no more, and a million refusals would fill the memory
NUMBERS_SHOWN = 5


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
        if len(self.sample) < ROWS_SHOWN:
            self.sample.append(SampleRow(row.row, row.email, row.extras))
        for warning in row.warnings:
            count, numbers = self.warned.get(warning, (0, []))
            self.warned[warning] = (count + 1, [*numbers, row.row][:NUMBERS_SHOWN])

    def _add_refused(self, row: RefusedRow) -> None:
        self.refused_total += 1
        self.duplicates += row.code in (Refusal.DUPLICATE, Refusal.CONFLICT)
        if len(self.refused) < REFUSED_SHOWN:
            self.refused.append(row)


def read_credentials(path: Path, name: str) -> Iterator[CredentialRow | RefusedRow]:
    """Each filled row below the header, in order: a credential, or why it is refused.

    `name` is what messages call the file. The header is read at once, the rows as they are asked
    for, in memory that hardly grows with the file. Raises UnreadableCsv, at once or in the middle:
    then nothing of the file may be kept.
    """
    return rows_from(csv_dialect.open_csv(path, name), name)


def preview(path: Path, name: str) -> Preview:
    """Read the whole file, store nothing. `name` is what messages call it.

    Raises UnreadableCsv for a file of which nothing can be used.
    """
    opened = csv_dialect.open_csv(path, name)
    tally = _Tally()
    for row in rows_from(opened, name):
        tally.add(row)
    columns = opened.columns
    return Preview(
        name=name,
        encoding=opened.encoding.label,
        separator=csv_dialect.SEPARATORS[opened.separator],
        email_column=columns.names[columns.email],
        password_column=columns.names[columns.password],
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
