"""The embedded PostgreSQL and Redis: started when no URL names others, stopped after the last
use.

`python -m config.dev.servers psql …`, `pg_dump …` and `wipe` reach them by hand.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import environ

from config.dev import postgres as postgresql
from config.dev import redis_server
from config.dev.server_processes import PROJECT, EmbeddedServerError, home, remove_sockets

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


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the embedded servers of this REDRIVE_HOME listen, running or not.

    `database_url` is for libpq and psycopg; `database` is the same as an entry for DATABASES.
    """

    database_url: str
    redis_url: str
    database: dict[str, object]


def urls() -> Urls:
    """Name the addresses. Starts and creates nothing."""
    folder, name, user = postgresql.socket_folder(), postgresql.DATABASE, postgresql.USER
    return Urls(
        database_url=f"postgresql://{user}@/{name}?host={folder}",
        redis_url=f"unix://{redis_server.socket_path()}",
        database={
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(folder),
            "NAME": name,
            "USER": user,
        },
    )


def ensure(postgres: bool = True, redis: bool = True) -> None:
    """Find the wanted servers running, or start them; return when they answer.

    Cheap when they run (one ping each), so it can be called again at any time. From the first
    call on, this process counts as a user of the servers until it ends. Raises
    EmbeddedServerError with a sentence for the operator when a server cannot be started.
    """
    wanted = [s for s, asked in ((postgresql, postgres), (redis_server, redis)) if asked]
    if not wanted:
        return
    join(home(), stop)
    for server in wanted:
        if not server.answers():
            with starting(home()):
                if not server.answers():  # another command may have started it meanwhile
                    server.start()


def ensure_unnamed() -> None:
    """`ensure` what neither the environment nor .env names (DATABASE_URL, REDIS_URL)."""
    environ.Env.read_env(PROJECT / ".env")
    ensure(postgres="DATABASE_URL" not in os.environ, redis="REDIS_URL" not in os.environ)


def stop() -> None:
    """Stop both servers, as far as they run. For the last user; others are cut off."""
    redis_server.stop()
    postgresql.stop()


def wipe() -> None:
    """Stop the servers and delete all that REDRIVE_HOME holds. Refuses while they are in use."""
    with alone(home()):
        stop()
        postgresql.delete()
        remove_sockets()
        empty(home())


USAGE = """\
usage: python -m config.dev.servers wipe               delete all that REDRIVE_HOME holds
       python -m config.dev.servers PROGRAM [ARG…]     psql, pg_dump, pg_restore … on the database
"""

LIBPQ = {"PGHOST": "HOST", "PGDATABASE": "NAME", "PGUSER": "USER"}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code (2 for bad usage or a server that can't start)."""
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 2
    try:
        if arguments == ["wipe"]:
            wipe()
            return 0
        ensure(redis=False)
        program = postgresql.program(arguments[0])
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not program.exists():
        sys.stderr.write(f"PostgreSQL has no program {arguments[0]}.\n{USAGE}")
        return 2
    database = urls().database
    address = {variable: str(database[name]) for variable, name in LIBPQ.items()}
    return subprocess.run([program, *arguments[1:]], env=os.environ | address).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
