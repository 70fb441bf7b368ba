"""To a portal the browser is an ordinary one; to us, one that knows nothing and goes nowhere."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from bills.browser.browser import Browser
from bills.browser.chromium import browsers_below, environment_of_browser, has_sandbox, identity
from config.dev.browser import find_browser
from tests.bills.browsing import LOGIN_PAGE, Visitor, page

if TYPE_CHECKING:
    from pathlib import Path

    from config.dev.sandbox.http_server import Reply, Request
    from tests.bills.browsing import Pages

pytest_plugins = ("tests.bills.browser_fixtures",)

NO_BILLS = "<p>You have no bills yet.</p>"
# Two ways out that no proxy sees: a STUN server, and a peer at an address of its own.
BY_WEBRTC = """<script>
const caller = new RTCPeerConnection({iceServers: [{urls: "stun:127.0.0.1:PORT"}]});
caller.createDataChannel("x");
caller.onicecandidate = event => { if (!event.candidate) finished("gathered"); };
const finished = how => fetch("/site/done?" + how);
caller.createOffer().then(offer => caller.setLocalDescription(offer)).then(() => {
  const ufrag = "a=ice-ufrag:abcd\\r\\na=ice-pwd:abcdefghijklmnopqrstuvwx\\r\\n";
  const print = "a=fingerprint:sha-256 " + Array(32).fill("AB").join(":") + "\\r\\n";
  return caller.setRemoteDescription({type: "answer", sdp: "v=0\\r\\n"
    + "o=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE 0\\r\\n"
    + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
    + "\\r\\nc=IN IP4 0.0.0.0\\r\\na=mid:0\\r\\na=setup:active\\r\\n" + ufrag + print
    + "a=sctp-port:5000\\r\\na=candidate:1 1 udp 2113937151 127.0.0.1 PORT typ host\\r\\n"});
}).catch(error => finished(error)).finally(() => setTimeout(() => finished("over"), 1500));
</script>"""


def headers_at_login(pages: Pages, visitor: Visitor, user_agent: str = "") -> dict[str, str]:
    seen: list[dict[str, str]] = []

    def show(request: Request) -> Reply:
        seen.append(dict(request.headers))
        return page(LOGIN_PAGE)

    pages.portal(NO_BILLS)
    pages.answers["GET /site/login"] = show
    assert visitor.visit({"user_agent": user_agent}).code is None
    return seen[0]


def test_a_portal_sees_an_ordinary_chrome(pages: Pages, visitor: Visitor) -> None:
    headers = headers_at_login(pages, visitor)
    assert "Headless" not in json.dumps(headers)
    assert "Chrome/" in headers["user-agent"]
    assert '"Google Chrome"' in headers["sec-ch-ua"]


def test_scripts_see_the_same_browser(pages: Pages, visitor: Visitor) -> None:
    summary: list[str] = []

    def note(request: Request) -> Reply:
        summary.append(request.body.decode())
        return page("")

    pages.portal(
        NO_BILLS,
        LOGIN_PAGE
        + """<script>navigator.userAgentData
      .getHighEntropyValues(["fullVersionList", "platform"]).then(all => fetch("/site/told",
      {method: "POST", body: JSON.stringify([all, navigator.userAgent])}));</script>""",
    )
    pages.answers["POST /site/told"] = note
    assert visitor.visit().code is None
    assert summary
    assert "Headless" not in summary[0]
    assert "Google Chrome" in summary[0]


def test_the_recipe_says_what_browser_it_is(pages: Pages, visitor: Visitor) -> None:
    other = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    assert headers_at_login(pages, visitor, other)["user-agent"] == other
    chrome = identity("156.0.1", "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36")
    assert '"Google Chrome";v="120"' in chrome.headers["sec-ch-ua"]
    assert identity("156.0.1", other).headers == {}


def test_nothing_gets_past_the_proxy_by_webrtc(pages: Pages, visitor: Visitor) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        script = BY_WEBRTC.replace("PORT", str(peer.getsockname()[1]))
        pages.show("/login", script)
        visitor.visit({"login": {"answer_seconds": 4}})
        assert any(line.startswith("GET /site/done") for line in pages.asked)
        with pytest.raises(BlockingIOError):
            peer.recv(2000)


def test_the_browser_is_given_none_of_our_secrets(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "SECRET_KEY": "canary-1", "DATABASE_URL": "postgres://u:canary-2@db/x",
        "CREDENTIAL_KEYS": "canary-3", "SOME_API_TOKEN": "canary-4", "REDIS_URL": "canary-5",
    }  # fmt: skip
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LC_TIME", "sv_SE.UTF-8")
    assert not set(environment_of_browser()) & set(secrets)
    assert environment_of_browser()["LC_TIME"] == "sv_SE.UTF-8"
    found: list[str] = []
    with Browser(find_browser() or "", tmp_path) as browser:

        def look(_: object) -> Reply:
            processes = browsers_below(browser.folder)
            found.extend(json.dumps(process.environ()) for process in processes)
            return page(LOGIN_PAGE)

        pages.portal(NO_BILLS)
        pages.answers["GET /site/login"] = look
        assert Visitor(browser, pages).visit().code is None
    assert found
    assert not any("canary-" in environment for environment in found)


@pytest.mark.parametrize(
    ("user", "setting", "expected"),
    [(0, None, False), (1000, None, True), (1000, "1", True), (1000, "0", False)],
)
def test_outside_root_the_browser_runs_in_its_sandbox(
    monkeypatch: pytest.MonkeyPatch, user: int, setting: str | None, expected: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if setting is None:
        monkeypatch.delenv("BROWSER_SANDBOX", raising=False)
    else:
        monkeypatch.setenv("BROWSER_SANDBOX", setting)
    assert has_sandbox() is expected
