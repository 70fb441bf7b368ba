"""OAuth2: asks a token URL, and reads what it answers."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from imports.customers.api.auth import basic_value
from imports.customers.api.json_paths import as_name
from imports.customers.api.responses import why
from imports.http.redaction import one_line
from imports.http.retry_after import asked_to_wait
from imports.messages import Message, Said, Text, sentence
from imports.messages import marked as _
from imports.policy import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imports.customers.api.auth import PostForm, Unsigned
    from imports.customers.api.responses import Answer, Exchange

# RFC 6749, section 5.2. Who must be corrected, as far as the error tells.
WHO = {
    "invalid_grant": sentence("WHO_INVALID_GRANT", _("The user name or password was refused")),
    "invalid_client": sentence(
        "WHO_INVALID_CLIENT", _("The client id or client secret was refused")
    ),
    "unauthorized_client": sentence(
        "WHO_UNAUTHORIZED_CLIENT", _("This client may not use this grant")
    ),
}
PASSING = ("temporarily_unavailable", "server_error", "slow_down")  # RFC 6749 and RFC 8628
SOMEBODY = sentence("SOMEBODY", _("The credential was refused"))
WHO_WAS_REFUSED = sentence(
    "WHO_WAS_REFUSED",
    _("{who} when a token was asked for{said}: check {credential}, then resume the job."),
)
NO_TOKEN = sentence(
    "NO_TOKEN_IN_ANSWER",
    _(
        "The token URL answered HTTP {status} without an access token. Check the token URL, then "
        "resume the job."
    ),
)
UNAVAILABLE = sentence(
    "UNAVAILABLE", _("The token URL is not available (HTTP {status}){said}. Nothing was sent yet.")
)
REFUSED = sentence(
    "TOKEN_REQUEST_REFUSED",
    _(
        "The token URL refused the request (HTTP {status}){said}. Check the token URL and the "
        "kind "
        "of authentication, then resume the job."
    ),
)
_SENDABLE = re.compile(r"[\x21-\x7e]+")
ELSEWHERE = sentence(
    "TOKEN_ELSEWHERE",
    _("Another worker asked the token URL for a token and got none. Nothing was sent yet."),
)


class TokenFailure(Exception):
    """No token was had, so nothing of the batch was sent. `sentence` says why."""

    def __init__(
        self,
        code: str,
        sentence: Message,
        wait: float | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(str(sentence))
        self.code = code
        self.sentence = sentence
        self.wait = wait  # seconds, where the endpoint asked for them
        self.facts = facts or {"code": code}  # to be stored; `failure_from` makes it anew


class TokenUnavailable(TokenFailure):
    """The cause may pass: try again later."""


class TokenRefused(TokenFailure):
    """A person must act: the credential, the grant or the URL is wrong."""


def token_from(answer: Answer, credential: Text, secrets: tuple[str, ...]) -> tuple[str, float]:
    """The access token and its life in seconds (infinite where the answer does not say).

    Raises TokenUnavailable or TokenRefused.
    """
    fields = _fields(answer.body)
    facts = {"code": "", "status": answer.status, "error": "", "said": "", "wait": None}
    if 200 <= answer.status <= 299:
        token = fields.get("access_token")
        if isinstance(token, str) and _SENDABLE.fullmatch(token):
            return token, _history(fields.get("expires_in"))
    error = as_name(fields.get("error"))
    facts["error"] = error if error in WHO else ""
    facts["said"] = one_line(as_name(fields.get("error_description")), secrets)
    if 200 <= answer.status <= 299 and not error:
        raise failure_from(facts | {"code": "TOKEN_ANSWER_UNREADABLE"}, credential)
    raise failure_from(_classified(facts, error, answer), credential)


def _classified(facts: dict[str, Any], error: str, answer: Answer) -> dict[str, Any]:
    """Some answer 200 with an error, and some a limit with 400 or 403."""
    status, wait = answer.status, asked_to_wait(answer.headers, time.time(), certain=False)
    if status in (408, 425, 429) or status >= 500 or error in PASSING or wait is not None:
        wait = asked_to_wait(answer.headers, time.time(), certain=True)
        return facts | {"code": "TOKEN_UNAVAILABLE", "wait": wait}
    is_credential = facts["error"] or status == 401
    return facts | {"code": "CREDENTIAL_REFUSED" if is_credential else "TOKEN_REQUEST_REFUSED"}


def failure_from(facts: dict[str, Any], credential: Text) -> TokenFailure:
    """The failure that these facts are, as they were found here or stored by another worker."""
    code, status, wait = facts["code"], facts.get("status"), facts.get("wait")
    said = Said(facts.get("said", ""))
    match code:
        case "CREDENTIAL_REFUSED":
            who = WHO.get(facts.get("error", ""), SOMEBODY)
            text = WHO_WAS_REFUSED.format(who=who, said=said, credential=credential)
        case "TOKEN_ANSWER_UNREADABLE":
            text = NO_TOKEN.format(status=status)
        case "TOKEN_REQUEST_REFUSED":
            text = REFUSED.format(status=status, said=said)
        case _:
            text = UNAVAILABLE.format(status=status, said=said) if status else ELSEWHERE
            return TokenUnavailable("TOKEN_UNAVAILABLE", text, wait, facts)
    return TokenRefused(code, text, wait, facts)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _history(value: object) -> float:
    """Some send the number as text, some send none; nonsense counts as none."""
    try:
        lifetime = float(as_name(value) if isinstance(value, str | int) else str(value))
    except ValueError:
        return math.inf
    return lifetime if lifetime > 0 and math.isfinite(lifetime) else math.inf


NO_TOKEN_IN_TIME = sentence("NO_TOKEN_IN_TIME", _("No token came from the token URL in time."))
OAUTH2_PASSWORD = sentence("OAUTH2_PASSWORD", _("the OAuth2 user name and password at {host}"))
OAUTH2_CLIENT = sentence("OAUTH2_CLIENT", _("the OAuth2 client id and secret at {host}"))
ACCESS_TOKEN = sentence("THE_ACCESS_TOKEN", _("the access token of {host}"))
TOKEN_REFUSED = sentence(
    "TOKEN_REFUSED",
    _(
        "The API refused tokens that {host} had issued seconds before (HTTP {status}){why}. The "
        "token URL accepted {credential}. Check that this API takes tokens of that token URL "
        "(scope, audience) and that no other program signs in with the same account, then resume "
        "the job."
    ),
)
TOKEN_CONTESTED = sentence(
    "TOKEN_CONTESTED",
    _(
        "The API refused tokens that {host} had issued seconds before (HTTP {status}){why}, and "
        "accepted others a moment ago: another program seems to sign in with the same account, "
        "and each makes the other's token void. Nothing was stored; the batch is sent again "
        "shortly."
    ),
)
RENEWAL_LEAD_SECONDS = 60.0
RENEWAL_PAUSE_SECONDS = 5.0  # after a failed renewal, while the old token still lasts
LEASE_MARGIN_SECONDS = 2.0  # a request for a token has ended, one way or another, before its lease
LOOK_AGAIN_SECONDS = 0.1  # while another worker asks for the token
# Before each try after a refusal, times 0.5 to 1.5: an API may learn of a token late, and another
# program may have made it void. The first try has a new token, and so has every second one. Only
# for a token that has lasted is the first one made at once: two programs that make each other's
# tokens void need a quarter of the tokens when both wait a little.
REFUSAL_PAUSES_SECONDS = (0.3, 0.3, 1.0, 1.0, 2.0, 4.0)
FRESH_SECONDS = 10.0
CONTEST_SECONDS = 60.0  # so long after an accepted token a refusal may be another program's doing
CONTEST_PAUSE_SECONDS = 5.0
MOST_TOKENS_KNOWN = 8  # kept to be taken out of what is stored


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds at the moment. Times in seconds, `lasts` until the token's end."""

    version: int = 0
    token: str = ""
    age: float = 0.0
    lasts: float = math.inf
    failure: dict[str, Any] | None = None
    claimed_for: float = 0.0  # so long somebody else's request for a token may still take


class TokenStore(Protocol):
    """Where the token of one API is, for everybody who uses it. Raises TokenUnavailable."""

    def read(self, fingerprint: str) -> Held:
        """What is there; neither token nor failure if they are another credential's."""
        ...

    def claim(self, version: int, seconds: float) -> str | None:
        """The claim to request a token; None if another worker has it or the token changed."""
        ...

    def keep(self, claim: str, fingerprint: str, token: str, lifetime: float) -> None:
        """End the claim with a token; nothing if the claim is over."""
        ...

    def fail(self, claim: str, fingerprint: str, facts: dict[str, Any] | None) -> None:
        """Release the claim without a new token; the old one stays until it expires."""
        ...

    def drop(self, version: int) -> None:
        """Forget a token that the API refuses, unless something has changed."""
        ...


class MemoryTokens:
    """A token of one process: for tests of a connection that is not saved."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held, self._fingerprint = Held(), ""
        self._at = clock()

    def read(self, fingerprint: str) -> Held:
        held, passed = self._held, self._clock() - self._at
        if fingerprint != self._fingerprint:
            return Held(held.version)
        lasts = held.lasts - passed
        return Held(held.version, held.token, held.age + passed, lasts, held.failure)

    def claim(self, version: int, seconds: float) -> str | None:
        return "this process"  # its threads ask one at a time

    def keep(self, claim: str, fingerprint: str, token: str, lifetime: float) -> None:
        self._held = Held(self._held.version + 1, token, lasts=lifetime)
        self._fingerprint, self._at = fingerprint, self._clock()

    def fail(self, claim: str, fingerprint: str, facts: dict[str, Any] | None) -> None:
        """Its threads share the OAuth2, which remembers."""

    def drop(self, version: int) -> None:
        self._held = Held(self._held.version + 1)


class OAuth2:
    """Tokens of the password or the client-credentials grant, for all threads of a client.

    A token is renewed a minute before its end (a fifth of its life, if that is shorter). One
    thread of one worker fetches; the others use the old token while it lasts, else wait for the
    new one. A refused credential is not submitted again: accounts get locked that way.
    """

    def __init__(
        self,
        token_url: str,
        *,
        client_id: str = "",
        client_secret: str = "",
        username: str = "",
        password: str = "",
        scope: str = "",
        audience: str = "",
        store: TokenStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With a user name it is the password grant, without one client credentials."""
        self._url = token_url
        extra = {"scope": scope, "audience": audience}
        self._form, self._form_headers = _token_request(
            client_id, client_secret, username, password, extra
        )
        self._host = urlsplit(token_url).hostname or "?"
        what = OAUTH2_PASSWORD if username else OAUTH2_CLIENT
        self.credential: Text = what.format(host=self._host)
        self.sent: Text = ACCESS_TOKEN.format(host=self._host)
        self._fixed_secrets = (client_secret, password, *_basic_token(self._form_headers))
        self.fingerprint = _fingerprint(token_url, self._form_headers, self._form)
        self._clock = clock
        self._store = store or MemoryTokens(clock)
        self._lock = threading.Lock()
        self._token = ""
        self._known: deque[str] = deque(maxlen=MOST_TOKENS_KNOWN)
        self._renew_at = self._ends_at = 0.0
        self._issued_at = self._accepted_at = -math.inf
        self._fetches = 0  # that have ended, well or not
        self._failure: TokenFailure | None = None

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        token, now = self._token, self._clock()
        if token and now < self._renew_at:
            return _bearing(token)
        is_good = bool(token) and now < self._ends_at
        return _bearing(self._other_than(token, post_form, patience, fallback=is_good))

    def renew(
        self, refused: Mapping[str, str], times: int, post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        if times > len(REFUSAL_PAUSES_SECONDS):
            return None
        token = refused.get("Authorization", "").removeprefix("Bearer ")
        # S311: the chance is only there so that workers do not come back in step.
        pause = REFUSAL_PAUSES_SECONDS[times - 1] * random.uniform(0.5, 1.5)  # noqa: S311
        ends = time.monotonic() + patience
        if times > 1 or self._is_fresh(token):
            time.sleep(min(pause, patience / 4))
        if times % 2 == 0:
            return _bearing(self._newest(token))
        left = ends - time.monotonic()
        return _bearing(self._other_than(token, post_form, left, is_refused=True))

    def signed(self, request: Unsigned) -> Unsigned:
        return request

    def accepted(self) -> None:
        self._accepted_at = self._clock()

    def prove(self, post_form: PostForm, patience: float) -> bool:
        self._other_than(self._newest(""), post_form, patience)
        return True

    def refusal(self, answer: Answer, sent: Exchange, outcome: Outcome) -> Outcome:
        """Nobody's password is blamed where the token URL has just accepted it."""
        is_contest = self._clock() - self._accepted_at < CONTEST_SECONDS
        text = (TOKEN_CONTESTED if is_contest else TOKEN_REFUSED).format(
            host=self._host,
            status=answer.status,
            why=why(answer, sent),
            credential=self.credential,
        )
        said = outcome.http_status, outcome.answer
        if is_contest:
            return Outcome(
                Verdict.DEFERRED, "TOKEN_CONTESTED", text, *said, retry_after=CONTEST_PAUSE_SECONDS
            )
        return Outcome(Verdict.PAUSE, "TOKEN_REFUSED", text, *said)

    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (*self._fixed_secrets, *self._known) if secret)

    def _is_fresh(self, token: str) -> bool:
        return token == self._token and self._clock() - self._issued_at < FRESH_SECONDS

    def _newest(self, token: str) -> str:
        """The token that everybody uses now: another worker may have got one meanwhile."""
        with self._lock:
            if self._token == token and (held := self._store.read(self.fingerprint)).token:
                self._take(held)
            return self._token or token

    def _other_than(
        self,
        seen: str,
        post_form: PostForm,
        patience: float,
        *,
        fallback: bool = False,
        is_refused: bool = False,
    ) -> str:
        """A token other than `seen`. `fallback` is used while another worker requests one."""
        fetches, ends = self._fetches, time.monotonic() + patience
        if not self._lock.acquire(timeout=0 if fallback else max(patience, 0)):
            if fallback:
                return seen
            raise TokenUnavailable("TOKEN_TIMEOUT", NO_TOKEN_IN_TIME, wait=1.0)
        try:
            if self._token and self._token != seen:
                return self._token
            if self._failure and (fetches != self._fetches or self._is_final()):
                raise self._failure  # it was tried while we waited, or is known to be refused
            return self._from_store(seen, post_form, ends, fallback, is_refused)
        finally:
            self._lock.release()

    def _is_final(self) -> bool:
        return isinstance(self._failure, TokenRefused)

    def _from_store(
        self, seen: str, post_form: PostForm, ends: float, fallback: bool, is_refused: bool
    ) -> str:
        """What another worker has got, or the right to ask; the row decides who asks."""
        first: int | None = None
        while True:
            held = self._store.read(self.fingerprint)
            first = held.version if first is None else first
            if held.token and held.token != seen and held.lasts > 0:
                self._take(held)
                if self._clock() < self._renew_at:
                    return held.token
                seen, fallback, is_refused = held.token, True, False
            if held.failure and held.version > first and not fallback:
                raise failure_from(held.failure, self.credential)
            left = ends - time.monotonic()
            claim = self._store.claim(held.version, max(left, 0) + LEASE_MARGIN_SECONDS)
            if claim:
                if is_refused and held.token == seen:
                    self._store.drop(held.version)
                return self._fetch(claim, post_form, seen if fallback else "")
            if fallback:
                return seen  # somebody else is fetching the next one
            if left <= LOOK_AGAIN_SECONDS:
                raise TokenUnavailable(
                    "TOKEN_TIMEOUT", NO_TOKEN_IN_TIME, wait=held.claimed_for or 1.0
                )
            time.sleep(LOOK_AGAIN_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 # as above

    def _fetch(self, claim: str, post_form: PostForm, fallback: str) -> str:
        """Request a token. A failure is stored for the workers that wait for it."""
        started, facts = self._clock(), None
        try:
            answer = post_form(self._url, self._form_headers, self._form)
            token, lifetime = token_from(answer, self.credential, self.secrets())
        except TokenFailure as error:
            facts = error.facts
            if fallback and isinstance(error, TokenUnavailable):
                self._renew_at = min(started + RENEWAL_PAUSE_SECONDS, self._ends_at)
                return fallback
            self._failure = error
            raise
        else:
            self._failure = None
            passed = self._clock() - started
            self._take(Held(token=token, age=passed, lasts=lifetime - passed))
            self._store.keep(claim, self.fingerprint, token, lifetime - passed)
            claim = ""
            return token
        finally:
            self._fetches += 1
            if claim:
                self._store.fail(claim, self.fingerprint, facts)

    def _take(self, held: Held) -> None:
        """Use this token from here on, up to a while before its end."""
        now = self._clock()
        self._token = held.token
        if held.token not in self._known:
            self._known.append(held.token)
        self._issued_at, self._ends_at = now - held.age, now + held.lasts
        self._renew_at = self._ends_at - min(RENEWAL_LEAD_SECONDS, (held.age + held.lasts) / 5)


def _token_request(
    client_id: str, client_secret: str, username: str, password: str, extra: dict[str, str]
) -> tuple[bytes, dict[str, str]]:
    """The form and headers that ask for a token (RFC 6749, sections 4.3.2, 4.4.2 and 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    if username:
        form = {"grant_type": "password", "username": username, "password": password}
    headers = {"Accept": "application/json"}
    if client_secret:
        # The standard wants both form-encoded inside Basic; plain ones stay as they are.
        headers["Authorization"] = basic_value(quote_plus(client_id), quote_plus(client_secret))
    elif client_id:
        form["client_id"] = client_id
    form |= {name: value for name, value in extra.items() if value}
    return urlencode(form).encode(), headers


def _fingerprint(url: str, headers: Mapping[str, str], form: bytes) -> str:
    """A hash of all that a token is asked for with. Stored encrypted only: passwords are in it."""
    text = repr((url, sorted(headers.items()), form))
    return hashlib.sha256(text.encode()).hexdigest()


def _basic_token(headers: Mapping[str, str]) -> tuple[str, ...]:
    value = headers.get("Authorization", "").removeprefix("Basic ")
    return (value,) if value else ()


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
