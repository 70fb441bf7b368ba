"""An S3 bucket, or a store that speaks its protocol: each object is written once."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bills.deliveries.destinations.base import (
    BAD_S3_LOCATION,
    NAME_TAKEN,
    NOT_REACHED,
    REFUSED,
    NotDelivered,
    OutgoingFile,
)
from imports.http import egress
from imports.http.addresses import BadAddress, check_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.models import Destination

CONNECT_SECONDS, READ_SECONDS = 10, 30
TRIES = 2
SHA256 = "redrive-sha256"  # our note on each object
MISSING, EXISTS = {"404", "NoSuchKey", "NotFound"}, {"PreconditionFailed", "412"}


class S3:
    """Writes below one prefix of one bucket."""

    def __init__(self, destination: Destination) -> None:
        self.bucket, self.prefix = bucket_of(destination.location)
        endpoint = destination.endpoint or None
        if endpoint:
            try:
                check_url(endpoint, egress.rules().allow_private)
            except BadAddress as error:
                raise NotDelivered(error.message) from None
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=destination.region or "us-east-1",
            aws_access_key_id=destination.user_name or None,
            aws_secret_access_key=destination.secret or None,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": TRIES},
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )

    def put(self, file: OutgoingFile) -> None:
        """Write it unless it is there; the store checks the bytes against their SHA-256."""
        key = f"{self.prefix}{file.name}"
        if not file.may_replace and self._is_there(key, file):
            return
        condition: dict[str, Any] = {} if file.may_replace else {"IfNoneMatch": "*"}
        with _explained(), file.open() as body:
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
                if _code(error) not in EXISTS:
                    raise
                if not self._is_there(key, file):
                    raise

    def _is_there(self, key: str, file: OutgoingFile) -> bool:
        """Whether the same file lies there. Raises NotDelivered where another one does."""
        with _explained():
            try:
                found = self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _code(error) in MISSING:
                    return False
                raise
        if found["Metadata"].get(SHA256) != file.sha256 or found["ContentLength"] != file.size:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
        return True

    def check(self) -> None:
        with _explained():
            self._client.head_bucket(Bucket=self.bucket)

    def close(self) -> None:
        self._client.close()


def bucket_of(location: str) -> tuple[str, str]:
    """The bucket and the prefix ("folder/" or "") of "s3://bucket/folder".

    Raises NotDelivered with how it is written.
    """
    parts = urlsplit(location.strip())
    if parts.scheme != "s3" or not parts.netloc:
        raise NotDelivered(BAD_S3_LOCATION)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


@contextmanager
def _explained() -> Iterator[None]:
    """What the store answers, as a code: its words may quote the request."""
    try:
        yield
    except ClientError as error:
        raise NotDelivered(REFUSED.format(error=_code(error))) from None
    except BotoCoreError as error:
        raise NotDelivered(NOT_REACHED.format(error=type(error).__name__)) from None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))[:60]
