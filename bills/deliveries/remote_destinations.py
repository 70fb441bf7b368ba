"""Destinations on other hosts: an S3 bucket, an SFTP server, a webhook. Loaded where one is used.

An object of a bucket is written once. On a server whose host key is known, a file is written
aside, read back, then renamed. A webhook gets a signed POST that says what was fetched and where
the file can be had, for some days.
"""

from __future__ import annotations

import base64
import contextlib
import posixpath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from django.utils import timezone

from bills.deliveries import lists
from bills.deliveries.destinations import (
    LOOKS_DIFFERENT,
    NAME_TAKEN,
    NotDelivered,
    OutgoingFile,
    sha256_of,
)
from bills.deliveries.lists import entry
from imports import notifications
from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.models import Channel
from imports.models.notifications import ChannelKind
from imports.remote import PIECE_BYTES, s3, sftp

if TYPE_CHECKING:
    from bills.models import Destination


SHA256 = "redrive-sha256"  # our note on each object
EXISTS = {"PreconditionFailed", "412"}
UNFINISHED = ".redrive-part"


class S3:
    """Writes below one prefix of one bucket."""

    def __init__(self, destination: Destination) -> None:
        self.bucket, self.prefix = s3.bucket_of(destination.location)
        self._client = s3.client_of(
            destination.endpoint, destination.region, destination.user_name, destination.secret
        )

    def put(self, file: OutgoingFile) -> None:
        """Write it unless it is there; the store checks the bytes against their SHA-256."""
        key = f"{self.prefix}{file.name}"
        if not file.may_replace and self._is_there(key, file):
            return
        condition: dict[str, Any] = {} if file.may_replace else {"IfNoneMatch": "*"}
        with s3.explained(), file.open() as body:
            try:
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentLength=file.size,
                    ContentType=file.content_type,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(file.sha256)).decode(),
                    Metadata={SHA256: file.sha256},
                    **condition,
                )
            except ClientError as error:
                if s3.code_of(error) not in EXISTS:
                    raise
                if not self._is_there(key, file):
                    raise

    def _is_there(self, key: str, file: OutgoingFile) -> bool:
        """Whether the same file lies there. Raises NotDelivered where another one does."""
        with s3.explained():
            try:
                found = self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if s3.code_of(error) in s3.MISSING:
                    return False
                raise
        if found["Metadata"].get(SHA256) != file.sha256 or found["ContentLength"] != file.size:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
        return True

    def check(self) -> None:
        with s3.explained():
            self._client.head_bucket(Bucket=self.bucket)

    def close(self) -> None:
        self._client.close()


class Sftp:
    """Writes below one folder of one server."""

    def __init__(self, destination: Destination) -> None:
        self._connection = sftp.SftpConnection(
            destination.location, destination.host_key, destination.user_name, destination.secret
        )
        self.root, self._sftp = self._connection.root, self._connection.sftp

    def put(self, file: OutgoingFile) -> None:
        target = posixpath.join(self.root, file.name)
        with sftp.explained():
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
        with sftp.explained():
            self._sftp.listdir_attr(self.root)

    def close(self) -> None:
        self._connection.close()


class Webhook:
    """Posts to one program. It tells a repeated delivery by its `webhook-id`."""

    def __init__(self, destination: Destination) -> None:
        self._channel = Channel(
            kind=ChannelKind.WEBHOOK, url=destination.location.strip(), secret=destination.secret
        )

    def put(self, file: OutgoingFile) -> None:
        if file.bill is None:
            return  # a list is for people; the program got a message for each bill
        payload = {
            "type": "bill.delivered",
            "timestamp": timezone.now().isoformat(),
            "data": {
                "id": file.bill.pk,
                "file": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "url": lists.address(file.bill),
                **entry(file.bill),
            },
        }
        try:
            notifications.post(self._channel, notifications.Message(file.key, "", "", payload))
        except notifications.NotDelivered as failure:
            raise NotDelivered(failure.message, is_final=failure.is_final) from None

    def check(self) -> None:
        """Its address only: a program is not called for a bill that is none."""
        try:
            check_url(self._channel.url, egress.rules().allow_private)
        except BadAddress as error:
            raise NotDelivered(error.message) from None

    def close(self) -> None:
        """Each post has a connection of its own."""
