"""Servers as the operating system sees them: found by pid file, waited for, ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from config.embedded.places import EmbeddedServerError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_SECONDS = 60.0  # a server that recovers after kill -9 first replays what it had written


def named_in(pid_file: Path, *names: str) -> psutil.Process | None:
    """The running process whose number the file's first line holds, if it has one of the names.

    None when there is no file, or that process is gone, or the number now belongs to a program
    of another name: a pid file that outlived its server says nothing about who has the number now.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        return process if alive(process) and process.name() in names else None
    except (OSError, ValueError, psutil.Error):
        return None


def works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether the process was started on this data folder, or has it as its current folder.

    Root in a container may not ask for the current folder of another account's process; a
    server whose folder was moved still has the old one in its command line. So either counts.
    """
    try:
        own = str(folder.resolve())
        return bool(own in process.cmdline() or own == process.cwd())
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    """Whether it still runs. One that ended but was not collected by its parent does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, how: signal.Signals, otherwise: str) -> None:
    """Ask it to end and wait until it did. Raises EmbeddedServerError(otherwise)."""
    try:
        process.send_signal(how)
    except psutil.NoSuchProcess:
        return
    wait_until(lambda: not alive(process), otherwise)


def wait_until(
    reached: Callable[[], bool], otherwise: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Return as soon as it is so; raise EmbeddedServerError(otherwise) after that many seconds."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise EmbeddedServerError(otherwise)
        time.sleep(0.02)
