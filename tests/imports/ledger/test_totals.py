"""The equation holds at every moment: after each step of any walk, by a plain count."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from imports.engine import runner, sweeper
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.ledger.totals import batch_totals, describe, family_totals, job_totals
from imports.models import ImportBatch, ImportJob
from imports.policy import Outcome, RecordOutcome, Verdict
from imports.states import BATCH_MOVES, RESULT_MOVES, BatchStatus, ResultStatus
from tests.decisions import exclude, resolve_unknown, retry
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
    answer,
    assert_totals_hold,
    mixed,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.job_types import Work
    from tests.jobs import JobMaker

WHOLE = [OK, REFUSED, BUSY, LOST, REPEAT, LATER, HALVE, STOP]
EACH = [Verdict.SUCCESS, Verdict.RETRY, Verdict.REJECTED, Verdict.UNKNOWN]
STEPS = 40


class Walk:
    """Random things happen to one job; after each of them the ledger is checked."""

    def __init__(self, job: ImportJob, seed: int, pass_time: Callable[[float], None]) -> None:
        self.job, self.draw, self.pass_time = job, random.Random(seed), pass_time
        self.held: list[Work] = []  # what workers have sent, or believe they have
        self.batches: dict[int, str] = {}
        self.results: dict[int, str] = {}
        self.total = job_totals(job).total

    def step(self) -> str:
        names = ("claim", "send", "send", "record", "record", "record", "vanish", "wait", "people")
        name = self.draw.choice(names)
        getattr(self, name)()
        return name

    def claim(self) -> None:
        claims.claim(self.job, "worker", self.draw.randint(1, 3), LEASE)

    def send(self) -> None:
        self.held += send(self.job, self.draw.randint(1, 3))

    def record(self) -> None:
        """An answer comes: to a try in flight, or to one that somebody else has judged since."""
        findings = [
            Finding(work, self.outcome(work)) for work in self.held if self.draw.random() < 0.6
        ]
        outcomes.record(self.job, findings)
        if self.draw.random() < 0.8:
            self.held = []

    def outcome(self, work: Work) -> Outcome:
        if self.draw.random() < 0.5:
            return self.draw.choice(WHOLE)
        verdicts_ = [self.draw.choice(EACH) for _ in range(work.size)]
        records = tuple(RecordOutcome(v, f"C_{v}", f"Said {v}.") for v in verdicts_)
        return Outcome(Verdict.MIXED, "SOME_FAILED", "Some.", 201, records=records)

    def vanish(self) -> None:
        self.pass_time(LEASE + 1)
        outcomes.expire()

    def wait(self) -> None:
        self.pass_time(400)
        lifecycle.resume(self.job)
        sweeper.sweep()

    def people(self) -> None:
        person = self.draw.choice(
            (lifecycle.pause, lifecycle.resume, self.resolve, self.leave_out)
        )
        person(self.job)

    def resolve(self, job: ImportJob) -> None:
        some = job.results.filter(pk__in=self.some("unknown"))
        resolve_unknown(job, some, arrived=self.draw.random() < 0.5, reason="seen", actor="anna")

    def leave_out(self, job: ImportJob) -> None:
        exclude(job, job.results.filter(pk__in=self.some("error")), reason="x", actor="a")

    def some(self, status: str) -> list[int]:
        pks = list(self.job.results.filter(status=status).values_list("pk", flat=True))
        return self.draw.sample(pks, len(pks) // 2)

    def check(self) -> None:
        assert_totals_hold(self.job)
        assert job_totals(self.job).total == self.total
        self.job.refresh_from_db()
        assert not self.job.batches.filter(attempts__gt=self.job.max_attempts).exists()
        assert not self.job.results.filter(retry_attempts__gt=self.job.max_attempts).exists()
        self.batches = self.only_moved_by_the_table(
            self.batches, dict(self.job.batches.values_list("pk", "status")), BATCH_REACH
        )
        self.results = self.only_moved_by_the_table(
            self.results, dict(self.job.results.values_list("pk", "status")), RESULT_REACH
        )

    def only_moved_by_the_table(
        self, before: dict[int, str], now: dict[int, str], reach: dict[str, set[str]]
    ) -> dict[int, str]:
        for pk, status in now.items():
            assert status in reach[before.get(pk, status)]
        return now


def reachable(table: dict[BatchStatus, frozenset[BatchStatus]]) -> dict[str, set[str]]:
    """Where one step may lead that makes several moves of the table."""
    reach: dict[str, set[str]] = {status.value: {status.value} for status in table}
    for _ in table:
        for targets in reach.values():
            targets |= {t.value for s in list(targets) for t in table[type(next(iter(table)))(s)]}
    return reach


BATCH_REACH = reachable(BATCH_MOVES)
RESULT_REACH = reachable(RESULT_MOVES)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_the_equation_holds_after_every_step_of_a_random_walk(
    seed: int, make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job(14, batch_size=5, retry_delay_seconds=0.0)
    walk = Walk(job, seed, pass_time)
    walk.check()
    for _ in range(STEPS):
        walk.step()
        walk.check()
    # And it comes to an end once answers are plain.
    for _ in range(40):
        lifecycle.resume(job)
        pass_time(4000)
        sweeper.sweep()
        answered = send(job, 9)
        outcomes.record(job, [Finding(work, OK) for work in answered])
        walk.check()
        if not job_totals(job).pending:
            break
    lifecycle.finish_if_done([job.pk])
    job.refresh_from_db()
    assert job.status == "finished"
    assert job_totals(job).pending == 0


def test_totals_show_where_each_record_stands(make_job: JobMaker) -> None:
    job = make_job(15)
    answer(job, OK, mixed(Verdict.SUCCESS, Verdict.REJECTED, Verdict.UNKNOWN), REFUSED)
    send(job)
    one = job_totals(job)
    assert (one.total, one.success, one.error, one.unknown, one.excluded, one.pending) == (
        15, 4, 4, 1, 0, 6,
    )  # fmt: skip
    assert one.in_flight == 3
    assert batch_totals(job) == {"total": 5, "done": 1, "failed": 1, "unknown": 1, "pending": 2}


def test_records_that_were_never_sent_are_part_of_the_equation(make_job: JobMaker) -> None:
    from config.dev.sandbox.samples import customer

    nameless = {"changeType": "CREATE", "type": "PERSON", "person": {"firstName": "X"}}
    job = make_job.of(customer(1), nameless, customer(2))
    assert (job_totals(job).total, job_totals(job).excluded, job_totals(job).pending) == (3, 1, 2)
    assert_totals_hold(job)


def test_a_batch_that_was_split_counts_once_and_stands_where_its_worst_part_does(
    make_job: JobMaker,
) -> None:
    job = make_job(4, batch_size=4)
    answer(job, HALVE)
    assert batch_totals(job) == {"total": 1, "done": 0, "failed": 0, "unknown": 0, "pending": 1}
    answer(job, OK, REFUSED)
    assert batch_totals(job) == {"total": 1, "done": 0, "failed": 1, "unknown": 0, "pending": 0}


def test_a_job_without_batches_adds_up_to_nothing(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    assert job_totals(job).total == 0


def test_the_json_of_a_job_has_what_the_contract_lists_and_no_more(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    lifecycle.finish_if_done([job.pk])
    job.refresh_from_db()
    assert job.finished_at is not None
    assert job.started_at is not None
    assert describe(job) == {
        "job": job.pk, "kind": "customers", "name": job.name, "status": "finished",
        "retry_of": None, "total": 6, "success": 3, "error": 3, "unknown": 0, "excluded": 0,
        "pending": 0, "batches": {"total": 2, "done": 1, "failed": 1, "unknown": 0, "pending": 0},
        "attempts": 2, "retry_directory": None, "started_at": job.started_at.isoformat(),
        "finished_at": job.finished_at.isoformat(),
        "left_out": 0,
        "retry_files_error": None,
    }  # fmt: skip
    new = retry(job).job
    assert describe(new)["retry_of"] == job.pk


def test_the_family_totals_of_a_job_without_retries_are_its_own_equation(
    make_job: JobMaker,
) -> None:
    job = make_job(6)
    answer(job, OK, LOST)
    summary = family_totals(job)
    assert (summary.total, summary.success, summary.unknown, summary.retries) == (6, 3, 3, 0)


def test_records_sent_again_with_force_are_counted_once(make_job: JobMaker) -> None:
    from imports.customers import drafts, retry_files

    job = make_job(3)
    answer(job, REFUSED)
    directory = retry_files.write(job, make_job.folder / "out")
    assert directory is not None
    second = retry(job).job
    assert runner.read_input(second)
    answer(second, OK)
    third = drafts.new_draft(make_job.api, "third", force=True)
    drafts.add_path(third, directory / "retry_batch_01_failed.json")
    lifecycle.start(third)
    assert runner.read_input(third)
    assert (family_totals(job).total, family_totals(job).pending) == (3, 3)
    answer(third, OK)
    assert (family_totals(job).total, family_totals(job).success) == (3, 3)


def columns(table: str) -> dict[str, tuple[str, str | None]]:
    with connection.cursor() as sql:
        sql.execute(
            "SELECT column_name, data_type, column_default FROM information_schema.columns"
            " WHERE table_name = %s",
            [table],
        )
        return {name: (kind, default) for name, kind, default in sql.fetchall()}


def test_import_results_has_its_columns_with_defaults_in_the_database(db: None) -> None:
    found = columns("import_results")
    assert found["retry_attempts"] == ("integer", "0")
    assert found["final_error"] == ("text", None)
    kind, default = found["status"]
    assert (kind, default) == ("character varying", "'pending'::character varying")


def test_a_row_that_other_programs_write_gets_the_defaults(make_job: JobMaker) -> None:
    job = make_job(1)
    with connection.cursor() as sql:
        sql.execute(
            "INSERT INTO import_results (job_id, position, body_start, body_length)"
            " VALUES (%s, 9, 0, 0)"
            " RETURNING status, retry_attempts, final_error, error, updated_at IS NOT NULL",
            [job.pk],
        )
        assert sql.fetchone() == ("pending", 0, None, "", True)


def test_ended_batches_hold_no_pending_records_and_open_ones_only_pending(
    make_job: JobMaker,
) -> None:
    job = make_job(9)
    answer(job, OK, mixed(Verdict.RETRY, Verdict.REJECTED, Verdict.SUCCESS))
    open_ones = ImportBatch.objects.filter(status__in=["pending", "claimed", "sending"])
    assert set(open_ones.values_list("results__status", flat=True)) == {ResultStatus.PENDING}
    ended = ImportBatch.objects.exclude(pk__in=open_ones)
    assert ResultStatus.PENDING not in set(ended.values_list("results__status", flat=True))
