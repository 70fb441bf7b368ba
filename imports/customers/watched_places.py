"""What a watched place must offer, and the plainest one: a folder below WATCH_DIR, which all
workers see.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imports.models import WatchedFile, WatchedFolder


@dataclass(frozen=True, slots=True)
class Found:
    """One file of a place, as it is now."""

    name: str
    size: int
    modified_ns: int


class Place(Protocol):
    """A place while it is open. Raises OSError and RemoteFailure."""

    def files(self) -> Iterator[Found]:
        """Its plain files, in the order of their names; not those in folders below."""
        ...

    def state_of(self, name: str) -> Found | None:
        """The file as it is now; None where it is gone."""
        ...

    def fetch(self, name: str) -> BinaryIO:
        """The file's bytes, to be closed. Raises FileNotFoundError where it is gone."""
        ...

    def move(self, file: WatchedFile, goal: str) -> None:
        """Move the file that was taken into its folder `goal`, under a name that is free there.

        Nothing happens where it is gone, or is another by now.
        """
        ...

    def close(self) -> None: ...


def is_as_seen(file: WatchedFile, found: Found | None) -> bool:
    """Whether it is the file that was seen, unchanged."""
    return found is not None and (found.size, found.modified_ns) == (file.size, file.modified_ns)


def other_name(file: WatchedFile) -> str:
    """For one whose own name is in use where it goes: "members-7.json"."""
    path = PurePosixPath(file.name)
    return f"{path.stem}-{file.pk}{path.suffix}"


def held(fill: Callable[[BinaryIO], object]) -> BinaryIO:
    """What `fill` writes, in a file that has no name: a worker that is killed leaves nothing."""
    content = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    try:
        fill(content)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content


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
