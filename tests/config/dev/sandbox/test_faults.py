from __future__ import annotations

from typing import Any

import pytest

from config.dev.sandbox.faults import FAULTS, Call, Faults, Injection, Stage
from config.dev.sandbox.gk_records import Result

IDS = [str(n) for n in range(1, 11)]


def plan_for(
    faults: Faults, number: int = 1, endpoint: str = "customers", **more: Any
) -> Injection:
    return faults.injection(Call(endpoint, number, **({"ids": IDS} | more)))


def ordered(*rules: dict[str, Any], seed: int = 1) -> Faults:
    faults = Faults(seed)
    faults.order(list(rules))
    return faults


def whole(injected: Injection) -> str:
    return injected.whole.fault.name if injected.whole else ""


def test_without_rules_nothing_goes_wrong() -> None:
    assert plan_for(Faults(1)) == Injection()


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"request_number": 3}, [3]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "request_number": 4}, [4]),
        ({"rate": 1.0}, [1, 2, 3, 4, 5, 6]),
        ({"rate": 0.0}, []),
        ({"customer_id": "7"}, [1, 2, 3, 4, 5, 6]),
        ({"customer_id": "11"}, []),
        ({"customer_id": ["11", "1?"]}, [1, 2, 3, 4, 5, 6]),
        ({"customer_id": "2*"}, [1, 2, 3, 4, 5, 6]),
        ({"customer_id": []}, []),
    ],
)
def test_a_rule_hits_the_requests_that_meet_all_its_conditions(
    match: dict[str, Any], hit: list[int]
) -> None:
    faults = ordered({"match": match, "fault": "http_500"})
    assert [number for number in range(1, 7) if whole(plan_for(faults, number))] == hit


def test_a_rule_ends_after_its_times_and_says_how_often_it_hit() -> None:
    faults = ordered({"match": {"every": 1}, "fault": "http_500", "times": 2})
    assert [whole(plan_for(faults, number)) for number in (1, 2, 3)] == ["http_500"] * 2 + [""]
    (rule,) = faults.listing()
    assert (rule["hits"], rule["is_spent"]) == (2, True)


def test_the_first_rule_decides_and_the_next_one_is_not_used_up() -> None:
    faults = ordered(
        {"match": {"every": 1}, "fault": "http_500", "times": 1},
        {"match": {"every": 1}, "fault": "slow", "times": 1},
    )
    assert [whole(plan_for(faults, number)) for number in (1, 2, 3)] == ["http_500", "slow", ""]


def test_a_rule_keeps_to_its_endpoint() -> None:
    faults = ordered({"match": {"every": 1}, "fault": "http_500", "endpoint": "token"})
    assert whole(plan_for(faults)) == ""
    assert whole(plan_for(faults, endpoint="token", ids=[])) == "http_500"


def test_results_are_forced_on_the_named_records_beside_a_fault_of_the_whole() -> None:
    faults = ordered(
        {"match": {"customer_id": ["2", "10"]}, "fault": "result_failed"},
        {"match": {"customer_id": "3"}, "fault": "result_error"},
        {"match": {"every": 1}, "fault": "drip"},
    )
    injected = plan_for(faults)
    assert injected.results == {1: Result.FAILED, 9: Result.FAILED, 2: Result.ERROR}
    assert whole(injected) == "drip"
    assert not injected.refuses


def test_a_result_without_a_name_is_forced_on_every_record() -> None:
    faults = ordered({"match": {"request_number": 1}, "fault": "result_conflict"})
    assert plan_for(faults).results == dict.fromkeys(range(10), Result.CONFLICT)


def test_a_fault_of_an_entry_takes_one_record_and_another_one_next_time() -> None:
    faults = ordered({"match": {"every": 1}, "fault": "missing_entry"})
    assert plan_for(faults).records != plan_for(faults, 2).records
    assert len(plan_for(faults, 3).records) == 1


def test_a_fault_that_needs_records_leaves_an_empty_request_alone() -> None:
    faults = ordered(
        {"match": {"every": 1}, "fault": "missing_entry", "times": 1},
        {"match": {"every": 1}, "fault": "result_failed", "times": 1},
    )
    assert plan_for(faults, ids=[]) == Injection()
    assert [rule["hits"] for rule in faults.listing()] == [0, 0]


def test_a_rate_hits_about_that_share_and_the_same_seed_hits_the_same() -> None:
    rule = {"match": {"rate": 0.2}, "fault": "http_500"}

    def hits(seed: int) -> list[int]:
        faults = ordered(rule, seed=seed)
        return [number for number in range(1, 1001) if whole(plan_for(faults, number))]

    assert 150 < len(hits(1)) < 250
    assert hits(1) == hits(1)
    assert hits(1) != hits(2)


def test_a_rate_of_results_is_drawn_for_each_record() -> None:
    faults = ordered({"match": {"rate": 0.3}, "fault": "result_failed"})
    counts = [len(plan_for(faults, number).results) for number in range(1, 101)]
    assert 200 < sum(counts) < 400
    assert len(set(counts)) > 3


def test_401_until_refresh_kills_the_tokens_there_are_and_no_later_one() -> None:
    faults = ordered({"match": {"every": 1}, "fault": "http_401_until_refresh"})
    assert whole(plan_for(faults, 1, token=1, newest_token=2)) == "http_401_until_refresh"
    assert whole(plan_for(faults, 2, token=2, newest_token=3)) == "http_401_until_refresh"
    assert whole(plan_for(faults, 3, token=3, newest_token=3)) == ""


def test_clearing_ends_all_rules() -> None:
    faults = ordered(
        {"match": {"every": 1}, "fault": "slow"}, {"match": {"every": 2}, "fault": "drip"}
    )
    assert faults.clear() == 2
    assert whole(plan_for(faults, 2)) == ""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "slow"}, "match"),
        ({"match": {}, "fault": "slow"}, '"match" is empty'),
        ({"match": {"every": 0}, "fault": "slow"}, "every"),
        ({"match": {"rate": 2}, "fault": "slow"}, "rate"),
        ({"match": {"id": "1"}, "fault": "slow"}, "id"),
        ({"match": {"every": 1}, "fault": "sloow"}, "No fault is called 'sloow'"),
        ({"match": {"every": 1}, "fault": "slow", "times": 0}, "times"),
        ({"match": {"every": 1}, "fault": "slow", "second": 1}, "second"),
        ({"match": {"every": 1}, "fault": "slow", "endpoint": "x"}, "endpoint"),
        (
            {"match": {"every": 1}, "fault": "result_failed", "endpoint": "token"},
            "a token request has none",
        ),
        ("slow", "not a rule"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_is_wrong_and_none_of_its_list_is_taken(
    rule: object, message: str
) -> None:
    faults = Faults(1)
    with pytest.raises(ValueError, match=message):
        faults.order([{"match": {"every": 1}, "fault": "slow"}, rule])
    assert faults.listing() == []


def test_every_fault_is_explained_and_its_stage_fits_what_it_does() -> None:
    for fault in FAULTS.values():
        assert fault.what
        assert fault.means
        assert (fault.result is not None) == (fault.stage is Stage.RECORD)
