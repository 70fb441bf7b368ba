"""An SFTP server whose host key is known: a file is written aside, read back, then renamed."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from bills.deliveries.destinations.base import (
    LOOKS_DIFFERENT,
    NAME_TAKEN,
    NotDelivered,
    OutgoingFile,
    sha256_of,
)
from imports.remote import PIECE_BYTES
from imports.remote.sftp import SftpConnection, explained

if TYPE_CHECKING:
    from bills.models import Destination

UNFINISHED = ".redrive-part"


class Sftp:
    """Writes below one folder of one server."""

    def __init__(self, destination: Destination) -> None:
        self._connection = SftpConnection(
            destination.location, destination.host_key, destination.user_name, destination.secret
        )
        self.root, self._sftp = self._connection.root, self._connection.sftp

    def put(self, file: OutgoingFile) -> None:
        target = posixpath.join(self.root, file.name)
        with explained():
            if not file.may_replace and self._is_there(target, file):
                return
            self._make_folders(posixpath.dirname(target))
            unfinished = target + UNFINISHED  # of our own earlier attempt, too: written over
            with file.open() as source:
                self._sftp.putfo(source, unfinished, file.size, confirm=True)
            if self._sha256(unfinished) != file.sha256:
                raise NotDelivered(LOOKS_DIFFERENT)
            if file.may_replace:
                self._sftp.posix_rename(unfinished, target)
            else:
                self._rename_once(unfinished, target, file)

    def _rename_once(self, unfinished: str, target: str, file: OutgoingFile) -> None:
        """The protocol's own rename fails where the name is taken."""
        try:
            self._sftp.rename(unfinished, target)
        except OSError:
            if not self._is_there(target, file):
                raise
            self._sftp.remove(unfinished)

    def _is_there(self, target: str, file: OutgoingFile) -> bool:
        try:
            found = self._sftp.stat(target)
        except FileNotFoundError:
            return False
        if found.st_size != file.size or self._sha256(target) != file.sha256:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
        return True

    def _sha256(self, path: str) -> str:
        with self._sftp.open(path, "rb", PIECE_BYTES) as there:
            there.prefetch()
            return sha256_of(there)

    def _make_folders(self, folder: str) -> None:
        made = self.root
        for part in posixpath.relpath(folder, self.root).split("/"):
            made = posixpath.join(made, part)
            try:
                self._sftp.stat(made)
            except FileNotFoundError:
                with contextlib.suppress(OSError):  # another worker made it; else `put` says so
                    self._sftp.mkdir(made)

    def check(self) -> None:
        with explained():
            self._sftp.listdir_attr(self.root)

    def close(self) -> None:
        self._connection.close()
