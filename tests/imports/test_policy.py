"""Again, later, never or nobody knows: the decision after one try, as a pure function."""

from __future__ import annotations

import random
from statistics import mean

import pytest

from imports.policy import (
    LONGEST_BACKOFF_SECONDS,
    LONGEST_DEFERRAL_SECONDS,
    Budget,
    Move,
    Outcome,
    Verdict,
    backoff,
    deferral,
    next_step,
)

BUDGET = Budget(max_attempts=3, retry_delay=2.0)
MOVES = [
    (Verdict.SUCCESS, Move.FINISH, Move.FINISH),
    (Verdict.RETRY, Move.AGAIN, Move.FINISH),
    (Verdict.REJECTED, Move.FINISH, Move.FINISH),
    (Verdict.UNKNOWN, Move.KEEP_UNKNOWN, Move.KEEP_UNKNOWN),
    (Verdict.REPEATABLE, Move.AGAIN, Move.KEEP_UNKNOWN),
    (Verdict.DEFERRED, Move.AGAIN, Move.AGAIN),
    (Verdict.PAUSE, Move.PAUSE_JOB, Move.PAUSE_JOB),
    (Verdict.SPLIT, Move.SPLIT, Move.SPLIT),
    (Verdict.WAITING, Move.AGAIN, Move.AGAIN),
    (Verdict.MIXED, Move.FINISH, Move.FINISH),
]


@pytest.mark.parametrize(("verdict", "early", "spent"), MOVES)
def test_each_verdict_leads_to_its_move_with_tries_left_and_without(
    verdict: Verdict, early: Move, spent: Move
) -> None:
    assert next_step(Outcome(verdict), 2, BUDGET).move == early
    assert next_step(Outcome(verdict), 3, BUDGET).move == spent
    assert next_step(Outcome(verdict), 4, BUDGET).move == spent


def test_every_verdict_has_its_line_in_the_table_above() -> None:
    assert {verdict for verdict, _, _ in MOVES} == set(Verdict)


def test_only_what_is_no_try_of_the_records_costs_no_attempt() -> None:
    free = {v for v in Verdict if not next_step(Outcome(v), 1, BUDGET).counted}
    assert free == {Verdict.DEFERRED, Verdict.PAUSE, Verdict.SPLIT, Verdict.WAITING}


@pytest.mark.parametrize("attempt", range(1, 12))
def test_backoff_is_drawn_between_half_the_base_and_its_doubled_ceiling(attempt: int) -> None:
    rng = random.Random(attempt)
    ceiling = max(1.0, min(2.0 * 2 ** (attempt - 1), LONGEST_BACKOFF_SECONDS))
    draws = [backoff(attempt, BUDGET, rng) for _ in range(500)]
    assert all(1.0 <= draw <= ceiling for draw in draws)
    assert max(draws) > ceiling * 0.9
    assert len(set(draws)) > 50  # jitter: attempts that failed together are not repeated together


def test_backoff_grows_with_the_attempts() -> None:
    rng = random.Random(1)
    means = [mean(backoff(n, BUDGET, rng) for _ in range(300)) for n in (1, 3, 5)]
    assert means[0] < means[1] < means[2]


def test_a_constant_pause_is_constant() -> None:
    constant = Budget(5, 10.0, exponential=False)
    assert {backoff(n, constant) for n in range(1, 6)} == {10.0}


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (60.0, 60.0, 66.0),
        (0.0, 1.0, 1.1),
        (-5.0, 1.0, 1.1),
        (1e9, LONGEST_DEFERRAL_SECONDS, LONGEST_DEFERRAL_SECONDS * 1.1),
        (None, 2.0, 2.2),
    ],
)
def test_a_deferral_is_what_was_asked_capped_and_a_tenth_more_at_most(
    asked: float | None, least: float, most: float
) -> None:
    rng = random.Random(1)
    draws = [deferral(asked, BUDGET, rng) for _ in range(200)]
    assert all(least <= draw <= most for draw in draws)
    assert len(set(draws)) > 100


def test_a_retry_waits_longer_where_the_other_side_asks_for_it() -> None:
    asked = Outcome(Verdict.RETRY, retry_after=120.0)
    assert next_step(asked, 1, BUDGET).delay == 120.0
    assert next_step(Outcome(Verdict.RETRY, retry_after=1e9), 1, BUDGET).delay == 3600.0
    assert next_step(Outcome(Verdict.RETRY), 1, BUDGET).delay <= 2.0


def test_one_attempt_means_one_try() -> None:
    assert next_step(Outcome(Verdict.RETRY), 1, Budget(1, 2.0)).move == Move.FINISH
