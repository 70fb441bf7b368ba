"""Who may call the sandbox's API: token, basic, a key in a header, and the OAuth2 it issues."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from config.dev.sandbox.http_server import json_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.dev.sandbox.http_server import Reply, Request


@dataclass(frozen=True, slots=True)
class Access:
    """What the API accepts. Set a value to None to refuse that way of signing in.

    `expires_in` is in seconds, both what is promised and what is kept.
    """

    bearer: str | None = "sandbox-token"  # long-lived, so that beginners can start with it
    username: str | None = "sandbox"  # basic, and OAuth2's password grant
    password: str = "sandbox-password"
    client_id: str | None = "sandbox-client"
    client_secret: str = "sandbox-secret"
    header_name: str | None = "X-Api-Key"
    header_value: str = "sandbox-key"
    expires_in: float = 3600.0


class Tokens:
    """Judges a request's credential, and issues OAuth2 tokens. Safe from any thread.

    A token has a serial number, from 1 in the order of issue; credentials that are not issued
    here (the long-lived token, basic, a key) have 0. `clock` gives seconds, never backwards.
    """

    def __init__(
        self, access: Access, seed: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.access = access
        self._seed = seed
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: dict[str, tuple[int, float]] = {}  # token -> (serial, expires at)

    @property
    def issued(self) -> int:
        """How many tokens have been issued so far; the newest one's serial."""
        return len(self._issued)

    def serial(self, request: Request) -> int | None:
        """The serial number of the request's credential; None when it is not accepted."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        match kind.lower():
            case "bearer":
                return self._bearer_serial(value)
            case "basic":
                known = (self.access.username, self.access.password)
                return 0 if self.access.username and basic_pair(value) == known else None
        name = self.access.header_name
        if name and request.headers.get(name.lower()) == self.access.header_value:
            return 0
        return None

    def _bearer_serial(self, token: str) -> int | None:
        if self.access.bearer and token == self.access.bearer:
            return 0
        serial, expires_at = self._issued.get(token, (0, float("-inf")))
        return serial if self._clock() < expires_at else None

    def issue(self, request: Request) -> Reply:
        """Answer POST /oauth/token as RFC 6749 says: a token, or 400/401 with an error name."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if request.headers.get("content-type", "").split(";")[0] != FORM:
            return refused(400, "invalid_request", f"The body must be {FORM}.")
        if not self._is_known_client(request, form):
            return refused(401, "invalid_client", "The client is not known.")
        match form.get("grant_type"):
            case "password":
                if not self._proves_user(form):
                    return refused(400, "invalid_grant", "The user name or password is wrong.")
            case "client_credentials":
                if not self._proves_client(request, form):
                    return refused(401, "invalid_client", "The client's secret is wrong.")
            case _:
                return refused(
                    400, "unsupported_grant_type", "Use password or client_credentials."
                )
        return json_reply(
            {
                "access_token": self._new_token(),
                "token_type": "Bearer",
                "expires_in": int(self.access.expires_in),
            },
            headers=[("Cache-Control", "no-store")],
        )

    def _proves_user(self, form: dict[str, str]) -> bool:
        given = (form.get("username", ""), form.get("password"))
        return given == (self.access.username, self.access.password)

    def _is_known_client(self, request: Request, form: dict[str, str]) -> bool:
        """HTTP Basic must prove the secret; a bare client_id is enough for the password grant."""
        if "authorization" in request.headers or "client_secret" in form:
            return self._proves_client(request, form)
        return form.get("client_id", "") == self.access.client_id

    def _proves_client(self, request: Request, form: dict[str, str]) -> bool:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if kind.lower() == "basic":
            name, secret = basic_pair(value)
            given = (unquote_plus(name), unquote_plus(secret))
        return given == (self.access.client_id, self.access.client_secret)

    def _new_token(self) -> str:
        with self._lock:
            serial = len(self._issued) + 1
            token = jwt_like({"sub": self.access.username, "jti": serial}, self._seed)
            self._issued[token] = (serial, self._clock() + self.access.expires_in)
            return token


FORM = "application/x-www-form-urlencoded"


def refused(status: int, error: str, description: str) -> Reply:
    return json_reply({"error": error, "error_description": description}, status)


def basic_pair(value: str) -> tuple[str, str]:
    """Name and password of a Basic credential; two empty strings when it can't be read."""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def jwt_like(claims: dict[str, object], seed: int) -> str:
    """Three base64url parts that look like a JWT; the signature is a hash, not a proof."""
    head = base64url(b'{"alg":"HS256","typ":"JWT"}')
    payload = base64url(json.dumps(claims).encode())
    signature = hashlib.blake2b(f"{seed}.{payload}".encode(), digest_size=32).digest()
    return f"{head}.{payload}.{base64url(signature)}"


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
