from __future__ import annotations

import http.client
import socket
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.http_server import Reply, Request, SandboxServer, running

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_ENOUGH_SECONDS = 60


class Echo:
    """A site that answers with what it was asked, or with whatever the test gives it."""

    def __init__(self, prefix: str = "/echo", answer: Callable[[], Reply] | None = None) -> None:
        self.prefix = prefix
        self.answer = answer
        self.seen: list[Request] = []

    def handle(self, request: Request) -> Reply:
        self.seen.append(request)
        if self.answer:
            return self.answer()
        return Reply(body=request.body or request.path.encode(), content_type="text/plain")


def raw_exchange(url: str, text: bytes) -> bytes:
    """Send bytes as they are, and read until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), LONG_ENOUGH_SECONDS) as connection:
        connection.sendall(text)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=LONG_ENOUGH_SECONDS)


def test_each_site_gets_its_own_share_of_the_addresses_with_the_full_path() -> None:
    with running(Echo("/api"), Echo("/api/inner"), Echo("/portal")) as url:
        assert get(f"{url}/api/x").text == "/api/x"
        assert get(f"{url}/portal").text == "/portal"
        nowhere = get(f"{url}/apiary")
    assert nowhere.status_code == 404
    assert "/portal" in nowhere.text


def test_a_request_arrives_whole_with_decoded_path_query_headers_and_cookies() -> None:
    site = Echo()
    with running(site) as url:
        requests.post(
            f"{url}/echo/%C3%A5?a=1&a=2&empty",
            data="åäö".encode(),
            headers={"X-Word": "yes", "Cookie": "a=b; c=d=e"},
            timeout=LONG_ENOUGH_SECONDS,
        )
    (seen,) = site.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/echo/å", {"a": "2", "empty": ""})
    assert seen.body == "åäö".encode()
    assert seen.headers["x-word"] == "yes"
    assert seen.cookies == {"a": "b", "c": "d=e"}


def test_one_connection_carries_many_requests() -> None:
    with running(Echo()) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        connection.request("GET", "/echo/1")
        assert connection.getresponse().read() == b"/echo/1"
        first_socket = connection.sock
        connection.request("GET", "/echo/2")
        assert connection.getresponse().read() == b"/echo/2"
        assert connection.sock is first_socket
        connection.close()


@pytest.mark.parametrize("who", ["client", "site"])
def test_either_side_may_end_the_connection_after_an_answer(who: str) -> None:
    headers = [("Connection", "close")] if who == "site" else []
    ask = b"Connection: close\r\n" if who == "client" else b""
    with running(Echo(answer=lambda: Reply(body=b"bye", headers=headers))) as url:
        answer = raw_exchange(url, b"GET /echo HTTP/1.1\r\n" + ask + b"\r\n")
    assert answer.endswith(b"\r\n\r\nbye")
    assert answer.lower().count(b"connection: close") == 1


def test_a_large_body_goes_both_ways_unchanged() -> None:
    body = bytes(range(256)) * 40_000
    with running(Echo()) as url:
        answer = requests.post(f"{url}/echo", data=body, timeout=LONG_ENOUGH_SECONDS)
    assert answer.content == body


def test_a_chunked_body_is_joined() -> None:
    with running(Echo()) as url:
        pieces = iter([b"one ", b"two ", b"three"])
        answer = requests.post(f"{url}/echo", data=pieces, timeout=LONG_ENOUGH_SECONDS)
    assert answer.content == b"one two three"


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    head = (
        b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        b"Connection: close\r\n\r\nhi"
    )
    with running(Echo()) as url:
        answer = raw_exchange(url, head)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_a_head_request_gets_headers_and_no_body() -> None:
    with running(Echo()) as url:
        answer = raw_exchange(url, b"HEAD /echo/12 HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 8\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
        (b"GET /echo HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
def test_what_is_not_http_is_refused_and_the_site_never_sees_it(
    sent: bytes, status: bytes
) -> None:
    site = Echo()
    with running(site) as url, socket.create_connection(address(url)) as connection:
        connection.sendall(sent)
        assert connection.recv(12) == b"HTTP/1.1 " + status
    assert site.seen == []


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def test_a_request_that_ends_half_way_never_reaches_the_site() -> None:
    site = Echo()
    with running(site) as url:
        with socket.create_connection(address(url)) as connection:
            connection.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        assert get(f"{url}/echo/alive").text == "/echo/alive"
    assert [request.path for request in site.seen] == ["/echo/alive"]


def test_a_reset_is_a_real_reset() -> None:
    site = Echo(answer=lambda: Reply(reset=True))
    with running(site) as url, socket.create_connection(address(url)) as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_cut_answer_promises_more_than_it_brings() -> None:
    with running(Echo(answer=lambda: Reply(body=b"0123456789", cut_after=4))) as url:
        answer = raw_exchange(url, b"GET /echo HTTP/1.1\r\n\r\n")
        assert b"Content-Length: 10\r\n" in answer
        assert answer.endswith(b"\r\n\r\n0123")
        with pytest.raises(requests.RequestException):
            get(f"{url}/echo")


def test_a_dripping_answer_is_whole_in_the_end() -> None:
    with running(Echo(answer=lambda: Reply(body=b"slowly", drip_seconds=0.001))) as url:
        assert get(f"{url}/echo").text == "slowly"


def test_a_delayed_answer_outlasts_a_client_that_will_not_wait() -> None:
    site = Echo(answer=lambda: Reply(delay_seconds=600))
    with running(site) as url, pytest.raises(requests.ReadTimeout):
        requests.get(f"{url}/echo", timeout=0.05)


@pytest.mark.parametrize(
    "fault", [{"delay_seconds": 600.0}, {"drip_seconds": 600.0}], ids=["delay", "drip"]
)
def test_stopping_ends_every_wait_and_every_thread(fault: dict[str, float]) -> None:
    begun = threading.Event()

    def answer() -> Reply:
        begun.set()
        return Reply(body=b"never seen whole", **fault)  # type: ignore[arg-type]

    before = set(threading.enumerate())
    server = SandboxServer(Echo(answer=answer))
    server.start()
    with socket.create_connection(address(server.base_url)) as busy:
        busy.sendall(b"GET /echo HTTP/1.1\r\n\r\n")
        with socket.create_connection(address(server.base_url)):
            assert begun.wait(LONG_ENOUGH_SECONDS)
            server.stop()
    server.stop()
    assert {t for t in threading.enumerate() if t not in before and t.is_alive()} == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(server.base_url))


def test_a_port_in_use_is_an_error_and_not_a_second_server() -> None:
    with running(Echo()) as url, pytest.raises(OSError, match="in use"):
        SandboxServer(Echo(), port=address(url)[1])


def test_a_broken_site_answers_500_and_the_next_request_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([Reply(body=b"fine")])

    def answer() -> Reply:
        if caplog.records:
            return next(answers)
        raise ZeroDivisionError

    with running(Echo(answer=answer)) as url, requests.Session() as session:
        broken = session.get(f"{url}/echo", timeout=LONG_ENOUGH_SECONDS)
        assert (
            broken.status_code,
            session.get(f"{url}/echo", timeout=LONG_ENOUGH_SECONDS).text,
        ) == (500, "fine")
    assert "GET /echo" in caplog.text


def test_many_connections_at_once_are_all_answered() -> None:
    barrier = threading.Barrier(16)

    def answer() -> Reply:
        barrier.wait(LONG_ENOUGH_SECONDS)  # passes only when 16 requests are inside together
        return Reply(body=b"together")

    texts: list[str] = []
    with running(Echo(answer=answer)) as url:
        threads = [
            threading.Thread(target=lambda: texts.append(get(f"{url}/echo").text))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["together"] * 16
