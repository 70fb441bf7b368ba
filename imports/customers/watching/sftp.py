"""A directory of an SFTP server whose host key is known."""

from __future__ import annotations

import contextlib
import posixpath
import stat
from typing import TYPE_CHECKING, Any, BinaryIO

from imports.customers.watching.places import Found, held, is_as_seen, other_name
from imports.remote import sftp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import WatchedFile, WatchedFolder


class Server:
    """The directory, over one connection."""

    def __init__(self, folder: WatchedFolder) -> None:
        self._connection = sftp.SftpConnection(
            folder.folder, folder.host_key, folder.user_name, folder.secret
        )
        self.root, self._sftp = self._connection.root, self._connection.sftp

    def files(self) -> Iterator[Found]:
        with sftp.explained():
            entries = self._sftp.listdir_attr(self.root)
        for entry in sorted(entries, key=lambda each: str(each.filename)):
            if stat.S_ISREG(entry.st_mode or 0):
                yield _found(entry.filename, entry)

    def state_of(self, name: str) -> Found | None:
        found = self._stat(self._path(name))
        return _found(name, found) if found else None

    def _path(self, *names: str) -> str:
        return posixpath.join(self.root, *names)

    def _stat(self, path: str) -> Any:
        with sftp.explained():
            try:
                return self._sftp.lstat(path)
            except FileNotFoundError:
                return None

    def fetch(self, name: str) -> BinaryIO:
        if self.state_of(name) is None:
            raise FileNotFoundError(name)
        with sftp.explained():
            return held(lambda content: self._sftp.getfo(self._path(name), content))

    def move(self, file: WatchedFile, goal: str) -> None:
        if not is_as_seen(file, self.state_of(file.name)):
            return
        if self._stat(self._path(goal)) is None:
            with contextlib.suppress(OSError):  # another worker made it; else the rename says so
                self._sftp.mkdir(self._path(goal))
        is_taken = self._stat(self._path(goal, file.name)) is not None
        target = other_name(file) if is_taken else file.name
        with sftp.explained():
            self._sftp.rename(self._path(file.name), self._path(goal, target))

    def close(self) -> None:
        self._connection.close()


def _found(name: str, info: Any) -> Found:
    return Found(name, info.st_size or 0, (info.st_mtime or 0) * 1_000_000_000)
