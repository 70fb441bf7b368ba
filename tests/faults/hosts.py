"""Hosts with a disk of their own each: they share PostgreSQL, Redis and one bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.config.commands import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.installation import Installation

SHARED_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PRELUDE = """
import json, sys, django
django.setup()
from pathlib import Path
from django.core.files.uploadedfile import SimpleUploadedFile
given = json.loads(sys.argv[1])
"""


class Host:
    """One host: its own REDRIVE_HOME, everything else as the others have it."""

    def __init__(self, redrive: Installation, home: Path, storage_url: str) -> None:
        self.redrive, self.home = redrive, home
        home.mkdir(parents=True)
        database = redrive.urls.database_url.replace("postgresql://", "postgres://")
        self.environment = redrive.environment | {
            "REDRIVE_HOME": str(home),
            "RETRY_FILES_DIR": str(home / "retries"),
            "DATABASE_URL": database,
            "REDIS_URL": redrive.urls.redis_url,
            "STORAGE_URL": storage_url,
            "SECRET_KEY": "the same on all hosts, and long enough for Django to accept it",
            "CREDENTIAL_KEYS": SHARED_KEY,
            "DEBUG": "1",
        }

    def run(self, code: str, **given: Any) -> Any:
        """Run Python on this host; what it prints as JSON in its last line."""
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + code, json.dumps(given)],
            capture_output=True, text=True, cwd=PROJECT, env=self.environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`manage.py …` on this host; it ends with the installation's test."""
        with (self.redrive.home / f"{self.home.name}_{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=PROJECT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.redrive.started.append(process)
        return process
