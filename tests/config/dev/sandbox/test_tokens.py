from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox import samples
from config.dev.sandbox.customer_api import SandboxApi
from config.dev.sandbox.http_server import running
from config.dev.sandbox.tokens import Access
from tests.config.dev.sandbox.api_caller import ApiCaller

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = ("sandbox-client", "sandbox-secret")
USER = {"grant_type": "password", "username": "sandbox", "password": "sandbox-password"}


class Clock:
    """Seconds that pass only when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caller(clock: Clock) -> Iterator[ApiCaller]:
    with running(SandboxApi(access=Access(expires_in=60), clock=clock)) as url:
        yield ApiCaller(url)


def status_with(caller: ApiCaller, **headers: str) -> int:
    caller.headers = headers
    return caller.post([samples.customer(0)]).status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_long_lived_token_basic_and_a_key_in_a_header_are_accepted(caller: ApiCaller) -> None:
    assert status_with(caller, **bearer("sandbox-token")) == 201
    assert status_with(caller, **{"X-Api-Key": "sandbox-key"}) == 201
    basic = "Basic c2FuZGJveDpzYW5kYm94LXBhc3N3b3Jk"  # sandbox:sandbox-password
    assert status_with(caller, Authorization=basic) == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic c2FuZGJveDp3cm9uZw=="},
        {"X-Api-Key": "wrong"},
    ],
)
def test_any_other_credential_is_refused_with_a_problem(
    caller: ApiCaller, headers: dict[str, str]
) -> None:
    caller.headers = headers
    answer = caller.post([samples.customer(0)])
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "timestamp"}
    assert caller.get("/api/account")["total_effects"] == 0


def test_a_way_of_signing_in_that_is_switched_off_is_refused() -> None:
    closed = Access(bearer=None, username=None, header_name=None, client_id=None)
    with running(SandboxApi(access=closed)) as url:
        caller = ApiCaller(url)
        assert status_with(caller, **bearer("sandbox-token")) == 401
        assert status_with(caller, **bearer("None")) == 401
        assert status_with(caller, **{"X-Api-Key": "sandbox-key"}) == 401
        assert status_with(caller, Authorization="Basic OnNhbmRib3gtcGFzc3dvcmQ=") == 401
        assert (
            caller.token({"grant_type": "password", "password": "sandbox-password"}).status_code
            == 401
        )


@pytest.mark.parametrize("client", ["basic", "field"])
def test_the_password_grant_gives_a_token_that_works(caller: ApiCaller, client: str) -> None:
    if client == "basic":
        answer = caller.token(USER, auth=CLIENT)
    else:
        answer = caller.token(USER | {"client_id": "sandbox-client"})
    content = answer.json()
    assert (content["expires_in"], content["token_type"]) == (60, "Bearer")
    assert content["access_token"].count(".") == 2
    assert status_with(caller, **bearer(content["access_token"])) == 201


def test_client_credentials_give_a_token_that_works(caller: ApiCaller) -> None:
    answer = caller.token({"grant_type": "client_credentials"}, auth=CLIENT)
    assert status_with(caller, **bearer(answer.json()["access_token"])) == 201


def test_client_credentials_need_the_secret(caller: ApiCaller) -> None:
    answer = caller.token({"client_id": "sandbox-client", "grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (USER | {"password": "wrong"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "invalid_grant"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
        (USER | {"client_id": "stranger"}, 401, "invalid_client"),
    ],
)
def test_a_wrong_token_request_is_refused_as_the_rfc_says(
    caller: ApiCaller, form: dict[str, str], status: int, error: str
) -> None:
    answer = caller.token({"client_id": "sandbox-client"} | form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_token_request_that_is_not_a_form_is_refused(caller: ApiCaller) -> None:
    answer = caller.post_bytes(b"{}", "/api/oauth/token")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_token_stops_working_when_its_time_is_over(caller: ApiCaller, clock: Clock) -> None:
    token = caller.token(USER, auth=CLIENT).json()["access_token"]
    clock.now += 59
    assert status_with(caller, **bearer(token)) == 201
    clock.now += 1
    assert status_with(caller, **bearer(token)) == 401


def test_every_token_is_another_one_and_counted(caller: ApiCaller) -> None:
    tokens = {caller.token(USER, auth=CLIENT).json()["access_token"] for _ in range(3)}
    assert len(tokens) == 3
    assert caller.get("/api/account")["token_requests"] == 3
