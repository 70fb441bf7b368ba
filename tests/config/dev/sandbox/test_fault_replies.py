"""Every fault of the table, seen from a client, with what the account says about it."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.customer_api import CUSTOMERS_PATH, SandboxApi
from config.dev.sandbox.faults import FAULTS, Stage
from config.dev.sandbox.http_server import running
from config.dev.sandbox.samples import customer, customer_id
from tests.config.dev.sandbox.api_caller import ApiCaller

if TYPE_CHECKING:
    from collections.abc import Iterator

TEN = [customer(n) for n in range(10)]
EVERY = {"every": 1}

STATUSES = [(name, fault.status) for name, fault in FAULTS.items() if fault.status]
RESETS = ["reset_before_effect", "reset_after_effect"]


@pytest.fixture
def api() -> SandboxApi:
    return SandboxApi(seed=1)


@pytest.fixture
def caller(api: SandboxApi) -> Iterator[ApiCaller]:
    with running(api) as url:
        yield ApiCaller(url)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stores_exactly_what_its_stage_says(
    api: SandboxApi, caller: ApiCaller, name: str
) -> None:
    api.order({"match": EVERY, "fault": name, "times": 1, "seconds": 0})
    try:
        caller.post(TEN)
    except requests.RequestException:
        assert name in (*RESETS, "early_close")
    is_stored = FAULTS[name].stage in (Stage.ENTRY, Stage.ANSWER)
    assert api.account.distinct == (10 if is_stored else 0)
    assert api.account.summary()["faults"] == {name: 1}
    assert caller.post([customer(99)]).status_code == 201


@pytest.mark.parametrize(("name", "status"), STATUSES)
def test_a_fault_with_a_status_answers_with_it(
    api: SandboxApi, caller: ApiCaller, name: str, status: int
) -> None:
    api.order({"match": EVERY, "fault": name})
    answer = caller.post(TEN)
    assert answer.status_code == status
    if status >= 300:
        assert answer.json()["status"] == status
        assert customer_id(0) not in answer.text


@pytest.mark.parametrize("name", RESETS)
def test_a_reset_is_seen_as_one(api: SandboxApi, caller: ApiCaller, name: str) -> None:
    api.order({"match": EVERY, "fault": name})
    with pytest.raises(requests.ConnectionError, match="reset"):
        caller.post(TEN)


@pytest.mark.parametrize("options", [{}, {"bytes": 0}, {"bytes": 7}])
def test_an_early_close_breaks_the_body(
    api: SandboxApi, caller: ApiCaller, options: dict[str, int]
) -> None:
    api.order({"match": EVERY, "fault": "early_close"} | options)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        caller.post(TEN)


@pytest.mark.parametrize("name", ["http_429_seconds", "http_503_retry_after"])
def test_retry_after_comes_in_seconds(api: SandboxApi, caller: ApiCaller, name: str) -> None:
    api.order({"match": EVERY, "fault": name, "seconds": 7})
    assert caller.post(TEN).headers["Retry-After"] == "7"


def test_retry_after_comes_as_a_date(api: SandboxApi, caller: ApiCaller) -> None:
    api.order({"match": EVERY, "fault": "http_429_date", "seconds": 3600})
    asked = parsedate_to_datetime(caller.post(TEN).headers["Retry-After"]).timestamp()
    assert 3500 < asked - time.time() <= 3600


def test_a_redirect_leads_to_the_same_address_or_to_the_one_given(
    api: SandboxApi, caller: ApiCaller
) -> None:
    api.order({"match": {"request_number": 1}, "fault": "redirect"})
    api.order({"match": {"request_number": 2}, "fault": "redirect", "location": "/login"})
    assert caller.post(TEN).headers["Location"] == CUSTOMERS_PATH
    assert caller.post(TEN).headers["Location"] == "/login"


@pytest.mark.parametrize("name", ["slow", "slow_after_effect", "drip"])
def test_a_slow_answer_ends_with_the_clients_patience(
    api: SandboxApi, caller: ApiCaller, name: str
) -> None:
    api.order({"match": EVERY, "fault": name, "seconds": 600})
    with pytest.raises(requests.RequestException, match="timed out"):
        requests.post(
            caller.url + CUSTOMERS_PATH,
            json={"data": TEN},
            headers=caller.headers,
            timeout=0.1,
        )
    assert api.account.distinct == (0 if name == "slow" else 10)


def test_an_unreadable_answer_is_a_page_and_an_empty_one_is_nothing(
    api: SandboxApi, caller: ApiCaller
) -> None:
    api.order({"match": {"request_number": 1}, "fault": "unreadable_2xx"})
    api.order({"match": {"request_number": 2}, "fault": "empty_2xx"})
    page = caller.post(TEN)
    assert page.headers["Content-Type"] == "text/html"
    assert "<h1>" in page.text
    assert caller.post(TEN).content == b""


@pytest.mark.parametrize(("name", "times"), [("missing_entry", 0), ("doubled_entry", 2)])
def test_an_entry_is_missing_or_doubled_for_the_named_customer(
    api: SandboxApi, caller: ApiCaller, name: str, times: int
) -> None:
    api.order({"match": {"customer_id": customer_id(4)}, "fault": name})
    names = [entry["customerId"] for entry in caller.post(TEN).json()["data"]]
    assert names.count(customer_id(4)) == times
    assert len(names) == 9 + times


@pytest.mark.parametrize("name", ["result_failed", "result_error", "result_conflict"])
def test_a_result_is_forced_on_the_named_customer_alone(
    api: SandboxApi, caller: ApiCaller, name: str
) -> None:
    api.order({"match": {"customer_id": customer_id(4)}, "fault": name})
    results = caller.results(TEN)
    assert results.pop(customer_id(4)) == name.removeprefix("result_").upper()
    assert set(results.values()) == {"SUCCESS"}


def test_a_refreshed_token_passes_where_the_old_one_is_refused(
    api: SandboxApi, caller: ApiCaller
) -> None:
    grant = {
        "grant_type": "password",
        "client_id": "sandbox-client",
        "username": "sandbox",
        "password": "sandbox-password",
    }
    api.order({"match": EVERY, "fault": "http_401_until_refresh"})
    statuses = []
    for _ in range(2):
        token = caller.token(grant).json()["access_token"]
        caller.headers = {"Authorization": f"Bearer {token}"}
        statuses += [caller.post(TEN).status_code for _ in range(2)]
    assert statuses == [401, 401, 201, 201]


def test_the_token_address_can_have_faults_too(api: SandboxApi, caller: ApiCaller) -> None:
    api.order({"match": EVERY, "fault": "http_500", "endpoint": "token", "times": 1})
    grant = {"grant_type": "client_credentials"}
    client = ("sandbox-client", "sandbox-secret")
    assert caller.token(grant, auth=client).status_code == 500
    assert caller.token(grant, auth=client).status_code == 200


def test_a_refused_body_stays_refused_whatever_the_fault_of_the_answer(
    api: SandboxApi, caller: ApiCaller
) -> None:
    api.order({"match": EVERY, "fault": "http_500_after_effect"})
    assert caller.post_bytes(b"no json").status_code == 400
