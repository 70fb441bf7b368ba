"""Faults of the wire over real sockets: what was sent, what can be known, what is repeated."""

from __future__ import annotations

import errno
import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.auth import FixedAuth
from imports.customers.api.client import Client
from imports.http import transport
from imports.http.addresses import Rules
from imports.policy import Verdict
from tests.imports.customers.certified import self_signed
from tests.imports.customers.posting import (
    BODY,
    DRIPS,
    GOOD,
    HEAD,
    KEYS,
    PATIENT,
    SOON,
    STORED,
    client,
    posted,
)
from tests.imports.customers.scripted_server import (
    Received,
    Server,
    answer,
    refused_port,
    reply,
    reset,
    sends,
    silence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.imports.customers.certified import Certificate

CANARY = "canary-åäö-&<>\"'-secret"


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


# --- Nothing was sent -------------------------------------------------------------------------


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with refused_port() as port:
        outcome = posted(f"http://127.0.0.1:{port}/", idempotency_header="Idempotency-Key")
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "CONNECTION_REFUSED")


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), None])
def test_a_name_that_dns_does_not_know_means_that_nothing_was_sent(
    failure: Exception | None, release: threading.Event
) -> None:
    def lookup(*_: Any) -> list[Any]:
        if failure:
            raise failure
        release.wait(10)
        return []

    rules = Rules(allow_private=True, lookup=lookup)
    outcome = posted("https://api.example.com/", rules=rules, timeout=0.1)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "DNS_FAILED")
    assert "api.example.com" in outcome.error


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (TimeoutError("timed out"), "CONNECT_TIMEOUT"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "CONNECT_FAILED"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "CONNECT_FAILED"),
    ],
)
def test_a_connection_that_is_never_made_means_that_nothing_was_sent(
    failure: OSError, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: socket.socket, where: object) -> None:
        raise failure

    monkeypatch.setattr(socket.socket, "connect", fail)
    outcome = posted("http://127.0.0.1:9/")
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)


def test_a_handshake_that_never_ends_is_a_connect_timeout(release: threading.Event) -> None:
    with Server(silence(release), reads=False) as server:
        url = server.url.replace("http:", "https:")
        outcome = posted(url, timeout=0.2)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "CONNECT_TIMEOUT")


def test_a_server_that_speaks_no_tls_is_reported_as_such() -> None:
    with Server(sends(b"HTTP/1.1 400 Bad\r\n\r\n"), reads=False) as server:
        outcome = posted(server.url.replace("http:", "https:"))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "TLS_FAILED")


# --- Nobody can tell --------------------------------------------------------------------------

LOST: dict[str, tuple[Any, str]] = {
    "reset after the request": (reset, "CONNECTION_LOST"),
    "closed without an answer": (sends(b""), "CONNECTION_LOST"),
    "closed in the status line": (sends(b"HTTP/1.1 2"), "ANSWER_UNREADABLE"),
    "closed in the headers": (sends(b"HTTP/1.1 201 X\r\nA: b\r\n"), "ANSWER_UNREADABLE"),
    "closed in the body": (sends(HEAD + b'{"data"'), "ANSWER_CUT_SHORT"),
    "reset in the body": (sends(HEAD + b'{"data"', then=reset), "ANSWER_CUT_SHORT"),
    "no http": (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), "ANSWER_UNREADABLE"),
    "bad chunks": (
        sends(b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "ANSWER_CUT_SHORT",
    ),
    "bad gzip": (reply(201, b"not gzip at all", content_encoding="gzip"), "ANSWER_UNREADABLE"),
    "early hints only": (sends(b"HTTP/1.1 103 X\r\n\r\n"), "CONNECTION_LOST"),
    "early hints without end": (sends(b"HTTP/1.1 103 X\r\n\r\n" * 1_500), "ANSWER_UNREADABLE"),
    "switching protocols": (sends(b"HTTP/1.1 101 X\r\n\r\n"), "HTTP_101"),
    "headers without end": (
        sends(b"HTTP/1.1 201 X\r\n" + b"A: b\r\n" * 1_500),
        "ANSWER_UNREADABLE",
    ),
}


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n"


@pytest.mark.parametrize("times", [1, 2, 50])
def test_interim_answers_are_read_past_to_the_final_one(times: int) -> None:
    real = sends(INTERIM * times + b"HTTP/1.1 102 X\r\n\r\n" + answer(201, STORED), then=wait_for)
    with Server(real) as server, client(server.url) as one:
        assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
    assert server.connections == 1


def wait_for(*_: object) -> None:
    """The connection stays open for the next request."""


@pytest.mark.parametrize("count", [101, 120, 900])
def test_an_answer_with_many_headers_is_read(count: int) -> None:
    many = "".join(f"Set-Cookie: c{n}=1\r\n" for n in range(count)).encode()
    raw = answer(201, STORED).replace(b"\r\n\r\n", b"\r\n" + many + b"\r\n", 1)
    with Server(sends(raw)) as server:
        assert posted(server.url).verdict is Verdict.SUCCESS


def test_nul_and_other_bytes_in_headers_and_answers_are_no_trouble() -> None:
    body = b'{"title": "\\u0000 \\ud800", "detail": "\\udfff"}'
    raw = answer(400, body, x="a\x00b\xe9", retry_after="\x00")
    with Server(sends(raw)) as server:
        outcome = posted(server.url)
    assert outcome.verdict is Verdict.SPLIT
    outcome.error.encode()
    assert "\x00" not in outcome.error + outcome.answer


@pytest.mark.parametrize("fault", sorted(LOST))
def test_a_fault_after_the_request_leaves_the_batch_unknown_and_is_not_repeated(
    fault: str,
) -> None:
    act, code = LOST[fault]
    with Server(act) as server:
        outcome = posted(server.url)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)
    assert len(server.received) == 1


@pytest.mark.parametrize("fault", sorted(LOST))
def test_under_an_idempotency_key_the_same_fault_is_repeatable(fault: str) -> None:
    with Server(LOST[fault][0]) as server:
        outcome = posted(server.url, idempotency_header="Idempotency-Key")
    assert outcome.verdict is Verdict.REPEATABLE


def test_a_reset_before_the_request_was_read_is_unknown_too() -> None:
    def reset_unread(connection: socket.socket, request: Received) -> None:
        connection.recv(1, socket.MSG_PEEK)
        reset(connection, request)

    with Server(reset_unread, reads=False) as server:
        outcome = posted(server.url)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "CONNECTION_LOST")
    assert server.connections == 1


def test_a_silent_server_is_a_read_timeout(release: threading.Event) -> None:
    with Server(silence(release)) as server:
        outcome = posted(server.url, timeout=SOON)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "TIMEOUT")
    assert "stopped sending" in outcome.error


@pytest.mark.parametrize("part", sorted(DRIPS))
def test_the_deadline_ends_an_answer_that_drips(part: str) -> None:
    with Server(DRIPS[part]) as server:
        outcome = posted(server.url, deadline=SOON)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "TIMEOUT")
    assert "deadline" in outcome.error


def test_the_deadline_ends_an_upload_that_nobody_reads(release: threading.Event) -> None:
    with Server(silence(release), reads=False) as server, client(server.url, deadline=SOON) as one:
        outcome = one.post(b" " * 30_000_000, "k", KEYS)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "TIMEOUT")


@pytest.fixture
def small_cap(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("imports.customers.api.client.LARGEST_ANSWER_BYTES", 200_000)
    return 200_000


def test_an_answer_without_end_is_given_up_on(small_cap: int) -> None:
    def endless(connection: socket.socket, _: Received) -> None:
        connection.sendall(b"HTTP/1.1 201 X\r\n\r\n")
        while True:
            connection.sendall(b" " * small_cap)

    with Server(endless) as server:
        outcome = posted(server.url)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "ANSWER_TOO_LARGE")


def test_a_compressed_bomb_is_given_up_on(small_cap: int) -> None:
    bomb = gzip.compress(b" " * (small_cap + 10))
    with Server(reply(201, bomb, content_encoding="gzip")) as server:
        assert posted(server.url).code == "ANSWER_TOO_LARGE"


def test_a_failure_of_our_own_is_an_outcome_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(CANARY)

    with Server(GOOD) as server:
        monkeypatch.setattr("imports.customers.api.client._read", broken)
        after = posted(server.url)
        monkeypatch.setattr(Client, "_send", broken)
        before = posted(server.url)
    assert (after.verdict, after.code) == (Verdict.UNKNOWN, "INTERNAL_ERROR")
    assert before.verdict is Verdict.RETRY
    assert CANARY not in repr((before, after)) + caplog.text


# --- TLS --------------------------------------------------------------------------------------


def at_home(port: int) -> Rules:
    """A DNS in which every name is this machine."""

    def lookup(host: str, _: int, *__: int) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    return Rules(allow_private=True, lookup=lookup)


def test_a_certificate_is_checked_for_the_name_though_an_address_is_connected_to(
    certificate: Certificate,
) -> None:
    with Server(GOOD, tls=certificate.context) as server:
        trusted: Any = {"rules": at_home(server.port), "certificates": certificate.pem}
        right = posted(f"https://{certificate.name}/x", **trusted)
        wrong = posted("https://other.example.com/x", **trusted)
    assert right.verdict is Verdict.SUCCESS
    assert (wrong.verdict, wrong.code) == (Verdict.PAUSE, "CERTIFICATE_REFUSED")
    assert len(server.received) == 1


def test_a_certificate_that_nobody_vouches_for_pauses_the_job(certificate: Certificate) -> None:
    with Server(GOOD, tls=certificate.context) as server:
        outcome = posted(f"https://{certificate.name}/x", rules=at_home(server.port))
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "CERTIFICATE_REFUSED")
    assert server.received == []


@pytest.mark.parametrize("part", sorted(DRIPS))
def test_the_deadline_ends_an_answer_that_drips_through_tls(
    part: str, certificate: Certificate
) -> None:
    with Server(DRIPS[part], tls=certificate.context) as server:
        rules = at_home(server.port)
        url = f"https://{certificate.name}/x"
        outcome = posted(url, rules=rules, certificates=certificate.pem, deadline=SOON)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "TIMEOUT")


# --- Connections ------------------------------------------------------------------------------


def test_one_connection_serves_many_batches() -> None:
    with Server(GOOD) as server, client(server.url) as one:
        for _ in range(5):
            assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        assert server.connections == 1


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    closed = threading.Event()

    def answer_then_close(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer(201, STORED))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with Server(answer_then_close) as server, client(server.url) as one:
        for _ in range(3):
            closed.clear()
            assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
            assert closed.wait(PATIENT)
        assert len(server.received) == server.connections == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "LONGEST_IDLE_SECONDS", 0.0)
    with Server(GOOD) as server, client(server.url) as one:
        for _ in range(2):
            assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        assert server.connections == 2


def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one() -> None:
    early = sends(answer(201, STORED) + answer(201, STORED), then=lambda *_: None)
    hints = sends(b"HTTP/1.1 103 X\r\n\r\n" + answer(201, STORED), then=lambda *_: None)
    empty = reply(201, {"data": []})
    for surprise in (early, hints):
        with Server(surprise, empty) as server, client(server.url) as one:
            one.post(BODY, "k", KEYS)
            assert one.post(BODY, "k", KEYS).code == "NOT_IN_ANSWER"


def test_a_connection_that_gave_no_final_answer_is_not_used_again() -> None:
    with Server(sends(b"HTTP/1.1 101 X\r\n\r\n", then=lambda *_: None), GOOD) as server:
        with client(server.url) as one:
            assert one.post(BODY, "k", KEYS).code == "HTTP_101"
            assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        assert server.connections == 2


class SlowToRenew(FixedAuth):
    """Its renewal takes until the deadline of the call is over."""

    def renew(self, *_: object) -> None:
        transport.current_deadline().expire()


def test_a_deadline_leaves_a_connection_alone_that_went_back_to_the_pool() -> None:
    auth = SlowToRenew("nothing", {})
    with Server(reply(401), GOOD) as server, client(server.url, auth) as one:
        assert one.post(BODY, "k", KEYS).code == "CREDENTIAL_REFUSED"
        assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
        assert server.connections == 1


def test_a_deadline_that_passes_ends_only_its_own_request(release: threading.Event) -> None:
    with Server(silence(release), GOOD) as server, client(server.url, deadline=2 * SOON) as one:
        assert one.post(BODY, "k", KEYS).code == "TIMEOUT"
        assert one.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS


def test_a_closed_client_still_keeps_its_deadlines() -> None:
    with Server(DRIPS["body"]) as server:
        one = client(server.url, deadline=SOON)
        one.close()
        assert one.post(BODY, "k", KEYS).code == "TIMEOUT"
        one.close()


def test_many_threads_share_one_client() -> None:
    with (
        Server(GOOD) as server,
        client(server.url, pool_size=8) as one,
        ThreadPoolExecutor(8) as pool,
    ):
        outcomes = list(pool.map(lambda _: one.post(BODY, "k", KEYS), range(80)))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.SUCCESS}
    assert len(server.received) == 80
    assert server.connections <= 8


# --- Addresses --------------------------------------------------------------------------------


def test_a_private_address_is_refused_where_it_is_not_allowed() -> None:
    with Server(GOOD) as server:
        outcome = posted(server.url, allow_private=False)
        secure = posted(server.url.replace("http:", "https:"), allow_private=False)
    assert {outcome.code, secure.code} == {"ADDRESS_REFUSED"}
    assert {outcome.verdict, secure.verdict} == {Verdict.PAUSE}
    assert server.connections == 0


def test_a_name_that_turns_to_a_private_address_after_the_check_is_refused() -> None:
    with Server(GOOD) as server:

        def lookup(host: str, port: int, *_: int) -> list[Any]:
            return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", server.port))]

        outcome = posted("https://api.example.com/", rules=Rules(lookup=lookup))
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "ADDRESS_REFUSED")
    assert server.connections == 0


def test_a_name_is_resolved_once_and_the_connection_goes_where_was_checked() -> None:
    asked: list[str] = []
    with Server(GOOD) as server:

        def lookup(host: str, port: int, *_: int) -> list[Any]:
            asked.append(host)
            where = "127.0.0.1" if len(asked) == 1 else "10.255.255.1"
            return [(socket.AF_INET, 1, 6, "", (where, port))]

        rules = Rules(allow_private=True, lookup=lookup)
        outcome = posted(f"http://api.internal:{server.port}/x", rules=rules)
    assert outcome.verdict is Verdict.SUCCESS
    assert asked == ["api.internal"]
    assert server.received[0].headers["host"] == f"api.internal:{server.port}"
