"""`python -m config.dev.process_guard COMMAND…`: keeps one process alive, and ends it warmly.

The process manager (honcho) ends everything when one process exits. So what it runs are keepers:
they outlive their process, which has a session of its own and so gets no signal but theirs.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
STABLE_AFTER_SECONDS = 60.0  # what lived this long did not fail at its start
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)


class DatabaseThread:
    """One command, started again with growing pauses until `end` is called."""

    def __init__(self, command: list[str], first_pause: float | None = None) -> None:
        self.command = command
        self.first_pause = FIRST_PAUSE_SECONDS if first_pause is None else first_pause
        self.child: subprocess.Popen[bytes] | None = None
        self.summary: subprocess.Popen[bytes] | None = None
        self.ending = False
        self.wake_up, self.ringer = (
            os.pipe()
        )  # wakes a pause; an Event must not be set by a handler

    def run(self) -> int:
        """Keep it alive until told to end; its last exit code (0 when it ended as told)."""
        pause, code = self.first_pause, 0
        while not self.ending:
            started = time.monotonic()
            code = self.run_once()
            if time.monotonic() - started > STABLE_AFTER_SECONDS:
                pause = self.first_pause
            if not self.ending:
                say(
                    f"{' '.join(self.command)} {how_it_ended(code)}; starting again in {pause:g} s"
                )
                select.select([self.wake_up], [], [], pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return 0 if code == -signal.SIGTERM else code

    def run_once(self) -> int:
        """Start it and wait for its end: its exit code, or a signal's number below zero."""
        database = os.getpid()
        self.child = subprocess.Popen(
            self.command,
            start_new_session=True,
            preexec_fn=lambda: die_with(database),  # safe: there is only one thread
        )
        if self.ending:  # told so while it was being started
            self.tell()
        return self.child.wait()

    def end(self, _signum: int = signal.SIGTERM, _frame: object = None) -> None:
        """Have the process end, and don't start it again. A handler for signals."""
        self.ending = True
        os.write(self.ringer, b".")
        self.tell()

    def tell(self) -> None:
        """Pass SIGTERM on, once: to an RQ worker a second one means "drop what you are doing"."""
        if self.child is not None and self.child is not self.summary:
            self.summary = self.child
            self.child.terminate()


def die_with(parent: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send us this signal when our parent ends, even by kill -9 (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    LIBC.prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before the kernel knew
        os.kill(os.getpid(), how)


def how_it_ended(code: int) -> str:
    """The end of a sentence that begins with the command."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def say(line: str) -> None:
    """One line for the operator."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(command: list[str]) -> int:
    """Keep the command; 2 when there is none, 127 when it can't be started at all."""
    if not command:
        say("usage: python -m config.dev.process_guard COMMAND [ARG…]")
        return 2
    database = DatabaseThread(command)
    signal.signal(signal.SIGTERM, database.end)
    signal.signal(signal.SIGINT, database.end)
    die_with(os.getppid())
    try:
        return database.run()
    except OSError as error:
        say(f"{command[0]} cannot be started: {error.strerror}.")
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
