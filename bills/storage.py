"""Where bills lie: under names of ours, moved into place whole, through Django's storage."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.storage import FileSystemStorage

if TYPE_CHECKING:
    from pathlib import Path

    from bills.plan import BillKey

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def bill_storage() -> FileSystemStorage:
    """MEDIA_ROOT, readable by us alone. A bill whose row was lost in a kill is written over."""
    return FileSystemStorage(
        file_permissions_mode=PRIVATE_FILE,
        directory_permissions_mode=PRIVATE_FOLDER,
        allow_overwrite=True,
    )


def name_for(portal_id: int, account: str, key: BillKey, sha256: str) -> str:
    """The same name for the same bill each time, with nothing in it that came from outside."""
    amount = "" if key.amount is None else f"{key.amount:.4f}"
    shown = (key.number, str(key.date or ""), amount, key.contract, key.date_text)
    identity = "\0".join((account, *shown, sha256))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:40]
    return f"bills/{portal_id}/{digest[:2]}/{digest}.pdf"


class WholeFile(File):  # type: ignore[type-arg]
    """A finished file that the storage moves into place in one step instead of copying it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(path.open("rb"), name=path.name)

    def temporary_file_path(self) -> str:
        """Tells Django's storage that the file may be renamed."""
        return str(self._path)
