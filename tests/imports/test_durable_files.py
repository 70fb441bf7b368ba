"""Files and directories that are on the disk, whole, before they have their name."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bills.csv import retry_files
from bills.models import Portal
from imports import retry_directory
from imports.customers import retry_files as customers_retry_files
from imports.ledger import lifecycle
from tests.bills.runs import BillMaker
from tests.disks import full_disk
from tests.jobs import REFUSED, answer

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.jobs import JobMaker

WRITERS = {"customers": customers_retry_files.write, "bills": retry_files.write}


class Disk:
    """Notes in which order files are synced and renamed; the system does it all the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[int] = []  # inodes
        self.renamed: list[tuple[str, str, list[int]]] = []  # from, to, what was synced before
        self._fsync, self._rename = os.fsync, os.rename
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "rename", self.rename)

    def fsync(self, handle: int) -> None:
        self._fsync(handle)
        self.synced.append(os.fstat(handle).st_ino)

    def rename(self, source: str | Path, target: str | Path) -> None:
        self._rename(source, target)
        self.renamed.append((os.fspath(source), os.fspath(target), list(self.synced)))


@pytest.fixture(params=WRITERS)
def failed(request: pytest.FixtureRequest, make_job: JobMaker, tmp_path: Path) -> ImportJob:
    """A job of either type, of which something failed."""
    if request.param == "customers":
        job = make_job(6)
        answer(job, REFUSED, REFUSED)
        return job
    urls = {"login_url": "http://127.0.0.1:9/login", "billing_url": "http://127.0.0.1:9/bills"}
    job = BillMaker(Portal.objects.create(name="portal", **urls), tmp_path)("one", "two")
    assert lifecycle.cancel(job)
    return job


def test_a_retry_directory_gets_its_name_once_all_that_is_in_it_is_on_the_disk(
    failed: ImportJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    directory = WRITERS[failed.kind](failed, tmp_path / "out")
    assert directory is not None
    ((source, target, before),) = disk.renamed
    assert Path(target) == directory
    assert Path(source).parent == directory.parent
    assert Path(source).name.startswith(".")
    inodes = {path.name: path.stat().st_ino for path in directory.iterdir()}
    assert len(inodes) >= 3
    assert {name for name, inode in inodes.items() if inode not in before} == set()
    assert directory.stat().st_ino in before  # the names in it
    assert directory.parent.stat().st_ino in disk.synced[len(before) :]  # and its own


def test_a_full_disk_leaves_nothing_behind(failed: ImportJob, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="File too large"):
        WRITERS[failed.kind](failed, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    failed.refresh_from_db()
    assert failed.retry_directory == ""


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "once.json"
    retry_directory.write(path, [b"first"])
    with pytest.raises(FileExistsError):
        retry_directory.write(path, [b"second"])
    assert path.read_bytes() == b"first"


def test_what_a_killed_writer_left_is_removed_a_day_later_and_nothing_else(tmp_path: Path) -> None:
    old, new, somebodys = (
        tmp_path / name
        for name in (f"{retry_directory.TEMPORARY}old", f"{retry_directory.TEMPORARY}new", ".old")
    )
    for each in (old, new, somebodys):
        each.mkdir()
        (each / "file").write_text("x")
    yesterday = time.time() - retry_directory.ABANDONED_SECONDS - 1
    for each in (old, somebodys):
        os.utime(each, (yesterday, yesterday))
    with retry_directory.temporary_directory(tmp_path):
        pass
    assert sorted(tmp_path.iterdir()) == sorted([new, somebodys])


def test_a_name_that_is_taken_is_left_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "name_0").mkdir()
    (tmp_path / "name_1").write_text("a file")
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    (workplace / "file").write_text("mine")
    made = retry_directory.publish(workplace, (tmp_path / f"name_{n}" for n in count()))
    assert made == tmp_path / "name_2"
