"""Which files a path means: itself, a directory's, or a retry directory's failed customers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from imports.customers.files.errors import UnreadableFile
from imports.customers.files.limits import Checks
from imports.customers.files.reader import check_file, customer_files, real

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("{}")


def names(path: Path) -> list[str]:
    return [file.name for file in customer_files(path)]


def test_a_file_is_itself_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path, "customers.txt")
    assert names(tmp_path / "customers.txt") == ["customers.txt"]


def test_a_directory_means_its_json_files_sorted_and_no_hidden_or_nested_ones(
    tmp_path: Path,
) -> None:
    write(tmp_path, "b.json", "a.JSON", ".hidden.json", "notes.md")
    write(tmp_path / "sub.json", "c.json")
    assert names(tmp_path) == ["a.JSON", "b.json"]


def test_a_retry_directory_means_only_its_failed_customers_by_number(tmp_path: Path) -> None:
    failed = [f"retry_batch_{number}_failed.json" for number in ("01", "02", "99", "100")]
    write(tmp_path, *reversed(failed), "retry_summary.json", "RETRY_INSTRUCTIONS.md")
    write(tmp_path, "unconfirmed_batch_03.json", "other.json")
    assert names(tmp_path) == failed


def test_links_that_lead_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "in", "a.json")
    write(tmp_path / "out", "secret.json")
    (tmp_path / "in" / "b.json").symlink_to(tmp_path / "out" / "secret.json")
    (tmp_path / "in" / "c.json").symlink_to(tmp_path / "in" / "a.json")
    assert names(tmp_path / "in") == ["a.json", "c.json"]


def test_what_is_no_regular_file_is_refused_by_name_and_not_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.json")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "gone.json")
    (tmp_path / "circle.json").symlink_to(tmp_path / "circle.json")
    (tmp_path / "itself").symlink_to(tmp_path)
    bad = ["circle.json", "dangling.json", "pipe.json"]
    assert names(tmp_path) == sorted(["a.json", *bad])
    assert names(tmp_path / "pipe.json") == ["pipe.json"]
    for name in bad:
        with pytest.raises(UnreadableFile, match=rf"^{name}: it "):
            check_file(real(tmp_path / name), name, Checks())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "the directory holds no customer files (JSON, NDJSON, CSV, XLSX). Choose the"),
        (["notes.md"], "the directory holds no customer files"),
        (
            ["retry_summary.json", "unconfirmed_batch_01.json"],
            "this retry directory holds no failed customers, only a summary or unconfirmed ones. "
            "Unconfirmed customers are settled on their job's page",
        ),
    ],
)
def test_a_directory_without_customer_files_is_refused_with_a_remedy(
    tmp_path: Path, files: list[str], message: str
) -> None:
    write(tmp_path, *files)
    with pytest.raises(UnreadableFile) as refused:
        customer_files(tmp_path)
    assert f"{tmp_path}: {message}" in str(refused.value)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"there is no such file or directory\. Check the"):
        customer_files(tmp_path / "gone")
