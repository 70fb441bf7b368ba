"""HTTP connections to checked addresses: one deadline for the whole request, no retries, no
redirects.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.exceptions import IncompleteRead as IncompleteBody

from imports.http.addresses import BadAddress, Rules, reachable
from imports.http.certificates import context_of
from imports.http.exchange import (
    Reply,
    TooLarge,
    TooManyHeaders,
    TooManyInterim,
    read_answer,
    request_head,
)
from imports.http.tunnel import Proxy, ProxyFailed, open_tunnel
from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imports.http.addresses import SocketAddress

# Servers close idle connections after a few seconds (gunicorn 2, node 5). One that closes while
# we are sending leaves us not knowing; a new connection costs far less than that.
LONGEST_IDLE_SECONDS = 1.5
SHORTEST_PATIENCE_SECONDS = 0.001
MOST_URLS_KNOWN = 64

CLOSED_BEFORE_THE_END = (errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET, errno.EPROTOTYPE)

_thread = threading.local()


class RequestDeadline:
    """One call, its end, and the socket it is using. `is_on_wire`: bytes may have left."""

    def __init__(self, rules: Rules, timeout: float, ends_at: float) -> None:
        self.rules = rules
        self.ends_at = ends_at
        self.is_on_wire = False
        self.is_overdue = False
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def remaining(self) -> float:
        """Seconds to the deadline; never less than a hair, as sockets take 0 for "don't block"."""
        return max(self.ends_at - time.monotonic(), SHORTEST_PATIENCE_SECONDS)

    def patience(self) -> float:
        """Seconds for one step: the time-out, or what is left of the deadline."""
        return min(self._timeout, self.remaining())

    def uses(self, sock: socket.socket | None) -> None:
        """From here on the deadline shuts this socket down."""
        with self._lock:
            self._socket = sock
            if self.is_overdue:
                self._shut()

    def expire(self) -> None:
        """The deadline has come: whatever blocks on the socket ends now."""
        with self._lock:
            if not self._is_over:
                self.is_overdue = True
                self._shut()

    def end(self) -> None:
        """The socket goes back to its pool: the deadline must not touch it any more."""
        with self._lock:
            self._is_over = True
            self._socket = None

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: it drops TLS first, so that another thread's send in
                # that moment would go out in the clear.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class DeadlineMonitor:
    """One thread that expires the flights of a client at their deadlines."""

    def __init__(self) -> None:
        self._deadlines: set[RequestDeadline] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_asleep = False  # with no deadline ahead to wake up at

    @contextlib.contextmanager
    def flying(self, deadline: RequestDeadline) -> Iterator[RequestDeadline]:
        """The flight is the calling thread's own until the block ends."""
        with self._changed:
            self._deadlines.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._is_asleep:
                self._changed.notify()
        _thread.deadline = deadline
        try:
            yield deadline
        finally:
            _thread.deadline = None
            deadline.end()
            with self._changed:
                self._deadlines.discard(deadline)
                if self._is_closed:
                    self._changed.notify()

    def close(self) -> None:
        """Ends the thread once the flights that are still under way have ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while self._deadlines or not self._is_closed:
                now = time.monotonic()
                for deadline in [f for f in self._deadlines if f.ends_at <= now]:
                    deadline.expire()
                    self._deadlines.discard(deadline)
                # All flights of a client last equally long, so a later one never ends earlier.
                next_end = min((f.ends_at for f in self._deadlines), default=None)
                self._is_asleep = next_end is None
                self._changed.wait(None if next_end is None else next_end - now)
            self._thread = None  # a call after `close` starts another


def current_deadline() -> RequestDeadline:
    """The flight of the calling thread. Connections are only ever made inside one."""
    return cast("RequestDeadline", _thread.deadline)


class _Guarded(HTTPConnection):
    """What plain and TLS connections have in common."""

    scheme = "http"
    answered_at = 0.0

    def _new_conn(self) -> socket.socket:
        """Resolve once, check every address, connect to one of those. urllib3's own errors."""
        deadline = current_deadline()
        port = self.port or self.default_port
        try:
            found = reachable(
                self._dns_host.strip("[]"), port, self.scheme, deadline.rules, deadline.patience()
            )
        except (socket.gaierror, TimeoutError) as error:
            failure = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, failure) from error
        try:
            if proxy := deadline.rules.proxy:
                sock = _tunneled(found, proxy, deadline)
            else:
                sock = _connected(found, deadline)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connect timed out") from error
        except OSError as error:
            raise NewConnectionError(self, "connect failed") from error
        # The TLS handshake that follows takes no longer than this in all.
        sock.settimeout(deadline.patience())
        return sock

    @property
    def is_connected(self) -> bool:
        """Asked when a pooled connection is taken: not if it was closed, or idle for long."""
        is_fresh = time.monotonic() - self.answered_at < LONGEST_IDLE_SECONDS
        return is_fresh and super().is_connected

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Reply:
        """Send one request, in one write, and read its answer of at most `most` bytes.

        Until `is_on_wire` nothing of the request has left.
        """
        deadline = current_deadline()
        if self.sock is None:
            self.connect()
        sock, patience = self.sock, deadline.patience()
        head = request_head(method, path, self._named(), headers, len(body))
        if sock.gettimeout() != patience:
            sock.settimeout(patience)
        deadline.uses(sock)
        deadline.is_on_wire = True
        was_sent = _send(sock, head + body)
        reply = read_answer(sock, method, most)
        self.answered_at = time.monotonic()
        return reply if was_sent else reply._replace(is_last=True)

    def _named(self) -> str:
        """The host as the request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"


def _send(sock: socket.socket, request: bytes) -> bool:
    """Send a request; False where the server has closed without reading all of it.

    It may have answered before that: that the request is too large, as a rule.
    """
    try:
        sock.sendall(request)
    except OSError as error:
        if error.errno not in CLOSED_BEFORE_THE_END:
            raise
        return False
    return True


class _GuardedTLS(_Guarded, HTTPSConnection):
    """TLS over a checked address; certificate and SNI are still for the name."""

    scheme = "https"


class _Handover(HTTPConnectionPool):
    """A connection that goes back to the pool may be another call's a moment later."""

    def _put_conn(self, conn: Any) -> None:
        deadline = getattr(_thread, "deadline", None)
        if deadline is not None:
            deadline.uses(None)
        super()._put_conn(conn)


class _Pool(_Handover):
    ConnectionCls = _Guarded


class _TLSPool(_Handover, HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class _Adapter(HTTPAdapter):
    """Pools of guarded connections that never send anything a second time.

    What `requests` finds out anew for each request is found out once for each URL (its pool), or
    is of no use here (proxies, cookies, redirects): it cost more than sending.
    """

    def __init__(self, certificates: str, client_certificate: str, **named: Any) -> None:
        self._certificates, self._client_certificate = certificates, client_certificate
        super().__init__(**named)

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        if self._certificates or self._client_certificate:
            named["ssl_context"] = context_of(self._certificates, self._client_certificate)
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        self._places: dict[str, tuple[Any, str]] = {}  # of each URL its pool, and its path

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Reply:
        """As `Session.exchange`."""
        pool, path = self._place(url)
        connection = pool._get_conn()
        try:
            reply: Reply = connection.exchange(method, path, headers, body, most)
        except BaseException:
            connection.close()
            raise
        else:
            if reply.is_last or current_deadline().is_overdue:
                connection.close()
            return reply
        finally:
            pool._put_conn(connection)

    def _place(self, url: str) -> tuple[Any, str]:
        """Where a URL leads: its pool of connections, and its path."""
        if place := self._places.get(url):
            return place
        if len(self._places) >= MOST_URLS_KNOWN:  # an address for each customer
            self._places.clear()
        request = requests.Request("POST", url).prepare()
        pool = self.get_connection_with_tls_context(request, verify=True)
        self.cert_verify(pool, request.url, verify=True, cert=None)  # type: ignore[no-untyped-call]
        place = self._places[url] = pool, request.path_url
        return place

    def close(self) -> None:
        self._places.clear()
        super().close()


class Session(requests.Session):
    """A session without netrc, cookies, redirects, retries or the environment's proxies."""

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Reply:
        """Send one request within the current deadline, and read all of its answer.

        Raises OSError, HTTPException or urllib3's HTTPError, BadAddress, and BrokeOff once the
        answer has begun.
        """
        return cast("_Adapter", self.get_adapter(url)).exchange(method, url, headers, body, most)


def new_session(pool_size: int, certificates: str = "", client_certificate: str = "") -> Session:
    """A pooled session.

    `certificates`: PEM, trusted besides the public ones. `client_certificate`: PEM with its key,
    shown to a server that asks for one.
    """
    session = Session()
    adapter = _Adapter(
        certificates, client_certificate, pool_connections=2, pool_maxsize=pool_size
    )
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _connected(found: list[SocketAddress], deadline: RequestDeadline) -> socket.socket:
    """A socket connected to the first address that answers. Raises the last one's OSError."""
    failure: OSError = OSError("no address")
    for family, where in found:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(deadline.patience())
            sock.connect(where)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _tunneled(
    found: list[SocketAddress], proxy: Proxy, deadline: RequestDeadline
) -> socket.socket:
    """A socket that the proxy has connected to the first address. Raises ProxyFailed."""
    anywhere = Rules(allow_private=True, allow_plain_http=True)  # an administrator named it
    address, port = found[0][1][:2]
    try:
        proxies = reachable(proxy.host, proxy.port, "http", anywhere, deadline.patience())
        sock = _connected(proxies, deadline)
    except OSError as error:
        raise ProxyFailed(proxy.name) from error
    try:
        open_tunnel(sock, proxy, str(address), int(port), deadline.patience)
    except ProxyFailed:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise ProxyFailed(proxy.name) from error
    return sock


NO_NAME = sentence("NAME_NOT_RESOLVED", _("The name {host} could not be resolved."))
REFUSED = sentence("CONNECTION_REFUSED", _("{host} refused the connection."))
NO_CONNECTION = sentence("NO_CONNECTION", _("{host} did not accept a connection in time."))
NOT_SECURE = sentence("NOT_SECURE", _("No secure connection with {host} could be made."))
NOT_REACHED = sentence("NOT_REACHED", _("{host} could not be reached."))
UNFINISHED = sentence("UNFINISHED", _("{host} did not finish its answer before the deadline."))
TOO_LARGE = sentence("ANSWER_TOO_LARGE", _("The answer from {host} is too large."))
SILENT = sentence("SILENT", _("{host} stopped sending before its answer was complete."))
NOT_UNPACKED = sentence(
    "NOT_UNPACKED", _("The answer from {host} (HTTP {status}) can't be unpacked.")
)
BROKE_OFF = sentence("ANSWER_BROKE_OFF", _("The answer from {host} was cut off."))
CLOSED = sentence("CLOSED", _("{host} closed the connection without an answer."))
TOO_MANY_HEADERS = sentence("TOO_MANY_HEADERS", _("The answer from {host} has too many headers."))
ONLY_INTERIM = sentence(
    "ONLY_INTERIM", _("{host} sent interim answers (1xx) without end, and no final one.")
)
NO_HTTP = sentence("NO_HTTP", _("{host} did not answer with HTTP."))
NOT_SENT = sentence("NOT_SENT", _("Nothing was sent."))
CORRECT_IT = sentence("CORRECT_IT", _("Correct the address, then resume the job."))
CERTIFICATE = sentence(
    "CERTIFICATE",
    _(
        "The certificate of {host} can't be trusted ({error}), so nothing was sent. Correct the "
        "URL or the certificate, then resume the job. A private certificate authority is entered "
        "at the API, or in the setting CA_FILE."
    ),
)
NO_PROXY = sentence("NO_PROXY", _("The proxy {proxy} could not be reached, or gave no answer."))
PROXY_REFUSED = sentence(
    "PROXY_REFUSED", _("The proxy {proxy} refused the connection to {host} (HTTP {status}).")
)
CORRECT_PROXY = sentence(
    "CORRECT_PROXY",
    _("Nothing was sent. Correct EGRESS_PROXY, or allow it at the proxy, then resume the job."),
)
PROXY_STOPS = {401, 403, 405, 407}  # what no later try gets past


class Overdue(Exception):
    """The deadline came before the end of the answer."""


class Failure(NamedTuple):
    """RETRY: nothing was sent. PAUSE: nor will it ever be, as things are. UNKNOWN: it may have."""

    verdict: Verdict
    code: str
    sentence: Message
    status: int | None = None


class Undelivered(Exception):
    """There is no answer. Holds what is known about why, and whether anything was sent."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def failure_of(
    error: Exception, deadline: RequestDeadline, url: str, status: int | None
) -> Failure:
    """What an exception of the transport says. `status` is that of an answer that broke off."""
    host = urlsplit(url).hostname or "?"
    causes = list(_causes(error))
    if not deadline.is_on_wire:
        return _not_sent(causes, deadline, host)
    code, what = _lost(causes, deadline, status)
    return Failure(Verdict.UNKNOWN, code, what.format(host=host, status=status or 0), status)


def _not_sent(causes: list[BaseException], deadline: RequestDeadline, host: str) -> Failure:
    for cause in causes:
        if isinstance(cause, BadAddress):
            return Failure(Verdict.PAUSE, "ADDRESS_REFUSED", cause.message + CORRECT_IT)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                Verdict.PAUSE,
                "CERTIFICATE_REFUSED",
                CERTIFICATE.format(host=host, error=cause.verify_message),
            )
        if isinstance(cause, ProxyFailed):
            return _without_proxy(cause, host)
    code, what = _unreached(causes, deadline)
    return Failure(Verdict.RETRY, code, what.format(host=host) + NOT_SENT)


def _without_proxy(cause: ProxyFailed, host: str) -> Failure:
    if cause.status is None:
        text = NO_PROXY.format(proxy=cause.proxy)
        return Failure(Verdict.RETRY, "PROXY_UNREACHABLE", text + NOT_SENT)
    text = PROXY_REFUSED.format(proxy=cause.proxy, host=host, status=cause.status)
    if cause.status in PROXY_STOPS:
        return Failure(Verdict.PAUSE, "PROXY_REFUSED", text + CORRECT_PROXY)
    return Failure(Verdict.RETRY, "PROXY_REFUSED", text + NOT_SENT)


def _unreached(causes: list[BaseException], deadline: RequestDeadline) -> tuple[str, Message]:
    if _any(causes, NameResolutionError, socket.gaierror):
        return "DNS_FAILED", NO_NAME
    if _any(causes, ConnectionRefusedError):
        return "CONNECTION_REFUSED", REFUSED
    if deadline.is_overdue or _any(causes, TimeoutError, ReadTimeoutError):
        return "CONNECT_TIMEOUT", NO_CONNECTION
    if _any(causes, ssl.SSLError):
        return "TLS_FAILED", NOT_SECURE
    return "CONNECT_FAILED", NOT_REACHED


def _lost(
    causes: list[BaseException], deadline: RequestDeadline, status: int | None
) -> tuple[str, Message]:
    if deadline.is_overdue:
        return "TIMEOUT", UNFINISHED
    if _any(causes, TooLarge):
        return "ANSWER_TOO_LARGE", TOO_LARGE
    if _any(causes, TimeoutError, ReadTimeoutError):
        return "TIMEOUT", SILENT
    if status is not None and _any(causes, DecodeError):
        return "ANSWER_UNREADABLE", NOT_UNPACKED
    if status is not None or _any(causes, IncompleteRead, IncompleteBody):
        return "ANSWER_CUT_SHORT", BROKE_OFF
    if _any(causes, RemoteDisconnected, ConnectionError):
        return "CONNECTION_LOST", CLOSED
    if _any(causes, TooManyInterim):
        return "ANSWER_UNREADABLE", ONLY_INTERIM
    # http.client says so by its most general exception, and says nothing else by it.
    if _any(causes, TooManyHeaders) or any(type(cause) is HTTPException for cause in causes):
        return "ANSWER_UNREADABLE", TOO_MANY_HEADERS
    return "ANSWER_UNREADABLE", NO_HTTP


def _any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was made from: requests and urllib3 wrap theirs in layers."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            waiting += [item.__cause__, getattr(item, "reason", None), *item.args]
