"""A CSV of credentials as an operator uploads it, for the tests of all that reads one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.csv.credentials import CredentialRow, Preview, RefusedRow, preview, read_credentials
from bills.csv.reader import UnreadableCsv

if TYPE_CHECKING:
    from pathlib import Path

NAME = "may.csv"
CANARY = "hunter2-åé"  # a password that must never be shown


class Upload:
    """One CSV on disk, under the name that an operator gave it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "upload"

    def put(self, content: str | bytes) -> None:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)

    def rows(self, content: str | bytes) -> list[CredentialRow | RefusedRow]:
        self.put(content)
        return list(read_credentials(self.path, NAME))

    def accepted(self, content: str | bytes) -> list[CredentialRow]:
        """All rows, none of which may be refused."""
        found = self.rows(content)
        assert [row.message for row in found if isinstance(row, RefusedRow)] == []
        return [row for row in found if isinstance(row, CredentialRow)]

    def refused(self, content: str | bytes) -> list[RefusedRow]:
        return [row for row in self.rows(content) if isinstance(row, RefusedRow)]

    def pairs(self, content: str | bytes) -> list[tuple[str, str]]:
        return [(row.email, row.password) for row in self.accepted(content)]

    def preview(self, content: str | bytes) -> Preview:
        self.put(content)
        return preview(self.path, NAME)

    def error(self, content: str | bytes) -> str:
        """The refusal of the whole file, which both ways of reading must agree on."""
        self.put(content)
        with pytest.raises(UnreadableCsv) as read:
            list(read_credentials(self.path, NAME))
        with pytest.raises(UnreadableCsv) as previewed:
            preview(self.path, NAME)
        assert str(read.value) == str(previewed.value) == read.value.message
        assert read.value.message.startswith(NAME)
        return read.value.message
