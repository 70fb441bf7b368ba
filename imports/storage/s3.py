"""The S3 bucket that all hosts share. Its errors are OSErrors, as those of a disk are."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from imports.storage.stored import StorageAway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.core.files import File

# A frozen server must not hold a worker for longer than a lease. The defaults: 60 s, five times.
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 20, 3


@contextmanager
def as_os_error(name: str) -> Iterator[None]:
    """Raise StorageAway for what boto3 raises; its text may hold addresses, and never a key."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("404", "NoSuchKey"):
            raise FileNotFoundError(errno.ENOENT, "No such file in the storage", name) from None
        raise StorageAway(errno.EIO, f"The storage refuses ({code})", name) from None
    except (BotoCoreError, Boto3Error) as error:
        text = f"The storage does not answer ({type(error).__name__})"
        raise StorageAway(errno.EIO, text, name) from None


def client_config(endpoint: str | None) -> Config:
    """Path-style addresses where an endpoint is named: MinIO and its like have no others."""
    return Config(
        s3={"addressing_style": "path" if endpoint else "auto"},
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        proxies={},  # no variable of the machine changes where files go
    )


class SharedStorage(S3Storage):  # type: ignore[misc] # django-storages has no types
    """django-storages' S3, private, with bounded waits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(client_config=client_config(options.get("endpoint_url")), **options)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """The file, downloaded at once: whoever reads it later meets no error of boto3's."""
        with as_os_error(name):
            file: Any = super()._open(name, mode)
            if "r" in mode:
                file.file.seek(0)
            return file  # type: ignore[no-any-return]

    def _save(self, name: str, content: File[bytes]) -> str:
        with as_os_error(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with as_os_error(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with as_os_error(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with as_os_error(name):
            return int(super().size(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with as_os_error(path):
            directories, files = super().listdir(path)
            return directories, files

    def get_modified_time(self, name: str) -> datetime:
        with as_os_error(name):
            time: datetime = super().get_modified_time(name)
            return time

    def download(self, name: str, target: IO[bytes]) -> None:
        """Write a whole file into an open local one. Raises FileNotFoundError or StorageAway."""
        with as_os_error(name):
            self.bucket.Object(self._normalize_name(name)).download_fileobj(target)

    def url_of(self, name: str) -> str:
        """What a person calls the file: "s3://bucket/prefix/name"."""
        return f"s3://{self.bucket_name}/{self._normalize_name(name)}"
