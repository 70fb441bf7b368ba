"""A real S3 server on a socket (moto's), and a bucket in it for each test."""

from __future__ import annotations

import logging
import uuid
from contextlib import contextmanager
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
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint, name = f"http://{host}:{port}", f"redrive-{uuid.uuid4().hex[:12]}"
        client_of(endpoint).create_bucket(Bucket=name)
        yield endpoint, name
    finally:
        server.stop()


def client_of(endpoint: str) -> Any:
    """Looks and writes there, as somebody else would."""
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )  # fmt: skip
