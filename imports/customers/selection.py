"""Which files an operator means by a path: a file, a directory of them, a retry directory."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from imports.customers.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pathlib import Path

RETRY_FILE = re.compile(r"retry_batch_(\d+)_failed\.json")
UNCONFIRMED_FILE = re.compile(r"unconfirmed_batch_\d+\.json")
LEFT_OUT_FILE = re.compile(r"left_out_batch_\d+\.json")
SUMMARY = "retry_summary.json"


def customer_files(path: Path) -> list[Path]:
    """The customer files at `path`, sorted: itself, or those of a directory (not of its children).

    Of a retry directory only the failed customers count, by batch number; of any other, every
    *.json. Hidden files and links that lead out of the directory are left alone. Raises
    UnreadableFile for a path that does not exist, is neither, or holds no such file.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        what = "there is no such file or directory"
        raise UnreadableFile(str(path), what, "Check the path, and that Redrive may read it")
    try:
        files = [file for file in path.iterdir() if _belongs(file, path)]
    except OSError as error:
        what = f"the directory cannot be read ({error.strerror})"
        raise UnreadableFile(str(path), what, "Give Redrive the right to read it") from None
    retries = [file for file in files if RETRY_FILE.fullmatch(file.name)]
    if retries or _is_retry_directory(files):
        return _retry_files(retries, path)
    chosen = sorted(file for file in files if file.suffix.lower() == ".json")
    if not chosen:
        what = "the directory holds no .json files"
        raise UnreadableFile(str(path), what, "Choose the directory that holds the customer files")
    return chosen


def _belongs(file: Path, directory: Path) -> bool:
    inside = file.resolve().is_relative_to(directory.resolve())
    return inside and not file.name.startswith(".") and file.is_file()


def _is_retry_directory(files: list[Path]) -> bool:
    return any(file.name == SUMMARY or UNCONFIRMED_FILE.fullmatch(file.name) for file in files)


def _retry_files(retries: list[Path], directory: Path) -> list[Path]:
    if not retries:
        what = "this retry directory holds no failed customers, only a summary or unconfirmed ones"
        remedy = (
            "Unconfirmed customers are settled on their job's page, not by loading them again; "
            "left-out ones are corrected first, then their file is chosen by its name"
        )
        raise UnreadableFile(str(directory), what, remedy)
    return sorted(retries, key=_batch_number)


def _batch_number(file: Path) -> tuple[int, str]:
    match = RETRY_FILE.fullmatch(file.name)
    return (int(match[1]) if match else 0, os.fspath(file))
