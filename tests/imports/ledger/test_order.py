"""Copies of one customer in an import: sent in the files' order, never overtaking."""

from __future__ import annotations

import json
import random
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from config.dev.sandbox import samples
from imports.customers import drafts, dry_run
from imports.customers.files.batching import MOST_OPEN, Batch, Cutter
from imports.customers.files.limits import GK_CHECKS
from imports.customers.files.validation import Record
from imports.engine import runner
from imports.ledger import claims, lifecycle
from imports.ledger.outcomes import Finding, record
from imports.models import ImportBatch, ImportJob
from imports.policy import Verdict
from imports.states import EventCode
from tests.decisions import retry
from tests.imports.command_line import command
from tests.jobs import (
    BUSY,
    HALVE,
    LATER,
    LOST,
    OK,
    REFUSED,
    answer,
    assert_totals_hold,
    batches,
    keys,
    mixed,
    run,
    send,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.dev.sandbox.customer_api import SandboxApi
    from imports.policy import Outcome
    from tests.jobs import JobMaker

S, R, X = Verdict.SUCCESS, Verdict.RETRY, Verdict.REJECTED


def copy(number: int, version: str) -> dict[str, Any]:
    """A version of a sample customer."""
    customer = samples.customer(number)
    customer["person"]["firstName"] = version
    customer["changeType"] = "UPDATE" if version == "NEW" else "CREATE"
    return customer


def old_and_new(make_job: JobMaker, **settings: Any) -> ImportJob:
    """Batches 1 (with the old version of customer 9) and 2 (with the new one)."""
    others = [samples.customer(number) for number in range(1, 5)]
    return make_job.of(copy(9, "OLD"), *others, copy(9, "NEW"), batch_size=3, **settings)


def numbers(works: Sequence[Any]) -> list[int]:
    return [work.number for work in works]


def test_copies_are_in_batches_that_wait_for_each_other(make_job: JobMaker) -> None:
    job = old_and_new(make_job)
    assert [(each.number, each.size, each.after_numbers) for each in batches(job)] == [
        (1, 3, None), (2, 3, [1]),
    ]  # fmt: skip


def test_a_batch_with_a_later_copy_is_not_claimed_before_the_earlier_one_has_ended(
    make_job: JobMaker,
) -> None:
    job = old_and_new(make_job)
    (first,) = send(job, room=5)
    assert first.number == 1
    assert claims.claim(job, "another", 5, 60.0).works == []
    record(job, [Finding(first, OK)])
    assert numbers(send(job, room=5)) == [2]


@pytest.mark.parametrize("outcome", [OK, REFUSED])
def test_a_definite_end_of_the_earlier_copy_lets_the_later_one_go(
    outcome: Outcome, make_job: JobMaker
) -> None:
    job = old_and_new(make_job)
    answer(job, outcome)
    assert numbers(send(job, room=5)) == [2]


def test_after_an_unknown_end_the_api_gets_another_time_limit_to_finish(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = old_and_new(make_job, timeout_seconds=30.0)
    answer(job, LOST)
    claim = claims.claim(job, "worker", 5, 60.0)
    assert claim.works == []
    assert claim.wait is not None  # somebody looks again
    pass_time(31.0)
    assert numbers(send(job, room=5)) == [2]


@pytest.mark.parametrize("outcome", [BUSY, LATER])
def test_an_earlier_copy_that_is_tried_again_is_waited_for(
    outcome: Outcome, make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = old_and_new(make_job, retry_delay_seconds=20.0)
    answer(job, outcome)
    assert send(job, room=5) == []
    pass_time(400.0)
    (again,) = send(job, room=5)
    assert again.number == 1
    record(job, [Finding(again, OK)])
    assert numbers(send(job, room=5)) == [2]


def test_every_half_of_the_earlier_batch_is_waited_for(make_job: JobMaker) -> None:
    job = old_and_new(make_job)
    answer(job, HALVE)
    halves = send(job, room=5)
    assert numbers(halves) == [1, 1]
    record(job, [Finding(halves[0], OK)])
    assert send(job, room=5) == []
    record(job, [Finding(halves[1], REFUSED)])
    assert numbers(send(job, room=5)) == [2]


def test_a_record_that_goes_out_again_by_itself_is_waited_for(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = old_and_new(make_job)
    answer(job, mixed(R, S, S))
    pass_time(400.0)
    (again,) = send(job, room=5)
    assert (again.number, again.size) == (1, 1)
    assert send(job, room=5) == []


def test_an_earlier_batch_whose_worker_died_is_waited_for(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    from imports.ledger import outcomes

    job = old_and_new(make_job)
    claims.claim(job, "dies before it sends", 1, 60.0)
    pass_time(61.0)
    outcomes.expire()
    assert numbers(send(job, room=5)) == [1]


def test_a_retry_keeps_the_order(make_job: JobMaker) -> None:
    job = old_and_new(make_job)
    answer(job, REFUSED, REFUSED)
    lifecycle.finish_if_done([job.pk])
    for _ in range(2):  # also the retry of a retry
        job = retry(job).job
        assert runner.read_input(job)
        assert [each.after_numbers for each in batches(job)] == [None, [1]]
        (first,) = send(job, room=5)
        record(job, [Finding(first, REFUSED)])
        answer(job, REFUSED)
        lifecycle.finish_if_done([job.pk])


def test_a_retry_keeps_the_order_of_records_whose_batches_were_halved(make_job: JobMaker) -> None:
    job = old_and_new(make_job)
    answer(job, HALVE, REFUSED, REFUSED, HALVE, REFUSED, REFUSED)
    lifecycle.finish_if_done([job.pk])
    new = retry(job).job
    assert runner.read_input(new)
    assert [each.after_numbers for each in batches(new)] == [None, [1]]


def test_a_retry_of_the_later_copy_alone_waits_for_nobody(make_job: JobMaker) -> None:
    job = old_and_new(make_job)
    answer(job, OK, REFUSED)
    lifecycle.finish_if_done([job.pk])
    new = retry(job).job
    assert runner.read_input(new)
    assert numbers(send(new, room=5)) == [2]


def test_copies_in_several_files_keep_the_files_order(make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "two files", "tester")
    for name, version in (("a.json", "OLD"), ("b.json", "NEW")):
        path = make_job.folder / name
        path.write_text(json.dumps({"data": [copy(9, version)]}))
        drafts.add_path(job, path)
    lifecycle.start(job)
    assert runner.read_input(job)
    assert [each.after_numbers for each in batches(job)] == [None, [1]]


def test_the_api_ends_with_the_newest_version_whatever_befalls_the_older_one(
    make_job: JobMaker, sandbox: SandboxApi, pass_time: Callable[[float], None]
) -> None:
    sandbox.order({"match": {"request_number": 1}, "fault": "http_503_retry_after"})
    job = run(old_and_new(make_job, concurrency=4), pass_time)
    assert job.status == "finished"
    assert_totals_hold(job)
    key = samples.customer(9)["person"]["customerId"]
    stored = json.dumps(sandbox.account.customer(key))
    assert "NEW" in stored
    assert "OLD" not in stored


def test_only_the_last_copy_goes_out_where_that_was_chosen(make_job: JobMaker) -> None:
    job = old_and_new(make_job, leave_earlier_copies_out=True)
    bodies = b"".join(bytes(each.body) for each in batches(job))
    assert b"NEW" in bodies
    assert b"OLD" not in bodies
    assert {each.after_numbers for each in batches(job)} == {None}
    left_out = job.results.get(status="excluded")
    assert (left_out.error_code, left_out.position) == ("EARLIER_COPY", 1)
    assert b"OLD" in bytes(left_out.refused_record or b"")
    assert_totals_hold(job)


def test_a_last_copy_that_cannot_be_sent_takes_no_earlier_ones_place(make_job: JobMaker) -> None:
    broken = copy(9, "BROKEN") | {"changeType": "NONSENSE"}
    job = make_job.of(copy(9, "GOOD"), broken, leave_earlier_copies_out=True)
    assert keys(job, "pending") == keys(job, "excluded")
    assert job.results.get(status="excluded").error_code != "EARLIER_COPY"


def test_ids_that_only_look_alike_are_both_sent_and_keep_their_order(make_job: JobMaker) -> None:
    one, other = copy(1, "one"), copy(1, "other")
    one["person"]["customerId"], other["person"]["customerId"] = "Ab1", "aB1"
    job = make_job.of(one, other, leave_earlier_copies_out=True)
    assert job.results.filter(status="excluded").count() == 0
    assert [each.after_numbers for each in batches(job)] == [None, [1]]


def test_the_command_leaves_earlier_copies_out_and_that_is_no_failure(
    make_job: JobMaker, api: Any
) -> None:
    path = make_job.folder / "twice.json"
    path.write_text(json.dumps({"data": [copy(9, "OLD"), copy(9, "NEW")]}))
    options = (
        "import_customers",
        path,
        "--api",
        "sandbox",
        "--leave-earlier-copies-out",
        "--json",
    )
    found = json.loads(command(*options, "--dry-run").out)
    assert (found["would_send"], found["earlier_copies_left_out"]) == (1, 1)
    started = ImportJob.objects.get(pk=command(*options).job["job"])
    assert runner.read_input(started)
    answer(started, OK)
    lifecycle.finish_if_done([started.pk])
    assert command("job_status", started.pk).code == 0


def test_a_dry_run_is_outdated_once_copies_are_left_out(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    before = dry_run.digest(job)
    drafts.leave_earlier_copies_out(job, chosen=True)
    assert dry_run.digest(job) != before
    assert job.events.filter(code=EventCode.SETTINGS_CHANGED).count() == 1


def test_a_record_without_an_id_does_not_change_whom_a_copy_waits_for(make_job: JobMaker) -> None:
    make_job.api.preset = "salesforce-collections"  # whose answers name records by their place
    make_job.api.save()
    old, new = ({"Id": "9", "Name": name} for name in ("OLD", "NEW"))
    job = make_job.of(old, *[{"Name": str(number)} for number in range(5)], new, batch_size=2)
    assert [each.after_numbers for each in batches(job)] == [None, None, None, [1]]


def test_a_later_copy_that_waits_for_its_stage_keeps_no_worker_busy(make_job: JobMaker) -> None:
    job = old_and_new(make_job, rollout="one")
    assert numbers(send(job, room=5)) == [1]
    assert claims.claim(job, "another", 5, 60.0) == claims.Claim([], None)


def test_an_import_without_copies_waits_for_nothing(make_job: JobMaker) -> None:
    job = make_job(30)
    assert not ImportBatch.objects.filter(job=job, after_numbers__isnull=False).exists()
    assert numbers(send(job, room=4)) == [1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(60))
def test_however_customers_are_repeated_their_copies_keep_their_order(seed: int) -> None:
    draw = random.Random(seed)
    size = draw.randint(1, 7)
    customers = [draw.randrange(1, 14) for _ in range(draw.randrange(120))]
    lengths = [draw.choice((10, 400, 900)) for _ in customers]
    checks = msgspec.structs.replace(
        GK_CHECKS, max_batch_bytes=draw.choice((1_000, 2_000, 1 << 20))
    )
    cutter, last = Cutter(size, checks, 0), dict[int, int]()
    cut, positions = list[Batch](), count(1)
    for customer, length in zip(customers, lengths, strict=True):
        raw = b"x" * length
        one = Record(next(positions), 0, length, raw, str(customer), "")
        cut += cutter.add(one, last.get(customer, 0))
        last[customer] = cutter.placed
        assert len(cutter._open) <= MOST_OPEN
    cut += cutter.rest()
    assert [each.number for each in cut] == list(range(1, len(cut) + 1))
    assert sorted(r.position for each in cut for r in each.records) == list(
        range(1, len(customers) + 1)
    )
    batch_of = {r.position: each for each in cut for r in each.records}
    previous: dict[str, int] = {}
    for position in sorted(batch_of):
        batch = batch_of[position]
        key = next(r.key for r in batch.records if r.position == position)
        assert 1 <= len(batch.records) <= size
        if key in previous:
            earlier = batch_of[previous[key]].number
            assert earlier < batch.number
            assert earlier in batch.after
        previous[key] = position
