"""Rows as CSV for a spreadsheet: streamed, with no text that it would run as a formula.

What the columns are is said elsewhere; here is only how values become cells.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PIECE_BYTES = 64 * 1024

# The full-width forms count: spreadsheets for Chinese and Japanese run them too.
FORMULA_SIGNS = "=+-@\t\r\n＝＋－＠"
SKIPPED_BEFORE_A_FORMULA = " \u00a0\u200b\ufeff\0"  # importers drop these, and then see the sign


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet runs: a leading ' before = + - @, tab, CR or LF.

    Numbers stay as they are (-5 is no formula), None is empty, times are ISO 8601.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = str(value)
    begins = text.lstrip(SKIPPED_BEFORE_A_FORMULA)[:1]
    return f"'{text}" if begins and begins in FORMULA_SIGNS else text


def csv_rows(
    header: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ","
) -> Iterator[bytes]:
    """A CSV in pieces of about PIECE_BYTES: UTF-8 with the mark that tells Excel so, CRLF.

    For a StreamingHttpResponse or a file; one piece is held at a time.
    """
    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([safe_cell(name) for name in header])
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        if text.tell() >= PIECE_BYTES:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode("utf-8", errors="replace")  # "\ud800" has no bytes: "?"
    text.seek(0)
    text.truncate()
    return piece
