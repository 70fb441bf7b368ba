"""Posting batches over real sockets: what leaves, what comes back, tokens, secrets."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from imports.customers.api import oauth2
from imports.customers.api.auth import BadCredential, bearer
from imports.customers.api.client import Endpoint
from imports.customers.api.mapping import preset
from imports.customers.api.oauth2 import OAuth2
from imports.http.addresses import Rules
from imports.policy import Verdict
from tests.imports.customers.posting import (
    BODY,
    DRIPS,
    GOOD,
    HEAD,
    KEYS,
    SOON,
    STORED,
    client,
    posted,
)
from tests.imports.customers.scripted_server import (
    Received,
    Server,
    answer,
    reply,
    reset,
    sends,
)

CANARY = "canary-åäö-&<>\"'-secret"


# --- What leaves, and what comes back ---------------------------------------------------------


def test_a_batch_is_posted_byte_for_byte_with_its_headers() -> None:
    with Server(GOOD) as server:
        outcome = posted(
            server.url,
            bearer("abc"),
            headers={"GK-Passport": "p 1"},
            idempotency_header="Idempotency-Key",
        )
    request = server.received[0]
    assert outcome.verdict is Verdict.SUCCESS
    assert outcome.http_status == 201
    assert (request.method, request.path, request.body) == ("POST", "/v1/customers", BODY)
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["gk-passport"] == "p 1"
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


def test_records_answered_out_of_order_are_matched_by_id() -> None:
    results = [{"customerId": "2", "result": "ERROR"}, {"customerId": "1", "result": "SUCCESS"}]
    with Server(reply(201, {"data": results})) as server:
        outcome = posted(server.url)
    assert [record.verdict for record in outcome.records] == [Verdict.SUCCESS, Verdict.REJECTED]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.SUCCESS),
        (202, Verdict.UNKNOWN),
        (400, Verdict.SPLIT),
        (403, Verdict.PAUSE),
        (404, Verdict.PAUSE),
        (408, Verdict.UNKNOWN),
        (413, Verdict.SPLIT),
        (415, Verdict.PAUSE),
        (422, Verdict.SPLIT),
        (429, Verdict.DEFERRED),
        (500, Verdict.UNKNOWN),
        (503, Verdict.UNKNOWN),
    ],
)
def test_each_row_of_the_table_over_a_real_socket(status: int, verdict: Verdict) -> None:
    with Server(reply(status, STORED if status == 200 else {"title": "Because"})) as server:
        outcome = posted(server.url)
    assert (outcome.verdict, outcome.http_status) == (verdict, status)
    assert len(server.received) == 1


@pytest.mark.parametrize("value", ["7", "Sun, 15 Jun 2025 15:00:07 GMT"])
def test_both_forms_of_retry_after_are_read(value: str) -> None:
    date = "Sun, 15 Jun 2025 15:00:00 GMT"
    with Server(reply(503, retry_after=value, date=date)) as server:
        outcome = posted(server.url)
    assert (outcome.verdict, outcome.retry_after) == (Verdict.DEFERRED, 7.0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    with Server(GOOD) as elsewhere, Server(reply(status, location=elsewhere.url)) as server:
        outcome = posted(server.url)
    was_carried_out = status in (302, 303)
    assert outcome.verdict is (Verdict.UNKNOWN if was_carried_out else Verdict.PAUSE)
    assert (outcome.code, outcome.pauses) == ("REDIRECTED", was_carried_out)
    assert elsewhere.received == []
    assert elsewhere.connections == 0
    assert elsewhere.url in outcome.error


def test_where_a_redirect_leads_is_said_without_what_may_be_secret_in_it() -> None:
    to = "https://anna:hunter2@api.example:8443/v2/customers?key=hunter3#hunter4"
    with Server(reply(308, location=to)) as server:
        outcome = posted(server.url)
    assert "https://api.example:8443/v2/customers" in outcome.error
    assert "hunter" not in outcome.error
    with Server(reply(308, location="http://[")) as server:
        assert posted(server.url).code == "REDIRECTED"


def test_a_compressed_answer_is_read() -> None:
    packed = gzip.compress(json.dumps(STORED).encode())
    with Server(reply(201, packed, content_encoding="gzip")) as server:
        assert posted(server.url).verdict is Verdict.SUCCESS


def test_cookies_are_not_kept() -> None:
    with Server(reply(201, STORED, set_cookie="a=b; Path=/")) as server, client(server.url) as one:
        for _ in range(2):
            one.post(BODY, "k", KEYS)
        assert "cookie" not in server.received[1].headers


def test_the_environments_proxies_and_netrc_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Server(GOOD) as server:
        assert posted(server.url).verdict is Verdict.SUCCESS
    assert "authorization" not in server.received[0].headers


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tries of a refused token follow each other at once."""
    monkeypatch.setattr(oauth2, "REFUSAL_PAUSES_SECONDS", (0.0,) * 4)


# --- Tokens -----------------------------------------------------------------------------------


def token(number: int, lifetime: int = 3600) -> Any:
    return reply(200, {"access_token": f"token-{number}", "expires_in": lifetime})


def oauth(url: str) -> OAuth2:
    return OAuth2(url, username="importer", password=CANARY, client_id="redrive")


def until(good: str) -> Any:
    """401 for every other token."""

    def act(connection: socket.socket, request: Received) -> None:
        is_good = request.headers.get("authorization") == f"Bearer {good}"
        connection.sendall(answer(201, STORED) if is_good else answer(401, {"title": "Expired"}))

    return act


def test_a_refused_token_is_renewed_once_and_the_batch_sent_again() -> None:
    with Server(token(1), token(2)) as issuer, Server(until("token-2")) as server:
        outcome = posted(server.url, oauth(issuer.url))
    assert outcome.verdict is Verdict.SUCCESS
    assert [request.body for request in server.received] == [BODY, BODY]
    form = issuer.received[0]
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"grant_type=password" in form.body


def test_a_new_token_that_is_refused_is_tried_again_before_a_person_is_called(
    no_pauses: None,
) -> None:
    """Some APIs learn of a token late; and another program may make one void."""
    late = [reply(401), reply(401), GOOD]
    with Server(token(1), token(2)) as issuer, Server(*late) as server:
        outcome = posted(server.url, oauth(issuer.url))
    assert outcome.verdict is Verdict.SUCCESS
    used = [request.headers["authorization"] for request in server.received]
    assert used == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


def test_tokens_that_are_refused_again_and_again_pause_the_job_and_blame_no_password(
    no_pauses: None,
) -> None:
    with Server(token(1), token(2), token(3)) as issuer, Server(until("never")) as server:
        outcome = posted(server.url, oauth(issuer.url))
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "TOKEN_REFUSED")
    assert "accepted the OAuth2 user name and password" in outcome.error
    assert (len(server.received), len(issuer.received)) == (5, 3)


@pytest.mark.parametrize("budget", [0.5, 1.0])
def test_a_short_deadline_still_leaves_room_for_every_try(
    budget: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the pauses take time here: what the machine takes is its own affair."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.append(now.pop() + seconds))
    with Server(token(1)) as issuer, Server(until("never")) as server:
        outcome = posted(server.url, oauth(issuer.url), deadline=budget)
    assert outcome.code == "TOKEN_REFUSED"
    assert len(server.received) == 1 + len(oauth2.REFUSAL_PAUSES_SECONDS)


def test_where_another_program_makes_the_tokens_void_the_batch_waits_and_nobody_is_called(
    no_pauses: None,
) -> None:
    """The API has let us in a moment ago, so neither the credential nor the token URL is wrong."""
    with (
        Server(*(token(number) for number in range(1, 9))) as issuer,
        Server(GOOD, reply(401)) as server,
        client(server.url, oauth(issuer.url)) as one,
    ):
        assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        outcome = one.post(BODY, "k", KEYS)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "TOKEN_CONTESTED")
    assert outcome.retry_after


def test_a_refused_fixed_credential_is_submitted_once() -> None:
    with Server(until("never")) as server:
        outcome = posted(server.url, bearer("abc"))
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "CREDENTIAL_REFUSED")
    assert len(server.received) == 1


def test_twenty_threads_fetch_one_token_and_renew_it_once() -> None:
    with (
        Server(token(1), token(2), token(3)) as issuer,
        Server(until("token-2")) as server,
        client(server.url, oauth(issuer.url), pool_size=20) as one,
        ThreadPoolExecutor(20) as pool,
    ):
        outcomes = list(pool.map(lambda _: one.post(BODY, "k", KEYS), range(20)))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.SUCCESS}
    assert len(issuer.received) == 2


@pytest.mark.parametrize(
    ("act", "verdict", "code"),
    [
        (reset, Verdict.RETRY, "TOKEN_UNAVAILABLE"),
        (sends(HEAD), Verdict.RETRY, "TOKEN_UNAVAILABLE"),
        (reply(500), Verdict.RETRY, "TOKEN_UNAVAILABLE"),
        (reply(503, retry_after="9"), Verdict.DEFERRED, "TOKEN_UNAVAILABLE"),
        (reply(400, {"error": "invalid_grant"}), Verdict.PAUSE, "CREDENTIAL_REFUSED"),
        (reply(401, {"error": "invalid_client"}), Verdict.PAUSE, "CREDENTIAL_REFUSED"),
        (reply(302, location="http://127.0.0.1:9/"), Verdict.PAUSE, "TOKEN_REQUEST_REFUSED"),
        (reply(200, b"<html>"), Verdict.PAUSE, "TOKEN_ANSWER_UNREADABLE"),
    ],
)
def test_without_a_token_nothing_of_the_batch_is_sent(
    act: Any, verdict: Verdict, code: str
) -> None:
    with Server(act) as issuer, Server(GOOD) as server:
        outcome = posted(server.url, oauth(issuer.url), idempotency_header="Idempotency-Key")
    assert (outcome.verdict, outcome.code) == (verdict, code)
    assert server.connections == 0


def test_a_dripping_token_endpoint_is_under_the_same_deadline() -> None:
    with Server(DRIPS["body"]) as issuer, Server(GOOD) as server:
        outcome = posted(server.url, oauth(issuer.url), deadline=SOON)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "TOKEN_UNAVAILABLE")
    assert server.connections == 0


def test_a_token_url_is_guarded_like_the_apis_own() -> None:
    def lookup(host: str, port: int, *_: int) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("10.0.0.1", port))]

    rules = Rules(lookup=lookup)
    outcome = posted("https://api.example.com/", oauth("https://auth.example.com/t"), rules=rules)
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "ADDRESS_REFUSED")


# --- Secrets ----------------------------------------------------------------------------------


def test_a_secret_that_the_api_echoes_is_nowhere_in_the_outcome(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(connection: socket.socket, request: Received) -> None:
        said = {**request.headers, "title": f"Bad {request.headers['authorization']}"}
        connection.sendall(answer(400, said))

    key, passport = "abcdef-bearer-key", "passport-of-the-operator"
    with Server(echo) as server:
        outcome = posted(server.url, bearer(key), headers={"GK-Passport": passport})
    assert "Bad Bearer [secret]" in outcome.error
    for secret in (key, passport):
        assert secret not in repr(outcome) + caplog.text


def test_neither_password_nor_tokens_are_in_any_outcome(
    caplog: pytest.LogCaptureFixture, no_pauses: None
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(connection: socket.socket, request: Received) -> None:
        connection.sendall(answer(401, {"detail": repr(request.headers)}))

    def refuse(connection: socket.socket, request: Received) -> None:
        said = {"error": "invalid_grant", "error_description": request.body.decode()}
        connection.sendall(answer(400, said))

    with Server(token(111), token(222)) as issuer, Server(echo) as server, Server(refuse) as no:
        outcomes = [posted(server.url, oauth(issuer.url)), posted(server.url, oauth(no.url))]
    everything = repr(outcomes) + caplog.text
    for secret in (CANARY, "token-111", "token-222", "canary"):
        assert secret not in everything


def test_an_extra_header_that_would_change_the_request_is_refused() -> None:
    for headers in ({"Host": "x"}, {"A": "b\r\nC: d"}, {"A b": "c"}):
        with pytest.raises(BadCredential):
            Endpoint("https://api.example.com/", preset("gk"), headers)


@pytest.mark.parametrize(
    "request_",
    [
        {"constants": {"requestId": "{key}"}},
        {"wrap": {"key": "{record_key}", "customer": "{record}"}},
        {"shape": "map", "map_key": "record_key"},
    ],
)
def test_where_a_key_in_the_body_is_honoured_a_lost_answer_may_be_asked_for_again(
    request_: dict[str, Any],
) -> None:
    mapping = preset("gk").with_overrides({"request": {**request_, "idempotent": True}})
    body = mapping.opening + BODY.removeprefix(b'{"data": [')[:-2] + mapping.closing
    with Server(reset) as server, client(server.url, mapping=mapping) as one:
        first, second = (one.post(body, "key-1", KEYS) for _ in range(2))
    assert (first.verdict, second.verdict) == (Verdict.REPEATABLE, Verdict.REPEATABLE)
    assert b"key-1" in server.received[0].body
    assert server.received[0].body == server.received[1].body


def test_a_key_that_nobody_promises_to_honour_proves_nothing() -> None:
    mapping = preset("gk").with_overrides({"request": {"wrap": {"k": "{key}", "c": "{record}"}}})
    with Server(reset) as server:
        assert posted(server.url, mapping=mapping).verdict is Verdict.UNKNOWN
