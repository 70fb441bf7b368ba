"""A small threaded HTTP/1.1 server on loopback. It serves `Site`s, and breaks
connections on request.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. Header names are lower-case; `query` keeps the last value."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (part.split("=", 1) for part in self.headers.get("cookie", "").split("; "))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


@dataclass(slots=True)
class Reply:
    """The response. The last fields are faults of the connection, not of the application."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    delay_seconds: float = 0.0  # before the first byte of the answer
    drip_seconds: float = 0.0  # between single bytes of the answer's body
    reset: bool = False  # no answer: the connection is reset (RST)
    cut_after: int | None = None  # close after so many bytes of the body, whatever was promised


class Site(Protocol):
    """One application of the sandbox. Called from many threads at once."""

    prefix: str  # "/api" or "/portal": its share of the address space

    def handle(self, request: Request) -> Reply: ...


LONGEST_LINE_BYTES = 65536
MOST_HEADERS = 200

PHRASES = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):
    """The request can't be read; the connection ends after an answer of this status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def read_request(connection: socket.socket, reader: BufferedReader) -> Request | None:
    """The next request of a connection, whole; None when the client has closed it.

    Raises BadRequest for what is not HTTP/1.1, ConnectionError when it ends half-way.
    """
    line = read_line(reader)
    if not line:
        return None
    method, _, rest = line.rstrip(b"\r\n").decode("latin-1").partition(" ")
    target, _, version = rest.rpartition(" ")
    if not target or not version.startswith("HTTP/1."):
        raise BadRequest("This is not an HTTP/1.1 request line.")
    headers = read_headers(reader)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    values = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method, unquote(path), values, headers, read_body(reader, headers))


def read_line(reader: BufferedReader) -> bytes:
    line = reader.readline(LONGEST_LINE_BYTES + 1)
    if len(line) > LONGEST_LINE_BYTES:
        raise BadRequest("A line of the request's head is too long.", 431)
    return line


def read_headers(reader: BufferedReader) -> dict[str, str]:
    """Names in lower case; a name that comes twice keeps both values, joined by a comma."""
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        line = read_line(reader)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line:
            raise ConnectionError("The request ended within its headers.")
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise BadRequest("Too many headers.", 431)


def read_body(reader: BufferedReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return read_chunks(reader)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest("Content-Length is not a number.")
    return read_exactly(reader, int(length))


def read_chunks(reader: BufferedReader) -> bytes:
    """A chunked body, joined; trailers are read and dropped."""
    body = bytearray()
    while size := chunk_size(read_line(reader)):
        body += read_exactly(reader, size, received=len(body))
        read_line(reader)
    while read_line(reader) not in (b"\r\n", b"\n", b""):
        pass
    return bytes(body)


def chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadRequest("A chunk has no size.") from None


def read_exactly(reader: BufferedReader, size: int, received: int = 0) -> bytes:
    if size + received > 256 * 1024 * 1024:
        raise BadRequest("The body is larger than the sandbox takes.", 413)
    body = reader.read(size)
    if len(body) < size:
        raise ConnectionError("The request ended within its body.")
    return body


def asks_to_close(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a Connection header says that this exchange is the connection's last."""
    return any(n.lower() == "connection" and v.lower() == "close" for n, v in headers)


def head_of(reply: Reply, *, last: bool) -> bytes:
    """The status line and headers of an answer, up to and with the empty line."""
    lines = [
        f"HTTP/1.1 {reply.status} {PHRASES.get(reply.status, 'Unknown')}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        *(f"{name}: {value}" for name, value in reply.headers if name.lower() != "connection"),
    ]
    if last:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


encode = msgspec.json.Encoder().encode


def json_reply(
    content: object, status: int = 200, headers: list[tuple[str, str]] | None = None
) -> Reply:
    return Reply(status, encode(content), headers=headers or [])


def problem(
    status: int, detail: str, path: str, headers: list[tuple[str, str]] | None = None
) -> Reply:
    """{"type","title","status","detail","instance","timestamp"}, as customer-apis.md has it."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return Reply(status, encode(content), "application/problem+json", headers or [])


HOST = "127.0.0.1"
PAUSE_WITHOUT_DESCRIPTORS_SECONDS = 0.2

logger = logging.getLogger("sandbox")


class SandboxServer:
    """Serves sites, each at its prefix, one thread for each connection, until `stop`.

    A request keeps its full path ("/api/account"); the longest prefix wins, whatever no site owns
    is a 404. Raises OSError when the port is taken.
    """

    def __init__(self, *sites: Site, port: int = 0) -> None:
        self.sites = sorted(sites, key=lambda site: len(site.prefix), reverse=True)
        self._listener = socket.create_server((HOST, port), backlog=256)
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
        give_up_at = time.monotonic() + 5.0
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        self._alarm.close()
        self._alarmed.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener:
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
            # SO_LINGER on, 0 seconds: close() sends RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
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
