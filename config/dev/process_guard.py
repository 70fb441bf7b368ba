"""`python -m config.dev.process_guard COMMAND…`: restarts one process, and ends it gracefully.

The process manager (honcho) ends everything when one process exits. So it runs process guards,
which outlive their process. That has a session of its own, so only its guard signals it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
STABLE_AFTER_SECONDS = 60.0  # a process that ran this long did not fail at its start
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)


class ProcessGuard:
    """Restarts one command, with growing pauses, until `end` is called."""

    def __init__(self, command: list[str], first_pause: float | None = None) -> None:
        self.command = command
        self.first_pause = FIRST_PAUSE_SECONDS if first_pause is None else first_pause
        self.child: subprocess.Popen[bytes] | None = None
        self.signalled: subprocess.Popen[bytes] | None = None
        self.ending = False
        # Ends a pause early. A signal handler must not set an Event.
        self.wake_up, self.wake_up_writer = os.pipe()

    def run(self) -> int:
        """Restart the command until `end`; its last exit code (0 if it ended on request)."""
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
        """Run the command once; its exit code, or the negative number of a signal."""
        guard = os.getpid()
        self.child = subprocess.Popen(
            self.command,
            start_new_session=True,
            preexec_fn=lambda: die_with(guard),  # safe: there is only one thread
        )
        if self.ending:  # `end` was called while it was starting
            self.terminate()
        return self.child.wait()

    def end(self, _signum: int = signal.SIGTERM, _frame: object = None) -> None:
        """End the process and do not restart it. Also a signal handler."""
        self.ending = True
        os.write(self.wake_up_writer, b".")
        self.terminate()

    def terminate(self) -> None:
        """Send SIGTERM, once: a second one makes an RQ worker drop its work."""
        if self.child is not None and self.child is not self.signalled:
            self.signalled = self.child
            self.child.terminate()


def die_with(parent: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Make the kernel send this signal when our parent ends, even by kill -9 (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    LIBC.prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before the kernel knew
        os.kill(os.getpid(), how)


def how_it_ended(code: int) -> str:
    """How the command ended, as the rest of a sentence."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def say(line: str) -> None:
    """One line for the operator. A full disk under the log ends nobody."""
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def main(command: list[str]) -> int:
    """Guard the command; exit code 2 without one, 127 if it cannot be started."""
    if not command:
        say("usage: python -m config.dev.process_guard COMMAND [ARG…]")
        return 2
    guard = ProcessGuard(command)
    signal.signal(signal.SIGTERM, guard.end)
    signal.signal(signal.SIGINT, guard.end)
    die_with(os.getppid())
    try:
        return guard.run()
    except OSError as error:
        say(f"{command[0]} cannot be started: {error.strerror}.")
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
