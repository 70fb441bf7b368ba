"""gunicorn as it is configured: probes, slow clients, limits, a graceful stop."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.config.served import HOST, LOGIN, PASSWORD, Served, prepare, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECURE = {"Host": HOST, "X-Forwarded-Proto": "https"}
TIMEOUT = 60


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Iterator[Path]:
    """A home whose servers run for as long as this module's tests do."""
    from tests.config.commands import Command, wipe

    folder = open_folder / "serving"
    holder = Command(folder)
    holder.ensure()
    prepare(folder)
    yield folder
    holder.end()
    wipe(folder)


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    with serving(home, WEB_THREADS="8") as one:
        yield one


def get(served: Served, path: str, **headers: str) -> requests.Response:
    return requests.get(
        served.address + path, headers=headers, allow_redirects=False, timeout=TIMEOUT
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", [HOST, "10.0.0.7:8000", "a host that_is none"])
def test_probes_answer_any_host_over_plain_http(served: Served, path: str, host: str) -> None:
    answer = get(served, path, Host=host)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert requests.head(served.address + path, timeout=TIMEOUT).status_code == 200


def test_metrics_answer_on_this_host_and_not_through_the_proxy(served: Served) -> None:
    assert b"redrive_database_up 1.0" in get(served, "/metrics").content
    assert get(served, "/metrics", **{"X-Forwarded-For": "192.0.2.1"}).status_code == 403


def test_pages_are_served_to_our_host_by_https_only(served: Served) -> None:
    assert get(served, "/admin/login/", **SECURE).status_code == 200
    plain = get(served, "/admin/login/", Host=HOST, **{"X-Forwarded-Proto": "http"})
    assert plain.status_code == 301
    assert plain.headers["Location"] == f"https://{HOST}/admin/login/"
    assert get(served, "/admin/login/", **{**SECURE, "Host": "elsewhere"}).status_code == 400


def test_hsts_is_for_this_host_alone(served: Served) -> None:
    assert get(served, "/admin/login/", **SECURE).headers["Strict-Transport-Security"] == (
        "max-age=31536000"
    )


def test_a_proxy_that_names_no_scheme_gets_a_sentence_and_no_circle(served: Served) -> None:
    answer = get(served, "/admin/login/", Host=HOST, **{"X-Forwarded-For": "192.0.2.1"})
    assert answer.status_code == 500
    assert "X-Forwarded-Proto" in answer.text


def test_a_proxy_that_nobody_declared_gets_a_sentence_and_no_circle(home: Path) -> None:
    with serving(home, BEHIND_PROXY="false") as undeclared:
        answer = get(undeclared, "/admin/login/", **SECURE)
        assert answer.status_code == 500
        assert "BEHIND_PROXY=true" in answer.text
        assert get(undeclared, "/healthz", **SECURE).status_code == 200


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT)


def log_in(served: Served) -> requests.Session:
    """Its cookies are marked Secure, so it sends them by hand."""
    session = requests.Session()
    page = session.get(f"{served.address}/admin/login/", headers=SECURE, timeout=TIMEOUT)
    token = page.cookies["csrftoken"]
    answer = session.post(
        f"{served.address}/admin/login/?next=/admin/", timeout=TIMEOUT, allow_redirects=False,
        data={"username": LOGIN, "password": PASSWORD, "csrfmiddlewaretoken": token},
        headers={**SECURE, "Cookie": f"csrftoken={token}", "Referer": f"https://{HOST}/"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    session.headers.update(SECURE)
    session.headers["Cookie"] = f"sessionid={answer.cookies['sessionid']}"
    return session


def test_a_login_works_through_the_proxys_headers(served: Served) -> None:
    session = log_in(served)
    assert session.get(f"{served.address}/admin/", timeout=TIMEOUT).status_code == 200


def test_clients_that_say_or_read_nothing_hold_nobody_up(served: Served) -> None:
    silent = [connected(served) for _ in range(40)]
    readers = []
    for _ in range(4):
        reader = connected(served)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.sendall(f"GET /static/unfold/css/styles.css HTTP/1.1\r\nHost: {HOST}\r\n"
                       "X-Forwarded-Proto: https\r\n\r\n".encode())  # fmt: skip
        readers.append(reader)
    try:
        assert get(served, "/healthz").status_code == 200
        assert get(served, "/admin/login/", **SECURE).status_code == 200
    finally:
        for each in (*silent, *readers):
            each.close()


def test_a_client_that_stalls_is_disconnected(served: Served) -> None:
    """The accepted sockets' limit is the listener's; the kernel is asked what it is."""
    from config import gunicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    class Held:
        sock = listener

    class Arbiter:
        LISTENERS = (Held,)

    gunicorn.when_ready(Arbiter())
    client = socket.create_connection(listener.getsockname(), timeout=TIMEOUT)
    client.sendall(b"GET")
    accepted, _ = listener.accept()
    accepted.setblocking(True)
    for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        seconds, _rest = struct.unpack("ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16))
        assert seconds == gunicorn.STALLED_SECONDS
    for each in (client, accepted, listener):
        each.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"GET /{'a' * 9000} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", b"414"),
        ("GET / HTTP/1.1\r\n" + "".join(f"X-{n}: 1\r\n" for n in range(120)) + "\r\n", b"431"),
        (f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Long: {'a' * 9000}\r\n\r\n", b"431"),
    ],
)
def test_a_head_beyond_the_limits_is_refused(served: Served, head: str, status: bytes) -> None:
    with connected(served) as client:
        client.sendall(head.encode())
        assert status in client.recv(100)


def test_a_stop_lets_a_request_end(home: Path) -> None:
    with serving(home) as one:
        cookie = str(log_in(one).headers["Cookie"])
        body = "x" * 1000
        client = connected(one)
        head = (
            f"POST /i18n/setlang/ HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n"
            f"Cookie: {cookie}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: text/plain\r\n\r\n"
        )
        client.sendall((head + body[:10]).encode())
        assert get(one, "/healthz").status_code == 200  # the process has seen both
        ended: list[Any] = []
        stopping = threading.Thread(target=lambda: ended.append(one.stop()))
        stopping.start()
        client.sendall(body[10:].encode())
        assert client.recv(100).startswith(b"HTTP/1.1 ")
        client.close()
        stopping.join(TIMEOUT)
        assert ended == [0]


def test_the_ready_probe_says_what_is_away(home: Path) -> None:
    with serving(home, REDIS_URL="redis://127.0.0.1:9/0") as one:
        answer = get(one, "/readyz")
        assert answer.status_code == 503
        assert answer.json()["redis"] != "ok"
        assert answer.json()["database"] == "ok"
        assert get(one, "/healthz").status_code == 200
