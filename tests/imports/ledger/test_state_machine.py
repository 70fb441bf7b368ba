"""Any order of claims, answers, deaths, pauses and retries: the ledger agrees with the API.

The API of this test stores what reaches it, and its own account says so. Whatever happens, a
success was stored, an error was not, and nothing is stored twice.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as play

from imports.engine import runner
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.lifecycle import NotAllowed
from imports.ledger.outcomes import Finding
from imports.models import ImportBatch, ImportJob, ImportResult
from imports.policy import Outcome, Verdict
from imports.states import BATCH_MOVES, ENDED_JOBS, RESULT_MOVES, BatchStatus, ResultStatus
from tests.decisions import resolve_unknown, retry
from tests.jobs import (
    BUSY,
    HALVE,
    LATER,
    LEASE,
    LOST,
    OK,
    REFUSED,
    REPEAT,
    STOP,
    assert_totals_hold,
    mixed,
)

if TYPE_CHECKING:
    from imports.job_types import Work
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS, BATCH = 5, 2
STEPS: Counter[type] = Counter()
LONG = 100  # steps of one example
MAKER: list[JobMaker] = []  # hypothesis makes the machines: they find it here
OVER = """
UPDATE imports_importbatch SET lease_until = now() - interval '1 second' WHERE status IN
('claimed', 'sending')
"""
DUE = "UPDATE imports_importbatch SET next_attempt_at = now() - interval '1 second'"
FREE = "UPDATE imports_ratelimit SET paused_until = NULL, next_slot_at = NULL"


@dataclass(slots=True)
class Sent:
    """One request at the API: its records in order, and which of them the API stored."""

    job: ImportJob
    work: Work
    keys: list[str]
    stored: list[bool]
    keyed: bool = False
    again: bool = False  # its key has reached the API before

    def answers(self) -> list[Outcome]:
        """Every answer that an honest API may give, and none at all.

        A try that does not reach the API says nothing of an earlier one that did.
        """
        lost = [REPEAT if self.keyed and each is LOST else each for each in self._answers()]
        return [*lost, BUSY, LATER] if self.again else lost

    def _answers(self) -> list[Outcome]:
        if all(self.stored):
            return [OK, LOST, mixed(*[Verdict.SUCCESS] * len(self.stored))]
        if not any(self.stored):
            later = mixed(*[Verdict.RETRY] * len(self.stored))
            return [REFUSED, BUSY, LATER, STOP, HALVE, LOST, later]
        good, bad = Verdict.SUCCESS, Verdict.REJECTED
        again = Verdict.RETRY
        return [
            LOST,
            mixed(*[good if each else bad for each in self.stored]),
            mixed(*[good if each else again for each in self.stored]),
        ]


class Ledger(RuleBasedStateMachine):
    """Jobs of a few customers, workers that hold requests, and an API with its own account."""

    keyed = False  # whether the API honours idempotency keys

    def __init__(self) -> None:
        super().__init__()
        if self.keyed:
            MAKER[0].honour_keys()
        first = MAKER[0](CUSTOMERS, batch_size=BATCH, max_attempts=2)
        self.jobs = [first]
        self.flying: list[Sent] = []
        self.effects: Counter[str] = Counter()
        self.known_keys: dict[str, list[bool]] = {}
        self.before: dict[tuple[str, int], str] = {}

    @rule(which=st.integers(0, 9), room=st.integers(1, 3), stores=st.integers(0, 3))
    def send(self, which: int, room: int, stores: int) -> None:
        """A worker claims, intends and sends; the API stores all, none or some of it."""
        job = self.jobs[which % len(self.jobs)]
        job.refresh_from_db()
        for work in claims.intend(claims.claim(job, "worker", room, LEASE).works, LEASE):
            rows = ImportResult.objects.filter(batch=work.batch_id).order_by("body_start", "pk")
            keys = list(rows.values_list("key", flat=True))
            drawn = [bool(stores & (1 << index % 2)) for index in range(len(keys))]
            stored = self.known_keys.get(work.idempotency_key) if self.keyed else None
            is_again = stored is not None
            if stored is None:
                stored = drawn
                self.effects.update(key for key, is_in in zip(keys, stored, strict=True) if is_in)
                self.known_keys[work.idempotency_key] = stored
            self.flying.append(Sent(job, work, keys, stored, self.keyed, is_again))

    @rule(which=st.integers(0, 9))
    def die_after_the_claim(self, which: int) -> None:
        """A worker claims, and dies before it sends."""
        claims.claim(self.jobs[which % len(self.jobs)], "worker", 1, LEASE)

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 9), answer=st.integers(0, 9), twice=st.booleans())
    def answer(self, which: int, answer: int, twice: bool) -> None:
        """An answer comes, perhaps long after the lease; perhaps it is recorded twice."""
        sent = self.flying[which % len(self.flying)]
        possible = sent.answers()
        finding = Finding(sent.work, possible[answer % len(possible)])
        outcomes.record(sent.job, [finding])
        if twice:
            outcomes.record(sent.job, [finding])
        self.flying.remove(sent)

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 9))
    def die_in_mid_request(self, which: int) -> None:
        self.flying.pop(which % len(self.flying))

    @rule()
    def leases_end(self) -> None:
        self.run_sql(OVER)
        outcomes.expire()

    @rule()
    def time_passes(self) -> None:
        self.run_sql(DUE, FREE)

    @rule(which=st.integers(0, 9))
    def pause(self, which: int) -> None:
        lifecycle.pause(self.jobs[which % len(self.jobs)])

    @rule(which=st.integers(0, 9))
    def resume(self, which: int) -> None:
        lifecycle.resume(self.jobs[which % len(self.jobs)])

    @rule(which=st.integers(0, 9), really=st.integers(0, 4))
    def cancel(self, which: int, really: int) -> None:
        if not really:
            lifecycle.cancel(self.jobs[which % len(self.jobs)])

    @rule()
    def sweep(self) -> None:
        for job in ImportJob.objects.filter(status="cancelled"):
            lifecycle.sweep_cancelled(job)
        lifecycle.finish_if_done([job.pk for job in self.jobs])

    @precondition(lambda self: len(self.jobs) < 4)
    @rule(which=st.integers(0, 9))
    def retry_failed(self, which: int) -> None:
        try:
            made = retry(self.jobs[which % len(self.jobs)], start=True).job
        except NotAllowed:
            return
        runner.read_input(made)
        self.jobs.append(made)

    @rule(which=st.integers(0, 9))
    def a_person_looks_the_unknown_up(self, which: int) -> None:
        """Only where no request is under way any more: a person waits for that, too."""
        job = self.jobs[which % len(self.jobs)]
        if self.flying:
            return
        unknown = ImportResult.objects.filter(job=job, status="unknown")
        for arrived in (True, False):
            keys = [key for key in unknown.values_list("key", flat=True)
                    if bool(self.effects[key]) == arrived]  # fmt: skip
            only = ImportResult.objects.filter(job=job, status="unknown", key__in=keys)
            if keys:
                with_reason = {"reason": "looked up", "actor": "tester"}
                try:
                    resolve_unknown(job, only, arrived=arrived, **with_reason)
                except NotAllowed:
                    return

    @invariant()
    def one_more_step(self) -> None:
        STEPS[type(self)] += 1

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        assert max(self.effects.values(), default=0) <= 1

    @invariant()
    def what_is_claimed_is_true(self) -> None:
        for key, status in ImportResult.objects.filter(job__in=self.jobs).values_list(
            "key", "status"
        ):
            if status == "success":
                assert self.effects[key] == 1, key
        newest = ImportResult.objects.filter(job__in=self.jobs, retries=None)
        for key in newest.filter(status="error").values_list("key", flat=True):
            assert self.effects[key] == 0, key

    @invariant()
    def the_equation_holds(self) -> None:
        for job in self.jobs:
            assert_totals_hold(job)

    @invariant()
    def only_allowed_moves_happen(self) -> None:
        now: dict[tuple[str, int], str] = {}
        for name, model, statuses, moves in (
            ("batch", ImportBatch, BatchStatus, BATCH_MOVES),
            ("result", ImportResult, ResultStatus, RESULT_MOVES),
        ):
            rows: Any = model._default_manager.filter(job__in=self.jobs)
            for pk, status in rows.values_list("pk", "status"):
                now[name, pk] = status
                old = self.before.get((name, pk), status)
                reachable = _reachable(statuses(old), moves)
                assert statuses(status) in reachable, f"{name} {old} -> {status}"
        self.before = now

    def teardown(self) -> None:
        """However it stands, it comes to an end: every job ends, and the account agrees."""
        self.flying.clear()
        for _ in range(60):
            self.leases_end()
            self.time_passes()
            for number, job in enumerate(self.jobs):
                lifecycle.resume(job)
                self.send(number, 3, 3)
                for sent in list(self.flying):
                    outcomes.record(sent.job, [Finding(sent.work, sent.answers()[0])])
                self.flying.clear()
            self.sweep()
            if all(self.is_ended(job) for job in self.jobs):
                break
        assert all(self.is_ended(job) for job in self.jobs)
        self.nothing_is_stored_twice()
        self.what_is_claimed_is_true()

    def is_ended(self, job: ImportJob) -> bool:
        job.refresh_from_db()
        return job.status in ENDED_JOBS

    def run_sql(self, *statements: str) -> None:
        with connection.cursor() as sql:
            for statement in statements:
                sql.execute(statement)


class LedgerWithKeys(Ledger):
    """The same, of an API that honours idempotency keys."""

    keyed = True


def _reachable(old: Any, moves: Any) -> set[Any]:
    """Where one step of the machine may lead: several moves may happen in it."""
    found, fresh = {old}, {old}
    while fresh:
        fresh = {to for each in fresh for to in moves[each]} - found
        found |= fresh
    return found


def settled(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[
            Phase.explicit,
            Phase.generate,
        ],  # a long run is not made shorter: that takes hours
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def maker(make_job: JobMaker) -> JobMaker:
    MAKER[:] = [make_job]
    return make_job


@pytest.mark.parametrize("machine", [Ledger, LedgerWithKeys])
def test_any_order_of_events_leaves_the_ledger_true(
    machine: type[Ledger], maker: JobMaker
) -> None:
    play(machine, settings=settled(8, 15))


@pytest.mark.faults
@pytest.mark.parametrize("machine", [Ledger, LedgerWithKeys])
def test_ten_thousand_events_leave_the_ledger_true(machine: type[Ledger], maker: JobMaker) -> None:
    """Half of them of an API that honours idempotency keys."""
    each = int(os.environ.get("MACHINE_STEPS", "10000")) // 2
    STEPS.clear()
    play(machine, settings=settled(-(-each // LONG), LONG), _min_steps=LONG)
    assert STEPS[machine] >= each
