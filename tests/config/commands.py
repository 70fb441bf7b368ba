"""Stand-ins for commands: processes that use a home's embedded servers until told to end."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg

PROJECT = Path(__file__).resolve().parents[2]
# Answers each line with the number of the postmaster, after `ensure`.
PROGRAM = """
import sys
from config.dev import postgres, redis_server, servers
for line in sys.stdin:
    servers.ensure()
    print(postgres.running().pid, redis_server.running().pid, flush=True)
"""


class Command:
    """One process in a home. `ensure()` makes it do what any manage.py command does first."""

    def __init__(self, home: Path, without_ptrace: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=environment(home),
            preexec_fn=drop_ptrace if without_ptrace else None,
        )

    def ask(self) -> None:
        """Have it ensure the servers, without waiting for that."""
        assert self.process.stdin is not None
        self.process.stdin.write("ensure\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[int, int]:
        """The process ids of PostgreSQL and of Redis, when they are ready."""
        assert self.process.stdout is not None
        postgres, redis = self.process.stdout.readline().split()
        return int(postgres), int(redis)

    def ensure(self) -> tuple[int, int]:
        """Have it ensure the servers; their process ids."""
        self.ask()
        return self.answer()

    def end(self) -> None:
        """Let it end by itself, and wait for that."""
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        """kill -9, as the out-of-memory killer would."""
        self.process.kill()
        self.process.communicate()


def drop_ptrace() -> None:
    """What root in a container usually lacks: CAP_SYS_PTRACE (capabilities(7))."""
    PR_CAPBSET_DROP, CAP_SYS_PTRACE = 24, 19
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE) == 0


def environment(home: Path) -> dict[str, str]:
    """This process's environment, with that REDRIVE_HOME and no named servers."""
    named = {"DATABASE_URL", "REDIS_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in named}
    return kept | {"REDRIVE_HOME": str(home)}


def run_python(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project, with that home and these environment variables; all it said."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(home) | variables,
        check=False,
    )


def wipe(home: Path) -> None:
    """Stop the servers of that home and delete it, wherever its data is."""
    done = run_python(home, "-m", "config.dev.servers", "wipe")
    assert done.returncode == 0, done.stderr


def note(url: str, text: str) -> None:
    """Write something into the database that must still be there later."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (line text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def notes(url: str) -> list[str]:
    """All that was noted."""
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT line FROM notes ORDER BY line")]


def kill(*pids: int) -> None:
    """kill -9 these, and wait until they are gone."""
    processes = [psutil.Process(pid) for pid in pids]
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        while is_alive(process.pid):
            pass


def is_alive(pid: int) -> bool:
    """Whether that process runs."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
