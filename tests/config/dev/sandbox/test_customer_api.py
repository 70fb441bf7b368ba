from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.customer_api import CUSTOMERS_PATH, HOUSEHOLDS_PATH, SandboxApi
from config.dev.sandbox.http_server import running
from config.dev.sandbox.samples import customer, customer_id
from tests.config.dev.sandbox.api_caller import ApiCaller

if TYPE_CHECKING:
    from collections.abc import Iterator

TEN = [customer(n) for n in range(10)]


@pytest.fixture
def api() -> SandboxApi:
    return SandboxApi(seed=1)


@pytest.fixture
def caller(api: SandboxApi) -> Iterator[ApiCaller]:
    with running(api) as url:
        yield ApiCaller(url)


def test_every_record_is_answered_by_name_in_another_order_and_without_a_message(
    api: SandboxApi, caller: ApiCaller
) -> None:
    answer = caller.post(TEN)
    entries = answer.json()["data"]
    assert answer.status_code == 201
    assert entries != sorted(entries, key=lambda entry: entry["customerId"])
    assert {
        "customerId": "50000001000",
        "username": "emma.sjoberg.1000",
        "email": "emma.sjoberg.1000@example.se",
        "changeType": "CREATE",
        "result": "SUCCESS",
    } in entries
    assert not api.account.difference(customer_id(n) for n in range(10))


def test_the_order_of_an_answer_is_the_seeds() -> None:
    def order(seed: int) -> list[str]:
        with running(SandboxApi(seed)) as url:
            return [entry["customerId"] for entry in ApiCaller(url).post(TEN).json()["data"]]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_each_record_gets_the_result_that_gk_gives(caller: ApiCaller) -> None:
    caller.post([customer(0)])
    assert caller.results(
        [
            customer(0),
            customer(1, firstName=""),
            customer(2, changeType="UPDATE"),
            customer(3, changeType="DELETE"),
            customer(4, changeType="UPSERT"),
        ]
    ) == {
        customer_id(0): "CONFLICT",
        customer_id(1): "ERROR",
        customer_id(2): "NOT_FOUND",
        customer_id(3): "NOT_FOUND",
        customer_id(4): "SUCCESS",
    }


def test_some_installations_answer_200() -> None:
    with running(SandboxApi(success_status=200)) as url:
        assert ApiCaller(url).post(TEN).status_code == 200


def test_no_records_are_a_valid_request(caller: ApiCaller) -> None:
    answer = caller.post([])
    assert (answer.status_code, answer.json()) == (201, {"data": []})


def test_101_records_are_a_problem_and_none_is_stored(api: SandboxApi, caller: ApiCaller) -> None:
    answer = caller.post([customer(n) for n in range(101)])
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "101 items" in answer.json()["detail"]
    assert api.account.total_effects == 0


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"data": [', "application/json", 400),
        (b'{"records": []}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"data": []}', "text/plain", 415),
        (b'{"data": [' + b" " * 300 + b"]}", "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_taken_is_a_problem(
    body: bytes, content_type: str, status: int
) -> None:
    with running(SandboxApi(max_bytes=300 if status == 413 else 1_000_000)) as url:
        answer = ApiCaller(url).post_bytes(body, Content_Type=content_type)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["instance"] == CUSTOMERS_PATH


def test_only_post_is_served_and_other_addresses_are_not_there(caller: ApiCaller) -> None:
    assert caller.control("GET", CUSTOMERS_PATH).status_code == 405
    assert caller.control("POST", "/api/customers").status_code == 404


def test_households_have_their_own_twin(api: SandboxApi, caller: ApiCaller) -> None:
    body = b'{"households": [{"changeType": "CREATE", "householdId": "H1"}]}'
    answer = caller.post_bytes(body, HOUSEHOLDS_PATH)
    assert answer.json() == {
        "households": [{"householdId": "H1", "changeType": "CREATE", "result": "SUCCESS"}]
    }
    assert api.account.effects("household:H1") == 1
    assert caller.post([customer(0)], HOUSEHOLDS_PATH).status_code == 400


def test_a_test_can_look_at_what_arrived(api: SandboxApi, caller: ApiCaller) -> None:
    caller.post_bytes(b'{ "data" : [ ] }', GK_Passport="1.0|CHANNEL=REDRIVE")
    assert api.received[-1].body == b'{ "data" : [ ] }'
    assert api.received[-1].headers["gk-passport"] == "1.0|CHANNEL=REDRIVE"


class TestIdempotency:
    def test_the_same_key_and_bytes_get_the_first_answer_and_no_second_effect(
        self, api: SandboxApi, caller: ApiCaller
    ) -> None:
        records = [customer(n, changeType="UPSERT") for n in range(10)]
        first = caller.post(records, Idempotency_Key="k1")
        again = caller.post(records, Idempotency_Key="k1")
        assert again.content == first.content
        assert (api.account.total_effects, api.account.replays) == (10, 1)
        assert api.account.sent_again == {}

    def test_the_same_key_with_other_bytes_is_refused(
        self, api: SandboxApi, caller: ApiCaller
    ) -> None:
        caller.post([customer(0)], Idempotency_Key="k1")
        assert caller.post([customer(1)], Idempotency_Key="k1").status_code == 422
        assert api.account.effects(customer_id(1)) == 0

    def test_another_key_or_none_is_another_request(
        self, api: SandboxApi, caller: ApiCaller
    ) -> None:
        record = customer(0, changeType="UPSERT")
        caller.post([record], Idempotency_Key="k1")
        caller.post([record], Idempotency_Key="k2")
        caller.post([record])
        assert api.account.effects(customer_id(0)) == 3

    def test_a_lost_answer_is_given_again(self, api: SandboxApi, caller: ApiCaller) -> None:
        api.order({"match": {"every": 1}, "fault": "http_500_after_effect", "times": 1})
        assert caller.post(TEN, Idempotency_Key="k1").status_code == 500
        answer = caller.post(TEN, Idempotency_Key="k1")
        assert {entry["result"] for entry in answer.json()["data"]} == {"SUCCESS"}
        assert not api.account.difference(customer_id(n) for n in range(10))

    def test_an_answer_without_any_effect_is_not_remembered(
        self, api: SandboxApi, caller: ApiCaller
    ) -> None:
        api.order({"match": {"every": 1}, "fault": "result_failed", "times": 1})
        caller.post(TEN, Idempotency_Key="k1")
        caller.post(TEN, Idempotency_Key="k1")
        assert api.account.distinct == 10


class TestOutage:
    def test_two_batches_of_twenty_fail_three_times_and_then_succeed(self) -> None:
        api = SandboxApi(outage_tries=3)
        batches = [[customer(n) for n in range(at, at + 50)] for at in range(0, 1000, 50)]
        with running(api) as url:
            caller = ApiCaller(url)
            for _ in range(3):
                failed = [b for b in batches if set(caller.results(b).values()) == {"FAILED"}]
                assert [batches.index(batch) for batch in failed] == [6, 14]
            for batch in failed:
                assert set(caller.results(batch).values()) == {"SUCCESS"}
        assert not api.account.difference(customer_id(n) for n in range(1000))

    def test_there_is_none_unless_it_is_asked_for(self, caller: ApiCaller) -> None:
        assert set(caller.results([customer(300)]).values()) == {"SUCCESS"}

    def test_repairing_ends_it(self) -> None:
        api = SandboxApi(outage_tries=3)
        with running(api) as url:
            assert set(ApiCaller(url).results([customer(300)]).values()) == {"FAILED"}
            api.repair()
            assert set(ApiCaller(url).results([customer(300)]).values()) == {"SUCCESS"}

    def test_an_invalid_record_is_an_error_even_in_an_outage(self) -> None:
        with running(SandboxApi(outage_tries=3)) as url:
            record = customer(300, lastName="")
            assert set(ApiCaller(url).results([record]).values()) == {"ERROR"}


def test_an_api_that_was_down_comes_back_at_its_address_with_all_it_knew(api: SandboxApi) -> None:
    with running(api) as url:
        ApiCaller(url).post([customer(0)])
    with pytest.raises(requests.ConnectionError):
        ApiCaller(url).post([customer(1)])
    with running(api, port=int(url.rpartition(":")[2])) as again:
        assert again == url
        assert ApiCaller(url).results([customer(0)]) == {customer_id(0): "CONFLICT"}


def test_a_reset_forgets_customers_and_keys(api: SandboxApi, caller: ApiCaller) -> None:
    body = json.dumps({"data": [customer(0)]}).encode()
    caller.post_bytes(body, Idempotency_Key="k1")
    api.forget()
    caller.post_bytes(body, Idempotency_Key="k1")
    assert (api.account.total_effects, api.account.replays) == (1, 0)
