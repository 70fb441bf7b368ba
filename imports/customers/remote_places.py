"""Watched places on other hosts, loaded where one is used.

Objects appear in a prefix of an S3 bucket whole. A directory of an SFTP server is watched only
where the host key is known.
"""

from __future__ import annotations

import contextlib
import posixpath
import shutil
import stat
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from botocore.exceptions import ClientError

from imports.customers.watched_places import Found, held, is_as_seen, other_name
from imports.remote import PIECE_BYTES, s3, sftp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import WatchedFile, WatchedFolder


class Bucket:
    """The objects whose names begin with the prefix and have no further "/"."""

    def __init__(self, folder: WatchedFolder) -> None:
        self.bucket, self.prefix = s3.bucket_of(folder.folder)
        self._client = s3.client_of(
            folder.endpoint, folder.region, folder.user_name, folder.secret
        )

    def files(self) -> Iterator[Found]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
        )
        with s3.explained():
            for page in pages:
                for each in page.get("Contents", []):
                    name = each["Key"].removeprefix(self.prefix)
                    yield found_at(name, each["Size"], each["LastModified"])

    def state_of(self, name: str) -> Found | None:
        head = self._head(self.prefix + name)
        return _of_head(name, head) if head else None

    def _head(self, key: str) -> dict[str, Any] | None:
        with s3.explained():
            try:
                return cast(
                    "dict[str, Any]", self._client.head_object(Bucket=self.bucket, Key=key)
                )
            except ClientError as error:
                if s3.code_of(error) in s3.MISSING:
                    return None
                raise

    def fetch(self, name: str) -> BinaryIO:
        if self.state_of(name) is None:
            raise FileNotFoundError(name)
        with s3.explained():
            there = self._client.get_object(Bucket=self.bucket, Key=self.prefix + name)
            return held(lambda content: shutil.copyfileobj(there["Body"], content, PIECE_BYTES))

    def move(self, file: WatchedFile, goal: str) -> None:
        """Copied, then deleted. A copy of an earlier try, which was killed, counts."""
        key = self.prefix + file.name
        head = self._head(key)
        if head is None or not is_as_seen(file, _of_head(file.name, head)):
            return
        target = f"{self.prefix}{goal}/{file.name}"
        there = self._head(target)
        if there is not None and there["ETag"] != head["ETag"]:
            target, there = f"{self.prefix}{goal}/{other_name(file)}", None
        with s3.explained():
            if there is None:
                self._client.copy_object(
                    Bucket=self.bucket,
                    Key=target,
                    CopySource={"Bucket": self.bucket, "Key": key},
                    CopySourceIfMatch=head["ETag"],
                )
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def close(self) -> None:
        self._client.close()


def found_at(name: str, size: int, at: Any) -> Found:
    """The object as a listing or a HEAD shows it."""
    # A listing may have milliseconds (MinIO); HEAD, like every date of HTTP, has none.
    return Found(name, size, int(at.timestamp()) * 1_000_000_000)


def _of_head(name: str, head: dict[str, Any]) -> Found:
    return found_at(name, head["ContentLength"], head["LastModified"])


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
