"""A server on a real loopback socket that does to each request what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.listener import Listener

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

Connection = socket.socket


@dataclass(frozen=True)
class Received:
    """One request. Header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Action = Callable[[Connection, Received], None]  # it answers; closing the connection ends it


class Server:
    """Does the acts one after the other, one for each request; the last one is repeated."""

    def __init__(
        self, *acts: Action, tls: ssl.SSLContext | None = None, reads: bool = True
    ) -> None:
        self.acts = list(acts)
        self.received: list[Received] = []
        self._tls, self._reads = tls, reads
        self._lock = threading.Lock()
        self._listener = Listener(self._serve)
        self.port = self._listener.port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/v1/customers"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self._listener.connections)

    def _serve(self, connection: Connection) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        if not self._reads:
            return self._next()(connection, Received("", "", {}, b""))
        with connection, connection.makefile("rb") as stream:
            while request := read_request(stream):
                with self._lock:
                    self.received.append(request)
                self._next()(connection, request)
        return None

    def _next(self) -> Action:
        with self._lock:
            return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]


def read_request(stream: Any) -> Received | None:
    """One request from a connection, or None at its end."""
    line = stream.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ")
    headers = {}
    while header := stream.readline().strip():
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Received(method, path, headers, stream.read(int(headers.get("content-length", 0))))


def reply(status: int, body: Any = b"", **headers: str) -> Action:
    """An ordinary answer. `retry_after="5"` is the header Retry-After."""

    def act(connection: Connection, _: Received) -> None:
        connection.sendall(answer(status, body, **headers))

    return act


def answer(status: int, body: Any = b"", **headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return head.encode("latin-1") + b"\r\n" + raw


def reset(connection: Connection, _: Received) -> None:
    """An RST instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The stream that reads requests keeps the descriptor open past close().
    os.close(connection.detach())


def sends(raw: bytes, *, then: Action | None = None) -> Action:
    """Bytes as they are, then the end of the connection or something else."""

    def act(connection: Connection, request: Received) -> None:
        connection.sendall(raw)
        if then is not None:
            then(connection, request)
        else:
            connection.shutdown(socket.SHUT_RDWR)

    return act


def drips(raw: bytes, pause: float = 0.02, first: int = 0) -> Action:
    """Bytes one by one, so that no silence is ever long."""

    def act(connection: Connection, _: Received) -> None:
        connection.sendall(raw[:first])
        for position in range(first, len(raw)):
            connection.sendall(raw[position : position + 1])
            threading.Event().wait(pause)

    return act


def silence(release: threading.Event) -> Action:
    """No answer until the test is over."""

    def act(connection: Connection, _: Received) -> None:
        release.wait(10)

    return act


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
