"""Which URLs may be called: checked as text when saved, and as addresses when connecting.

A name can point elsewhere by the time it is used, so `reachable` resolves it once, checks every
address it gives, and the connection is made to exactly those.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import idna
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.http.tunnel import Proxy
URL_WITH_SPACE = sentence(
    "URL_WITH_SPACE", _("The URL contains a space, a backslash or a control character.")
)
NO_URL = sentence("NO_URL", _("This is not a URL. Write it as https://host/path."))
NOT_HTTP = sentence(
    "NOT_HTTP", _("The URL must begin with https:// (or http://): nothing else is called.")
)
USER_IN_URL = sentence(
    "USER_IN_URL", _("The URL holds a user name or password. Put them in their own fields.")
)
FRAGMENT_IN_URL = sentence(
    "FRAGMENT_IN_URL", _("The URL holds a “#”: what follows it is never sent. Leave it out.")
)
INTERFACE_IN_URL = sentence(
    "INTERFACE_IN_URL", _("The URL's host names a network interface (“%”). Leave it out.")
)
NO_HOST = sentence("NO_HOST", _("The URL has no clear host. Write it as https://host/path."))
BAD_HOST = sentence("BAD_HOST", _("The URL's host is not a valid host name."))
BAD_IP = sentence(
    "BAD_IP", _("Write the host's IP address as four decimal numbers, or use its name.")
)
LEADS_HERE = sentence(
    "LEADS_HERE", _("The URL leads to this machine itself, which is not allowed here.")
)
PLAIN_HTTP = sentence(
    "PLAIN_HTTP", _("The URL must begin with https://: plain http sends secrets unprotected.")
)
RESERVED_ADDRESS = sentence(
    "RESERVED_ADDRESS", _("The URL leads to a link-local, multicast or reserved address.")
)
PRIVATE_ADDRESS = sentence(
    "PRIVATE_ADDRESS",
    _(
        "The URL leads to a private address or to this machine itself, which is not allowed "
        "here. An administrator can allow it in the settings."
    ),
)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
SHARED = ipaddress.IPv4Network("100.64.0.0/10")  # carriers' and VPNs' own, RFC 6598

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(
    r"(?=.{1,253}\.?\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?"
)
_NUMERIC_END = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?\Z")


class BadAddress(MessageError, ValueError):
    """This address may not be called. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed: private addresses, and plain http to public ones. `lookup` is DNS.

    With a `proxy` the same addresses are allowed, and reached through it.
    """

    allow_private: bool = False
    allow_plain_http: bool = False
    lookup: Callable[..., list[Any]] = socket.getaddrinfo
    proxy: Proxy | None = None


def check_url(url: str, allow_private: bool, allow_plain_http: bool = False) -> None:
    """Raise BadAddress unless this URL may be called, as far as its text tells."""
    rules = Rules(allow_private, allow_plain_http)
    if _UNSAFE.search(url):
        raise BadAddress(URL_WITH_SPACE)
    try:
        parts, other = parse_url(url), urlsplit(url)
        port, other_host = other.port, other.hostname
    except (LocationParseError, ValueError):
        raise BadAddress(NO_URL) from None
    if parts.scheme not in ("http", "https"):
        raise BadAddress(NOT_HTTP)
    if parts.auth is not None or "@" in other.netloc:
        raise BadAddress(USER_IN_URL)
    if parts.fragment is not None:
        raise BadAddress(FRAGMENT_IN_URL)
    host = (parts.host or "").strip("[]")
    if "%" in host:
        raise BadAddress(INTERFACE_IN_URL)
    # Two parsers that disagree about the host are how a check is walked around.
    if not host or _ascii(host) != _ascii(other_host or "") or port == 0:
        raise BadAddress(NO_HOST)
    check_host(host, parts.scheme, rules)


def check_host(host: str, scheme: str, rules: Rules) -> None:
    """Raise BadAddress for a host that is no plain name or address, or is not allowed."""
    address = _literal(host)
    if address is not None:
        check_address(address, scheme, rules)
        return
    if not _HOST.fullmatch(_ascii(host)):
        raise BadAddress(BAD_HOST)
    if _NUMERIC_END.search(_ascii(host)):
        raise BadAddress(BAD_IP)
    is_local = _ascii(host).rstrip(".") == "localhost" or _ascii(host).endswith(".localhost")
    if is_local and not rules.allow_private:
        raise BadAddress(LEADS_HERE)
    # With private addresses allowed, only DNS can tell whether this name is one of them.
    if scheme == "http" and not rules.allow_plain_http and not rules.allow_private:
        raise BadAddress(PLAIN_HTTP)


def check_address(address: IPAddress, scheme: str, rules: Rules) -> None:
    """Raise BadAddress unless this address may be connected to."""
    inner = embedded(address)
    if is_public(inner):
        if scheme == "http" and not rules.allow_plain_http:
            raise BadAddress(PLAIN_HTTP)
        return
    if not (inner.is_loopback or is_private(inner)):
        raise BadAddress(RESERVED_ADDRESS)
    if not rules.allow_private:
        raise BadAddress(PRIVATE_ADDRESS)


def is_public(address: IPAddress) -> bool:
    """Whether the address is of the open internet."""
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    if special or address.is_link_local or getattr(address, "is_site_local", False):
        return False
    return address.is_global


def is_private(address: IPAddress) -> bool:
    """Whether the address is of somebody's own network, where an API may well stand."""
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return (address.is_private and not address.is_reserved) or address in SHARED
    return address in ipaddress.IPv6Network("fc00::/7")


def embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one that only carries it (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    in_low_bits = address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if in_low_bits else address


def reachable(
    host: str, port: int, scheme: str, rules: Rules, patience: float
) -> list[SocketAddress]:
    """The socket addresses of a host, each of them checked. One lookup, one answer.

    Raises BadAddress if any of them is not allowed, socket.gaierror where DNS gives none and
    TimeoutError where it says nothing within `patience` seconds.
    """
    found = _look_up(host, port, rules, patience)
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    for _family, where in found:
        literal = str(where[0]).partition("%")[0]
        check_address(ipaddress.ip_address(literal), scheme, rules)
    return found


def _look_up(host: str, port: int, rules: Rules, patience: float) -> list[SocketAddress]:
    """getaddrinfo can't be interrupted, so it has a thread of its own, left behind if it hangs."""
    answer: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(rules.lookup(host, port, 0, socket.SOCK_STREAM))
        except Exception as error:  # handed over to whoever asked
            answer.put(error)

    threading.Thread(target=ask, name="dns", daemon=True).start()
    try:
        found = answer.get(timeout=max(patience, 0.001))
    except Empty:
        raise TimeoutError("DNS did not answer") from None
    if isinstance(found, UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "not a host name")
    if isinstance(found, Exception):
        raise found
    return [(family, where) for family, _, _, _, where in found]


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _ascii(host: str) -> str:
    """The host as DNS is asked for it: lower case, and å as xn--…; "" where that fails."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError:
        return ""
