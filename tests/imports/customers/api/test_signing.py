"""Credentials that depend on the request itself: as the server gets them, over a real socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api import auth
from imports.customers.api.auth import Unsigned
from imports.customers.api.mapping import Signature, preset
from tests.imports.customers.posting import BODY, GOOD, posted
from tests.imports.customers.scripted_server import Received, Server, reply

if TYPE_CHECKING:
    from imports.customers.api.auth import Auth

SECRET = "s3cret-canary"


def received(given: Auth, **options: Any) -> Received:
    with Server(GOOD) as server:
        outcome = posted(server.url, given, **options)
        assert outcome.verdict == "success"
        return server.received[0]


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_an_hmac_signs_the_bytes_that_are_sent(algorithm: Any, encoding: Any) -> None:
    how = Signature(algorithm=algorithm, encoding=encoding, prefix="v1=")
    got = received(auth.hmac_signature("X-Signature", SECRET, how))
    digest = hmac.new(SECRET.encode(), got.body, algorithm)
    wanted = (
        digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()
    )
    assert got.headers["x-signature"] == "v1=" + wanted
    assert SECRET not in repr(got)


def test_a_signature_may_cover_time_method_and_path() -> None:
    how = Signature(of="{timestamp}.{method}.{path}.{body}", timestamp_header="X-Time")
    got = received(auth.hmac_signature("X-Signature", SECRET, how))
    signed = f"{got.headers['x-time']}.POST.{got.path}.".encode() + got.body
    assert got.headers["x-signature"] == hmac.new(SECRET.encode(), signed, "sha256").hexdigest()


def test_the_body_is_signed_as_it_is_whatever_stands_in_it() -> None:
    request = Unsigned("POST", "https://a.se/x?y=1", {}, b"\xff{timestamp}")
    how = Signature(of="{path}|{body}")
    signed = auth.with_hmac(request, how, SECRET, "S", 1.0)
    wanted = hmac.new(SECRET.encode(), b"/x?y=1|\xff{timestamp}", "sha256").hexdigest()
    assert signed.headers == {"S": wanted}


def test_a_wsse_token_is_new_each_time_and_proves_the_secret() -> None:
    given = auth.wsse("anna", SECRET)
    with Server(GOOD) as server:
        for _ in range(2):
            posted(server.url, given)
        tokens = [request.headers["x-wsse"] for request in server.received]
    assert tokens[0] != tokens[1]
    found = re.fullmatch(
        r'UsernameToken Username="anna", PasswordDigest="(.+)", Nonce="(.+)", Created="(.+)"',
        tokens[0],
    )
    assert found
    digest, nonce, created = found.groups()
    wanted = hashlib.sha1((nonce + created + SECRET).encode()).hexdigest()  # noqa: S324
    assert base64.b64decode(digest).decode() == wanted


def test_a_user_name_cannot_break_out_of_a_wsse_token() -> None:
    with pytest.raises(auth.BadCredential):
        auth.wsse('anna", Nonce="x', SECRET)


def test_a_key_in_the_url_is_quoted_and_joined_to_the_query() -> None:
    given = auth.query_key("api key", "a&b=c/ü")
    got = received(given)
    assert got.path == "/v1/customers?api%20key=a%26b%3Dc%2F%C3%BC"
    mapping = preset("gk").with_overrides({"request": {"query": {"dry": "0"}}})
    assert received(given, mapping=mapping).path.startswith("/v1/customers?dry=0&api%20key=")


@pytest.mark.parametrize("status", [200, 401, 422, 500])
def test_an_answer_that_echoes_the_url_shows_no_key(status: int) -> None:
    with Server(reply(status, {"detail": f"bad key {SECRET} in ?key={SECRET}"})) as server:
        outcome = posted(server.url, auth.query_key("key", SECRET))
    assert SECRET not in repr(outcome) + outcome.error


def test_method_headers_and_content_type_are_the_mappings() -> None:
    mapping = preset("gk").with_overrides(
        {"request": {"method": "PUT", "headers": {"revision": "2"}, "content_type": "a/b+json"}}
    )
    got = received(auth.no_auth(), mapping=mapping, headers={"Revision-Other": "3"})
    assert (got.method, got.body) == ("PUT", BODY)
    assert (got.headers["revision"], got.headers["content-type"]) == ("2", "a/b+json")
    assert got.headers["revision-other"] == "3"
