"""Redrive as a production host serves it: gunicorn with its configuration, on real sockets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.dev import servers
from tests.config.commands import PROJECT, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTENING = re.compile(r"Listening at: (\S+)")
START_SECONDS, END_SECONDS = 180, 60
LOGIN, PASSWORD = "ann", "correct horse battery"
HOST = "redrive.example"


def production(home: Path) -> dict[str, str]:
    """What the host's environment has. PostgreSQL and Redis are that home's embedded ones."""
    before = os.environ.get("REDRIVE_HOME")
    os.environ["REDRIVE_HOME"] = str(home)
    try:
        urls = servers.urls()
    finally:
        os.environ.pop("REDRIVE_HOME") if before is None else os.environ.update(
            REDRIVE_HOME=before
        )
    return {
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
        "ALLOWED_HOSTS": HOST,
        "BEHIND_PROXY": "true",
        "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "CREDENTIAL_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }


def prepare(home: Path) -> None:
    """A migrated database with one account. Something must keep the home's servers running."""
    for arguments in (
        ("migrate", "--verbosity", "0"),
        ("createsuperuser", "--no-input", "--username", LOGIN, "--email", "ann@example.com"),
    ):
        done = run_python(home, "manage.py", *arguments, **production(home))
        assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True)
class Served:
    """A running gunicorn."""

    process: subprocess.Popen[str]
    address: str  # "http://127.0.0.1:41234"

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS)


@contextmanager
def serving(home: Path, project: Path = PROJECT, **variables: str) -> Iterator[Served]:
    """gunicorn while the block runs, on a port that the system chooses."""
    environment = {
        **os.environ, "REDRIVE_HOME": str(home), **production(home), "BIND": "127.0.0.1:0",
        **variables,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py"],
        cwd=project, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    overdue = threading.Timer(START_SECONDS, process.kill)
    overdue.start()
    try:
        yield Served(process, _address(process))
    finally:
        overdue.cancel()
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := LISTENING.search(line):
            # The rest is read and dropped, so that gunicorn never waits for a reader.
            threading.Thread(target=lambda: [*process.stderr], daemon=True).start()  # type: ignore[misc]
            return found[1]
    raise AssertionError("".join(said))
