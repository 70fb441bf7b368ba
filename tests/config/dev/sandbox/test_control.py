from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.customer_api import OFFERS, SandboxApi
from config.dev.sandbox.faults import FAULTS
from config.dev.sandbox.http_server import running
from config.dev.sandbox.samples import customer, customer_id
from tests.config.dev.sandbox.api_caller import ApiCaller

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS_PATH = "/api/control/faults"


@pytest.fixture
def caller() -> Iterator[ApiCaller]:
    with running(SandboxApi(outage_tries=3)) as url:
        yield ApiCaller(url)


def test_every_offer_is_kept(caller: ApiCaller) -> None:
    assert caller.get("/api") == OFFERS
    for offer in OFFERS:
        method, path = offer.split(" ")
        assert caller.control(method, path).status_code not in (404, 405), offer


def test_the_account_is_open_to_everyone(caller: ApiCaller) -> None:
    caller.post([customer(0), customer(1, lastName="")])
    account = caller.get("/api/account")
    assert account["customers"] == {customer_id(0): 1}
    assert "customers" not in caller.get("/api/account?summary")
    stored = caller.get(f"/api/account/customers/{customer_id(0)}")
    assert (stored["effects"], stored["record"]) == (1, customer(0))
    refused = caller.get(f"/api/account/customers/{customer_id(1)}")
    assert (refused["effects"], refused["exists"]) == (0, False)
    assert "lastName" in refused["reason"]


def test_the_account_can_begin_anew(caller: ApiCaller) -> None:
    caller.post([customer(0)])
    caller.control("DELETE", "/api/account")
    assert caller.get("/api/account")["distinct"] == 0
    assert caller.results([customer(0)]) == {customer_id(0): "SUCCESS"}


def test_a_fault_is_ordered_shown_and_cleared(caller: ApiCaller) -> None:
    rule = {"match": {"customer_id": customer_id(0)}, "fault": "http_500", "times": 1}
    answer = caller.control("POST", FAULTS_PATH, rule)
    assert answer.status_code == 201
    assert answer.json() == {"rules": [rule | {"hits": 0, "is_spent": False}]}
    assert caller.post([customer(0)]).status_code == 500
    assert caller.get(FAULTS_PATH) == {"rules": [rule | {"hits": 1, "is_spent": True}]}
    assert caller.control("DELETE", FAULTS_PATH).json() == {"cleared": 1}
    assert caller.get(FAULTS_PATH) == {"rules": []}


def test_a_wrong_order_is_refused_with_the_reason(caller: ApiCaller) -> None:
    rules = [{"match": {"every": 1}, "fault": "slow"}, {"match": {"every": 1}, "fault": "none"}]
    answer = caller.control("POST", FAULTS_PATH, rules)
    assert answer.status_code == 422
    assert "No fault is called 'none'" in answer.json()["detail"]
    assert caller.post_bytes(b"{", FAULTS_PATH).status_code == 422
    assert caller.get(FAULTS_PATH) == {"rules": []}


def test_the_help_explains_every_fault(caller: ApiCaller) -> None:
    explained = {row["fault"]: row for row in caller.get(f"{FAULTS_PATH}?help")["faults"]}
    assert list(explained) == list(FAULTS)
    assert explained["reset_after_effect"]["stored"] is True
    assert explained["reset_before_effect"]["stored"] is False


def test_repairing_ends_faults_and_outage(caller: ApiCaller) -> None:
    caller.control("POST", FAULTS_PATH, {"match": {"every": 2}, "fault": "http_500"})
    assert caller.results([customer(300)]) == {customer_id(300): "FAILED"}
    caller.control("POST", "/api/control/repair")
    assert caller.results([customer(300)]) == {customer_id(300): "SUCCESS"}
