"""The egress proxy lets through the portal's hosts only, with one request per connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from bills.browser.proxy import EgressProxy, forwarded
from config.dev.sandbox.http_server import Reply
from tests.bills.browsing import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bills.browsing import Pages


pytest_plugins = ("tests.bills.browser_fixtures",)


def through(
    request: Callable[[int], bytes],
    *,
    permits: str = "127.0.0.1",
    allow_private: bool = True,
    takes_open_forms: bool = True,
) -> tuple[bytes, EgressProxy]:
    """Send `request(port)` as raw bytes to an egress proxy; its whole answer."""

    async def talk() -> tuple[bytes, EgressProxy]:
        async with EgressProxy(
            lambda host: host == permits,
            allow_private=allow_private,
            takes_open_forms=takes_open_forms,
        ) as proxy:
            port = int(proxy.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(port))
            async with asyncio.timeout(20):
                answer = await reader.read(-1)
            writer.close()
            return answer, proxy

    return asyncio.run(talk())


def get(url: str) -> bytes:
    return f"GET {url} HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n".encode()


def test_a_permitted_host_answers(pages: Pages) -> None:
    pages.show("/login", "hello")
    answer, proxy = through(lambda _: get(pages.url + "/site/login"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")
    assert (proxy.refused, proxy.troubles) == ({}, {})


def test_another_host_gets_no_answer_and_is_named(pages: Pages) -> None:
    answer, proxy = through(lambda _: get(pages.url + "/site/login"), permits="portal.example")
    assert answer == b""
    assert proxy.refused == {"127.0.0.1": "it is none of the portal's hosts"}
    assert pages.asked == []


def test_a_form_of_an_encrypted_portal_is_not_sent_unencrypted(pages: Pages) -> None:
    pages.show("/login", "hello")
    pages.reply("POST /login", page("hello"))
    url = pages.url + "/site/login"
    form = b"password=secret"
    head = f"POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\n\r\n".encode()
    answer, proxy = through(lambda _: head + form, takes_open_forms=False)
    assert (answer, pages.passwords) == (b"", [])
    assert proxy.troubles == {"127.0.0.1": "a form would have been sent unencrypted"}
    answer, _ = through(lambda _: get(url), takes_open_forms=False)
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_tunnel_is_dug_only_to_a_permitted_host(pages: Pages) -> None:
    pages.show("/login", "hello")
    port = pages.url.rpartition(":")[2]
    inside = b"GET /site/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connect = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answer, _ = through(lambda _: connect + inside)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200")
    answer, proxy = through(lambda _: connect + inside, permits="portal.example")
    assert answer == b""
    assert "127.0.0.1" in proxy.refused


def test_a_permitted_name_with_a_private_address_is_refused(pages: Pages) -> None:
    url = pages.url.replace("127.0.0.1", "localhost")
    answer, proxy = through(lambda _: get(url), permits="localhost", allow_private=False)
    assert answer == b""
    assert "private address" in proxy.refused["localhost"]
    assert pages.asked == []


def test_a_link_local_address_is_refused_even_where_private_ones_are_allowed() -> None:
    answer, proxy = through(lambda _: get("http://169.254.169.254/"), permits="169.254.169.254")
    assert answer == b""
    assert "link-local" in proxy.refused["169.254.169.254"]


def test_a_second_request_on_one_connection_is_not_forwarded(pages: Pages) -> None:
    pages.show("/login", "hello")
    pages.show("/other", "secret")
    both = get(pages.url + "/site/login") + get(pages.url + "/site/other")
    through(lambda _: both)
    assert "GET /site/other" not in pages.asked


def test_a_posted_form_arrives_whole(pages: Pages) -> None:
    pages.answers["POST /site/login"] = lambda request: page(f"{len(request.body)} bytes")
    body = b"password=" + b"x" * 200_000
    head = (
        f"POST {pages.url}/site/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer, _ = through(lambda _: head.encode() + body)
    assert answer.endswith(f"{len(body)} bytes".encode())


def test_a_refused_connection_is_reported() -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer, proxy = through(lambda _: get(f"http://127.0.0.1:{port}/"))
    assert answer == b""
    assert proxy.troubles == {"127.0.0.1": "it refuses connections"}


def test_a_broken_connection_is_reported(pages: Pages) -> None:
    pages.reply("GET /login", Reply(reset=True))
    answer, proxy = through(lambda _: get(pages.url + "/site/login"))
    assert answer == b""
    assert proxy.troubles == {"127.0.0.1": "connection reset by peer"}


@pytest.mark.parametrize(
    "nonsense", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"CONNECT :x y\r\n\r\n"]
)
def test_nonsense_gets_no_answer(nonsense: bytes) -> None:
    answer, proxy = through(lambda _: nonsense)
    assert answer == b""
    assert proxy.refused == {}


def test_the_portal_sees_its_path_and_a_closing_connection() -> None:
    head = b"GET http://u@x.se:81/a?b=c HTTP/1.1\r\nHost: x.se\r\nConnection: keep-alive\r\n\r\n"
    assert forwarded(head) == b"GET /a?b=c HTTP/1.1\r\nHost: x.se\r\nConnection: close\r\n\r\n"
    assert forwarded(b"GET http://x.se HTTP/1.1\r\n\r\n").startswith(b"GET / HTTP/1.1\r\n")
