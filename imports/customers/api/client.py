"""The only code that speaks HTTP to a customer API: one client for all threads of a job runner."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from imports.customers.api.answers.body import in_utf_8
from imports.customers.api.auth import Unsigned, check_headers
from imports.customers.api.oauth2 import TokenFailure, TokenRefused, TokenUnavailable
from imports.customers.api.requests import PLACEHOLDER, Built, CannotBuild, build, content_type
from imports.customers.api.responses import Answer, Exchange, is_credential_refused, judge
from imports.http.addresses import BadAddress, Rules, check_url
from imports.http.exchange import BrokeOff
from imports.http.transport import (
    MOST_URLS_KNOWN,
    NOT_SENT,
    DeadlineMonitor,
    Failure,
    Overdue,
    RequestDeadline,
    Undelivered,
    failure_of,
    new_session,
)
from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import DOWN, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imports.customers.api.auth import Auth, PostForm
    from imports.customers.api.mapping import Mapping as ApiMapping
    from imports.customers.api.mapping import RecordKey
    from imports.http.exchange import Reply

LOG = logging.getLogger(__name__)
ALWAYS = {
    "User-Agent": "Redrive",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
NO_TOKEN = sentence("NO_TOKEN_HAD", _("The token URL gave no token:"))
NOTHING_SENT = sentence("NOTHING_SENT", _("Nothing of the batch was sent."))
OUR_FAULT = sentence("OUR_FAULT", _("Redrive itself failed while sending ({error})."))
TOO_LARGE = sentence(
    "REQUEST_TOO_LARGE",
    _(
        "As its mapping shapes it, the request would be longer than {bytes} bytes. Nothing "
        "was sent."
    ),
)
OTHER_ORIGIN = sentence(
    "OTHER_ORIGIN", _("This address is not on the API's own host: no credential is sent there.")
)
SHORTEST_HEADER_SECRET = 8  # a header's value from this length on may be a key, and is not shown


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a batch goes, and how its answer is read. Raises BadCredential for a bad header.

    `idempotency_header`: the header whose key the API honours, or "". `certificates`: PEM, to
    trust besides the public ones. `client_certificate`: PEM with its key, for mutual TLS.
    """

    url: str
    mapping: ApiMapping
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_header: str = ""
    allow_plain_http: bool = False
    certificates: str = ""
    client_certificate: str = ""

    @property
    def honours_keys(self) -> bool:
        """Whether the API carries out only once what comes again with the same key."""
        return bool(self.idempotency_header) or self.mapping.request.idempotent

    def __post_init__(self) -> None:
        check_headers(self.headers)
        check_headers(self.mapping.request.headers)
        if self.idempotency_header:
            check_headers({self.idempotency_header: "key"})


class Client:
    """Posts batches, from as many threads at once as `pool_size`.

    `timeout` holds for connecting and for each silence, `deadline` for the whole of a call with
    its token and its second try after a 401; both in seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        auth: Auth,
        *,
        timeout: float,
        deadline: float,
        pool_size: int = 1,
        allow_private: bool = False,
        rules: Rules | None = None,
    ) -> None:
        """`rules` replaces what `allow_private` says (tests give it a DNS of their own)."""
        self.endpoint = endpoint
        self.auth = auth
        self._timeout = timeout
        self._deadline = deadline
        self._rules = rules or Rules(allow_private, endpoint.allow_plain_http)
        self._session = new_session(pool_size, endpoint.certificates, endpoint.client_certificate)
        self._headers = {
            **endpoint.mapping.request.headers,
            **endpoint.headers,
            "Content-Type": content_type(endpoint.mapping),
        }
        self._monitor = DeadlineMonitor()
        self._header_secrets = tuple(
            v for v in endpoint.headers.values() if len(v) >= SHORTEST_HEADER_SECRET
        )
        self._checked_urls: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections and end the monitor."""
        self._session.close()
        self._monitor.close()

    def post(self, body: bytes, idempotency_key: str, keys: Sequence[RecordKey]) -> Outcome:
        """Send one stored batch, once, and say what came of it. Never raises."""
        headers, method = dict(self._headers), self.endpoint.mapping.request.method
        if self.endpoint.idempotency_header:
            headers[self.endpoint.idempotency_header] = idempotency_key
        deadline = self._new_deadline()
        try:
            built = build(body, self.endpoint.url, self.endpoint.mapping, idempotency_key)
            if refusal := self._too_large(built, body, len(keys)):
                return refusal
            request = Unsigned(method, built.url, headers, built.body)
            with self._monitor.flying(deadline):
                return self._authenticated(request, deadline, keys)[1]
        except CannotBuild as error:
            verdict = Verdict.SPLIT if len(keys) > 1 else Verdict.REJECTED
            return Outcome(verdict, "CANNOT_BUILD", error.message + NOTHING_SENT)
        except TokenFailure as failure:
            return _without_token(failure)
        except Undelivered as error:
            return self._undelivered(error.failure, keys)
        except Exception as error:
            # Its text could hold anything that was sent, so only its type is told.
            LOG.error("Posting a batch failed with %s", type(error).__name__)
            summary = OUR_FAULT.format(error=type(error).__name__)
            if deadline.is_on_wire:
                return self._exchange(keys).unsure("INTERNAL_ERROR", summary)
            return Outcome(Verdict.RETRY, "INTERNAL_ERROR", summary + NOT_SENT)

    def _too_large(self, built: Built, body: bytes, size: int) -> Outcome | None:
        """What a wrap can add to a record is only known when the request is made."""
        most = self.endpoint.mapping.request.max_bytes
        if size < 2 or built.body is body or len(built.body) <= most:
            return None
        return Outcome(Verdict.SPLIT, "REQUEST_TOO_LARGE", TOO_LARGE.format(bytes=most))

    def call(
        self,
        method: str,
        body: bytes = b"",
        url: str = "",
        headers: Mapping[str, str] | None = None,
        keys: Sequence[RecordKey] = (),
    ) -> tuple[Answer, Outcome]:
        """One authenticated request other than a batch, by default to the API's own address.

        `url` must be of the API's own origin: the credential goes along. Raises TokenFailure or
        Undelivered.
        """
        # An address with fields of a customer in it is asked for with none.
        target = url or PLACEHOLDER.sub("-", self.endpoint.url)
        if url and not same_origin(url, self.endpoint.url):
            raise Undelivered(Failure(Verdict.PAUSE, "ADDRESS_REFUSED", OTHER_ORIGIN))
        request = Unsigned(method, target, {**self._headers, **(headers or {})}, body)
        with self._monitor.flying(self._new_deadline()) as deadline:
            return self._authenticated(request, deadline, keys)

    def prove_credential(self) -> bool:
        """Have the token URL check the credential; False where there is none to ask.

        Raises TokenFailure.
        """
        with self._monitor.flying(self._new_deadline()) as deadline:
            return self.auth.prove(self._post_form(deadline), deadline.remaining())

    def exchange(self) -> Exchange:
        """What judging an answer needs, for a call that carries no record."""
        return self._exchange(())

    def exchange_of(self, keys: Sequence[RecordKey], *, asks: bool = False) -> Exchange:
        """The same for a batch; `asks`: its result is asked for, it is not sent."""
        return replace(self._exchange(keys), asks=asks)

    def _authenticated(
        self, request: Unsigned, deadline: RequestDeadline, keys: Sequence[RecordKey]
    ) -> tuple[Answer, Outcome]:
        """The answer, and what it means. A refused credential is renewed, where it can be."""
        post_form, refusals = self._post_form(deadline), 0
        own = self.auth.headers(post_form, deadline.remaining())
        while True:
            signed = self.auth.signed(request._replace(headers={**request.headers, **own}))
            answer = self._send(*signed, deadline)
            sent = self._exchange(keys)
            outcome = judge(answer, sent)
            if not is_credential_refused(outcome):  # by a 401, or by a code that says the same
                if answer.status in self.endpoint.mapping.accepted:
                    self.auth.accepted()
                return answer, outcome
            deadline.is_on_wire, refusals = False, refusals + 1  # who is not let in stores nothing
            renewed = self.auth.renew(own, refusals, post_form, deadline.remaining())
            if renewed is None:
                return answer, self.auth.refusal(answer, sent, outcome)
            own = renewed

    def _post_form(self, deadline: RequestDeadline) -> PostForm:
        def post_form(url: str, headers: Mapping[str, str], form: bytes) -> Answer:
            return self._token_answer(url, headers, form, deadline)

        return post_form

    def _token_answer(
        self, url: str, headers: Mapping[str, str], form: bytes, deadline: RequestDeadline
    ) -> Answer:
        content = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            return self._send("POST", url, content, form, deadline)
        except Undelivered as error:
            failure = error.failure
            is_final = failure.verdict is Verdict.PAUSE
            kind = TokenRefused if is_final else TokenUnavailable
            code = failure.code if is_final else "TOKEN_UNAVAILABLE"
            raise kind(code, NO_TOKEN + failure.sentence + NOTHING_SENT) from None
        finally:
            deadline.is_on_wire = False  # what left was the form, nothing of the batch

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        deadline: RequestDeadline,
    ) -> Answer:
        """One request, one answer, read whole. Raises Undelivered."""
        deadline.is_on_wire = False
        status = None
        try:
            self._check(url)
            every = {**ALWAYS, **headers}
            reply = self._session.exchange(method, url, every, body, LARGEST_ANSWER_BYTES)
            status = reply.status
            answer = _read(reply)
            if deadline.is_overdue:
                raise Overdue  # the deadline, too, can look like the end of an answer
            return answer
        except (HTTPError, HTTPException, BadAddress, BrokeOff, Overdue, OSError) as error:
            if isinstance(error, BrokeOff):
                status = error.status
            raise Undelivered(failure_of(error, deadline, url, status)) from None

    def _check(self, url: str) -> None:
        """Raises BadAddress for a URL that may not be called. Checking it each time is slow."""
        if url not in self._checked_urls:
            if len(self._checked_urls) >= MOST_URLS_KNOWN:  # an address for each customer
                self._checked_urls.clear()
            check_url(url, self._rules.allow_private, self._rules.allow_plain_http)
            self._checked_urls.add(url)

    def _new_deadline(self) -> RequestDeadline:
        return RequestDeadline(self._rules, self._timeout, time.monotonic() + self._deadline)

    def _exchange(self, keys: Sequence[RecordKey]) -> Exchange:
        return Exchange(
            self.endpoint.mapping,
            keys,
            repeatable=self.endpoint.honours_keys,
            secrets=(*self.auth.secrets(), *self._header_secrets),
            credential=self.auth.sent,
            now=time.time(),
        )

    def _undelivered(self, failure: Failure, keys: Sequence[RecordKey]) -> Outcome:
        if failure.verdict is not Verdict.UNKNOWN:
            return Outcome(failure.verdict, failure.code, failure.sentence, cause=DOWN)
        unsure = self._exchange(keys).unsure(failure.code, failure.sentence, failure.status)
        return unsure if failure.status else replace(unsure, cause=DOWN)


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one scheme, host and port: where one credential may go."""
    ours, theirs = urlsplit(one), urlsplit(other)
    return (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)


def _without_token(failure: TokenFailure) -> Outcome:
    verdict = Verdict.PAUSE if isinstance(failure, TokenRefused) else Verdict.RETRY
    if verdict is Verdict.RETRY and failure.wait is not None:
        verdict = Verdict.DEFERRED
    cause = DOWN if verdict is Verdict.RETRY else ""
    return Outcome(verdict, failure.code, failure.sentence, retry_after=failure.wait, cause=cause)


def _read(reply: Reply) -> Answer:
    """The answer, its text as UTF-8."""
    content_type = reply.headers.get("content-type", "")
    return Answer(reply.status, reply.headers, in_utf_8(reply.body, content_type))
