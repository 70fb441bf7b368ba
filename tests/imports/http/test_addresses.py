"""Which URLs may be called: as text, and once DNS has spoken."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

import pytest

from imports.http.addresses import (
    BadAddress,
    Rules,
    check_address,
    check_url,
    is_public,
    reachable,
)

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/customers-import/v1/customers",
        "HTTPS://API.example.com:8443/a?b=c",
        "https://å.example.com/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1::1]:443/",
        "https://api_internal.example.com./x",
    ],
)
def test_a_plain_https_url_may_be_called(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "https://"),
        ("api.example.com/x", "https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("javascript:alert(1)", "https://"),
        ("https://", "no clear host"),
        ("https:///path", "no clear host"),
        ("https://user:password@example.com/", "user name or password"),
        ("https://@example.com/", "user name or password"),
        ("https://example.com/#part", "“#”"),
        ("https://exa mple.com/", "space"),
        ("https://example.com\r\nHost: x/", "control character"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://example.com:99999/", "not a URL"),
        ("https://example.com:0/", "no clear host"),
        ("https://[::1/", "not a URL"),
        ("https://-x.example.com/", "not a valid host name"),
        ("https://a..example.com/", "not a valid host name"),
        ("https://[fe80::1%25eth0]/", "network interface"),
    ],
)
@pytest.mark.parametrize("allow_private", [True, False])
def test_what_is_no_plain_url_is_refused_whatever_is_allowed(
    url: str, words: str, allow_private: bool
) -> None:
    with pytest.raises(BadAddress, match=words):
        check_url(url, allow_private, allow_plain_http=True)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.0.1.", "1.2.3.04"],
)
@pytest.mark.parametrize("allow_private", [True, False])
def test_an_ip_address_in_disguise_is_refused(host: str, allow_private: bool) -> None:
    with pytest.raises(BadAddress, match="four decimal numbers"):
        check_url(f"https://{host}/", allow_private)


PRIVATE = ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"]
PRIVATE_6 = ["::1", "fc00::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"]
PRIVATE_6 += ["64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::"]
NEVER = ["0.0.0.0", "169.254.169.254", "224.0.0.1", "240.0.0.1", "255.255.255.255"]
NEVER_6 = ["::", "fe80::1", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fec0::1"]


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_6])
def test_a_private_address_needs_the_setting(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    check_url(f"https://{host}/", allow_private=True)
    check_url(f"http://{host}:8000/", allow_private=True)
    with pytest.raises(BadAddress, match="private address or to this machine"):
        check_url(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize("address", [*NEVER, *NEVER_6])
@pytest.mark.parametrize("allow_private", [True, False])
def test_an_address_where_no_api_can_stand_is_always_refused(
    address: str, allow_private: bool
) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadAddress, match="link-local, multicast or reserved"):
        check_url(f"https://{host}/", allow_private)
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "api.localhost"])
def test_this_machine_by_name_needs_the_setting(host: str) -> None:
    check_url(f"http://{host}:8000/", allow_private=True)
    with pytest.raises(BadAddress, match="this machine"):
        check_url(f"https://{host}/", allow_private=False)


def test_plain_http_to_the_open_internet_needs_a_setting_of_its_own() -> None:
    for allow_private in (True, False):
        check_url(f"http://{PUBLIC}/", allow_private, allow_plain_http=True)
        with pytest.raises(BadAddress, match="plain http"):
            check_url(f"http://{PUBLIC}/", allow_private)
    with pytest.raises(BadAddress, match="plain http"):
        check_url("http://api.example.com/", allow_private=False)


def dns(*addresses: str) -> Any:
    def lookup(host: str, port: int, *_: int) -> list[Any]:
        families = [socket.AF_INET6 if ":" in a else socket.AF_INET for a in addresses]
        return [(f, 1, 6, "", (a, port)) for f, a in zip(families, addresses, strict=True)]

    return lookup


def test_every_address_of_a_name_is_checked_not_only_the_first() -> None:
    rules = Rules(lookup=dns(PUBLIC, "127.0.0.1"))
    with pytest.raises(BadAddress, match="private address"):
        reachable("api.example.com", 443, "https", rules, 1.0)


def test_a_name_that_leads_to_the_open_internet_is_connected_to_as_resolved() -> None:
    rules = Rules(lookup=dns(PUBLIC, "2606:2800:220:1::1"))
    found = reachable("api.example.com", 443, "https", rules, 1.0)
    assert [where for _, where in found] == [(PUBLIC, 443), ("2606:2800:220:1::1", 443)]


def test_plain_http_by_name_is_judged_by_where_the_name_leads() -> None:
    private = Rules(allow_private=True, lookup=dns("10.0.0.1"))
    assert reachable("api.internal", 80, "http", private, 1.0)
    public = Rules(allow_private=True, lookup=dns(PUBLIC))
    with pytest.raises(BadAddress, match="plain http"):
        reachable("api.internal", 80, "http", public, 1.0)


def test_a_scope_in_a_resolved_address_does_not_hide_it() -> None:
    rules = Rules(allow_private=True, lookup=dns("fe80::1%eth0"))
    with pytest.raises(BadAddress, match="link-local"):
        reachable("api.example.com", 443, "https", rules, 1.0)


def test_dns_that_says_nothing_is_given_up_on() -> None:
    hold = threading.Event()

    def silent(*_: Any) -> list[Any]:
        hold.wait(10)
        return []

    with pytest.raises(TimeoutError):
        reachable("api.example.com", 443, "https", Rules(lookup=silent), 0.05)
    hold.set()


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), UnicodeError("label"), None])
def test_dns_without_an_answer_is_a_dns_failure(failure: Exception | None) -> None:
    def failing(*_: Any) -> list[Any]:
        if failure:
            raise failure
        return []

    with pytest.raises(socket.gaierror):
        reachable("api.example.com", 443, "https", Rules(lookup=failing), 1.0)


def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_what_it_is() -> None:
    check_address(ipaddress.ip_address("::ffff:93.184.216.34"), "https", Rules())
    with pytest.raises(BadAddress):
        check_address(ipaddress.ip_address("::ffff:10.0.0.1"), "https", Rules())
