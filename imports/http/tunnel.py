"""A proxy that requests leave through, as a tunnel to an address that was checked before.

Names are resolved and checked here, and the proxy is asked for that address (CONNECT), never for
a name: it cannot be talked into reaching what the address check forbids.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

LARGEST_REPLY_BYTES = 16 * 1024
DEFAULT_PORT = 3128
BAD_PROXY = sentence(
    "BAD_PROXY",
    _("EGRESS_PROXY is written as http://host:port or http://user:pw@host:port."),
)


class BadProxy(MessageError, ValueError):
    """EGRESS_PROXY is not written as http://host:port."""


class ProxyFailed(OSError):
    """No tunnel was had, so nothing was sent. `status` is the proxy's, None if it gave none."""

    def __init__(self, proxy: str, status: int | None = None) -> None:
        super().__init__(f"the proxy {proxy} gave no tunnel")
        self.proxy, self.status = proxy, status


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is, and as whom it is asked."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_of(url: str) -> Proxy:
    """The proxy at `http://[user:password@]host[:port]`. Raises BadProxy, without the password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme != "http" or parts.path not in ("", "/") or parts.query:
        raise BadProxy(BAD_PROXY)
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(host, port or DEFAULT_PORT, authorization)


def open_tunnel(
    sock: socket.socket, proxy: Proxy, address: str, port: int, patience: Callable[[], float]
) -> None:
    """Make the socket one to `address`. Raises ProxyFailed, and OSError where the socket fails."""
    target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if proxy.authorization:
        request += f"Proxy-Authorization: {proxy.authorization}\r\n"
    sock.settimeout(patience())
    sock.sendall(request.encode() + b"\r\n")
    status = _status(_head(sock, patience))
    if not 200 <= (status or 0) <= 299:
        raise ProxyFailed(proxy.name, status)


def _head(sock: socket.socket, patience: Callable[[], float]) -> bytes:
    """The proxy's reply up to its empty line. Nothing follows it: the far side waits for us."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LARGEST_REPLY_BYTES:
        sock.settimeout(patience())
        more = sock.recv(4096)
        if not more:
            break
        head += more
    return head


def _status(head: bytes) -> int | None:
    version, _, rest = head.partition(b" ")
    is_whole = b"\r\n\r\n" in head and version.startswith(b"HTTP/1.")
    return int(rest[:3]) if is_whole and rest[:3].isdigit() else None
