from __future__ import annotations

from typing import TYPE_CHECKING

from config.dev.sandbox.faults import HIT_BY_OUTAGE, Outage
from config.dev.sandbox.samples import customer_id

if TYPE_CHECKING:
    from pathlib import Path

FIRST_BATCH = [customer_id(n) for n in range(300, 350)]
SECOND_BATCH = [customer_id(n) for n in range(700, 750)]


def test_the_outage_hits_two_batches_of_fifty_samples() -> None:
    assert frozenset([*FIRST_BATCH, *SECOND_BATCH]) == HIT_BY_OUTAGE


def test_each_batch_fails_as_often_as_the_outage_lasts_and_then_works() -> None:
    outage = Outage(tries=3)
    for _ in range(3):
        assert outage.hit(FIRST_BATCH) == frozenset(FIRST_BATCH)
    assert outage.hit(FIRST_BATCH) == frozenset()
    assert outage.hit(SECOND_BATCH) == frozenset(SECOND_BATCH)


def test_other_customers_are_never_hit() -> None:
    outage = Outage(tries=3)
    assert outage.hit([customer_id(299), customer_id(300), "x"]) == {customer_id(300)}
    assert outage.hit([customer_id(0), customer_id(999)]) == frozenset()


def test_no_tries_mean_no_outage() -> None:
    assert Outage().hit(FIRST_BATCH) == frozenset()


def test_repairing_ends_it_at_once_and_says_how_many_it_hit() -> None:
    outage = Outage(tries=1)
    outage.hit(FIRST_BATCH)
    assert outage.repair() == 50
    assert outage.hit(SECOND_BATCH) == frozenset()
    outage.begin_anew()
    assert outage.hit(SECOND_BATCH) == frozenset(SECOND_BATCH)


def test_a_restart_with_a_memory_goes_on_where_it_was(tmp_path: Path) -> None:
    memory = tmp_path / "new" / "outage.json"
    Outage(tries=2, memory=memory).hit(FIRST_BATCH)
    restarted = Outage(tries=2, memory=memory)
    assert restarted.hit(FIRST_BATCH) == frozenset(FIRST_BATCH)
    assert Outage(tries=2, memory=memory).hit(FIRST_BATCH) == frozenset()
    assert [path.name for path in memory.parent.iterdir()] == ["outage.json"]


def test_a_restart_without_a_memory_begins_anew() -> None:
    Outage(tries=1).hit(FIRST_BATCH)
    assert Outage(tries=1).hit(FIRST_BATCH) == frozenset(FIRST_BATCH)
