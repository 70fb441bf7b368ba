from __future__ import annotations

import json
import threading

from config.dev.sandbox.customer_api import Account, Change
from config.dev.sandbox.gk_records import Result


def change(name: str, change_type: str = "CREATE", refused: Result | None = None) -> Change:
    body = json.dumps({"data": [{"name": name}]}).encode()
    return Change(name, change_type, (body, "data", 0), refused, "why" if refused else "")


def test_a_customer_is_created_once_and_then_conflicts() -> None:
    account = Account()
    assert account.settle([change("1"), change("1"), change("2")]) == [
        Result.SUCCESS,
        Result.CONFLICT,
        Result.SUCCESS,
    ]
    assert account.effects_by_customer == {"1": 1, "2": 1}


def test_what_is_not_there_can_be_neither_updated_nor_deleted() -> None:
    account = Account()
    results = account.settle([change("1", "UPDATE"), change("1", "DELETE")])
    assert results == [Result.NOT_FOUND, Result.NOT_FOUND]
    assert account.total_effects == 0


def test_a_deleted_customer_can_be_created_again_and_all_three_effects_count() -> None:
    account = Account()
    assert set(account.settle([change("1"), change("1", "DELETE"), change("1")])) == {
        Result.SUCCESS
    }
    assert account.effects("1") == 3
    assert account.more_than_once == ["1"]


def test_an_upsert_sent_twice_is_two_effects() -> None:
    account = Account()
    account.settle([change("1", "UPSERT"), change("1", "UPSERT"), change("2", "UPSERT")])
    assert (account.total_effects, account.distinct) == (3, 2)
    assert account.more_than_once == ["1"]


def test_a_create_sent_again_after_its_effect_shows_although_it_conflicts() -> None:
    account = Account()
    account.settle([change("1", refused=Result.FAILED)])
    account.settle([change("1")])
    assert account.sent_again == {}
    account.settle([change("1")])
    assert account.sent_again == {"1": 1}


def test_a_refused_record_has_no_effect_and_its_reason_is_kept() -> None:
    account = Account()
    assert account.settle([change("1", refused=Result.ERROR)]) == [Result.ERROR]
    assert account.customer("1") | {"record": None} == {
        "customer_id": "1",
        "effects": 0,
        "sent_again": 0,
        "exists": False,
        "reason": "why",
        "record": None,
    }


def test_the_stored_record_can_be_looked_at_until_it_is_deleted() -> None:
    account = Account()
    account.settle([change("å")])
    assert account.customer("å")["record"] == {"name": "å"}
    account.settle([change("å", "DELETE")])
    assert account.customer("å")["record"] is None


def test_the_difference_names_what_is_lost_twice_or_unexpected() -> None:
    account = Account()
    account.settle([change("1"), change("2", "UPSERT"), change("2", "UPSERT"), change("3")])
    assert not account.difference(["1", "3"]).lost
    found = account.difference(["1", "2", "4"])
    assert (found.lost, found.twice, found.unexpected) == (["4"], ["2"], ["3"])
    assert found
    account.forget()
    assert not account.difference([])


def test_the_summary_adds_up_and_can_leave_the_customers_out() -> None:
    account = Account()
    account.count("requests")
    account.count_fault("slow")
    account.settle([change("1"), change("1"), change("2", refused=Result.FAILED)])
    summary = account.summary()
    assert summary["customers"] == {"1": 1}
    assert (summary["total_effects"], summary["distinct"], summary["requests"]) == (1, 1, 1)
    assert sum(summary["results"].values()) == 3
    assert summary["faults"] == {"slow": 1}
    assert "customers" not in account.summary(with_customers=False)


def test_no_effect_is_lost_when_many_threads_settle_at_once() -> None:
    account = Account()

    def settle_many() -> None:
        for _ in range(50):
            account.settle([change(str(n), "UPSERT") for n in range(20)])

    threads = [threading.Thread(target=settle_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.effects_by_customer == {str(n): 400 for n in range(20)}
