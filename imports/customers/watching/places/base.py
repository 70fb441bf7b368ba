"""What a watched place must offer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from imports.models import WatchedFile


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
