"""Mutual TLS: the client's own certificate, and nothing else, lets it in."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from imports.customers.api.setup import client_of
from imports.http.certificates import BadCertificates, check_client_certificate
from imports.models import CustomerApi
from imports.policy import Outcome, Verdict
from tests.imports.customers.certified import Certificate, self_signed
from tests.imports.customers.posting import BODY, GOOD, KEYS
from tests.imports.customers.scripted_server import Server

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def server_side(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path, "localhost")


@pytest.fixture
def client_side(tmp_path: Path) -> Certificate:
    (tmp_path / "client").mkdir()
    return self_signed(tmp_path / "client", "redrive")


def send(server: Server, trusted: str, shown: str) -> Outcome:
    api = CustomerApi(
        name="x", url=f"https://localhost:{server.port}/x", auth="none",
        ca_certificates=trusted, client_certificate=shown,
    )  # fmt: skip
    with client_of(api, 5.0, 1) as client:
        return client.post(BODY, "k", KEYS)


def test_only_the_right_certificate_is_let_in(
    server_side: Certificate, client_side: Certificate
) -> None:
    context = server_side.context
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=client_side.pem)
    ours = client_side.pem + client_side.key_pem
    strangers = server_side.pem + server_side.key_pem
    with Server(GOOD, tls=context) as server:
        assert send(server, server_side.pem, ours).verdict is Verdict.SUCCESS
        assert send(server, server_side.pem, strangers).verdict is not Verdict.SUCCESS
        assert send(server, server_side.pem, "").verdict is not Verdict.SUCCESS
    assert len(server.received) == 1


def test_a_certificate_without_its_own_key_is_refused_and_never_shown(
    server_side: Certificate, client_side: Certificate
) -> None:
    check_client_certificate(client_side.pem + client_side.key_pem)
    wrong = ["", "x", client_side.pem, client_side.key_pem, client_side.pem + server_side.key_pem]
    for pem in wrong:
        with pytest.raises(BadCertificates) as refusal:
            check_client_certificate(pem)
        assert client_side.key_pem.split("\n")[1] not in str(refusal.value)
