"""An S3 bucket, or a store that speaks its protocol, by its own address and keys."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.remote import BAD_S3_LOCATION, NOT_REACHED, REFUSED, RemoteFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS, READ_SECONDS = 10, 30
TRIES = 2
MISSING = {"404", "NoSuchKey", "NotFound"}


def client_of(endpoint: str, region: str, key_id: str, secret: str) -> Any:
    """A client for Amazon, or for the store at `endpoint`. Raises RemoteFailure."""
    if endpoint:
        try:
            check_url(endpoint, egress.rules().allow_private)
        except BadAddress as error:
            raise RemoteFailure(error.message) from None
    try:
        return boto3.client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=region or "us-east-1",
            aws_access_key_id=key_id or None,
            aws_secret_access_key=secret or None,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": TRIES},
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )
    except (BotoCoreError, ValueError) as error:  # a region or an address that is none
        raise RemoteFailure(NOT_REACHED.format(error=type(error).__name__)) from None


def bucket_of(location: str) -> tuple[str, str]:
    """The bucket and the prefix ("folder/" or "") of "s3://bucket/folder".

    Raises RemoteFailure with how it is written.
    """
    parts = urlsplit(location.strip())
    if parts.scheme != "s3" or not parts.netloc:
        raise RemoteFailure(BAD_S3_LOCATION)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


@contextmanager
def explained() -> Iterator[None]:
    """What the store answers, as a code: its words may quote the request."""
    try:
        yield
    except ClientError as error:
        raise RemoteFailure(REFUSED.format(error=code_of(error))) from None
    except BotoCoreError as error:
        raise RemoteFailure(NOT_REACHED.format(error=type(error).__name__)) from None


def code_of(error: ClientError) -> str:
    """The store's own code: "NoSuchKey"."""
    return str(error.response.get("Error", {}).get("Code", "?"))[:60]
