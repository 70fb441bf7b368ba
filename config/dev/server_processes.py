"""Where the embedded servers keep their files, and how their processes are found and ended."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parents[2]


class EmbeddedServerError(RuntimeError):
    """An embedded server can't run; the message tells the operator why, and the remedy."""


def home() -> Path:
    """REDRIVE_HOME, by default `.redrive` in the project; absolute, without symbolic links."""
    return Path(os.environ.get("REDRIVE_HOME") or PROJECT / ".redrive").resolve()


def sockets() -> Path:
    """The folder of this home's sockets.

    A socket's path has to stay under 107 bytes, however deep the clone, so it is not in the home.
    And not in TMPDIR, which differs between a user's terminals: all of them must find the servers.
    """
    temporary = Path("/tmp")  # noqa: S108 - `private_folder` trusts no folder of somebody else
    if not temporary.is_dir():
        temporary = Path(tempfile.gettempdir())
    name = hashlib.sha256(os.fsencode(home())).hexdigest()[:8]
    return temporary / f"redrive-{os.geteuid()}-{name}"


def private_folder(folder: Path, mode: int = 0o700) -> Path:
    """Create the folder, or make sure that it is ours and that nobody else can write to it."""
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{folder} belongs to somebody else, so the servers' sockets can't be put there. "
                f"Remove it, or choose another REDRIVE_HOME."
            ) from None
    folder.chmod(mode)
    return folder


def socket_folder_for(server: str) -> Path:
    """The folder of one server's socket, whether it exists or not."""
    return sockets() / server


def make_socket_folder(server: str, uid: int | None = None, gid: int = -1) -> Path:
    """Create it with mode 700. As root, `uid` is the account that the server runs as."""
    # As root the outer folder can be passed through, not listed: the account has to reach its own.
    private_folder(sockets(), 0o700 if uid is None else 0o711)
    folder = socket_folder_for(server)
    if uid is None:
        return private_folder(folder)
    folder.mkdir(mode=0o700, exist_ok=True)  # nobody but root can have made anything in there
    os.chown(folder, uid, gid, follow_symlinks=False)
    return folder


def remove_sockets() -> None:
    """Remove the folder of this home's sockets. The servers must be stopped."""
    if sockets().exists():
        shutil.rmtree(private_folder(sockets()))


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
    """Wait until it is true; raise EmbeddedServerError(otherwise) after that many seconds."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise EmbeddedServerError(otherwise)
        time.sleep(0.02)
