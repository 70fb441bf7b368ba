"""Processes beside the test's own, on its database and queue, that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
LONGEST_WAIT_SECONDS = 180


def environment(home: Path) -> dict[str, str]:
    """The variables of a process of this test's installation."""
    database = connection.settings_dict
    host = (database["OPTIONS"] or {}).get("host") or database["HOST"]
    user = f"{database['USER']}:{database['PASSWORD'] or ''}"
    return os.environ | {
        "DATABASE_URL": f"postgres://{user}@/{database['NAME']}?host={host}",
        "REDIS_URL": settings.RQ_QUEUES["default"]["URL"],
        "REDRIVE_HOME": str(home),
        "CREDENTIAL_KEYS": settings.CREDENTIAL_KEYS[0],
        "DEBUG": "1",
    }


def start(home: Path, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Python with these arguments; what it prints goes into the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment(home), stdout=output,
            stderr=output,
        )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    """-9, and gone."""
    if process.poll() is None:
        process.kill()
    process.wait()


def wait_until(reached: Callable[[], bool], what: str) -> None:
    gives_up_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while not reached():
        assert time.monotonic() < gives_up_at, f"never came: {what}"
        time.sleep(0.05)
