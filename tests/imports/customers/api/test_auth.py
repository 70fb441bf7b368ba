"""Credentials: which headers they become, when tokens are renewed, and that nothing leaks."""

from __future__ import annotations

import base64
import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from imports.customers.api.auth import BadCredential, basic, bearer, check_headers, header, no_auth
from imports.customers.api.oauth2 import (
    NO_TOKEN_IN_TIME,
    OAuth2,
    TokenRefused,
    TokenUnavailable,
    token_from,
)
from imports.customers.api.responses import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://auth.example.com/token"
CANARY = "pass&<>\"'åé word"
PATIENCE = 60.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """A token endpoint: hands out token-1, token-2, … or what it is told to."""

    def __init__(self, lifetime: Any = 3600) -> None:
        self.lifetime = lifetime
        self.answer: Answer | Exception | None = None
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.called, self.rate_limit = threading.Event(), threading.Event()
        self.rate_limit.set()

    def __call__(self, url: str, headers: Mapping[str, str], form: bytes) -> Answer:
        assert url == URL
        fields = {name: values[0] for name, values in parse_qs(form.decode()).items()}
        self.asked.append((dict(headers), fields))
        number = len(self.asked)
        self.called.set()
        assert self.rate_limit.wait(PATIENCE)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        body = {"access_token": f"token-{number}", "expires_in": self.lifetime}
        return Answer(200, {}, json.dumps(body).encode())


def refusing(url: str, headers: Mapping[str, str], form: bytes) -> Answer:
    raise AssertionError("no token is needed")


def oauth(clock: Clock | None = None, **fields: str) -> OAuth2:
    given: dict[str, Any] = fields or {
        "username": "importer",
        "password": CANARY,
        "client_id": "redrive",
    }
    return OAuth2(URL, clock=clock or Clock(), **given)


def token_of(auth: OAuth2, endpoint: Endpoint) -> str:
    return auth.headers(endpoint, PATIENCE)["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (no_auth(), {}),
        (bearer("abc"), {"Authorization": "Bearer abc"}),
        (basic("u", "pä:s"), {"Authorization": "Basic dTpww6Q6cw=="}),
        (header("X-Api-Key", "abc"), {"X-Api-Key": "abc"}),
    ],
)  # fmt: skip
def test_a_fixed_credential_is_a_header_and_cannot_be_renewed(
    auth: Any, expected: dict[str, str]
) -> None:
    assert auth.headers(refusing, PATIENCE) == expected
    assert auth.renew(expected, 1, refusing, PATIENCE) is None


@pytest.mark.parametrize("value", ["", "q\r\nX: y", "q\nz", " q", "q ", "q\x00z", "日本", "q\x7f"])
def test_a_value_that_would_break_the_header_is_refused_without_being_shown(value: str) -> None:
    for make in (bearer, lambda v: header("X-Key", v)):
        if make is bearer and value in ("", " q"):
            continue  # behind "Bearer " a leading space is inside the value
        with pytest.raises(BadCredential) as refusal:
            make(value)
        assert "q" not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "å", "Host", "content-length"])
def test_a_header_name_that_would_change_the_request_is_refused(name: str) -> None:
    with pytest.raises(BadCredential):
        check_headers({name: "x"})


def test_a_colon_in_a_basic_user_name_is_refused() -> None:
    with pytest.raises(BadCredential, match="colon"):
        basic("a:b", "secret")


def test_the_password_grant_sends_a_form_with_the_client_id() -> None:
    endpoint = Endpoint()
    assert token_of(oauth(), endpoint) == "token-1"
    headers, form = endpoint.asked[0]
    assert form == {
        "grant_type": "password",
        "username": "importer",
        "password": CANARY,
        "client_id": "redrive",
    }
    assert "Authorization" not in headers


def test_with_a_client_secret_the_client_authenticates_by_http_basic() -> None:
    endpoint = Endpoint()
    token_of(oauth(username="u", password="p", client_id="c d", client_secret="s/e"), endpoint)
    headers, form = endpoint.asked[0]
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"c+d:s%2Fe"
    assert form == {"grant_type": "password", "username": "u", "password": "p"}


def test_client_credentials_need_no_user() -> None:
    endpoint = Endpoint()
    token_of(oauth(client_id="c", client_secret="secret", scope="write"), endpoint)
    assert endpoint.asked[0][1] == {"grant_type": "client_credentials", "scope": "write"}


@pytest.mark.parametrize(
    ("lifetime", "good_for"), [(3600, 3539), ("3600", 3539), (100, 79), (None, 10**9), (-5, 10**9)]
)
def test_a_token_is_renewed_shortly_before_its_end(lifetime: Any, good_for: int) -> None:
    clock, endpoint = Clock(), Endpoint(lifetime)
    auth = oauth(clock)
    assert token_of(auth, endpoint) == "token-1"
    clock.now += good_for
    assert token_of(auth, endpoint) == "token-1"
    if good_for < 10**9:
        clock.now += 2
        assert token_of(auth, endpoint) == "token-2"


class CountingLock:
    """A lock that sets an event once `crowd` threads wait for it."""

    def __init__(self, crowd: int, arrived: threading.Event) -> None:
        self._missing = crowd
        self._arrived = arrived
        self._lock, self._counting = threading.Lock(), threading.Lock()

    def acquire(self, timeout: float) -> bool:
        with self._counting:
            self._missing -= 1
            if self._missing == 0:
                self._arrived.set()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()


def in_threads(count: int, work: Any) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(work) for _ in range(count)]]


def test_twenty_threads_without_a_token_fetch_it_once() -> None:
    endpoint, auth = Endpoint(), oauth()
    endpoint.rate_limit.clear()
    auth._lock = CountingLock(20, endpoint.rate_limit)  # type: ignore[assignment]

    def work() -> str:
        return token_of(auth, endpoint)

    assert set(in_threads(20, work)) == {"token-1"}
    assert len(endpoint.asked) == 1


def test_twenty_threads_with_a_refused_token_renew_it_once() -> None:
    endpoint, auth = Endpoint(), oauth()
    refused = auth.headers(endpoint, PATIENCE)
    barrier = threading.Barrier(20)

    def work() -> str:
        barrier.wait(PATIENCE)
        renewed = auth.renew(refused, 1, endpoint, PATIENCE)
        assert renewed is not None
        return renewed["Authorization"]

    assert set(in_threads(20, work)) == {"Bearer token-2"}
    assert len(endpoint.asked) == 2


def test_twenty_threads_submit_a_refused_password_once() -> None:
    endpoint, auth = Endpoint(), oauth()
    endpoint.answer = Answer(400, {}, b'{"error": "invalid_grant"}')
    barrier = threading.Barrier(20)

    def work() -> str:
        barrier.wait(PATIENCE)
        with pytest.raises(TokenRefused) as refusal:
            token_of(auth, endpoint)
        return refusal.value.code

    assert set(in_threads(20, work)) == {"CREDENTIAL_REFUSED"}
    assert len(endpoint.asked) == 1


def test_those_who_waited_for_a_fetch_that_failed_do_not_each_try_it_again() -> None:
    endpoint, auth = Endpoint(), oauth()
    endpoint.answer = TokenUnavailable("TOKEN_UNAVAILABLE", NO_TOKEN_IN_TIME)
    endpoint.rate_limit.clear()
    auth._lock = CountingLock(5, endpoint.rate_limit)  # type: ignore[assignment]

    def work() -> None:
        with pytest.raises(TokenUnavailable):
            token_of(auth, endpoint)

    in_threads(5, work)
    assert len(endpoint.asked) == 1
    endpoint.answer = None
    assert token_of(auth, endpoint) == "token-2"


def test_while_one_thread_renews_early_the_others_use_the_old_token() -> None:
    clock, endpoint = Clock(), Endpoint(100)
    auth = oauth(clock)
    token_of(auth, endpoint)
    clock.now += 85
    endpoint.called.clear()
    endpoint.rate_limit.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(token_of, auth, endpoint)
        assert endpoint.called.wait(PATIENCE)
        assert token_of(auth, endpoint) == "token-1"
        endpoint.rate_limit.set()
        assert renewing.result(PATIENCE) == "token-2"


def test_a_renewal_that_fails_early_leaves_the_old_token_in_use_until_its_end() -> None:
    clock, endpoint = Clock(), Endpoint(100)
    auth = oauth(clock)
    token_of(auth, endpoint)
    endpoint.answer = TokenUnavailable("TOKEN_UNAVAILABLE", NO_TOKEN_IN_TIME)
    clock.now += 85
    assert token_of(auth, endpoint) == "token-1"
    clock.now += 20
    with pytest.raises(TokenUnavailable):
        token_of(auth, endpoint)


def test_waiting_for_somebody_elses_token_ends_in_time() -> None:
    endpoint, auth = Endpoint(), oauth()
    endpoint.rate_limit.clear()
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(token_of, auth, endpoint)
        assert endpoint.called.wait(PATIENCE)
        with pytest.raises(TokenUnavailable, match="in time"):
            auth.headers(endpoint, 0.05)
        endpoint.rate_limit.set()
        fetching.result(PATIENCE)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (400, {"error": "invalid_grant"}, TokenRefused, "CREDENTIAL_REFUSED", "user name or pass"),
        (401, {"error": "invalid_client"}, TokenRefused, "CREDENTIAL_REFUSED", "client secret"),
        (401, {}, TokenRefused, "CREDENTIAL_REFUSED", "auth.example.com"),
        (400, {"error": "invalid_scope"}, TokenRefused, "TOKEN_REQUEST_REFUSED", "token URL"),
        (302, {}, TokenRefused, "TOKEN_REQUEST_REFUSED", "token URL"),
        (404, {}, TokenRefused, "TOKEN_REQUEST_REFUSED", "token URL"),
        (200, {}, TokenRefused, "TOKEN_ANSWER_UNREADABLE", "without an access token"),
        (200, {"access_token": "a\r\nb"}, TokenRefused, "TOKEN_ANSWER_UNREADABLE", "without"),
        (200, [], TokenRefused, "TOKEN_ANSWER_UNREADABLE", "without"),
        (500, {}, TokenUnavailable, "TOKEN_UNAVAILABLE", "not available"),
        (429, {}, TokenUnavailable, "TOKEN_UNAVAILABLE", "not available"),
        (200, {"error": "invalid_grant"}, TokenRefused, "CREDENTIAL_REFUSED", "user name or pass"),
        (200, {"error": "invalid_scope"}, TokenRefused, "TOKEN_REQUEST_REFUSED", "token URL"),
        (400, {"error": "slow_down"}, TokenUnavailable, "TOKEN_UNAVAILABLE", "not available"),
        (200, {"error": "temporarily_unavailable"}, TokenUnavailable, "TOKEN_UNAVAILABLE", "not"),
    ],
)
def test_a_token_endpoints_refusal_says_what_to_correct(
    status: int, body: Any, kind: type[Exception], code: str, words: str
) -> None:
    answer = Answer(status, {}, json.dumps(body).encode())
    with pytest.raises(kind, match=words) as failure:
        token_from(answer, "the OAuth2 user name and password at auth.example.com", ())
    assert getattr(failure.value, "code", "") == code


def test_a_busy_token_endpoint_says_when_to_come_back() -> None:
    with pytest.raises(TokenUnavailable) as failure:
        token_from(Answer(503, {"retry-after": "30"}), "x", ())
    assert failure.value.wait == 30.0


def test_a_limit_at_the_token_endpoint_is_no_refusal_of_the_credential() -> None:
    for headers in ({"retry-after": "30"}, {"x-ratelimit-reset": "30"}):
        with pytest.raises(TokenUnavailable) as failure:
            token_from(Answer(403, headers, b'{"error": "quota"}'), "x", ())
        assert failure.value.wait == 30.0


def test_a_lifetime_that_makes_no_sense_counts_as_none() -> None:
    nonsense: list[Any] = ["soon", "nan", "inf", [], True]
    for lifetime in nonsense:
        body = json.dumps({"access_token": "t", "expires_in": lifetime}).encode()
        assert token_from(Answer(200, {}, body), "x", ()) == ("t", math.inf)


def test_no_error_or_representation_holds_a_credential() -> None:
    endpoint, auth = Endpoint(), oauth(username="u", password=CANARY, client_secret=CANARY)
    said = json.dumps({"error": "invalid_grant", "error_description": f"no: {CANARY}"})
    endpoint.answer = Answer(400, {}, said.encode())
    with pytest.raises(TokenRefused) as failure:
        token_of(auth, endpoint)
    assert CANARY not in str(failure.value)
    for holder in (auth, bearer("abcdef-secret"), basic("u", "abcdef-secret")):
        assert "secret" not in repr(holder)
        assert CANARY not in repr(holder)


def test_tokens_old_and_new_are_among_the_secrets() -> None:
    endpoint, auth = Endpoint(), oauth()
    refused = auth.headers(endpoint, PATIENCE)
    auth.renew(refused, 1, endpoint, PATIENCE)
    assert {"token-1", "token-2", CANARY} <= set(auth.secrets())
