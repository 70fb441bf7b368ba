"""The bytes of an HTTP/1.1 exchange: the head of a request, and an answer read whole.

The usual answer, with a length and nothing special in its head, is read in one go. http.client
reads any other, from the same bytes (a test compares the two).
"""

from __future__ import annotations

import http.client
import io
import re
from http.client import HTTPException, HTTPResponse, LineTooLong
from typing import TYPE_CHECKING, NamedTuple

from urllib3 import HTTPHeaderDict
from urllib3 import HTTPResponse as Unpacking
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

MOST_INTERIM_ANSWERS = 1_000
LONGEST_LINE = 65_536  # of a header, as http.client has it
MOST_HEADERS = 1_000
# http.client stops at 100, and has no other way to be told so. Gateways that set a cookie for
# each of their parts send more.
http.client._MAXHEADERS = MOST_HEADERS  # type: ignore[attr-defined]

LONGEST_AT_ONCE = 256 * 1024  # of an answer that is read in one go
RECEIVED_AT_ONCE = 64 * 1024
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [^\r\n]*)?")
HEADER_LINE = re.compile(rb"\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)")
FOLDED = re.compile(r"[ \t]*\r\n[ \t]+")  # a header over several lines
WITHOUT_BODY = (204, 304)
SPECIAL_HEADERS = frozenset(("transfer-encoding", "content-encoding", "trailer", "upgrade"))


class TooLarge(Exception):
    """The answer is longer than any answer to a batch can be."""


class TooManyInterim(HTTPException):
    """Nothing but interim answers came."""


class TooManyHeaders(HTTPException):
    """More headers than are read."""


class BrokeOff(Exception):
    """The answer began with this status; its cause says why the rest of it was not read."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Reply(NamedTuple):
    """An answer, read whole and unpacked. Header names are lower-case.

    `is_last`: nothing more may be sent over its connection.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_last: bool


def request_head(
    method: str, path: str, host: str, headers: Mapping[str, str], length: int
) -> bytes:
    """All of a request but its body. A later header replaces one of the same name.

    Raises ValueError for a line break in a header, which would change what the request means.
    """
    lines = {name.lower(): f"{name}: {value}" for name, value in headers.items()}
    first = f"{method} {path} HTTP/1.1\r\nHost: {host}"
    text = "\r\n".join((first, *lines.values(), f"Content-Length: {length}", "", ""))
    breaks = len(lines) + 4
    if text.count("\n") != breaks or text.count("\r") != breaks:
        raise ValueError("a line break in a header")
    return text.encode("latin-1")


def read_answer(sock: socket.socket, method: str, most: int) -> Reply:
    """One answer of at most `most` bytes.

    Raises OSError and HTTPException before its status is known, BrokeOff after that.
    """
    received = _Received(sock)
    usual = None if method == "HEAD" else _usual(received, most)
    return usual or _any(received, method, most)


def _usual(received: _Received, most: int) -> Reply | None:
    """The answer, if it is of the usual kind and comes whole."""
    sought = 0
    while (end := received.data.find(b"\r\n\r\n", sought)) < 0:
        sought = max(0, len(received.data) - 3)
        if len(received.data) > LONGEST_LINE or not received.more():
            return None
    head = bytes(received.data[:end])
    status, headers = _status(head), _headers(head)
    if status is None or headers is None or status in WITHOUT_BODY:
        return None
    length = headers.get("content-length", "")
    if len(length) > 9 or not length.isdecimal() or not SPECIAL_HEADERS.isdisjoint(headers):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    start, whole = end + 4, end + 4 + int(length)
    if whole > LONGEST_AT_ONCE or int(length) > most:
        return None
    while len(received.data) < whole:
        if not received.more():
            return None
    has_more = len(received.data) > whole  # that nobody asked for
    return Reply(status, headers, bytes(received.data[start:whole]), is_last=has_more)


def _status(head: bytes) -> int | None:
    line = STATUS_LINE.match(head)
    ends = line is not None and head[line.end() : line.end() + 2] in (b"\r\n", b"")
    return int(line[1]) if line is not None and ends else None


def _headers(head: bytes) -> dict[str, str] | None:
    """The headers by their lower-case names, if each line is a plain one."""
    headers: dict[str, str] = {}
    lines = HEADER_LINE.findall(head)
    are_plain = len(lines) == head.count(b"\r") == head.count(b"\n") and b"\0" not in head
    if not are_plain or len(lines) >= MOST_HEADERS:
        return None
    for raw_name, raw_value in lines:
        name, value = raw_name.decode().lower(), raw_value.decode("latin-1").rstrip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _any(received: _Received, method: str, most: int) -> Reply:
    """The answer as http.client reads it, and urllib3 unpacks it."""
    answer = _Answer(received, method=method)  # type: ignore[arg-type]
    with answer:
        answer.begin()
        if answer.status < 200:  # the real answer may still come: it is not the next one's
            return Reply(answer.status, {}, b"", is_last=True)
        headers = HTTPHeaderDict((name, _value(text)) for name, text in answer.msg.items())
        try:
            body = _unpacked(answer, headers, method, most)
        except (OSError, HTTPException, HTTPError, TooLarge) as error:
            raise BrokeOff(answer.status) from error
    named = {name.lower(): value for name, value in headers.itermerged()}
    return Reply(answer.status, named, body, is_last=answer.will_close)


def _value(text: str) -> str:
    return FOLDED.sub(" ", text).strip(" \t")


def _unpacked(answer: _Answer, headers: HTTPHeaderDict, method: str, most: int) -> bytes:
    unpacking = Unpacking(
        answer, headers, answer.status, original_response=answer, preload_content=False,
        request_method=method,
    )  # fmt: skip
    body = unpacking.read(most + 1, decode_content=True)
    if len(body) > most:
        raise TooLarge
    return body


class _Received(io.RawIOBase):
    """What came over a socket so far. As a file: that from its beginning, then what follows."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self.data = bytearray()  # grows in place: an answer may come byte by byte
        self._socket, self._position = sock, 0
        self._error: OSError | None = None

    def more(self) -> bool:
        """Receive some more; False at the end, or where it breaks off."""
        try:
            new = self._socket.recv(RECEIVED_AT_ONCE)
        except OSError as error:
            if not self.data:
                raise
            self._error = error
            return False
        self.data += new
        return bool(new)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if rest := self.data[self._position : self._position + len(buffer)]:
            buffer[: len(rest)] = rest
            self._position += len(rest)
            return len(rest)
        if self._error is not None:
            raise self._error
        return self._socket.recv_into(buffer)


class _Answer(HTTPResponse):
    """An answer whose interim answers (1xx) are read past, as RFC 9110 asks of a client.

    101 ends what HTTP there is, so it is taken as the answer itself.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _answer in range(MOST_INTERIM_ANSWERS):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status <= 199 or status == 101:
                return version, status, reason
            self._skip_headers()
        raise TooManyInterim

    def _skip_headers(self) -> None:
        for _header in range(MOST_HEADERS):
            line = self.fp.readline(LONGEST_LINE + 1)
            if len(line) > LONGEST_LINE:
                raise LineTooLong("header line")
            if line in (b"\r\n", b"\n", b""):
                return
        raise TooManyHeaders
