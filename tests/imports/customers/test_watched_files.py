"""A file in a watched folder is imported once: when it is complete, whatever dies in between."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import F, Value

from config.dev.sandbox import samples
from imports.customers import drafts, watched_files
from imports.ledger import lifecycle
from imports.models import (
    Channel,
    CustomerApi,
    ImportJob,
    Notification,
    WatchedFile,
    WatchedFolder,
)
from imports.states import JobStatus
from tests.jobs import at_once

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(api: CustomerApi, installation: Path, settings: Any, messages: Any) -> WatchedFolder:
    settings.WATCH_DIR = installation / "watched"
    made = WatchedFolder.objects.create(name="Weekly", folder="weekly", api=api)
    made.place.mkdir(parents=True)
    return made


def put(folder: WatchedFolder, name: str = "members.json", customers: int = 3) -> Path:
    """A file of so many customers, as another program writes it."""
    made = samples.write_files(folder.place.parent / "made", customers, customers)
    goal = folder.place / name
    goal.write_bytes(made[0].read_bytes())
    return goal


def look_again(seconds: float = 60.0) -> None:
    """Time passes, and the sweeper looks."""
    ago = Value(timedelta(seconds=seconds))
    WatchedFolder.objects.update(looked_at=F("looked_at") - ago)
    WatchedFile.objects.update(seen_at=F("seen_at") - ago, claimed_until=F("claimed_until") - ago)
    watched_files.look()


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir() if path.is_file()} if place.exists() else set()


def test_a_file_is_imported_once_it_is_complete_and_moved(folder: WatchedFolder) -> None:
    put(folder)
    watched_files.look()
    watched_files.take_all()
    assert not ImportJob.objects.exists()  # it was seen just now
    look_again()
    watched_files.take_all()
    job = ImportJob.objects.get()
    assert (job.status, job.name) == (JobStatus.QUEUED, "members.json")
    assert job.files.get().record_count == 3
    assert names(folder.place) == set()
    assert names(folder.place / "done") == {"members.json"}
    look_again()
    watched_files.take_all()
    assert ImportJob.objects.count() == 1


def test_a_file_that_still_grows_has_to_wait(folder: WatchedFolder) -> None:
    path = put(folder)
    for _ in range(3):
        look_again()
        with path.open("ab") as file:
            file.write(b" ")
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))
        look_again()
        watched_files.take_all()
    assert not ImportJob.objects.exists()
    look_again()
    watched_files.take_all()
    assert ImportJob.objects.count() == 1


def test_one_that_changed_since_it_was_seen_is_not_taken(folder: WatchedFolder) -> None:
    path = put(folder)
    watched_files.look()
    look_again()
    with path.open("ab") as file:
        file.write(b" ")
    watched_files.take_all()
    assert not ImportJob.objects.exists()


def test_the_same_name_and_bytes_are_not_imported_again(folder: WatchedFolder) -> None:
    for _ in range(2):
        put(folder)
        look_again()
        look_again()
        watched_files.take_all()
    assert ImportJob.objects.count() == 1
    assert len(names(folder.place / "done")) == 2
    put(folder, customers=4)
    look_again()
    look_again()
    watched_files.take_all()
    assert ImportJob.objects.count() == 2


def test_many_workers_at_once_take_it_once(folder: WatchedFolder) -> None:
    put(folder)
    watched_files.look()
    look_again()
    at_once(*[watched_files.take_all] * 4)
    assert ImportJob.objects.count() == 1
    assert WatchedFile.objects.get().moved_at is not None


@pytest.mark.parametrize("where", ["add_upload", "start", "move"])
def test_a_worker_that_dies_in_between_makes_no_second_import(
    folder: WatchedFolder, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    put(folder)
    watched_files.look()
    look_again()
    target = {"add_upload": drafts, "start": lifecycle, "move": watched_files}[where]
    name = {"move": "_is_moved"}.get(where, where)
    monkeypatch.setattr(target, name, die)
    with pytest.raises(SystemExit):
        watched_files.take_all()
    monkeypatch.undo()
    look_again(seconds=3600.0)
    watched_files.take_all()
    job = ImportJob.objects.get()
    assert (job.status, job.files.count()) == (JobStatus.QUEUED, 1)
    assert names(folder.place / "done") == {"members.json"}


def test_a_file_that_cannot_be_read_is_set_aside_and_said(folder: WatchedFolder) -> None:
    Channel.objects.create(name="ops", recipients="ops@example.test")
    (folder.place / "bad.json").write_bytes(b"{ no json")
    watched_files.look()
    look_again()
    watched_files.take_all()
    assert ImportJob.objects.get().status == JobStatus.DRAFT
    assert names(folder.place / "refused") == {"bad.json"}
    assert Notification.objects.get().what == "refused"


def test_one_that_is_not_to_start_becomes_a_draft(folder: WatchedFolder) -> None:
    WatchedFolder.objects.update(starts=False)
    put(folder)
    watched_files.look()
    look_again()
    watched_files.take_all()
    assert ImportJob.objects.get().status == JobStatus.DRAFT
    assert names(folder.place / "done") == {"members.json"}


def test_only_plain_files_of_the_right_name_are_seen(folder: WatchedFolder) -> None:
    for name in (".hidden.json", "a.json.part", "a.csv", "empty.json"):
        (folder.place / name).write_bytes(b"" if name == "empty.json" else b"{}")
    (folder.place / "folder.json").mkdir()
    (folder.place / "link.json").symlink_to("/etc/passwd")
    assert list(watched_files.files_of(folder)) == []


def test_a_folder_that_is_not_there_says_so_until_it_is(folder: WatchedFolder) -> None:
    folder.place.rmdir()
    watched_files.look()
    folder.refresh_from_db()
    assert folder.trouble.code == "FOLDER_NOT_READABLE"
    folder.place.mkdir()
    look_again()
    folder.refresh_from_db()
    assert folder.trouble is None


def test_a_file_that_is_taken_away_is_forgotten(folder: WatchedFolder) -> None:
    path = put(folder)
    watched_files.look()
    look_again()
    path.unlink()
    watched_files.take_all()
    assert not ImportJob.objects.exists()
    assert not WatchedFile.objects.exists()


@pytest.mark.parametrize("place", ["/etc", "../x", "a/../b", "", "done", "a/refused", "~"])
def test_a_folder_lies_below_the_directory_of_the_setting(
    folder: WatchedFolder, place: str
) -> None:
    folder.folder = place
    with pytest.raises(ValidationError) as refusal:
        folder.full_clean()
    assert "folder" in refusal.value.message_dict


def test_a_sweep_asks_a_worker_once(folder: WatchedFolder, messages: Any) -> None:
    put(folder)
    watched_files.sweep()
    assert messages.count == 0
    look_again()
    for _ in range(3):
        watched_files.sweep()
    assert [each.func_name for each in messages.jobs] == [
        "imports.customers.watched_files.take_all"
    ]
