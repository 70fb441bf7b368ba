"""Which commands find or start servers, and what is said when they can't be had."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

import manage
from tests.config.commands import PROJECT, run_python

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "arguments", ["migrate", "sweep --once", "shell -c pass", "runserver 8000"]
)
def test_a_command_that_works_has_servers(arguments: str) -> None:
    assert manage.needs_servers(arguments.split())


@pytest.mark.parametrize(
    "arguments", ["", "help", "--version", "migrate --help", "check --deploy"]
)
def test_a_command_that_only_says_something_starts_none(arguments: str) -> None:
    assert not manage.needs_servers(arguments.split())


WITHOUT_REDIS = """
import sys, manage
from config.dev.servers import redis_server
redis_server.find_spec = lambda name: None
sys.argv = ["manage.py", "migrate"]
manage.main()
"""


def test_a_command_without_servers_says_why_in_one_line_and_exits_2(
    new_home: Path, tmp_path: Path
) -> None:
    bare = {"PATH": str(tmp_path), "DATABASE_URL": "postgresql://nowhere.invalid/redrive"}
    done = run_python(new_home, "-c", WITHOUT_REDIS, **bare)
    assert done.returncode == 2
    assert done.stderr.startswith("No Redis was found. Install one")
    assert done.stderr.count("\n") == 1


LOADED = """
import sys, django
django.setup()
from imports.management.commands import import_customers
large = {"playwright", "qrcode", "sentry_sdk", "unfold.admin", "xlsxwriter"}
print(*sorted(large & sys.modules.keys()))
"""


def test_an_import_loads_neither_pages_nor_browsers(tmp_path: Path) -> None:
    done = run_python(tmp_path, "-c", LOADED, DJANGO_SETTINGS_MODULE="config.settings")
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_the_version_is_that_of_the_package_and_needs_no_server() -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "--version"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
        env={**os.environ, "REDRIVE_HOME": "/nowhere"},
    )  # fmt: skip
    packaged = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert shown.stdout == f"Redrive {packaged}\n"
