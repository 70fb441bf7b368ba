"""Homes with embedded servers of their own."""

from __future__ import annotations

import shutil
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.apps import apps

from config.dev import servers
from tests.config.commands import Command, run_python, wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every account can pass through. pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def used_home(open_folder: Path) -> Iterator[Path]:
    """A home whose database exists already; shared by the tests of a module, for speed."""
    home = open_folder / "used"
    run_python(home, "-m", "config.dev.servers", "psql", "-c", "SELECT 1")
    yield home
    wipe(home)


@pytest.fixture
def groups(db: None) -> None:
    """The groups of a new database, also after a test that emptied all tables."""
    import_module("bills.migrations.0002_groups").make_groups(apps, None)


@pytest.fixture
def copied_home(used_home: Path) -> Iterator[Path]:
    """A copy of it, to do as one likes with."""
    home = used_home.with_name("copy")
    shutil.copytree(used_home, home)
    yield home
    wipe(home)
    shutil.rmtree(home)


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    """A home that nobody used yet."""
    home = tmp_path / "home"
    yield home
    wipe(home)


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Command]]:
    """Start a command in a home; whatever still runs at the end of the test is ended."""
    # The homes are torn down after the commands only if they were asked for before.
    for name in {"used_home", "new_home", "copied_home"} & set(request.fixturenames):
        request.getfixturevalue(name)
    started: list[Command] = []

    def start_one(home: Path) -> Command:
        started.append(Command(home))
        return started[-1]

    overdue = threading.Timer(240, kill_all, [started])  # rather than wait for an answer for ever
    overdue.start()
    yield start_one
    overdue.cancel()
    for command in started:
        if command.process.poll() is None:
            command.process.communicate()


def kill_all(commands: list[Command]) -> None:
    """kill -9 each."""
    for command in commands:
        command.process.kill()


@pytest.fixture
def urls_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], servers.Urls]:
    """The addresses of a home."""

    def urls(home: Path) -> servers.Urls:
        monkeypatch.setenv("REDRIVE_HOME", str(home))
        return servers.urls()

    return urls
