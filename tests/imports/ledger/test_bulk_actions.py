"""Decisions about many records: fixed when confirmed, done part by part, by whoever lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from imports.customers import drafts, retry_files
from imports.engine import queue, runner, sweeper
from imports.ledger import bulk_actions, lifecycle
from imports.models import BulkAction, BulkActionChunk, ImportJob, ImportResult
from imports.models.bulk_actions import ActionType
from imports.policy import Verdict
from tests.jobs import (
    LOST,
    OK,
    REFUSED,
    answer,
    assert_totals_hold,
    at_once,
    batches,
    keys,
    mixed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.utils import CaptureQueriesContext
    from pytest_django import DjangoAssertNumQueries

    from tests.jobs import JobMaker

S, X = Verdict.SUCCESS, Verdict.REJECTED
REASON: dict[str, Any] = {"reason": "closed accounts", "actor": "anna"}
REASON_BY = ("anna", "closed accounts")
# A look-up takes its time, and its reason is what the API says.
AT_ONCE = [each for each in ActionType if each != ActionType.LOOK_UP]
UNREASONED = (ActionType.RETRY, ActionType.LOOK_UP)
DECIDED = {
    ActionType.EXCLUDE: ("error", "excluded"),
    ActionType.ARRIVED: ("unknown", "success"),
    ActionType.NOT_ARRIVED: ("unknown", "error"),
    ActionType.RESTORE: ("excluded", "error"),
}


@pytest.fixture(autouse=True)
def patient(settings: Any) -> None:
    """Many are refused here for one cause, and no job stops itself for it."""
    settings.STOP_AFTER_BATCHES = 0


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four records, so that a few batches make several."""
    monkeypatch.setattr(bulk_actions, "CHUNK", 4)


@pytest.fixture
def failed(make_job: JobMaker) -> Callable[..., ImportJob]:
    """An ended job of which so many batches of three were refused."""

    def make(refused: int = 4, **settings: Any) -> ImportJob:
        job = make_job(3 * refused + 3, **settings)
        answer(job, *[REFUSED] * refused, OK)
        lifecycle.finish_if_done([job.pk])
        return job

    return make


def carried_out(bulk_action: BulkAction) -> BulkAction:
    while bulk_actions.carry_on(bulk_action):
        pass
    bulk_action.refresh_from_db()
    return bulk_action


def status(job: ImportJob) -> str:
    job.refresh_from_db()
    return str(job.status)


def test_what_a_plan_takes_is_fixed_when_it_is_made_and_nothing_is_done_yet(
    make_job: JobMaker,
) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    assert (bulk_action.total, bulk_action.seen, keys(job, "excluded")) == (6, 0, [])
    answer(job, REFUSED)  # it failed after she had confirmed
    carried_out(bulk_action)
    assert (len(keys(job, "excluded")), len(keys(job, "error"))) == (6, 3)
    assert_totals_hold(job)


def test_a_batch_is_never_cut_in_two_parts(failed: Callable[..., ImportJob]) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    parts = list(
        BulkActionChunk.objects.filter(bulk_action=bulk_action).values_list(
            "result_ids", flat=True
        )
    )
    assert [len(ids) for ids in parts] == [6, 6]
    numbers = [
        set(job.results.filter(pk__in=ids).values_list("batch__number", flat=True))
        for ids in parts
    ]
    assert not numbers[0] & numbers[1]


@pytest.mark.parametrize(
    "action", [ActionType.EXCLUDE, ActionType.ARRIVED, ActionType.NOT_ARRIVED]
)
def test_a_decision_is_written_chunk_by_chunk_and_logged_once(
    make_job: JobMaker, action: ActionType
) -> None:
    before, after = DECIDED[action]
    job = make_job(9)
    answer(job, *[REFUSED if before == "error" else LOST] * 3)
    bulk_action = bulk_actions.carry_out(job, action, **REASON)
    seen = []
    while bulk_actions.carry_on(bulk_action):
        bulk_action.refresh_from_db()
        seen.append((bulk_action.taken, len(keys(job, after))))
    assert seen == [(6, 6), (9, 9)]
    bulk_action.refresh_from_db()
    assert (bulk_action.finished_at is not None, bulk_action.skipped_changed) == (True, 0)
    (event,) = job.events.filter(actor="anna")
    assert (str(event.message), event.reason) == (
        "9 records, in the background.",
        "closed accounts",
    )
    assert event.record_events.count() == 9  # each record's own story tells it
    assert str(job.events.get(code="done_in_background").message) == "9 of 9 records."
    assert_totals_hold(job)


def test_a_retry_of_many_is_one_job_that_starts_when_it_is_complete(
    failed: Callable[..., ImportJob],
) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY, actor="anna")
    new = bulk_action.made
    assert new is not None
    sizes = []
    while bulk_actions.carry_on(bulk_action):
        sizes.append((status(new), new.results.count()))
    assert sizes == [("draft", 6), ("draft", 12)]
    assert status(new) == "queued"
    assert new.started_at is not None
    assert ImportJob.objects.filter(retry_of=job).count() == 1
    assert [(b.number, b.size) for b in batches(new)] == [(n, 3) for n in (1, 2, 3, 4)]
    assert keys(new, "pending") == keys(job, "error")
    assert str(new.events.filter(code="created").get().message).startswith("Retry of job")
    assert_totals_hold(new)


def test_chunks_make_the_same_batches_as_a_retry_in_one_go(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for chunk in (4, 100):
        monkeypatch.setattr(bulk_actions, "CHUNK", chunk)
        job = make_job(12)
        answer(job, mixed(X, S, X), REFUSED, LOST, REFUSED)
        bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)
        assert bulk_action.in_background == (chunk == 4)
        made.append(carried_out(bulk_action).made)
    one, other = ([(b.number, b.part, b.size) for b in batches(job)] for job in made if job)
    assert one == other == [(1, 0, 2), (2, 0, 3), (4, 0, 3)]


def test_a_retry_with_other_settings_waits_as_a_draft(failed: Callable[..., ImportJob]) -> None:
    bulk_action = carried_out(bulk_actions.carry_out(failed(), ActionType.RETRY, starts=False))
    assert bulk_action.made is not None
    assert bulk_action.made.status == "draft"
    lifecycle.start(bulk_action.made)


def test_a_retry_that_is_being_put_together_is_neither_started_nor_changed_nor_thrown_away(
    failed: Callable[..., ImportJob], make_job: JobMaker
) -> None:
    bulk_action = bulk_actions.carry_out(failed(), ActionType.RETRY)
    bulk_actions.carry_on(bulk_action)
    new = bulk_action.made
    assert new is not None
    (path,) = make_job.files(1)
    for touch in (lifecycle.start, drafts.remove_draft, lambda job: drafts.add_path(job, path)):
        with pytest.raises(lifecycle.NotAllowed, match="still being prepared"):
            touch(new)
    assert carried_out(bulk_action).taken == 12


def test_records_that_changed_meanwhile_are_skipped_and_counted(
    failed: Callable[..., ImportJob], make_job: JobMaker
) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY, actor="anna")
    loaded(job, make_job, 1)
    carried_out(bulk_action)
    assert (bulk_action.total, bulk_action.taken, bulk_action.skipped_changed) == (12, 9, 3)
    assert ImportResult.objects.filter(job=bulk_action.made).count() == 9
    assert ImportResult.objects.filter(retry_of__job=job).count() == 12
    assert_totals_hold(job)


def test_where_all_have_changed_nothing_is_sent_and_no_empty_job_stays(
    failed: Callable[..., ImportJob], make_job: JobMaker
) -> None:
    job = failed(2)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)
    new = loaded(job, make_job, 1, 2)
    carried_out(bulk_action)
    assert (bulk_action.taken, bulk_action.skipped_changed, bulk_action.made) == (0, 6, None)
    assert list(ImportJob.objects.filter(retry_of=job)) == [new]


def loaded(job: ImportJob, make_job: JobMaker, *batches_: int) -> ImportJob:
    """Somebody loads the retry files of these batches meanwhile, and the records are taken."""
    directory = retry_files.write(job, make_job.folder / "out")
    assert directory is not None
    new = drafts.new_draft(make_job.api, "loaded")
    for number in batches_:
        drafts.add_path(new, directory / f"retry_batch_{number:02}_failed.json")
    lifecycle.start(new)
    assert runner.read_input(new)
    return new


@pytest.mark.parametrize("action", [ActionType.EXCLUDE, ActionType.RETRY])
def test_a_worker_that_is_killed_in_a_part_takes_nothing_with_it(
    failed: Callable[..., ImportJob], monkeypatch: pytest.MonkeyPatch, action: ActionType
) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, action, **REASON)
    bulk_actions.carry_on(bulk_action)
    with monkeypatch.context() as dying:
        dying.setattr(
            BulkActionChunk.objects, "filter", killing_filter(BulkActionChunk.objects.filter)
        )
        with pytest.raises(SystemExit):
            bulk_actions.carry_on(bulk_action)
    bulk_action.refresh_from_db()
    assert bulk_action.seen == 6
    carried_out(bulk_action)
    assert (bulk_action.taken, bulk_action.skipped_changed) == (12, 0)
    if bulk_action.made:
        assert keys(bulk_action.made, "pending") == keys(job, "error")
    assert_totals_hold(job)


def killing_filter(real: Callable[..., Any]) -> Callable[..., Any]:
    """As the part is to be marked as done, after its records were moved, the worker dies."""

    def filter_(**which: Any) -> Any:
        if "pk" in which:
            raise SystemExit
        return real(**which)

    return filter_


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_plan(failed: Callable[..., ImportJob]) -> None:
    job = failed(4)

    def click() -> int:
        try:
            return bulk_actions.carry_out(ImportJob.objects.get(pk=job.pk), ActionType.RETRY).total
        except lifecycle.NotAllowed:
            return 0

    assert sorted(at_once(click, click, click)) == [0, 0, 12]
    assert ImportJob.objects.filter(retry_of=job).count() == 1
    (bulk_action,) = BulkAction.objects.all()
    with pytest.raises(lifecycle.NotAllowed, match="still running"):
        bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    assert carried_out(bulk_action).taken == 12


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_do_each_part_once(failed: Callable[..., ImportJob]) -> None:
    job = failed(8)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)

    def worker() -> None:
        while BulkAction.objects.filter(pk=bulk_action.pk, finished_at=None).exists():
            bulk_actions.carry_on(bulk_action)

    at_once(worker, worker, worker)
    bulk_action.refresh_from_db()
    assert (
        bulk_action.taken,
        bulk_action.skipped_changed,
        bulk_action.finished_at is not None,
    ) == (24, 0, True)
    assert bulk_action.made is not None
    assert keys(bulk_action.made, "pending") == keys(job, "error")


def test_a_plan_that_is_stopped_keeps_what_is_done(failed: Callable[..., ImportJob]) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    bulk_actions.carry_on(bulk_action)
    assert bulk_actions.stop(bulk_action, "olle")
    assert not bulk_actions.stop(bulk_action, "olle")
    assert not bulk_actions.carry_on(bulk_action)
    assert len(keys(job, "excluded")) == 6
    summary = str(job.events.get(code="done_in_background").message)
    assert summary == "Stopped by olle. 6 of 12 records."


def test_a_retry_that_is_stopped_stays_a_draft_that_can_be_started(
    failed: Callable[..., ImportJob],
) -> None:
    bulk_action = bulk_actions.carry_out(failed(4), ActionType.RETRY)
    bulk_actions.carry_on(bulk_action)
    bulk_actions.stop(bulk_action, "olle")
    assert bulk_action.made_id
    new = ImportJob.objects.get(pk=bulk_action.made_id)
    assert (new.status, new.results.count()) == ("draft", 6)
    lifecycle.start(new)
    assert new.status == "queued"


@pytest.mark.parametrize("action", [each for each in ActionType if each not in UNREASONED])
def test_every_plan_but_a_plain_retry_needs_a_reason(
    make_job: JobMaker, action: ActionType
) -> None:
    job = make_job(6)
    answer(job, LOST, REFUSED)
    with pytest.raises(lifecycle.NotAllowed, match="Give a reason"):
        bulk_actions.carry_out(job, action, reason=" ")


@pytest.mark.parametrize("action", ActionType)
def test_a_plan_without_records_is_refused_and_leaves_nothing(
    make_job: JobMaker, action: ActionType
) -> None:
    job = make_job(3)
    answer(job, OK)
    with pytest.raises(lifecycle.NotAllowed):
        bulk_actions.carry_out(job, action, **REASON)
    assert not BulkAction.objects.exists()
    assert ImportJob.objects.count() == 1


def test_a_part_costs_the_same_however_many_batches_are_in_it(
    make_job: JobMaker,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(bulk_actions, "CHUNK", 100)
    counts = []
    for size in (3, 30):
        job = make_job(size, batch_size=1)
        answer(job, *[REFUSED] * size)
        bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
        asked: CaptureQueriesContext
        with django_assert_max_num_queries(20) as asked:
            bulk_actions.carry_on(bulk_action)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# Who carries it out


@pytest.mark.django_db(transaction=True)
def test_a_queue_message_carries_out_a_bulk_action_and_sends_the_retry(
    failed: Callable[..., ImportJob], messages: Any
) -> None:
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)
    queue.run_job(job.pk)
    bulk_action.refresh_from_db()
    assert bulk_action.taken == 12
    assert queue.enqueued_jobs() == {bulk_action.made_id}


@pytest.mark.django_db(transaction=True)
def test_a_bulk_action_whose_turn_is_over_is_enqueued_again(
    failed: Callable[..., ImportJob], messages: Any, settings: Any
) -> None:
    settings.TURN_SECONDS = -1.0
    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    queue.run_job(job.pk)
    bulk_action.refresh_from_db()
    assert (bulk_action.taken, queue.enqueued_jobs()) == (6, {job.pk})


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_requeues_a_bulk_action_whose_message_was_lost_until_it_has_ended(
    failed: Callable[..., ImportJob], messages: Any
) -> None:
    job = failed(4)
    runner.close(job)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    messages.connection.flushdb()
    sweeper.sweep()
    assert queue.enqueued_jobs() == {job.pk}
    messages.connection.flushdb()
    carried_out(bulk_action)
    sweeper.sweep()
    assert queue.enqueued_jobs() == set()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_runs_goes_on_sending_beside_its_plan(
    make_job: JobMaker, messages: Any
) -> None:
    job = make_job(9)
    answer(job, REFUSED)
    bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    queue.run_job(job.pk)
    assert (len(keys(job, "excluded")), len(keys(job, "success"))) == (3, 6)


@pytest.mark.django_db(transaction=True)
def test_a_bug_in_a_part_ends_the_plan_and_says_so(
    failed: Callable[..., ImportJob], monkeypatch: pytest.MonkeyPatch, messages: Any
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError

    job = failed(4)
    bulk_action = bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    monkeypatch.setattr(bulk_actions, "write_down", broken)
    queue.run_job(job.pk)
    bulk_action.refresh_from_db()
    assert "Redrive itself failed (ZeroDivisionError)" in str(bulk_action.trouble)
    assert bulk_action.finished_at is not None
    assert queue.enqueued_jobs() == set()


def test_the_database_going_away_ends_no_plan(
    failed: Callable[..., ImportJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(*_: object) -> int:
        raise OperationalError

    bulk_action = bulk_actions.carry_out(failed(4), ActionType.EXCLUDE, **REASON)
    with monkeypatch.context() as gone:
        gone.setattr(bulk_actions, "write_down", away)
        with pytest.raises(OperationalError):
            runner.carry_out(bulk_action)
    assert connection.is_usable()
    assert carried_out(bulk_action).taken == 12


# What is few is done at once, and recorded as the same kind of action


def able(make_job: JobMaker, action: ActionType) -> ImportJob:
    """A job with three records that this action can be about."""
    job = make_job(6)
    answer(job, REFUSED, LOST)
    if action == ActionType.RESTORE:
        bulk_actions.carry_out(job, ActionType.EXCLUDE, **REASON)
    return job


@pytest.mark.parametrize("action", AT_ONCE)
def test_few_records_are_decided_at_once_and_the_action_is_recorded(
    make_job: JobMaker, action: ActionType
) -> None:
    job = able(make_job, action)
    done = bulk_actions.carry_out(job, action, **REASON)
    assert BulkAction.objects.get(action=action) == done
    assert (done.total, done.taken, done.skipped_changed, done.in_background) == (3, 3, 0, False)
    assert (done.finished_at is not None, done.actor, done.reason) == (True, *REASON_BY)
    assert not BulkActionChunk.objects.exists()
    if done.made:
        assert (done.made.status, done.made.results.count()) == ("queued", 3)
    else:
        assert done.event is not None
        assert done.event.record_events.count() == 3
        assert len(keys(job, DECIDED[action][1])) >= 3
    assert_totals_hold(job)


@pytest.mark.parametrize("action", ActionType)
def test_while_many_are_being_decided_about_nothing_else_is_begun(
    make_job: JobMaker, action: ActionType
) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED, LOST)
    first = bulk_actions.carry_out(job, ActionType.RETRY)
    assert first.in_background
    with pytest.raises(lifecycle.NotAllowed, match="still running"):
        bulk_actions.carry_out(job, action, **REASON)
    assert BulkAction.objects.count() == 1
    carried_out(first)
    with pytest.raises(bulk_actions.NothingLeft, match="All 6 records are already being retried"):
        bulk_actions.carry_out(job, ActionType.RETRY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", AT_ONCE)
def test_two_clicks_at_once_about_few_records_make_one_action(
    make_job: JobMaker, action: ActionType
) -> None:
    job = able(make_job, action)

    def click() -> int:
        try:
            mine = ImportJob.objects.get(pk=job.pk)
            return bulk_actions.carry_out(mine, action, **REASON).taken
        except bulk_actions.NothingLeft:
            return 0

    assert sorted(at_once(click, click, click)) == [0, 0, 3]
    assert BulkAction.objects.filter(action=action).count() == 1
