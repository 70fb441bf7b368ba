"""How rows get into PostgreSQL by the thousand: COPY in binary, without escaping."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

from imports.ledger.claims import cursor

if TYPE_CHECKING:
    from collections.abc import Sequence


def copy_in(table: str, columns: dict[str, str], rows: Sequence[tuple[object, ...]]) -> None:
    """COPY rows into a table."""
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor() as sql, sql.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


# The columns of a record that waits; all others have the database's defaults.
WAITING_COLUMNS = "job_id, batch_id, file_id, body_start, body_length, position, key, email"
COPY_WAITING = f"COPY import_results ({WAITING_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"


class WaitingRows:
    """Collects the rows of waiting records, as COPY has them in binary.

    psycopg writes any row, and takes ten times as long.
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []

    def add(
        self, job: int, batch: int, file: int, starts: Sequence[int], sizes: Sequence[int],
        positions: Sequence[int], keys: Sequence[str], emails: Sequence[str],
    ) -> None:  # fmt: skip
        """The records of one batch."""
        rows = self._rows
        for start, size, position, key, email in zip(
            starts, sizes, positions, map(str.encode, keys), map(str.encode, emails), strict=True
        ):
            key_size, email_size = len(key), len(email)
            pack = _row(key_size, email_size)
            rows.append(
                pack(
                    8, 8, job, 8, batch, 8, file, 4, start, 4, size, 4, position, key_size, key,
                    email_size, email,
                )
            )  # fmt: skip

    def write(self) -> None:
        """Send all to the database."""
        if not self._rows:
            return
        with cursor() as sql, sql.copy(COPY_WAITING) as copy:
            copy.write(b"".join((_HEADER, *self._rows, _END)))
        self._rows.clear()


@cache
def _row(key_size: int, email_size: int):  # type: ignore[no-untyped-def]
    """Packs a row whose texts have so many bytes: the count of columns, each after its size."""
    return struct.Struct(f">hiqiqiqiiiiiii{key_size}si{email_size}s").pack
