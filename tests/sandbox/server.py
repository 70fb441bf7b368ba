"""A small threaded HTTP/1.1 server on loopback: it serves `Site`s, and breaks the wire when told.

Not http.server: that one spends more time on a request's headers than the sandbox on 50 records.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

from tests.sandbox.web import Reply
from tests.sandbox.wire import BadRequest, asks_to_close, head_of, read_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from tests.sandbox.web import Request, Site

HOST = "127.0.0.1"
BACKLOG = 256
LONGEST_STOP_SECONDS = 5.0
PAUSE_WITHOUT_DESCRIPTORS_SECONDS = 0.2
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST

logger = logging.getLogger("sandbox")


class SandboxServer:
    """Serves sites, each at its prefix, one thread for each connection, until `stop`.

    A request keeps its full path ("/api/account"); the longest prefix wins, whatever no site owns
    is a 404. Raises OSError when the port is taken.
    """

    def __init__(self, *sites: Site, port: int = 0) -> None:
        self.sites = sorted(sites, key=lambda site: len(site.prefix), reverse=True)
        self._listener = socket.create_server((HOST, port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://{HOST}:{self.port}"
        self._alarm, self._alarmed = socket.socketpair()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []  # the acceptor's own, until it has ended
        self._acceptor = threading.Thread(target=self._accept, name="sandbox", daemon=True)

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._acceptor.start()

    def stop(self) -> None:
        """Close the port and every connection, end delays, wait for the threads."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._alarm.send(b"!")
        for site in self.sites:
            close = getattr(site, "close", None)
            if close is not None:
                close()
        self._acceptor.join()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        give_up_at = time.monotonic() + LONGEST_STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        self._alarm.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener, self._alarmed:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._alarmed, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                self._accept_one()

    def _accept_one(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return  # the alarm rang, or the client was gone before we came
        except OSError:  # no file descriptors left: the listener stays readable, so don't spin
            self._stopping.wait(PAUSE_WITHOUT_DESCRIPTORS_SECONDS)
            return
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
        with self._lock:
            self._connections.add(connection)
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while not self._stopping.is_set() and self._exchange(connection, reader):
                pass
        except OSError:
            pass  # the client went away, which is its right
        finally:
            with self._lock:
                self._connections.discard(connection)
            reader.close()
            connection.close()

    def _exchange(self, connection: socket.socket, reader: BufferedReader) -> bool:
        """Read one request and answer it; False when the connection must end."""
        try:
            request = read_request(connection, reader)
        except BadRequest as refusal:
            send(connection, Reply(refusal.status, str(refusal).encode(), "text/plain"), last=True)
            return False
        if request is None:
            return False
        reply = self._reply(request)
        last = asks_to_close([*request.headers.items(), *reply.headers])
        return self._answer(connection, request, reply, last=last)

    def _reply(self, request: Request) -> Reply:
        for site in self.sites:
            if request.path == site.prefix or request.path.startswith(site.prefix + "/"):
                try:
                    return site.handle(request)
                except Exception:
                    logger.exception("The sandbox broke on %s %s", request.method, request.path)
                    return Reply(500, b"The sandbox itself is broken: see its log.", "text/plain")
        offers = " ".join(site.prefix for site in self.sites)
        return Reply(404, f"Nothing here. The sandbox serves: {offers}\n".encode(), "text/plain")

    def _answer(
        self, connection: socket.socket, request: Request, reply: Reply, *, last: bool
    ) -> bool:
        if reply.delay_seconds:
            self._stopping.wait(reply.delay_seconds)
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            return False
        if reply.cut_after is not None:
            connection.sendall(head_of(reply, last=last) + reply.body[: reply.cut_after])
            return False
        if reply.drip_seconds and request.method != "HEAD":
            return self._drip(connection, reply, last=last) and not last
        send(connection, reply, last=last, without_body=request.method == "HEAD")
        return not last

    def _drip(self, connection: socket.socket, reply: Reply, *, last: bool) -> bool:
        """Send the body byte by byte; False when the server is being stopped."""
        connection.sendall(head_of(reply, last=last))
        for byte in reply.body:
            if self._stopping.wait(reply.drip_seconds):
                return False
            connection.sendall(bytes((byte,)))
        return True


def send(
    connection: socket.socket, reply: Reply, *, last: bool, without_body: bool = False
) -> None:
    """One whole answer in one write; a HEAD gets the headers only."""
    connection.sendall(head_of(reply, last=last) + (b"" if without_body else reply.body))


@contextlib.contextmanager
def running(*sites: Site, port: int = 0) -> Iterator[str]:
    """Serve the sites while the block runs; gives the base URL ("http://127.0.0.1:41234")."""
    server = SandboxServer(*sites, port=port)
    server.start()
    try:
        yield server.base_url
    finally:
        server.stop()
