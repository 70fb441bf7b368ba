"""The bytes of an exchange: what is read in one go is what http.client reads, whatever comes."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from urllib3.connection import HTTPConnection

from imports.http import exchange
from imports.http.exchange import BrokeOff, Reply, read_answer, request_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 300_000
STATUS = b"HTTP/1.1 201 Created\r\n"
LENGTH = b"Content-Length: 4\r\n\r\n"
PATIENCE_SECONDS = 60.0

ANSWERS = {
    "usual": STATUS + b"Content-Type: a/b\r\nConnection: Keep-Alive\r\n" + LENGTH + b"{ }\n",
    "no reason": b"HTTP/1.1 201\r\n" + LENGTH + b"{}{}",
    "blanks around a value": STATUS + b"A: \t b \t\r\nB:c\r\n" + LENGTH + b"{}{}",
    "a header twice": STATUS + b"Set-Cookie: a=1\r\nset-cookie: b=2\r\n" + LENGTH + b"{}{}",
    "an empty header": STATUS + b"A:\r\n" + LENGTH + b"{}{}",
    "latin-1": STATUS + b"A: \xe5\xe4\xf6\r\n" + LENGTH + b"{}{}",
    "nul": STATUS + b"A: a\0b\r\n" + LENGTH + b"{}{}",
    "over two lines": STATUS + b"A: one\r\n  two\r\n" + LENGTH + b"{}{}",
    "no colon": STATUS + b"A\r\n" + LENGTH + b"{}{}",
    "bare line feeds": (STATUS + b"A: b\r\n" + LENGTH).replace(b"\r\n", b"\n") + b"{}{}",
    "one bare line feed": STATUS + b"A: b\nB: c\r\n" + LENGTH + b"{}{}",
    "the last of its connection": STATUS + b"Connection: close\r\n" + LENGTH + b"{}{}",
    "HTTP 1.0": b"HTTP/1.0 201 X\r\n" + LENGTH + b"{}{}",
    "to the end": STATUS + b"A: b\r\n\r\n{}{}",
    "nothing": STATUS + b"Content-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 X\r\n" + LENGTH,
    "two lengths": STATUS + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{} ",
    "a length that is none": STATUS + b"Content-Length: +4\r\n\r\n{}{}",
    "chunks": STATUS + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks with a length": STATUS
    + b"Transfer-Encoding: chunked\r\n"
    + LENGTH
    + b"1\r\n1\r\n0\r\n\r\n",
    "packed": STATUS
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"{}"))
    + gzip.compress(b"{}"),
    "early hints": b"HTTP/1.1 103 X\r\nA: b\r\n\r\n" + STATUS + LENGTH + b"{}{}",
    "other protocol": b"HTTP/1.1 101 X\r\n\r\n",
    "many headers": STATUS + b"A: b\r\n" * 998 + LENGTH + b"{}{}",
    "too many headers": STATUS + b"A: b\r\n" * 999 + LENGTH + b"{}{}",
    "a refusal": b"HTTP/1.1 422 Unprocessable\r\n" + LENGTH + b"{}{}",
    "a redirect": b"HTTP/1.1 302 X\r\nLocation: /x\r\n" + LENGTH + b"{}{}",
    "cut in the status": b"HTTP/1.1 2",
    "cut in the head": STATUS + b"A: b\r\n",
    "cut in the body": STATUS + LENGTH + b"{}",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing at all": b"",
    "large": STATUS + b"Content-Length: 290000\r\n\r\n" + b" " * 290_000,
    "too large": STATUS + b"Content-Length: 310000\r\n\r\n" + b" " * 310_000,
    "too large without a length": STATUS + b"\r\n" + b" " * 310_000,
}  # fmt: skip


def received(pieces: Sequence[bytes], read: Callable[[socket.socket], Reply]) -> object:
    """What comes of an answer in these pieces: all of the reply, or the errors in place of one."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_SECONDS)

    def send() -> None:
        with theirs, contextlib.suppress(OSError):  # of an answer that is too large
            for piece in pieces:
                theirs.sendall(piece)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return read(ours)
    except Exception as error:
        status = error.status if isinstance(error, BrokeOff) else None
        return type(error), type(error.__cause__), status
    finally:
        ours.close()
        sender.join()


def as_http_client(sock: socket.socket) -> Reply:
    return exchange._any(exchange._Received(sock), "POST", MOST)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_answer_is_read_as_http_client_reads_it_in_whatever_pieces_it_comes(name: str) -> None:
    raw = ANSWERS[name]
    expected = received([raw], as_http_client)
    for size in (len(raw) + 1, 40_000, *(() if len(raw) > 1_000 else (1, 7))):
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        assert received(pieces, lambda sock: read_answer(sock, "POST", MOST)) == expected


def test_bytes_behind_an_answer_end_its_connection() -> None:
    raw = ANSWERS["usual"] + b"HTTP/1.1 201"
    reply = received([raw], lambda sock: read_answer(sock, "POST", MOST))
    assert isinstance(reply, Reply)
    assert (reply.body, reply.is_last) == (b"{ }\n", True)


def test_a_usual_answer_needs_no_http_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_any", None)
    reply = received([ANSWERS["usual"]], lambda sock: read_answer(sock, "POST", MOST))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.is_last) == (201, b"{ }\n", False)


def test_the_answer_to_a_head_request_has_no_body() -> None:
    raw = STATUS + b"Content-Length: 9\r\n\r\n"
    reply = received([raw], lambda sock: read_answer(sock, "HEAD", MOST))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (201, b"")


def test_a_head_is_what_http_client_writes() -> None:
    headers = {"Accept-Encoding": "gzip", "User-Agent": "Redrive", "X-Name": "åäö"}
    written: list[bytes] = []
    connection = HTTPConnection("api.example.com", 8080)
    connection.sock = socket.socket()
    connection.send = written.append  # type: ignore[method-assign,assignment]
    connection.request("POST", "/v1?a=b", b"12345", headers | {"Content-Length": "5"})
    connection.sock.close()
    head = request_head("POST", "/v1?a=b", "api.example.com:8080", headers, 5)
    assert head + b"12345" == b"".join(written)


def test_of_two_headers_of_one_name_the_later_is_sent() -> None:
    head = request_head("POST", "/", "h", {"Accept": "a", "X": "b", "ACCEPT": "c"}, 0)
    assert head.split(b"\r\n")[2:4] == [b"ACCEPT: c", b"X: b"]


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nX-Other: b", "a\rb", "a\r\n b"])
def test_a_line_break_in_a_header_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_head("POST", "/", "h", {"Authorization": value}, 0)
