"""The actions of the lists of jobs, batches and results: what they do, and to whom they belong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone

from imports.engine import queue
from imports.ledger import lifecycle
from imports.models import BulkAction, ImportJob, RetryFile
from imports.states import EventCode
from tests.imports.admin.conftest import ended, with_permissions
from tests.jobs import OK, REFUSED, answer, assert_totals_hold, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from imports.models import ImportBatch
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ("importjob", "importbatch", "importresult")
EVERYWHERE = ("retry_failed", "regenerate_retry_files", "requeue")
STEERING = ("pause", "resume", "cancel")


def act(client: Client, model: str, action: str, *ids: int, **more: str) -> Any:
    data = {"action": action, "_selected_action": list(ids), **more}
    return client.post(f"/admin/imports/{model}/", data, follow=True)


def rows_of(job: ImportJob, model: str) -> list[int]:
    """Of each list, the rows that stand for what failed."""
    found = {
        "importjob": ImportJob.objects.filter(pk=job.pk),
        "importbatch": job.batches.filter(status="failed"),
        "importresult": job.results.filter(status="error"),
    }[model]
    return list(found.values_list("pk", flat=True))


def pks(rows: Any) -> list[int]:
    return list(rows.values_list("pk", flat=True))


def later(job: ImportJob) -> ImportBatch:
    """Its first batch is to be tried again in an hour."""
    batch = job.batches.earliest("pk")
    batch.next_attempt_at = timezone.now() + timedelta(hours=1)
    batch.save()
    return batch


def is_due(batch: ImportBatch) -> bool:
    found = type(batch).objects.filter(
        pk=batch.pk, next_attempt_at__lte=Now() + Value(timedelta())
    )
    return found.exists()


@pytest.mark.parametrize("model", LISTS)
def test_each_list_offers_the_actions_that_make_sense_there(
    operator: Client, failed_job: Callable[..., ImportJob], model: str
) -> None:
    failed_job()
    page = operator.get(f"/admin/imports/{model}/")
    offered = {value for value, _label in page.context["action_form"].fields["action"].choices}
    wanted = set(EVERYWHERE) | (set(STEERING) if model == "importjob" else set())
    assert offered - {""} == wanted


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("action", [*EVERYWHERE, *STEERING])
def test_an_action_is_not_offered_and_not_done_without_its_permission(
    failed_job: Callable[..., ImportJob], model: str, action: str, messages: Any
) -> None:
    job = failed_job()
    running = ImportJob.objects.exclude(pk=job.pk)
    mine = "start_job" if action in ("retry_failed", "regenerate_retry_files") else "retry_job"
    client = with_permissions("other", mine)
    files = RetryFile.objects.count()
    act(client, model, action, *rows_of(job, model), confirmed="1")
    assert f'value="{action}"' not in client.get(f"/admin/imports/{model}/").content.decode()
    assert (running.count(), BulkAction.objects.count(), RetryFile.objects.count()) == (
        0,
        0,
        files,
    )
    assert queue.enqueued_jobs() == set()


@pytest.mark.parametrize("model", LISTS)
def test_retry_failed_is_one_recorded_action_for_each_job(
    operator: Client, failed_job: Callable[..., ImportJob], model: str
) -> None:
    first, second = failed_job(), failed_job()
    page = act(operator, model, "retry_failed", *rows_of(first, model), *rows_of(second, model))
    assert [(each.job, each.taken, each.actor) for each in BulkAction.objects.order_by("pk")] == [
        (first, 3, "anna"),
        (second, 3, "anna"),
    ]
    assert page.content.decode().count("3 customers are being retried") == 2
    again = act(operator, model, "retry_failed", *rows_of(first, model))
    assert "All 3 records are already being retried" in again.content.decode()
    assert BulkAction.objects.count() == 2


@pytest.mark.parametrize("model", LISTS)
def test_retry_files_are_written_anew_for_each_job(
    operator: Client, failed_job: Callable[..., ImportJob], make_job: JobMaker, model: str
) -> None:
    job, clean = failed_job(), make_job(3)
    answer(clean, OK)
    ended(clean)
    before = job.retry_directory
    others = {"importjob": [clean.pk], "importbatch": pks(clean.batches)}
    rows = rows_of(job, model) + others.get(model, pks(clean.results))
    text = act(operator, model, "regenerate_retry_files", *rows).content.decode()
    assert "Wrote the retry files of 1 job; 1 has nothing left to retry." in text
    job.refresh_from_db()
    assert job.retry_directory != before
    assert Path(job.retry_directory, "retry_summary.json").is_file()


@pytest.mark.parametrize("model", LISTS)
def test_requeue_enqueues_the_job_and_makes_what_is_due_later_due_now(
    operator: Client, make_job: JobMaker, messages: Any, model: str
) -> None:
    job = make_job(6)
    mine = later(job)
    rows = {
        "importjob": [job.pk],
        "importbatch": [mine.pk],
        "importresult": [mine.results.earliest("pk").pk],
    }
    text = act(operator, model, "requeue", *rows[model]).content.decode()
    assert "Re-queued 1 job; 1 waiting batch is due now." in text
    assert is_due(mine)
    assert queue.enqueued_jobs() == {job.pk}
    assert job.events.get(code=EventCode.REQUEUED).actor == "anna"


def test_requeue_touches_no_other_batch_and_no_job_that_has_nothing_to_do(
    operator: Client, make_job: JobMaker, failed_job: Callable[..., ImportJob], messages: Any
) -> None:
    job, done, draft = make_job(6), failed_job(), make_job.draft(3)
    other = later(job)
    second = job.batches.latest("pk")
    act(operator, "importbatch", "requeue", second.pk)
    assert not is_due(other)
    messages.connection.flushdb()
    text = act(operator, "importjob", "requeue", done.pk, draft.pk).content.decode()
    assert "2 have nothing to do." in text
    assert queue.enqueued_jobs() == set()


def test_jobs_are_paused_resumed_and_cancelled_where_they_can_be(
    operator: Client, make_job: JobMaker, failed_job: Callable[..., ImportJob], messages: Any
) -> None:
    one, two, done = make_job(6), make_job(6), failed_job()
    answer(two, REFUSED)
    ids = (one.pk, two.pk, done.pk)
    text = act(operator, "importjob", "pause", *ids).content.decode()
    assert "Paused 2 jobs; 1 was not in a suitable state and was left unchanged." in text
    assert states(*ids) == ["paused", "paused", "finished"]
    text = act(operator, "importjob", "resume", one.pk, done.pk).content.decode()
    assert "Resumed 1 job; 1 was not" in text
    assert states(*ids) == ["running", "paused", "finished"]
    assert queue.enqueued_jobs() == {one.pk}
    asked = act(operator, "importjob", "cancel", *ids)
    assert "Cancel 2 jobs?" in asked.content.decode()
    assert states(*ids) == ["running", "paused", "finished"]
    text = act(operator, "importjob", "cancel", *ids, confirmed="1").content.decode()
    assert "Cancelled 2 jobs; records that were not sent are kept as failed; 1 was not" in text
    assert states(*ids) == ["cancelled", "cancelled", "finished"]
    assert (len(keys(one, "error")), len(keys(two, "error"))) == (6, 6)
    assert_totals_hold(two)


def states(*ids: int) -> list[str]:
    found = dict(ImportJob.objects.filter(pk__in=ids).values_list("pk", "status"))
    return [found[pk] for pk in ids]


def test_a_resumed_job_is_not_resumed_twice(operator: Client, make_job: JobMaker) -> None:
    job = make_job(3)
    lifecycle.pause(job)
    act(operator, "importjob", "resume", job.pk)
    text = act(operator, "importjob", "resume", job.pk).content.decode()
    assert "1 was not in a suitable state" in text
    assert job.events.filter(code=EventCode.RESUMED).count() == 1
