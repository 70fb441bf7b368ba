"""Notices: one for each job and cause, written with the move; to those who want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger.lifecycle import announce
from imports.models import Channel, ImportFile, Notification, NotificationDelivery
from imports.models.notifications import What
from tests.jobs import OK, REFUSED, STOP, answer, at_once, send
from tests.jobs import run as run_job

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import ImportJob
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything(db: None) -> Channel:
    """Somebody who wants to know of every job."""
    return Channel.objects.create(name="ops", recipients="ops@example.test")


@pytest.fixture
def trouble(db: None) -> Channel:
    """Somebody who wants to know only where there is something to do."""
    return Channel.objects.create(name="duty", wanted="trouble", recipients="duty@example.test")


def summary(job: ImportJob) -> list[tuple[str, str]]:
    return list(Notification.objects.filter(job=job).values_list("what", "cause"))


def to(channel: Channel) -> list[str]:
    return list(channel.deliveries.order_by("pk").values_list("notification__what", flat=True))


def test_a_finished_job_sends_a_notification_with_its_totals(
    make_job: JobMaker, everything: Channel
) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    lifecycle.finish_if_done([job.pk])
    lifecycle.finish_if_done([job.pk])
    assert summary(job) == [("finished", "")]
    job_totals = Notification.objects.get().job_totals
    assert (
        job_totals["total"],
        job_totals["success"],
        job_totals["error"],
        job_totals["pending"],
    ) == (6, 3, 3, 0)
    assert NotificationDelivery.objects.get().status == "waiting"


def test_many_batches_that_stop_for_one_cause_make_one_notification(
    make_job: JobMaker, everything: Channel
) -> None:
    job = make_job(12)
    works = send(job, room=4)
    assert len(works) == 4
    for _ in works:
        lifecycle.pause_for(job, STOP.code, STOP.error)
    assert summary(job) == [("paused", "CREDENTIAL_REFUSED")]


def test_the_same_said_twice_is_kept_once(make_job: JobMaker, everything: Channel) -> None:
    job = make_job(3)
    announce(job, What.PAUSED, "LOCKED")
    announce(job, What.PAUSED, "LOCKED")
    announce(job, What.PAUSED, "CAPTCHA")
    assert summary(job) == [("paused", "LOCKED"), ("paused", "CAPTCHA")]
    assert NotificationDelivery.objects.count() == 2


def test_the_same_cause_after_a_resume_is_news(make_job: JobMaker, everything: Channel) -> None:
    job = make_job(12)
    answer(job, STOP)
    lifecycle.resume(job, "anna")
    answer(job, STOP)
    assert summary(job) == [("paused", "CREDENTIAL_REFUSED")] * 2


def test_a_pause_by_hand_is_no_news(make_job: JobMaker, everything: Channel) -> None:
    job = make_job(6)
    lifecycle.pause(job, "anna")
    assert summary(job) == []


def test_a_cancelled_job_sends_a_notification(make_job: JobMaker, everything: Channel) -> None:
    job = make_job(6)
    lifecycle.cancel(job, "anna")
    assert summary(job) == [("cancelled", "")]
    assert Notification.objects.get().job_totals["error"] == 6


def test_an_unreadable_input_sends_a_notification(make_job: JobMaker, everything: Channel) -> None:
    job = make_job.queued(6)
    path: Path = make_job.folder / "changed.json"
    path.write_text("{}")
    ImportFile.objects.filter(job=job).update(path=str(path))
    assert not runner.read_input(job)
    assert summary(job) == [("refused", "")]


def test_who_wants_only_trouble_hears_of_nothing_else(
    make_job: JobMaker, everything: Channel, trouble: Channel
) -> None:
    good, bad, stuck = make_job(3), make_job(3), make_job(3)
    answer(good, OK)
    answer(bad, REFUSED)
    answer(stuck, STOP)
    lifecycle.finish_if_done([good.pk, bad.pk])
    assert to(everything) == ["paused", "finished", "finished"]
    assert to(trouble) == ["paused", "finished"]
    assert not NotificationDelivery.objects.filter(
        channel=trouble, notification__job=good
    ).exists()


def test_where_nobody_wants_to_know_nothing_is_kept(make_job: JobMaker, db: None) -> None:
    Channel.objects.create(name="off", recipients="off@example.test", is_active=False)
    job = make_job(3)
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    assert not Notification.objects.exists()


def test_a_transition_that_is_rolled_back_sends_no_notification(
    make_job: JobMaker, everything: Channel
) -> None:
    job = make_job(3)
    answer(job, OK)
    with transaction.atomic():
        lifecycle.finish_if_done([job.pk])
        transaction.set_rollback(True)
    job.refresh_from_db()
    assert job.status == "running"
    assert not NotificationDelivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_finish_a_job_at_once_tell_of_it_once(
    make_job: JobMaker, everything: Channel
) -> None:
    job = make_job(3)
    answer(job, OK)
    at_once(lambda: lifecycle.finish_if_done([job.pk]), lambda: lifecycle.finish_if_done([job.pk]))
    assert summary(job) == [("finished", "")]
    assert NotificationDelivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_whole_run_tells_once(make_job: JobMaker, everything: Channel) -> None:
    job = run_job(make_job(12))
    assert job.status == "finished"
    assert summary(job) == [("finished", "")]
