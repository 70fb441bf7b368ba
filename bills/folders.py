"""Where browsers keep their files, and how those of dead processes are found and removed.

A folder is named redrive-browser-PID-START-TOKEN after the process that owns it. The parent must
be on this host's own disk: another host's process numbers mean nothing here.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"redrive-browser-(\d+)-(\d+)-[0-9a-f]+")
# psutil counts a start time from the boot time, which moves when the clock is set.
CLOCK_SLACK_SECONDS = 5
LAST_BREATH_SECONDS = 3.0
SOCKET_FOLDERS = (".org.chromium.", "org.chromium.", ".com.google.Chrome.")


def new_folder(parent: Path) -> Path:
    """Make a folder below `parent` that tells who owns it: this process."""
    owner = psutil.Process()
    name = f"redrive-browser-{owner.pid}-{int(owner.create_time())}-{secrets.token_hex(4)}"
    folder = parent.resolve() / name
    folder.mkdir(parents=True, mode=0o700)
    return folder


def clean_abandoned(parent: Path) -> int:
    """Remove the folders whose owner is dead, and end their browsers. Gives how many there were.

    What cannot be removed yet is left for the next time.
    """
    if not parent.is_dir():
        return 0
    abandoned = [folder for folder in parent.resolve().iterdir() if is_abandoned(folder)]
    for folder in abandoned:
        remove(folder)
    return sum(not folder.exists() for folder in abandoned)


def is_abandoned(folder: Path) -> bool:
    """Whether the folder is a browser's and the process that owns it has ended."""
    found = NAME.fullmatch(folder.name)
    if found is None:
        return False
    try:
        owner = psutil.Process(int(found[1]))
        return (
            not is_running(owner) or abs(owner.create_time() - int(found[2])) > CLOCK_SLACK_SECONDS
        )
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def remove(folder: Path) -> None:
    """End the browsers that run in the folder, then remove it."""
    kill_browsers(folder)
    for profile in folder.glob("**/SingletonSocket"):
        socket_folder = profile.readlink().parent
        if socket_folder.name.startswith(SOCKET_FOLDERS):
            shutil.rmtree(socket_folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def kill_browsers(folder: Path) -> int:
    """Kill every browser whose profile is below the folder, and its children. Gives how many."""
    victims = list(browsers_below(folder))
    family = [child for victim in victims for child in _children(victim)]
    for process in (*victims, *family):
        with contextlib.suppress(psutil.Error):
            process.kill()
    give_up_at = time.monotonic() + LAST_BREATH_SECONDS
    while any(map(is_running, (*victims, *family))) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return len(victims)


def is_running(process: psutil.Process) -> bool:
    """Whether it still does something; one that only waits for its parent to notice does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def browsers_below(folder: Path) -> Iterator[psutil.Process]:
    """The processes that were started with a --user-data-dir below the folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            for argument in process.cmdline():
                name, _, where = argument.partition("=")
                if name == "--user-data-dir" and Path(where).is_relative_to(folder):
                    yield process
                    break


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []
