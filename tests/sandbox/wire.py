"""HTTP/1.1 on the wire: a request read from a socket's file, an answer's head written."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from tests.sandbox.web import Request

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable
    from io import BufferedReader

    from tests.sandbox.web import Reply

LONGEST_LINE_BYTES = 65536
MOST_HEADERS = 200
LARGEST_BODY_BYTES = 256 * 1024 * 1024

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
        body += read_exactly(reader, size, already=len(body))
        read_line(reader)
    while read_line(reader) not in (b"\r\n", b"\n", b""):
        pass
    return bytes(body)


def chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadRequest("A chunk has no size.") from None


def read_exactly(reader: BufferedReader, size: int, already: int = 0) -> bytes:
    if size + already > LARGEST_BODY_BYTES:
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
