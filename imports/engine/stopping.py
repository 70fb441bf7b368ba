"""The request to stop, which a signal makes: finish what is in flight, and begin nothing more."""

from __future__ import annotations

import os
import select
from contextlib import suppress

PIPE_BYTES = 64 * 1024  # as many as a pipe holds


class StopRequest:
    """A threading.Event that a signal handler may set.

    To set an Event takes its lock, and the handler may have interrupted the very code that holds
    it: then the process waits for itself for ever. Here the handler writes to a pipe.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wake_up, self._writer = os.pipe()
        for end in (self._wake_up, self._writer):
            os.set_blocking(end, False)

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """End every wait, now and from now on."""
        self._is_set = True
        with suppress(BlockingIOError):  # it is full, so it wakes them as it is
            os.write(self._writer, b".")

    def clear(self) -> None:
        """Take the request back."""
        self._is_set = False
        self._drain()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is set; whether it is."""
        if not self._is_set:
            poll = select.poll()
            poll.register(self._wake_up, select.POLLIN)
            if poll.poll(max(seconds, 0) * 1000) and not self._is_set:
                self._drain()  # another process has written, which shares the pipe since a fork
        return self._is_set

    def _drain(self) -> None:
        with suppress(BlockingIOError):  # it is empty
            os.read(self._wake_up, PIPE_BYTES)
