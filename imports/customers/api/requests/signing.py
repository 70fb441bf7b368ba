"""What a request carries that depends on its own bytes, on the time, or on its address. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imports.customers.api.mapping import Signature


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
