"""A port of this machine: each connection is served in a thread, until the port is closed."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 30.0
FIRST_PORT, LAST_PORT = 12_000, 32_000


class Listener:
    """Calls `serve` for each connection that comes; OSErrors in it are nobody's business."""

    def __init__(self, serve: Callable[[socket.socket], None], backlog: int = 64) -> None:
        self.connections: list[socket.socket] = []
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody is accepted any more; whoever still waits for something here is cut off.

        Closing alone would leave the thread in `accept`, on a number that the next socket gets.
        """
        _shut(self._socket)
        self._thread.join(PATIENCE_SECONDS)
        self._socket.close()
        for connection in self.connections:
            _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._served, args=(connection,), daemon=True).start()

    def _served(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, for processes that are told where to listen.

    They lie below those that the system gives to whoever asks for any port: with one of those,
    another test had it before our process came to use it.
    """
    found: set[int] = set()
    while len(found) < count:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return list(found)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed, or reset
        connection.shutdown(socket.SHUT_RDWR)
