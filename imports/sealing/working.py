"""Plain working copies of sealed files: one task's alone, gone when the task has ended.

A request or a queue message is a task of its thread; a command ends with its process. What a
killed process leaves is removed by the sweeper, which sees that nobody holds it any more.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_SECONDS = 60.0  # a directory this young may not be locked yet
_mine = threading.local()
_all: dict[Path, int] = {}  # this process's directories, and the descriptors that lock them


def home() -> Path:
    """Below which directory of this host working copies lie."""
    return Path(settings.HOME) / "working"


def copy_of(name: str) -> Path | None:
    """Where this task's copy of a file lies, if it has a directory."""
    held: Path | None = getattr(_mine, "directory", None)
    return held and held / name


def name_of(path: Path) -> str | None:
    """The name in the storage of what lies in a task's directory; None: it lies elsewhere."""
    held = next((each for each in list(_all) if path.is_relative_to(each)), None)
    return path.relative_to(held).as_posix() if held else None


def directory() -> Path:
    """The directory of this task, made at its first use."""
    held: Path | None = getattr(_mine, "directory", None)
    if held is None or held.parent != home():
        home().mkdir(parents=True, exist_ok=True, mode=0o700)
        held = _mine.directory = Path(tempfile.mkdtemp(dir=home()))  # of mode 700
        _all[held] = os.open(held, os.O_RDONLY)
        fcntl.flock(_all[held], fcntl.LOCK_EX)
    return held


def forget() -> None:
    """Remove this task's copies: it has ended."""
    held: Path | None = getattr(_mine, "directory", None)
    _mine.directory = None
    if held is not None:
        _remove(held)


@contextmanager
def task() -> Iterator[None]:
    """Work at whose end no plain copy is left."""
    try:
        yield
    finally:
        forget()


def remove_abandoned() -> None:
    """Remove what processes left behind that were killed."""
    for left in home().glob("*"):
        with suppress(OSError):  # somebody holds it, or has just removed it
            if time.time() - left.stat().st_mtime < NEW_SECONDS:
                continue
            handle = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(handle)


def _remove(held: Path) -> None:
    shutil.rmtree(held, ignore_errors=True)
    handle = _all.pop(held, None)
    if handle is not None:
        os.close(handle)


@atexit.register
def _forget_all() -> None:
    for held in list(_all):
        _remove(held)
