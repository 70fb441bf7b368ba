"""Who uses the embedded servers: a shared file lock for each process; the last one stops them.

The kernel drops a lock with its process, also after kill -9: nothing here can go stale. A
process made by os.fork shares its parent's lock, and counts as its parent.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.embedded.places import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USERS = "users.lock"  # shared: "I use the servers"; exclusive: "nobody does, and I stop them"
START = "start.lock"  # exclusive: "I am starting a server"

held: dict[Path, int] = {}  # home -> descriptor, for as long as this process lives
one_thread = threading.Lock()


def open_lock(home: Path, name: str) -> int:
    """A descriptor of the lock file; not inherited by programs that we start."""
    home.mkdir(parents=True, exist_ok=True)
    return os.open(home / name, os.O_RDWR | os.O_CREAT, 0o600)


def join(home: Path, stop: Callable[[], None]) -> None:
    """Count this process as a user, and have `stop` called at its end if it is the last.

    Waits while the last user before us is stopping the servers.
    """
    with one_thread:
        if home in held:
            return
        descriptor = open_lock(home, USERS)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        held[home] = descriptor
        atexit.register(leave, home, os.getpid(), stop)


def leave(home: Path, pid: int, stop: Callable[[], None]) -> None:
    """Give up the lock; stop the servers when nobody else holds one.

    Two that leave at once can't both be refused: trying for the exclusive lock drops the shared
    one first (flock(2)), so the later of the two sees nobody.
    """
    if pid != os.getpid():  # a fork of the user
        return
    descriptor = held.pop(home)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        stop_undisturbed(stop)
    finally:
        os.close(descriptor)


def stop_undisturbed(stop: Callable[[], None]) -> None:
    """A second Ctrl-C while the servers stop would leave one of them behind, and a traceback."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        stop()
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")


@contextmanager
def starting(home: Path) -> Iterator[None]:
    """One process at a time gets in here."""
    descriptor = open_lock(home, START)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Nobody uses the servers and nobody can begin to, in here. Raises EmbeddedServerError."""
    descriptor = open_lock(home, USERS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EmbeddedServerError(
            f"The servers of {home} are in use. First stop what uses them (make run, …)."
        ) from None
    finally:
        os.close(descriptor)


def empty(home: Path) -> None:
    """Delete all in the home but the locks: they only work while everybody opens the same file."""
    for path in home.iterdir():
        if path.name in {USERS, START}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
