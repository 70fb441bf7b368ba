"""A port of this machine: each connection is served in a thread, until the port is closed."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 30.0


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


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed, or reset
        connection.shutdown(socket.SHUT_RDWR)
