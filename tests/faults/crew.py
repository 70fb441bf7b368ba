"""Workers and the sweeper that outlive a fault: starting Django anew for each takes too long."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import subprocess

    from tests.faults.installation import Installation

# A guard waits longer and longer before it starts a process again: one that had to is replaced.
AT_ONCE_SECONDS = 1.0


class Crew:
    """What runs between two jobs, each process kept by a guard."""

    def __init__(self, redrive: Installation) -> None:
        self.redrive = redrive
        self.workers: list[subprocess.Popen[bytes]] = []
        self.sweepers: list[subprocess.Popen[bytes]] = []

    def be(self, workers: int) -> None:
        """Exactly one sweeper and so many workers, none of which was started again."""
        self._keep(self.sweepers, "sweep", 1)
        self._keep(self.workers, "rqworker", workers)

    def _keep(self, guards: list[subprocess.Popen[bytes]], command: str, count: int) -> None:
        good = [each for each in guards if is_untouched(each)][:count]
        self.redrive.end(*(each for each in guards if each not in good))
        guards[:] = good
        guards += [self.redrive.start(command, kept=True) for _ in range(count - len(good))]


def is_untouched(guard: subprocess.Popen[bytes]) -> bool:
    """Whether the guard runs, and still its first process."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(guard.pid)
        children = parent.children()
        if guard.poll() is None and children:
            waited: float = children[0].create_time() - parent.create_time()
            return waited < AT_ONCE_SECONDS
    return False
