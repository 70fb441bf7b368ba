""" "Test connection": what is sent, and the sentence that the operator reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imports.customers.api.auth import bearer
from imports.customers.api.mapping import Mapping, preset
from imports.customers.api.oauth2 import OAuth2
from imports.customers.api.playground import Proof, probe
from tests.imports.customers.posting import client
from tests.imports.customers.scripted_server import Server, refused_port, reply, reset


def test_the_probe_posts_an_empty_list_and_says_what_it_saw() -> None:
    with Server(reply(201, {"data": []})) as server, client(server.url, bearer("abc")) as one:
        result = probe(one)
    assert result.ok
    assert "the bearer token" in result.sentence
    assert "No customer was sent" in result.sentence
    assert json.loads(server.received[0].body) == {"data": []}


@pytest.mark.parametrize("status", [200, 204, 405])
def test_an_api_of_which_nothing_harmless_can_be_asked_is_never_called_connected(
    status: int,
) -> None:
    """Many answer OPTIONS before they look at the credential."""
    with Server(reply(status)) as server, client(server.url, mapping=preset("hubspot")) as one:
        result = probe(one)
    assert (result.proof, result.ok) == (Proof.PARTLY, False)
    assert (server.received[0].method, server.received[0].body) == ("OPTIONS", b"")


def test_a_token_is_asked_for_and_it_is_said_that_the_api_has_not_judged_it() -> None:
    given = reply(200, {"access_token": "token-1", "expires_in": 3600})
    with Server(given) as issuer, Server(reply(204)) as server:
        auth = OAuth2(issuer.url, username="u", password="p")
        with client(server.url, auth, mapping=preset("hubspot")) as one:
            result = probe(one)
    assert result.proof is Proof.PARTLY
    assert "The token URL gave a token" in result.sentence
    assert len(issuer.received) == 1


@pytest.mark.parametrize(
    "body",
    [{"ok": True}, b"<html>Please log in</html>", b"", {"data": "none"}],
)
def test_an_accepted_status_with_an_answer_that_is_not_the_mappings_is_no_connection(
    body: Any,
) -> None:
    with Server(reply(200, body)) as server, client(server.url) as one:
        result = probe(one)
    assert result.proof is Proof.FAILED
    if body:
        assert result.answer  # the API's own words


def test_where_the_status_alone_is_the_proof_it_is_said_so() -> None:
    mapping = Mapping.from_document(
        {
            "accepted": [200],
            "proof": "status",
            "record": {"id": ["id"]},
            "request": {"empty_allowed": True},
        }
    )
    with Server(reply(200, b"OK")) as server, client(server.url, mapping=mapping) as one:
        result = probe(one)
    assert result.proof is Proof.PROVEN
    assert "status alone" in result.sentence
    assert "OK" in result.answer


def test_no_secret_is_among_the_apis_own_words() -> None:
    refusal = reply(403, {"detail": "no: canary-token"})
    with Server(refusal) as server, client(server.url, bearer("canary-token")) as one:
        result = probe(one)
    assert "no: [secret]" in result.answer
    assert "canary" not in repr(result)


@pytest.mark.parametrize("name", ["gk", "hubspot"])
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (reply(401), "refused"),
        (reply(403), "permission"),
        (reply(404), "URL"),
        (reply(500), "was reached, but answered HTTP 500"),
        (reply(302), "redirect"),
        (reset, "closed the connection"),
    ],
)
def test_the_probe_says_what_is_wrong(name: str, act: Any, words: str) -> None:
    with Server(act) as server, client(server.url, mapping=preset(name)) as one:
        result = probe(one)
    assert not result.ok
    assert words in result.sentence
    assert "look them up" not in result.sentence


def test_the_probe_says_when_nobody_is_there_or_no_token_is_to_be_had() -> None:
    with refused_port() as port, client(f"http://127.0.0.1:{port}/") as one:
        assert "refused the connection" in probe(one).sentence
    with Server(reply(400, {"error": "invalid_grant"})) as issuer:
        auth = OAuth2(issuer.url, username="u", password="p")
        sentence = probe(client("http://127.0.0.1:9/", auth)).sentence
    assert "user name or password" in sentence
