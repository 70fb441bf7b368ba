"""The egress proxy: a proxy on loopback that connects a portal's pages to the named hosts only.

Route interception is not enough: Playwright follows redirects by itself and cannot see which
address a name resolves to. Each attempt has its own proxy, which the browser and
`context.request` both use.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imports.http.addresses import BadAddress, Rules, check_address

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable

HOST = "127.0.0.1"
CONNECT_SECONDS = 15.0
CHUNK_BYTES = 65536
# A portal that never stops sending must not fill the disk: some hundred bills of 5 MB are less.
LONGEST_ANSWERS_BYTES = 1024 * 1024 * 1024
SAFE_METHODS = ("CONNECT", "GET", "HEAD", "OPTIONS")
HOP_BY_HOP = (b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization")


class Closed(Exception):
    """This request goes no further; the browser sees its connection close."""


class EgressProxy:
    """`permits` says which hosts may be reached. `refused` and `troubles` tell what went wrong.

    Private and loopback addresses are refused unless `allow_private`: also when a permitted
    name resolves to one, since the address that was checked is the one that is connected to.
    Unless `takes_open_forms`, nothing but GET goes out unencrypted: a portal that has its login
    on https has no form without.
    """

    def __init__(
        self, permits: Callable[[str], bool], *, allow_private: bool, takes_open_forms: bool = True
    ) -> None:
        self.permits = permits
        self.takes_open_forms = takes_open_forms
        self.allow_private = allow_private
        self.refused: dict[str, str] = {}  # host: why
        self.troubles: dict[str, str] = {}  # host: what happened instead of an answer
        self.url = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._checked: dict[tuple[str, int], str] = {}  # addresses that were connected to
        self._bytes_left = LONGEST_ANSWERS_BYTES

    async def __aenter__(self) -> EgressProxy:
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=CHUNK_BYTES)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One request, or one tunnel. Never a second request: see `forwarded`."""
        upstream: StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target = _request_line(head)
            host, port = _destination(method, target)
            if method not in SAFE_METHODS and not self.takes_open_forms:
                self.troubles[host] = "a form would have been sent unencrypted"
                raise Closed
            answers, upstream = await self._connect(host, port)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                body = None
            else:
                upstream.write(forwarded(head))
                body = _body_length(head)
            await self._splice(reader, writer, answers, upstream, body, host)
        except (Closed, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # what there is to say stands in `refused` or `troubles`
        finally:
            for end in (writer, upstream):
                if end is not None:
                    end.close()

    async def _connect(self, host: str, port: int) -> tuple[StreamReader, StreamWriter]:
        if not self.permits(host):
            self.refused[host] = "it is none of the portal's hosts"
            raise Closed
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                known = self._checked.pop((host, port), "")
                address = known or await self._address(host, port)
                ends = await asyncio.open_connection(address, port, limit=CHUNK_BYTES)
                self._checked[host, port] = address
                return ends
        except TimeoutError:
            self.troubles[host] = f"no connection within {CONNECT_SECONDS:.0f} s"
        except OSError as problem:
            self.troubles[host] = _in_words(problem)
        raise Closed

    async def _address(self, host: str, port: int) -> str:
        """The name's first address, once all of them have been found harmless."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(where[0]) for *_, where in found]
        try:
            for address in addresses:
                plain = ipaddress.ip_address(address.partition("%")[0])
                # What speaks plain http is the portal's affair: its URLs are checked when saved.
                check_address(plain, "https", Rules(self.allow_private))
        except BadAddress as refusal:
            self.refused[host] = str(refusal)
            raise Closed from None
        return addresses[0]

    async def _splice(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        answers: StreamReader,
        upstream: StreamWriter,
        body: int | None,
        host: str,
    ) -> None:
        """Carry bytes both ways until the answer ends or the browser goes away."""
        up = asyncio.ensure_future(self._upwards(reader, upstream, body))
        try:
            while chunk := await self._answer(answers, host):
                self._bytes_left -= len(chunk)
                if self._bytes_left < 0:
                    self.troubles[host] = "it sent more than 1 GB"
                    raise Closed
                writer.write(chunk)
                await writer.drain()
        finally:
            up.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await up

    async def _answer(self, answers: StreamReader, host: str) -> bytes:
        try:
            return await answers.read(CHUNK_BYTES)
        except OSError as problem:
            self.troubles[host] = _in_words(problem)
            raise

    async def _upwards(
        self, reader: StreamReader, upstream: StreamWriter, body: int | None
    ) -> None:
        """Carry what the browser sends: all of a tunnel, else the body's bytes and no more."""
        left = body
        while left is None or left > 0:
            chunk = await reader.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
            if not chunk:
                break
            left = None if left is None else left - len(chunk)
            upstream.write(chunk)
            await upstream.drain()
        if left == 0:
            await reader.read(1)  # nothing more may follow: the browser closes, or is cut off
        upstream.close()


def forwarded(head: bytes) -> bytes:
    """The request as the portal gets it: its path only, and the connection closed after it.

    One connection for each request: the next one could name another host. It also keeps a form
    with a password from being sent twice, as browsers do when a connection that has been used
    before closes without an answer.
    """
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = first.split(b" ", 2)
    parts = urlsplit(target)
    path = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    kept = [line for line in fields if line.split(b":", 1)[0].strip().lower() not in HOP_BY_HOP]
    return b"\r\n".join([b" ".join((method, path, version)), *kept, b"Connection: close\r\n\r\n"])


def _request_line(head: bytes) -> tuple[str, str]:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3:
        raise Closed
    return words[0], words[1]


def _destination(method: str, target: str) -> tuple[str, int]:
    """Host and port of "CONNECT host:443" or "GET http://host/path"."""
    try:
        parts = urlsplit("//" + target if method == "CONNECT" else target)
        if parts.hostname:
            return parts.hostname, parts.port or 80
    except ValueError:
        pass
    raise Closed


def _body_length(head: bytes) -> int | None:
    """How many bytes follow the head; None when only their end tells (chunked)."""
    length = 0
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.strip().isdigit():
            length = int(value)
    return length


def _in_words(problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return "its name is not known"
    if isinstance(problem, ConnectionRefusedError):
        return "it refuses connections"
    return (problem.strerror or type(problem).__name__).lower()
