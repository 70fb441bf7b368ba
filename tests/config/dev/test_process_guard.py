"""A keeper and what it keeps, as real processes. What is kept says a line when it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from config.dev.process_guard import DatabaseThread
from tests.config.commands import PROJECT, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Says its number; at each SIGTERM says so, and ends when a line comes in on its standard input.
COUNTS_TERMS = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"SIGTERM\\n"))
print(os.getpid(), flush=True)
sys.stdin.readline()
"""


class Kept:
    """A keeper in a process of its own, with a child that can be talked to."""

    def __init__(self, program: str) -> None:
        keep = "import sys; from config.dev import process_guard; "
        keep += "process_guard.FIRST_PAUSE_SECONDS = 0.01; "
        keep += "sys.exit(process_guard.main(sys.argv[1:]))"
        self.database = subprocess.Popen(
            [sys.executable, "-c", keep, sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        self.overdue = threading.Timer(60, self.database.kill)  # rather than wait for ever
        self.overdue.start()

    def line(self) -> str:
        """The next line that the child says."""
        assert self.database.stdout is not None
        return self.database.stdout.readline().strip()

    def finish(self) -> str:
        """Let the child end, if it waits for that, and the keeper; all that was still said."""
        return self.database.communicate("end\n", timeout=30)[0]


@pytest.fixture
def keep() -> Iterator[Callable[[str], Kept]]:
    """Start a keeper of a program; it is ended with the test."""
    started: list[Kept] = []

    def keep_one(program: str) -> Kept:
        started.append(Kept(program))
        return started[-1]

    yield keep_one
    for kept in started:
        kept.overdue.cancel()
        if kept.database.poll() is None:
            kept.database.terminate()
            kept.finish()


def test_a_killed_process_is_started_again(keep: Callable[[str], Kept]) -> None:
    kept = keep(COUNTS_TERMS)
    first = int(kept.line())
    kill(first)
    assert int(kept.line()) != first


def test_sigterm_is_passed_on_once_however_often_it_comes(keep: Callable[[str], Kept]) -> None:
    kept = keep(COUNTS_TERMS)
    kept.line()
    kept.database.terminate()
    assert kept.line() == "SIGTERM"
    kept.database.terminate()
    kept.database.send_signal(signal.SIGINT)
    assert kept.finish() == ""
    assert kept.database.returncode == 0


def test_a_process_that_ended_on_request_is_not_restarted(keep: Callable[[str], Kept]) -> None:
    kept = keep("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    kept.line()
    kept.database.terminate()
    assert kept.finish() == ""
    assert kept.database.returncode == 0


def test_a_kept_process_has_a_session_of_its_own(keep: Callable[[str], Kept]) -> None:
    kept = keep(COUNTS_TERMS)
    child = int(kept.line())
    assert os.getsid(child) == child != os.getsid(kept.database.pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's death signal")
def test_a_killed_process_guard_ends_its_process_gracefully(keep: Callable[[str], Kept]) -> None:
    kept = keep(COUNTS_TERMS)
    kept.line()
    kept.database.kill()
    assert kept.line() == "SIGTERM"


def test_a_pause_ends_when_the_process_guard_is_stopped(capfd: pytest.CaptureFixture[str]) -> None:
    database = DatabaseThread([sys.executable, "-c", "raise SystemExit(3)"], first_pause=3600)
    previous = signal.signal(signal.SIGALRM, database.end)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    try:
        assert database.run() == 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert "ended with code 3; starting again in 3600 s" in capfd.readouterr().err


def test_a_command_that_does_not_exist_is_named(tmp_path: object) -> None:
    missing = f"{tmp_path}/missing"
    command = [sys.executable, "-m", "config.dev.process_guard", missing]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 127
    assert f"{missing} cannot be started: No such file or directory." in done.stderr
