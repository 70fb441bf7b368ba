"""Certificates to trust and the proxy: from the settings and an API's own fields to the wire."""

from __future__ import annotations

import base64
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.setup import client_of, complaints
from imports.http import egress
from imports.http.addresses import Rules
from imports.http.certificates import BadCertificates, check_certificates
from imports.http.tunnel import BadProxy, Proxy, proxy_of
from imports.models import CustomerApi
from imports.policy import Verdict
from tests.imports.command_line import command
from tests.imports.customers.certified import Certificate, self_signed
from tests.imports.customers.posting import BODY, GOOD, KEYS, PATIENT, SOON, posted
from tests.imports.customers.scripted_server import Server, refused_port, silence
from tests.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.policy import Outcome


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


# --- Certificates -----------------------------------------------------------------------------


def send(server: Server, **fields: Any) -> Outcome:
    url = f"https://localhost:{server.port}/x"
    api = CustomerApi(name="x", url=url, auth="none", **fields)
    with client_of(api, PATIENT, 1) as client:
        return client.post(BODY, "k", KEYS)


def test_a_private_authority_is_trusted_where_the_api_or_the_installation_says_so(
    certificate: Certificate, settings: Any, tmp_path: Path
) -> None:
    with Server(GOOD, tls=certificate.context) as server:
        assert send(server).code == "CERTIFICATE_REFUSED"
        assert send(server, ca_certificates=certificate.pem).verdict is Verdict.SUCCESS
        settings.CA_FILE = str(tmp_path / "ca.pem")
        (tmp_path / "ca.pem").write_text(certificate.pem)
        assert send(server).verdict is Verdict.SUCCESS
        other = self_signed(tmp_path, "localhost")
        assert send(server, ca_certificates=other.pem).verdict is Verdict.SUCCESS  # both count


def test_neither_the_environment_nor_another_authority_makes_a_certificate_good(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(certificate.pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    other = self_signed(tmp_path, "localhost")
    with Server(GOOD, tls=certificate.context) as server:
        assert send(server, ca_certificates=other.pem).code == "CERTIFICATE_REFUSED"
    assert server.received == []


@pytest.mark.parametrize("content", [None, "", "no PEM", "-----BEGIN PRIVATE KEY-----"])
def test_a_ca_file_that_cannot_be_used_is_named(
    content: str | None, settings: Any, tmp_path: Path
) -> None:
    settings.CA_FILE = str(tmp_path / "ca.pem")
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(BadCertificates, match="CA_FILE"):
        egress.certificates()


def test_a_private_key_among_the_certificates_is_refused(certificate: Certificate) -> None:
    check_certificates(certificate.pem + certificate.pem)
    with pytest.raises(BadCertificates, match="private key"):
        check_certificates(certificate.pem + certificate.key_pem)


def test_the_command_reads_certificates_from_a_file(
    api: CustomerApi, certificate: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(certificate.pem)
    assert command("customer_api", "sandbox", "--ca-file", tmp_path / "ca.pem").code == 0
    assert CustomerApi.objects.get().ca_certificates == certificate.pem
    (tmp_path / "ca.pem").write_text("nothing")
    assert command("customer_api", "sandbox", "--ca-file", tmp_path / "ca.pem").code == 2
    assert command("customer_api", "sandbox", "--ca-file", "").code == 0
    assert CustomerApi.objects.get().ca_certificates == ""


# --- Plain http -------------------------------------------------------------------------------


def test_plain_http_to_a_public_address_needs_a_word(settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = False
    api = CustomerApi(name="x", url="http://api.example.com/x", auth="none")
    assert [field for field, _ in complaints(api)] == ["url"]
    api.allow_plain_http = True
    assert complaints(api) == []


# --- The proxy --------------------------------------------------------------------------------


class FakeProxy:
    """Connects to wherever it is asked for, or answers with a status of the test's choice."""

    def __init__(self, reply: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.reply, self.asked = reply, list[str]()
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def _serve(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(4096)
        self.asked.append(head.decode())
        near.sendall(self.reply)
        if b" 200 " not in self.reply:
            near.close()
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        far = socket.create_connection((host, int(port)))
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()

    def close(self) -> None:
        self._listener.close()


def _copy(one: socket.socket, other: socket.socket) -> None:
    while True:
        try:
            data = one.recv(65_536)
            if not data:
                other.shutdown(socket.SHUT_WR)
                return
            other.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy() -> Iterator[FakeProxy]:
    made = FakeProxy()
    yield made
    made.close()


def through(proxy: FakeProxy, target: int = 0, **options: Any) -> Rules:
    """Rules with that proxy, and a DNS in which every name is this machine."""

    def lookup(host: str, port: int, *_: int) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", target or port))]

    options.setdefault("allow_private", True)
    return Rules(lookup=lookup, proxy=Proxy("127.0.0.1", proxy.port), **options)


def test_a_request_goes_through_the_proxy_to_the_address_that_was_checked(
    proxy: FakeProxy, certificate: Certificate
) -> None:
    """The proxy is told an address, never a name; the certificate is still the name's."""
    with Server(GOOD, tls=certificate.context) as server:
        rules = through(proxy, server.port)
        right = posted("https://localhost/x", rules=rules, certificates=certificate.pem)
        wrong = posted("https://other.example.com/x", rules=rules, certificates=certificate.pem)
    assert right.verdict is Verdict.SUCCESS
    assert (wrong.verdict, wrong.code) == (Verdict.PAUSE, "CERTIFICATE_REFUSED")
    assert {head.splitlines()[0] for head in proxy.asked} == {
        f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"
    }
    assert b"authorization" not in proxy.asked[0].lower().encode()


def test_a_forbidden_address_is_not_reached_through_a_proxy_either(proxy: FakeProxy) -> None:
    outcome = posted("https://api.example.com/x", rules=through(proxy, allow_private=False))
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "ADDRESS_REFUSED")
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("answer", "verdict", "code"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Verdict.PAUSE, "PROXY_REFUSED"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", Verdict.PAUSE, "PROXY_REFUSED"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Verdict.RETRY, "PROXY_REFUSED"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Verdict.RETRY, "PROXY_UNREACHABLE"),
        (b"HTTP/1.1 20", Verdict.RETRY, "PROXY_UNREACHABLE"),
    ],
)
def test_without_a_tunnel_nothing_was_sent(
    answer: bytes, verdict: Verdict, code: str, proxy: FakeProxy
) -> None:
    proxy.reply = answer
    outcome = posted("https://api.example.com/x", rules=through(proxy))
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_proxy_that_is_not_there_or_says_nothing_means_that_nothing_was_sent(
    proxy: FakeProxy,
) -> None:
    release = threading.Event()
    with refused_port() as port:
        away = Rules(allow_private=True, proxy=Proxy("127.0.0.1", port))
        outcome = posted("http://127.0.0.1:9/", rules=away)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "PROXY_UNREACHABLE")
    with Server(silence(release)) as mute:
        silent = Rules(allow_private=True, proxy=Proxy("127.0.0.1", mute.port))
        outcome = posted("http://127.0.0.1:9/", rules=silent, deadline=SOON)
        release.set()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "PROXY_UNREACHABLE")


def test_the_setting_names_the_proxy_and_its_password_is_shown_nowhere(
    proxy: FakeProxy, settings: Any
) -> None:
    settings.EGRESS_PROXY = f"http://us%40er:canary-pw@127.0.0.1:{proxy.port}"
    with Server(GOOD) as server:
        api = CustomerApi(name="x", url=server.url, auth="none")
        with client_of(api, PATIENT, 1) as client:
            assert client.post(BODY, "k", KEYS).verdict is Verdict.SUCCESS
    sent = base64.b64encode(b"us@er:canary-pw").decode()
    assert f"Proxy-Authorization: Basic {sent}" in proxy.asked[0]
    assert "proxy" not in str(server.received[0].headers)
    assert sent not in repr(egress.rules())


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_the_environments_proxies_are_not_read(
    name: str, proxy: FakeProxy, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    with Server(GOOD, tls=certificate.context) as server:
        assert send(server, ca_certificates=certificate.pem).verdict is Verdict.SUCCESS
    assert proxy.asked == []


@pytest.mark.parametrize(
    "url", ["proxy:3128", "https://proxy:3128", "socks5://proxy", "http://", "http://a:b:c", "x"]
)
def test_a_proxy_that_is_not_written_as_one_is_refused(url: str) -> None:
    with pytest.raises(BadProxy, match="EGRESS_PROXY"):
        proxy_of(url)


def test_a_setting_that_stops_every_request_is_said_when_a_process_begins(settings: Any) -> None:
    assert egress.check_settings() == []
    settings.CA_FILE, settings.EGRESS_PROXY = "/no/such.pem", "http://u:canary@"
    found = egress.check_settings()
    assert [each.id for each in found] == ["imports.W001", "imports.W002"]
    assert "canary" not in str(found)
