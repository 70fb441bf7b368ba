"""How a request to a customer API is authenticated: fixed headers, or OAuth2 tokens.

Nothing here speaks HTTP: whoever needs a token passes in a function that posts a form.
No error and no representation ever holds a credential's value.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from imports.customers.token_answers import TokenRefused, TokenUnavailable, token_from
from imports.messages import MessageError, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imports.customers.answers import Answer

    # (url, headers, form) -> answer. Raises TokenUnavailable or TokenRefused.
    PostForm = Callable[[str, Mapping[str, str], bytes], Answer]

COLON_IN_USER = sentence(
    "COLON_IN_USER", _("A user name for basic authentication can't contain a colon.")
)
BAD_HEADER_NAME = sentence(
    "BAD_HEADER_NAME", _("A header's name may only hold letters, digits and dashes.")
)
OUR_HEADER = sentence("OUR_HEADER", _("The header {name} is set by Redrive itself. Leave it out."))
BAD_HEADER_VALUE = sentence(
    "BAD_HEADER_VALUE",
    _(
        "The value for the header {name} is empty, begins or ends with a space, or holds a "
        "line break or a character that HTTP can't carry."
    ),
)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e\xa0-\xff]([\x20\t\x21-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?")
# The client writes these itself: a second one would change what the request means.
OURS = {
    *("host", "content-length", "content-type", "transfer-encoding", "connection"),
    *("accept-encoding", "expect", "te", "trailer", "upgrade"),
}
NO_CREDENTIAL = sentence("NO_CREDENTIAL", _("a request without any credential"))
THE_TOKEN = sentence("THE_TOKEN", _("the bearer token"))
THE_PASSWORD = sentence("THE_PASSWORD", _("the user name or password (basic authentication)"))
THE_KEY = sentence("THE_KEY", _("the key in the header {name}"))
NO_TOKEN = sentence("NO_TOKEN_IN_TIME", _("No token came from the token URL in time."))
OAUTH2_PASSWORD = sentence("OAUTH2_PASSWORD", _("the OAuth2 user name and password at {host}"))
OAUTH2_CLIENT = sentence("OAUTH2_CLIENT", _("the OAuth2 client id and secret at {host}"))
RENEWAL_LEAD_SECONDS = 60.0
RENEWAL_PAUSE_SECONDS = 5.0  # after a failed renewal, while the old token still lasts


class BadCredential(MessageError, ValueError):
    """A credential or header can't be sent as it is. The text says which and why."""


class Auth(Protocol):
    """What the client asks of any way to authenticate."""

    credential: Text  # which credential this is, for sentences: never its value

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        """The headers for the next request. Waits and fetches for at most `patience` seconds.

        Raises TokenUnavailable or TokenRefused: in both cases nothing of a batch was sent.
        """
        ...

    def renew(
        self, refused: Mapping[str, str], post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        """Other headers after a 401 to `refused`, or None where there can be no others."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Everything that must be nowhere in what is stored or shown."""
        ...


class FixedAuth:
    """Credentials that are the same in every request."""

    def __init__(
        self, credential: Text, headers: Mapping[str, str], secrets: Sequence[str] = ()
    ) -> None:
        check_headers(headers)
        self.credential = credential
        self._headers = dict(headers)
        self._secrets = tuple(secrets)

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        return self._headers

    def renew(
        self, refused: Mapping[str, str], post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        return None

    def secrets(self) -> tuple[str, ...]:
        return self._secrets


def no_auth() -> FixedAuth:
    return FixedAuth(NO_CREDENTIAL, {})


def bearer(token: str) -> FixedAuth:
    return FixedAuth(THE_TOKEN, {"Authorization": f"Bearer {token}"}, [token])


def basic(username: str, password: str) -> FixedAuth:
    """RFC 7617, in UTF-8. Raises BadCredential for a colon in the user name."""
    if ":" in username:
        raise BadCredential(COLON_IN_USER)
    value = _basic(username, password)
    return FixedAuth(
        THE_PASSWORD,
        {"Authorization": value},
        [password, value.removeprefix("Basic ")],
    )


def header(name: str, value: str) -> FixedAuth:
    return FixedAuth(THE_KEY.format(name=name), {name: value}, [value])


class OAuth2:
    """Tokens of the password or the client-credentials grant, shared by all threads of a client.

    A token is renewed a minute before its end (a fifth of its life, if that is shorter). One
    thread fetches; the others use the old token while it lasts, else wait for the new one.
    A refused credential is not submitted again: accounts get locked that way.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With a user name it is the password grant, without one client credentials."""
        self._url = token_url
        self._form, self._form_headers = _token_request(
            client_id, client_secret, username, password, scope
        )
        what = OAUTH2_PASSWORD if username else OAUTH2_CLIENT
        self.credential: Text = what.format(host=urlsplit(token_url).hostname or "?")
        self._fixed_secrets = (client_secret, password, *_basic_token(self._form_headers))
        self._clock = clock
        self._lock = threading.Lock()
        self._token = self._former_token = ""
        self._renew_at = self._ends_at = 0.0
        self._fetches = 0  # that have ended, well or not
        self._failure: TokenRefused | TokenUnavailable | None = None

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        now = self._clock()
        if self._token and now < self._renew_at:
            return _bearing(self._token)
        return _bearing(self._current(self._token, post_form, patience, forced=False))

    def renew(
        self, refused: Mapping[str, str], post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        token = refused.get("Authorization", "").removeprefix("Bearer ")
        return _bearing(self._current(token, post_form, patience, forced=True))

    def secrets(self) -> tuple[str, ...]:
        tokens = (self._token, self._former_token)
        return tuple(secret for secret in (*self._fixed_secrets, *tokens) if secret)

    def _current(self, seen: str, post_form: PostForm, patience: float, *, forced: bool) -> str:
        """A token other than `seen` if it is due or refused, fetched by one thread only."""
        fetches, still_good = self._fetches, not forced and self._clock() < self._ends_at
        if not self._lock.acquire(timeout=0 if still_good and seen else max(patience, 0)):
            if still_good and seen:
                return seen  # somebody else is fetching the next one
            raise TokenUnavailable("TOKEN_TIMEOUT", NO_TOKEN)
        try:
            if self._token != seen:
                return self._token
            if self._failure and (fetches != self._fetches or self._is_final()):
                raise self._failure  # it was tried while we waited, or is known to be refused
            return self._fetch(post_form, keep=seen if still_good else "")
        finally:
            self._lock.release()

    def _is_final(self) -> bool:
        return isinstance(self._failure, TokenRefused)

    def _fetch(self, post_form: PostForm, keep: str) -> str:
        """Ask for a token. A failure is kept for those who wait; `keep` is used while it lasts."""
        started = self._clock()
        try:
            answer = post_form(self._url, self._form_headers, self._form)
            token, life = token_from(answer, self.credential, self.secrets())
        except TokenUnavailable as error:
            if keep:
                self._renew_at = min(started + RENEWAL_PAUSE_SECONDS, self._ends_at)
                return keep
            self._failure = error
            raise
        except TokenRefused as error:
            self._failure = error
            raise
        finally:
            self._fetches += 1
        self._failure = None
        self._former_token, self._token = self._token, token
        self._ends_at = started + life
        self._renew_at = self._ends_at - min(RENEWAL_LEAD_SECONDS, life / 5)
        return token


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise BadCredential for a header name or value that can't be sent. Echoes no value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise BadCredential(BAD_HEADER_NAME)
        if name.lower() in OURS:
            raise BadCredential(OUR_HEADER.format(name=name))
        if not _VALUE.fullmatch(value):
            raise BadCredential(BAD_HEADER_VALUE.format(name=name))


def _token_request(
    client_id: str, client_secret: str, username: str, password: str, scope: str
) -> tuple[bytes, dict[str, str]]:
    """The form and headers that ask for a token (RFC 6749, sections 4.3.2, 4.4.2 and 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    if username:
        form = {"grant_type": "password", "username": username, "password": password}
    headers = {"Accept": "application/json"}
    if client_secret:
        # The standard wants both form-encoded inside Basic; plain ones stay as they are.
        headers["Authorization"] = _basic(quote_plus(client_id), quote_plus(client_secret))
    elif client_id:
        form["client_id"] = client_id
    if scope:
        form["scope"] = scope
    return urlencode(form).encode(), headers


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _basic_token(headers: Mapping[str, str]) -> tuple[str, ...]:
    value = headers.get("Authorization", "").removeprefix("Basic ")
    return (value,) if value else ()


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
