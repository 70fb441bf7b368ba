"""A file in a bucket or on an SFTP server is imported once, then moved; also through a kill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from django.db.models import F, Value

from config.dev.sandbox import samples
from imports.customers import drafts, watched_files
from imports.customers.remote_places import Bucket, Server, found_at
from imports.ledger import lifecycle
from imports.models import CustomerApi, ImportJob, WatchedFile, WatchedFolder
from imports.remote import RemoteFailure, s3
from imports.states import JobStatus
from tests import remote_servers as servers
from tests.storage_server import client_of, new_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


class Remote(Protocol):
    """Another program's view of the place."""

    folder: WatchedFolder

    def put(self, name: str, content: bytes) -> None: ...

    def names(self) -> set[str]: ...


class S3Remote:
    def __init__(self, url: str, bucket: str, folder: WatchedFolder) -> None:
        self.url, self.bucket, self.folder = url, bucket, folder

    def put(self, name: str, content: bytes) -> None:
        client_of(self.url).put_object(Bucket=self.bucket, Key=f"in/{name}", Body=content)

    def names(self) -> set[str]:
        return {name.removeprefix("in/") for name in servers.objects(self.url, self.bucket)}


class SftpRemote:
    def __init__(self, root: Path, folder: WatchedFolder) -> None:
        self.root, self.folder = root, folder

    def put(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def names(self) -> set[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)) for path in found}


@pytest.fixture(params=["s3", "sftp"])
def remote(
    request: pytest.FixtureRequest,
    api: CustomerApi,
    installation: Path,
    settings: Any,
    messages: Any,
) -> Iterator[Remote]:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    if request.param == "s3":
        with new_bucket() as (url, bucket):
            yield S3Remote(
                url,
                bucket,
                WatchedFolder.objects.create(
                    name="Weekly", kind="s3", folder=f"s3://{bucket}/in", endpoint=url, api=api,
                    user_name="a", secret="b",
                ),
            )  # fmt: skip
        return
    root = installation / "sftp" / "in"
    root.mkdir(parents=True)
    server = servers.SftpServer(root.parent)
    try:
        yield SftpRemote(
            root,
            WatchedFolder.objects.create(
                name="Weekly", kind="sftp", folder=f"sftp://127.0.0.1:{server.port}/in", api=api,
                user_name=servers.USER, secret=servers.PASSWORD, host_key=server.host_key,
            ),
        )  # fmt: skip
    finally:
        server.stop()


def members(folder: Path, customers: int = 3) -> bytes:
    (made,) = samples.write_files(folder / "made", customers, customers)
    return made.read_bytes()


def later() -> None:
    """Minutes pass, and a worker is called."""
    ago = Value(timedelta(hours=1))
    WatchedFolder.objects.update(looked_at=F("looked_at") - ago)
    WatchedFile.objects.update(seen_at=F("seen_at") - ago, claimed_until=F("claimed_until") - ago)
    watched_files.take_all()


def test_a_file_there_is_imported_once_and_moved(remote: Remote, installation: Path) -> None:
    content = members(installation)
    for name in ("members.json", ".hidden.json", "growing.json.part", "other.csv", "done.txt"):
        remote.put(name, content)
    watched_files.take_all()
    assert not ImportJob.objects.exists()  # it was seen just now
    later()
    job = ImportJob.objects.get()
    assert (job.status, job.name) == (JobStatus.QUEUED, "members.json")
    assert job.files.get().record_count == 3
    assert {"done/members.json", "other.csv"} <= remote.names()
    assert "members.json" not in remote.names()
    remote.put("members.json", content)  # the same once more
    later()
    later()
    assert ImportJob.objects.count() == 1
    again = WatchedFile.objects.latest("pk")
    assert again.message.code == "WATCHED_TAKEN_BEFORE"
    assert "members.json" not in remote.names()


@pytest.mark.parametrize("where", ["add_upload", "start", "move"])
def test_a_worker_that_dies_in_between_makes_no_second_import(
    remote: Remote, installation: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    remote.put("members.json", members(installation))
    watched_files.take_all()
    place = Bucket if isinstance(remote, S3Remote) else Server
    target: Any = {"add_upload": drafts, "start": lifecycle, "move": place}[where]
    with monkeypatch.context() as patch:
        patch.setattr(target, where, die)
        with pytest.raises(SystemExit):
            later()
    later()
    job = ImportJob.objects.get()
    assert (job.status, job.files.count()) == (JobStatus.QUEUED, 1)
    assert remote.names() == {"done/members.json"}


def test_another_file_under_the_name_is_not_moved_away_with_it(
    remote: Remote, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written while the first was being taken: it is imported, too."""
    remote.put("members.json", members(installation))
    watched_files.take_all()
    start = lifecycle.start

    def meanwhile(*args: Any, **rest: Any) -> None:
        start(*args, **rest)
        remote.put("members.json", members(installation / "more", 4))

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "start", meanwhile)
        later()
    later()
    later()
    counts = [job.files.get().record_count for job in ImportJob.objects.order_by("pk")]
    assert counts == [3, 4]
    assert "members.json" not in remote.names()


def test_a_place_that_cannot_be_reached_says_why_without_its_secret(remote: Remote) -> None:
    other = {"s3": "s3://elsewhere/in", "sftp": "sftp://127.0.0.1:1/in"}[remote.folder.kind]
    WatchedFolder.objects.update(folder=other)
    watched_files.take_all()
    folder = WatchedFolder.objects.get()
    assert folder.trouble.code in ("DESTINATION_REFUSED", "DESTINATION_NOT_REACHED")
    assert folder.secret not in str(folder.trouble).split()
    WatchedFolder.objects.update(folder=remote.folder.folder)
    later()
    assert WatchedFolder.objects.get().trouble is None


def test_a_sweep_asks_a_worker_and_waits_for_no_server(remote: Remote, messages: Any) -> None:
    for _ in range(3):
        watched_files.sweep()
    assert [each.func_name for each in messages.jobs] == [
        "imports.customers.watched_files.take_all"
    ]
    assert WatchedFolder.objects.get().looked_at is None
    watched_files.take_all()
    assert not watched_files.remote_due().exists()


def test_a_store_that_lists_milliseconds_has_the_same_file_as_one_that_does_not() -> None:
    asked = datetime(2026, 11, 27, 12, 0, 1, tzinfo=UTC)
    listed = asked.replace(microsecond=234_000)
    assert found_at("a.json", 7, listed) == found_at("a.json", 7, asked)


@pytest.mark.parametrize(
    ("endpoint", "region"), [("", "EU West"), ("http://127.0.0.1:70000", ""), ("", "eu_west")]
)
def test_a_region_or_an_address_that_is_none_is_a_failure_of_that_place_alone(
    endpoint: str, region: str, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with pytest.raises(RemoteFailure):
        s3.client_of(endpoint, region, "key", "secret")
