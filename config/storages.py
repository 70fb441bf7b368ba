"""Where files lie: below MEDIA_ROOT on this host, or in an S3 bucket that all hosts share."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
FORM = "s3://KEY:SECRET@BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION"
OPTIONS = {"endpoint", "region"}


def file_storage(url: str) -> dict[str, Any]:
    """The entry "default" of Django's STORAGES. Raises ImproperlyConfigured, without the URL.

    Files have names of ours: a file that is written again under a name has the same content.
    """
    if not url:
        options: dict[str, Any] = {
            "file_permissions_mode": PRIVATE_FILE,
            "directory_permissions_mode": PRIVATE_DIRECTORY,
            "allow_overwrite": True,
        }
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    return {"BACKEND": "imports.storage.s3.SharedStorage", "OPTIONS": _bucket(url)}


def _bucket(url: str) -> dict[str, Any]:
    """What django-storages wants to know. Without a key, boto3 finds one as AWS tools do."""
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise _malformed() from None
    bucket = parts.netloc.rpartition("@")[2]  # `hostname` would be in lower case
    if parts.scheme != "s3" or not bucket or ":" in bucket or set(asked) - OPTIONS:
        raise _malformed()
    if bool(parts.username) != bool(parts.password):
        raise _malformed()
    return {
        "bucket_name": bucket,
        "location": parts.path.strip("/"),
        "access_key": unquote(parts.username) if parts.username else None,
        "secret_key": unquote(parts.password) if parts.password else None,
        "endpoint_url": asked.get("endpoint", [None])[0],
        "region_name": asked.get("region", [None])[0],
        "file_overwrite": True,
    }


def _malformed() -> ImproperlyConfigured:
    return ImproperlyConfigured(f"STORAGE_URL must have the form {FORM}")
