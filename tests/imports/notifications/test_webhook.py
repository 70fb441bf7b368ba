"""Webhooks: signed, bounded, to checked addresses; over a real socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from imports import notifications
from imports.models import Channel
from imports.notifications import Message, NotDelivered
from tests.imports.customers.scripted_server import Server, drips, refused_port, reply
from tests.imports.customers.scripted_server import answer as raw_answer

if TYPE_CHECKING:
    from tests.imports.customers.scripted_server import Received

SECRET = "a secret that both sides know"
MESSAGE = Message("redrive-7", "", "", {"type": "job.finished", "data": {"name": "Möbler"}})


def send(server: Server, secret: str = SECRET) -> None:
    notifications.post(Channel(kind="webhook", url=server.url, secret=secret), MESSAGE)


def verified(request: Received, key: bytes) -> bool:
    """What a receiver does, as the standard tells it."""
    headers = request.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


def test_a_receiver_can_tell_who_sent_it_and_when() -> None:
    with Server(reply(200)) as server:
        send(server)
    (request,) = server.received
    assert request.method == "POST"
    assert json.loads(request.body) == MESSAGE.payload
    assert request.headers["webhook-id"] == "redrive-7"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert verified(request, SECRET.encode())
    assert not verified(request, b"another secret")


def test_a_secret_in_the_standards_form_is_decoded() -> None:
    key = bytes(range(24))
    with Server(reply(204)) as server:
        send(server, "whsec_" + base64.b64encode(key).decode())
    assert verified(server.received[0], key)


def test_the_standards_own_example_has_its_signature() -> None:
    """From the specification's reference libraries, so that theirs verify what ours signs."""
    key = notifications.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = notifications.signed(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [400, 404, 500, 301])
def test_any_answer_but_200_is_reported_and_tried_again(status: int) -> None:
    with (
        Server(reply(status, b"secret words", Location="http://127.0.0.1:1/")) as server,
        pytest.raises(NotDelivered, match=f"HTTP {status}") as failure,
    ):
        send(server)
    assert not failure.value.is_final
    assert "secret words" not in str(failure.value)
    assert len(server.received) == 1


def test_a_receiver_that_is_gone_gets_no_more() -> None:
    with Server(reply(410)) as server, pytest.raises(NotDelivered) as failure:
        send(server)
    assert failure.value.is_final


def test_a_receiver_that_drips_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "LONGEST_SECONDS", 0.2)
    slow = drips(raw_answer(200, b"x" * 5_000))
    with Server(slow) as server, pytest.raises(NotDelivered, match="before the deadline"):
        send(server)


def test_what_it_answers_besides_its_status_is_not_waited_for() -> None:
    head = raw_answer(200, b"x" * 5_000)
    with Server(drips(head, first=len(head) - 5_000)) as server:
        send(server)


def test_a_refused_connection_is_reported() -> None:
    with refused_port() as port:
        nobody = Channel(kind="webhook", url=f"http://127.0.0.1:{port}/", secret=SECRET)
        with pytest.raises(NotDelivered, match="refused the connection"):
            notifications.post(nobody, MESSAGE)


def test_an_address_inside_is_refused_where_it_is_not_allowed(settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = False
    with (
        Server(reply(200)) as server,
        pytest.raises(NotDelivered, match="private address or to this machine"),
    ):
        send(server)
    assert server.connections == 0


def test_an_unreadable_secret_is_reported_without_revealing_it() -> None:
    with Server(reply(200)) as server, pytest.raises(NotDelivered) as failure:
        send(server, "whsec_not base64!")
    assert "base64!" not in str(failure.value)
    assert server.received == []
