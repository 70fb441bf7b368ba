""" "Test connection": what is sent, and the sentence that the operator reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imports.customers.auth import OAuth2, bearer
from imports.customers.mapping import preset
from imports.customers.probing import probe
from tests.imports.customers.posting import client
from tests.imports.customers.scripted_server import Server, refused_port, reply, reset


def test_the_probe_posts_an_empty_list_and_says_what_it_saw() -> None:
    with Server(reply(201, {"data": []})) as server, client(server.url, bearer("abc")) as one:
        result = probe(one)
    assert result.ok
    assert "the bearer token" in result.sentence
    assert "No customer was sent" in result.sentence
    assert json.loads(server.received[0].body) == {"data": []}


def test_the_probe_of_an_api_that_takes_no_empty_list_sends_no_body() -> None:
    with Server(reply(405)) as server, client(server.url, mapping=preset("hubspot")) as one:
        result = probe(one)
    assert result.ok
    assert (server.received[0].method, server.received[0].body) == ("OPTIONS", b"")


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
