"""An S3 bucket, or a store that speaks its protocol: each object is written once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bills.deliveries.destinations.base import NAME_TAKEN, NotDelivered, OutgoingFile
from imports.remote.s3 import MISSING, bucket_of, client_of, code_of, explained

if TYPE_CHECKING:
    from bills.models import Destination

SHA256 = "redrive-sha256"  # our note on each object
EXISTS = {"PreconditionFailed", "412"}


class S3:
    """Writes below one prefix of one bucket."""

    def __init__(self, destination: Destination) -> None:
        self.bucket, self.prefix = bucket_of(destination.location)
        self._client = client_of(
            destination.endpoint, destination.region, destination.user_name, destination.secret
        )

    def put(self, file: OutgoingFile) -> None:
        """Write it unless it is there; the store checks the bytes against their SHA-256."""
        key = f"{self.prefix}{file.name}"
        if not file.may_replace and self._is_there(key, file):
            return
        condition: dict[str, Any] = {} if file.may_replace else {"IfNoneMatch": "*"}
        with explained(), file.open() as body:
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
                if code_of(error) not in EXISTS:
                    raise
                if not self._is_there(key, file):
                    raise

    def _is_there(self, key: str, file: OutgoingFile) -> bool:
        """Whether the same file lies there. Raises NotDelivered where another one does."""
        with explained():
            try:
                found = self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return False
                raise
        if found["Metadata"].get(SHA256) != file.sha256 or found["ContentLength"] != file.size:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
        return True

    def check(self) -> None:
        with explained():
            self._client.head_bucket(Bucket=self.bucket)

    def close(self) -> None:
        self._client.close()
