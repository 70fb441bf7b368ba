"""A real S3 server on a socket (moto's), and a bucket in it for each test."""

from __future__ import annotations

import logging
import uuid
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET = "redrive-test", "not+a/secret"


@contextmanager
def bucket() -> Iterator[str]:
    """A new bucket while the block runs: what STORAGE_URL is set to."""
    with new_bucket() as (endpoint, name):
        key = f"{KEY}:{quote(SECRET, safe='')}"
        yield f"s3://{key}@{name}/all?endpoint={endpoint}&region=us-east-1"


@contextmanager
def new_bucket() -> Iterator[tuple[str, str]]:
    """The server's address and the bucket's name, which no other has: moto forgets nothing."""
    endpoint, name = server(), f"redrive-{uuid.uuid4().hex[:12]}"
    client_of(endpoint).create_bucket(Bucket=name)
    yield endpoint, name


@cache
def server() -> str:
    """The address of this process's own, which runs until the process ends."""
    made = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    made.start()
    host, port = made.get_host_and_port()
    return f"http://{host}:{port}"


@cache
def client_of(endpoint: str) -> Any:
    """Looks and writes there, as somebody else would. May be used by several threads."""
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )  # fmt: skip
