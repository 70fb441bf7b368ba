"""What it means that no answer came: nothing was sent, or nobody can tell. Pure."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from urllib3.exceptions import (
    DecodeError,
    NameResolutionError,
    ReadTimeoutError,
)
from urllib3.exceptions import IncompleteRead as IncompleteBody

from imports.customers.addresses import BadAddress
from imports.customers.wire import TooManyHeaders, TooManyInterim
from imports.http.tunnel import ProxyFailed
from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.customers.wire import Flight

NO_NAME = sentence("NAME_NOT_RESOLVED", _("The name {host} could not be resolved."))
REFUSED = sentence("CONNECTION_REFUSED", _("{host} refused the connection."))
NO_CONNECTION = sentence("NO_CONNECTION", _("{host} did not accept a connection in time."))
NOT_SECURE = sentence("NOT_SECURE", _("No secure connection with {host} could be made."))
NOT_REACHED = sentence("NOT_REACHED", _("{host} could not be reached."))
UNFINISHED = sentence("UNFINISHED", _("{host} did not finish its answer before the deadline."))
TOO_LARGE = sentence("ANSWER_TOO_LARGE", _("The answer of {host} is too large to be read."))
SILENT = sentence("SILENT", _("{host} fell silent before its answer was complete."))
NOT_UNPACKED = sentence(
    "NOT_UNPACKED", _("The answer of {host} (HTTP {status}) can't be unpacked.")
)
BROKE_OFF = sentence("ANSWER_BROKE_OFF", _("The answer of {host} broke off in the middle."))
CLOSED = sentence("CLOSED", _("{host} closed the connection without an answer."))
TOO_MANY_HEADERS = sentence(
    "TOO_MANY_HEADERS", _("The answer of {host} has more headers than can be read.")
)
ONLY_INTERIM = sentence(
    "ONLY_INTERIM", _("{host} sent interim answers (1xx) without end, and no final one.")
)
NO_HTTP = sentence("NO_HTTP", _("What {host} answered is not HTTP."))
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


class TooLarge(Exception):
    """The answer is longer than any answer to a batch can be."""


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


def failure_of(error: Exception, flight: Flight, url: str, status: int | None) -> Failure:
    """What an exception of the transport says. `status` is that of an answer that broke off."""
    host = urlsplit(url).hostname or "?"
    causes = list(_causes(error))
    if not flight.is_on_wire:
        return _not_sent(causes, flight, host)
    code, what = _lost(causes, flight, status)
    return Failure(Verdict.UNKNOWN, code, what.format(host=host, status=status or 0), status)


def _not_sent(causes: list[BaseException], flight: Flight, host: str) -> Failure:
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
    code, what = _unreached(causes, flight)
    return Failure(Verdict.RETRY, code, what.format(host=host) + NOT_SENT)


def _without_proxy(cause: ProxyFailed, host: str) -> Failure:
    if cause.status is None:
        text = NO_PROXY.format(proxy=cause.proxy)
        return Failure(Verdict.RETRY, "PROXY_UNREACHABLE", text + NOT_SENT)
    text = PROXY_REFUSED.format(proxy=cause.proxy, host=host, status=cause.status)
    if cause.status in PROXY_STOPS:
        return Failure(Verdict.PAUSE, "PROXY_REFUSED", text + CORRECT_PROXY)
    return Failure(Verdict.RETRY, "PROXY_REFUSED", text + NOT_SENT)


def _unreached(causes: list[BaseException], flight: Flight) -> tuple[str, Message]:
    if _any(causes, NameResolutionError, socket.gaierror):
        return "DNS_FAILED", NO_NAME
    if _any(causes, ConnectionRefusedError):
        return "CONNECTION_REFUSED", REFUSED
    if flight.is_overdue or _any(causes, TimeoutError, ReadTimeoutError):
        return "CONNECT_TIMEOUT", NO_CONNECTION
    if _any(causes, ssl.SSLError):
        return "TLS_FAILED", NOT_SECURE
    return "CONNECT_FAILED", NOT_REACHED


def _lost(causes: list[BaseException], flight: Flight, status: int | None) -> tuple[str, Message]:
    if flight.is_overdue:
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
