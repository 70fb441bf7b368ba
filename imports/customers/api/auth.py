"""How a request to a customer API is authenticated: fixed headers, OAuth2 tokens, or a signature.

A signature depends on the request's own bytes, on the time, or on its address. Nothing here speaks
HTTP: callers pass in a function that posts a form. No error and no representation ever holds a
credential's value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from imports.messages import MessageError, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imports.customers.api.mapping import Signature
    from imports.customers.api.responses import Answer, Exchange
    from imports.messages import Message
    from imports.policy import Outcome

    PostForm = Callable[[str, Mapping[str, str], bytes], Answer]


COLON_IN_USER = sentence(
    "COLON_IN_USER", _("A user name for basic authentication can't contain a colon.")
)
BAD_HEADER_NAME = sentence(
    "BAD_HEADER_NAME", _("A header's name may only hold letters, digits and dashes.")
)
OUR_HEADER = sentence("OUR_HEADER", _("The header {name} is set by Redrive itself. Leave it out."))
BAD_HEADER_VALUE = sentence("BAD_HEADER_VALUE", _("The value of the header {name} {fault}."))
IS_EMPTY = sentence("HEADER_IS_EMPTY", _("is empty"))
SPACE_AROUND = sentence("HEADER_SPACE_AROUND", _("begins or ends with a space"))
CONTROL_CHARACTER = sentence(
    "HEADER_CONTROL_CHARACTER", _("holds a line break or another control character")
)
NOT_LATIN_1 = sentence(
    "HEADER_NOT_LATIN_1", _("holds a character outside of Latin-1, which HTTP can't carry")
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


THE_QUERY_KEY = sentence("THE_QUERY_KEY", _("the key in the URL's “{name}”"))
THE_SIGNATURE = sentence("THE_SIGNATURE", _("the signature in the header {name}"))
THE_WSSE = sentence("THE_WSSE", _("the user name or secret (WSSE)"))
QUOTE_IN_USER = sentence(
    "QUOTE_IN_USER",
    _("A user name for WSSE can't contain a quotation mark or a control character."),
)


class BadCredential(MessageError, ValueError):
    """A credential or header cannot be sent. The text says which and why."""


class Auth(Protocol):
    """What the client asks of any way to authenticate."""

    credential: Text  # which credential this is, for sentences: never its value
    sent: Text  # what of it goes along with a request to the API

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        """The headers for the next request. Waits and fetches for at most `patience` seconds.

        Raises TokenUnavailable or TokenRefused: in both cases nothing of a batch was sent.
        """
        ...

    def renew(
        self, refused: Mapping[str, str], times: int, post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        """The headers to try after the API refused `refused`, its `times`-th refusal in a row.

        May wait before it gives them. None: there is nothing else to try.
        """
        ...

    def signed(self, request: Unsigned) -> Unsigned:
        """The request with what depends on its own bytes, address and time."""
        ...

    def accepted(self) -> None:
        """The API has let a request in."""
        ...

    def prove(self, post_form: PostForm, patience: float) -> bool:
        """Check the credential with the token endpoint; False if there is none.

        Raises TokenUnavailable or TokenRefused.
        """
        ...

    def refusal(self, answer: Answer, sent: Exchange, outcome: Outcome) -> Outcome:
        """The message after the API refused every credential; `outcome` is the judged answer."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Everything that must be nowhere in what is stored or shown."""
        ...


class FixedAuth:
    """Credentials that are the same in every request."""

    def __init__(
        self,
        credential: Text,
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
        sign: Callable[[Unsigned], Unsigned] | None = None,
    ) -> None:
        check_headers(headers)
        self.credential = self.sent = credential
        self._headers = dict(headers)
        self._secrets = tuple(secrets)
        self._sign = sign

    def headers(self, post_form: PostForm, patience: float) -> Mapping[str, str]:
        return self._headers

    def renew(
        self, refused: Mapping[str, str], times: int, post_form: PostForm, patience: float
    ) -> Mapping[str, str] | None:
        return None

    def signed(self, request: Unsigned) -> Unsigned:
        return self._sign(request) if self._sign else request

    def accepted(self) -> None:
        pass

    def prove(self, post_form: PostForm, patience: float) -> bool:
        return False

    def refusal(self, answer: Answer, sent: Exchange, outcome: Outcome) -> Outcome:
        return outcome

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
    value = basic_value(username, password)
    return FixedAuth(
        THE_PASSWORD,
        {"Authorization": value},
        [password, value.removeprefix("Basic ")],
    )


def header(name: str, value: str) -> FixedAuth:
    return FixedAuth(THE_KEY.format(name=name), {name: value}, [value])


def query_key(name: str, value: str) -> FixedAuth:
    """A key in the query of the address."""

    def sign(request: Unsigned) -> Unsigned:
        return with_query_key(request, name, value)

    return FixedAuth(THE_QUERY_KEY.format(name=name), {}, [value, quote(value, safe="")], sign)


def hmac_signature(name: str, secret: str, how: Signature) -> FixedAuth:
    """An HMAC of each request in the named header."""
    check_headers({name: how.prefix + "0"})
    if how.timestamp_header:
        check_headers({how.timestamp_header: "0"})

    def sign(request: Unsigned) -> Unsigned:
        return with_hmac(request, how, secret, name, time.time())

    return FixedAuth(THE_SIGNATURE.format(name=name), {}, [secret], sign)


def wsse(username: str, secret: str) -> FixedAuth:
    """A WSSE UsernameToken, new for each request. Raises BadCredential for a quotation mark."""
    if '"' in username or _fault_of(username):
        raise BadCredential(QUOTE_IN_USER)

    def sign(request: Unsigned) -> Unsigned:
        return with_wsse(request, username, secret, secrets.token_hex(16), time.time())

    return FixedAuth(THE_WSSE, {}, [secret], sign)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise BadCredential for a header name or value that can't be sent. Echoes no value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise BadCredential(BAD_HEADER_NAME)
        if name.lower() in OURS:
            raise BadCredential(OUR_HEADER.format(name=name))
        if fault := _fault_of(value):
            raise BadCredential(BAD_HEADER_VALUE.format(name=name, fault=fault))


def _fault_of(value: str) -> Message | None:
    """Why HTTP can't carry this value, if it can't."""
    if _VALUE.fullmatch(value):
        return None
    if not value:
        return IS_EMPTY
    if value != value.strip(" \t"):
        return SPACE_AROUND
    if any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in value):
        return CONTROL_CHARACTER
    return NOT_LATIN_1


def basic_value(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Unsigned(NamedTuple):
    """A request that is ready but for its credential."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def with_hmac(
    request: Unsigned, signature: Signature, secret: str, header: str, now: float
) -> Unsigned:
    """The request with its signature, as RFC 2104 has it, in the named header."""
    timestamp, parts = str(int(now)), urlsplit(request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    known = {"timestamp": timestamp, "method": request.method, "path": path}
    signed = b"".join(_signed_parts(signature.of, known, request.body))
    digest = hmac.new(secret.encode(), signed, getattr(hashlib, signature.algorithm))
    value = (
        digest.hexdigest()
        if signature.encoding == "hex"
        else base64.b64encode(digest.digest()).decode()
    )
    added = {header: signature.prefix + value}
    if signature.timestamp_header:
        added[signature.timestamp_header] = timestamp
    return request._replace(headers={**request.headers, **added})


def _signed_parts(template: str, known: Mapping[str, str], body: bytes) -> list[bytes]:
    """What is signed, in pieces: the body may be any bytes."""
    before, *behind = template.split("{body}")
    pieces = [_named(before, known)]
    for text in behind:
        pieces += [body, _named(text, known)]
    return pieces


def _named(text: str, known: Mapping[str, str]) -> bytes:
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text.encode()


def with_wsse(request: Unsigned, username: str, secret: str, nonce: str, now: float) -> Unsigned:
    """The request with a WSSE UsernameToken, as Emarsys and AtomPub have it."""
    created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    # SHA-1 is what the protocol says.
    digest = hashlib.sha1((nonce + created + secret).encode()).hexdigest()  # noqa: S324
    password = base64.b64encode(digest.encode()).decode()
    token = (
        f'UsernameToken Username="{username}", PasswordDigest="{password}", '
        f'Nonce="{nonce}", Created="{created}"'
    )
    added = {"X-WSSE": token, "Authorization": 'WSSE profile="UsernameToken"'}
    return request._replace(headers={**request.headers, **added})


def with_query_key(request: Unsigned, name: str, value: str) -> Unsigned:
    """The request with its key in the query of its address."""
    joint = "&" if urlsplit(request.url).query else "?"
    added = f"{joint}{quote(name, safe='')}={quote(value, safe='')}"
    return request._replace(url=request.url + added)
