"""A process guard and its child as real processes. The child prints a line when it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from config.dev.process_guard import ProcessGuard
from tests.config.commands import PROJECT, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Prints its pid, and a line at each SIGTERM; ends when it reads a line from standard input.
COUNTS_TERMS = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"SIGTERM\\n"))
print(os.getpid(), flush=True)
sys.stdin.readline()
"""


class GuardedProcess:
    """A process guard in its own process, with a child that reads and prints lines."""

    def __init__(self, program: str) -> None:
        keep = "import sys; from config.dev import process_guard; "
        keep += "process_guard.FIRST_PAUSE_SECONDS = 0.01; "
        keep += "sys.exit(process_guard.main(sys.argv[1:]))"
        self.guard = subprocess.Popen(
            [sys.executable, "-c", keep, sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        self.overdue = threading.Timer(60, self.guard.kill)  # rather than wait for ever
        self.overdue.start()

    def line(self) -> str:
        """The next line that the child prints."""
        assert self.guard.stdout is not None
        return self.guard.stdout.readline().strip()

    def finish(self) -> str:
        """Let the child and the guard end; the rest of their output."""
        return self.guard.communicate("end\n", timeout=120)[0]


@pytest.fixture
def keep() -> Iterator[Callable[[str], GuardedProcess]]:
    """Start a guarded program, which ends with the test."""
    started: list[GuardedProcess] = []

    def guard_one(program: str) -> GuardedProcess:
        started.append(GuardedProcess(program))
        return started[-1]

    yield guard_one
    for guarded in started:
        guarded.overdue.cancel()
        if guarded.guard.poll() is None:
            guarded.guard.terminate()
            guarded.finish()


def test_a_killed_process_is_started_again(keep: Callable[[str], GuardedProcess]) -> None:
    guarded = keep(COUNTS_TERMS)
    first = int(guarded.line())
    kill(first)
    assert int(guarded.line()) != first


def test_sigterm_is_passed_on_once_however_often_it_comes(
    keep: Callable[[str], GuardedProcess],
) -> None:
    guarded = keep(COUNTS_TERMS)
    guarded.line()
    guarded.guard.terminate()
    assert guarded.line() == "SIGTERM"
    guarded.guard.terminate()
    guarded.guard.send_signal(signal.SIGINT)
    assert guarded.finish() == ""
    assert guarded.guard.returncode == 0


def test_a_process_that_ended_on_request_is_not_restarted(
    keep: Callable[[str], GuardedProcess],
) -> None:
    guarded = keep("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    guarded.line()
    guarded.guard.terminate()
    assert guarded.finish() == ""
    assert guarded.guard.returncode == 0


def test_a_guarded_process_has_a_session_of_its_own(keep: Callable[[str], GuardedProcess]) -> None:
    guarded = keep(COUNTS_TERMS)
    child = int(guarded.line())
    assert os.getsid(child) == child != os.getsid(guarded.guard.pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's death signal")
def test_a_killed_process_guard_ends_its_process_gracefully(
    keep: Callable[[str], GuardedProcess],
) -> None:
    guarded = keep(COUNTS_TERMS)
    guarded.line()
    guarded.guard.kill()
    assert guarded.line() == "SIGTERM"


def test_a_pause_ends_when_the_process_guard_is_stopped(capfd: pytest.CaptureFixture[str]) -> None:
    guard = ProcessGuard([sys.executable, "-c", "raise SystemExit(3)"], first_pause=3600)
    previous = signal.signal(signal.SIGALRM, guard.end)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    try:
        assert guard.run() == 3
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
