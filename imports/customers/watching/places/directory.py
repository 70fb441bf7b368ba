"""A folder below WATCH_DIR, which all workers see."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from imports.customers.watching.places.base import Found, other_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import WatchedFile, WatchedFolder


class Directory:
    """The folder, as the host's own files."""

    def __init__(self, folder: WatchedFolder) -> None:
        self.root = folder.place

    def files(self) -> Iterator[Found]:
        """No links: they may lead anywhere."""
        with os.scandir(self.root) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(info.st_mode):
                    yield Found(entry.name, info.st_size, info.st_mtime_ns)

    def state_of(self, name: str) -> Found | None:
        try:
            info = (self.root / name).stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        return Found(name, info.st_size, info.st_mtime_ns)

    def fetch(self, name: str) -> BinaryIO:
        return (self.root / name).open("rb")

    def move(self, file: WatchedFile, goal: str) -> None:
        path, folder = self.root / file.name, self.root / goal
        folder.mkdir(exist_ok=True)
        if not path.exists():
            return
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                return
        target = folder / file.name
        path.rename(folder / other_name(file) if target.exists() else target)

    def close(self) -> None:
        """Nothing is held open."""
