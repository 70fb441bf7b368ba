"""Stored files: by the text that the ledger keeps, on a disk and in a bucket."""

from __future__ import annotations

import errno
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from config.storages import file_storage
from imports.storage import stored
from imports.storage.stored import StorageAway

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b'{"data": []}'
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def kept(name: str = "imports/1/a.json") -> str:
    return stored.keep(name, ContentFile(CONTENT))


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest, installation: Path) -> str:
    if request.param == "bucket":
        request.getfixturevalue("shared")
    return str(request.param)


def test_a_file_is_read_sized_shown_and_deleted_wherever_it_lies(storage: str) -> None:
    where = kept()
    assert where == "storage:imports/1/a.json"
    assert stored.local_path(where, SHA256).read_bytes() == CONTENT
    assert b"".join(stored.pieces(where)) == CONTENT
    assert (stored.exists(where), stored.size(where)) == (True, len(CONTENT))
    assert stored.shown(where).endswith("imports/1/a.json")
    assert [each for each, _at in stored.listed("imports/1")] == [where]
    stored.delete(where)
    stored.delete(where)
    assert not stored.exists(where)
    assert not stored.local_path(where).exists()
    with pytest.raises(FileNotFoundError):
        list(stored.pieces(where))
    with pytest.raises(FileNotFoundError):
        stored.size(where)


def test_a_path_of_before_is_still_a_path(storage: str, tmp_path: Path) -> None:
    path = tmp_path / "customers.json"
    path.write_bytes(CONTENT)
    where = str(path)
    assert stored.local_path(where) == path
    assert (stored.exists(where), stored.size(where)) == (True, len(CONTENT))
    assert stored.shown(where) == where


def test_a_file_of_a_bucket_is_downloaded_once(shared: str) -> None:
    where = kept()
    first = stored.local_path(where, SHA256)
    default_storage.delete(stored.name_of(where))
    assert stored.local_path(where, SHA256) == first
    assert first.read_bytes() == CONTENT
    assert first.stat().st_mode & 0o077 == 0


def test_a_file_that_was_altered_in_the_bucket_is_not_read(shared: str) -> None:
    where = kept()
    default_storage.save(stored.name_of(where), ContentFile(b"something else"))
    with pytest.raises(stored.AlteredFile):
        stored.local_path(where, SHA256)
    assert list(stored.cache_directory().rglob("*.json")) == []


def test_copies_that_nobody_used_for_a_day_are_removed(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stored.local_path(kept())
    monkeypatch.setattr(stored, "CACHED_SECONDS", -1.0)
    stored.local_path(kept("imports/1/b.json"))
    assert not old.exists()


def test_a_bucket_that_does_not_answer_is_an_os_error_without_secrets(
    settings: Any, installation: Path
) -> None:
    url = "s3://key:very-secret@bucket?endpoint=http://127.0.0.1:1"
    settings.STORAGES = {**settings.STORAGES, "default": file_storage(url)}
    with pytest.raises(StorageAway) as caught:
        stored.local_path("storage:imports/1/a.json")
    assert caught.value.errno == errno.EIO
    assert "very-secret" not in str(caught.value)
    assert list(stored.listed("corrected")) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://bucket", "s3://", "s3://key:secret@host:9000/bucket", "s3://bucket?endpiont=x",
        "s3://key-alone@bucket", "s3://[bucket", "s3://bucket?region",
    ],
)  # fmt: skip
def test_a_url_of_another_form_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        file_storage(url)
    assert "STORAGE_URL" in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_a_url_says_bucket_prefix_key_and_endpoint() -> None:
    url = "s3://k%2F1:s%40%2F@Bucket.se/one/two?endpoint=https://minio:9000&region=eu-north-1"
    options = file_storage(url)["OPTIONS"]
    assert options["bucket_name"] == "Bucket.se"
    assert options["location"] == "one/two"
    assert (options["access_key"], options["secret_key"]) == ("k/1", "s@/")
    assert options["endpoint_url"] == "https://minio:9000"
    assert options["region_name"] == "eu-north-1"
    assert file_storage("s3://bucket")["OPTIONS"]["access_key"] is None
