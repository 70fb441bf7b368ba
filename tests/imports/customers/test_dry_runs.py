"""A draft's dry run: made once, by whoever is free, found later, and never about another draft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox.samples import customer
from imports.customers import drafts, dry_run
from imports.customers.dry_run import forecast
from imports.engine import queue, sweeper
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.models import DryRun, ImportBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker


def test_a_queue_message_checks_a_draft_and_puts_nothing_in_the_ledger(make_job: JobMaker) -> None:
    job = make_job.draft(7)
    dry_run.ask(job, "anna")
    queue.run_job(job.pk)
    run = DryRun.objects.get(job=job)
    assert run.finished_at
    assert (run.forecast["would_send"], run.forecast["files"]) == (7, 1)
    job.refresh_from_db()
    assert (job.status, ImportBatch.objects.count()) == ("draft", 0)
    event = job.events.get(code="checked")
    assert event.actor == "anna"
    assert str(event.message) == "7 of 7 customers would be sent in 3 batches. Nothing was sent."


def test_a_draft_that_nobody_asked_about_is_not_checked(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    queue.run_job(job.pk)
    assert not DryRun.objects.exists()


def test_only_one_worker_makes_a_dry_run_while_its_heartbeat_is_fresh(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    job = make_job.draft(3)
    run = dry_run.ask(job, "anna")
    DryRun.objects.update(token="0" * 32, alive_at=run.asked_at)
    dry_run.carry_out(job)
    assert not DryRun.objects.get().finished_at
    assert job.pk not in sweeper.needing_a_worker().values_list("pk", flat=True)
    pass_time(dry_run.SILENT.total_seconds() + 1)  # that worker was killed
    assert job.pk in sweeper.needing_a_worker().values_list("pk", flat=True)
    dry_run.carry_out(job)
    assert DryRun.objects.get().finished_at


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_requeues_a_dry_run_whose_message_was_lost(
    make_job: JobMaker, messages: Any
) -> None:
    job = make_job.draft(3)
    dry_run.ask(job, "anna")
    sweeper.sweep()
    assert queue.enqueued_jobs() == {job.pk}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life at every batch."""
    monkeypatch.setattr(dry_run, "SIGN_SECONDS", 0.0)


def test_it_says_how_far_it_is(
    make_job: JobMaker, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.draft(7)
    dry_run.ask(job, "anna")
    dry_run.carry_out(job)
    assert DryRun.objects.get().records == 7


def test_one_that_was_asked_for_anew_ends_the_one_before(
    make_job: JobMaker, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.draft(7)
    first = dry_run.ask(job, "anna")

    def interrupted(*arguments: Any) -> dict[str, Any]:
        monkeypatch.setattr(dry_run, "forecast", forecast)
        dry_run.ask(job, "bo")  # while the first is being made
        return forecast(*arguments)

    monkeypatch.setattr(dry_run, "forecast", interrupted)
    dry_run.carry_out(job)
    run = DryRun.objects.get()
    assert (run.actor, run.finished_at) == ("bo", None)
    assert run.pk != first.pk
    assert not job.events.filter(code="checked").exists()


def test_a_file_that_has_changed_is_what_it_says(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    Path(job.files.get().path).write_text("another one")
    dry_run.ask(job, "anna")
    dry_run.carry_out(job)
    run = DryRun.objects.get()
    assert "it has changed since it was checked" in str(run.trouble)
    assert run.forecast == {}


def test_its_digest_changes_with_files_settings_and_the_api(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    seen = {dry_run.digest(job)}
    for path in make_job.files(2):
        drafts.add_path(job, path)
    seen.add(dry_run.digest(job))
    job.batch_size += 1
    seen.add(dry_run.digest(job))
    make_job.api.mapping = {"request": {"max_records": 2}}
    job.api = make_job.api
    seen.add(dry_run.digest(job))
    assert len(seen) == 4
    assert dry_run.digest(job) in seen


def test_only_a_draft_with_readable_files_is_checked(make_job: JobMaker) -> None:
    empty = drafts.new_draft(make_job.api, "empty")
    with pytest.raises(NotAllowed, match="Add files first"):
        dry_run.ask(empty, "anna")
    broken = make_job.folder / "broken.json"
    broken.write_text("no json")
    drafts.add_path(empty, broken)
    with pytest.raises(NotAllowed, match="cannot be read"):
        dry_run.ask(empty, "anna")
    started = make_job.queued(3)
    with pytest.raises(NotAllowed, match="has started"):
        dry_run.ask(started, "anna")


def test_a_job_that_was_started_meanwhile_is_not_checked_any_more(make_job: JobMaker) -> None:
    job = make_job.draft(3)
    dry_run.ask(job, "anna")
    lifecycle.start(job, "anna")
    dry_run.carry_out(job)
    assert not DryRun.objects.get().finished_at
    assert job.pk in sweeper.needing_a_worker().values_list("pk", flat=True)  # to be read, at last


def test_large_drafts_are_left_to_the_background(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.of(customer(0))
    assert dry_run.is_small(job)
    monkeypatch.setattr(dry_run, "AT_ONCE_BYTES", 10)
    assert not dry_run.is_small(job)
