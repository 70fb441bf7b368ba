"""Deliveries: sent once, tried again with growing pauses, given up, kept; never lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail as outbox
from django.db import connection

from imports import notifications
from imports.engine import queue, sweeper
from imports.ledger import lifecycle
from imports.models import Channel, NotificationDelivery
from imports.notifications import NotDelivered
from tests.imports.customers.scripted_server import Server, reply
from tests.jobs import OK, REFUSED, answer, at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imports.models import ImportJob
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox(db: None) -> Channel:
    return Channel.objects.create(name="ops", recipients="ops@example.test")


@pytest.fixture
def receiver() -> Iterator[Server]:
    """A program that takes no notification until a test says so."""
    with Server(reply(500)) as server:
        yield server


@pytest.fixture
def webhook(db: None, receiver: Server, installation: Any) -> Channel:
    return Channel.objects.create(
        name="hook", kind="webhook", url=receiver.url, secret="a secret of both sides"
    )


@pytest.fixture
def ended(make_job: JobMaker) -> Callable[[], ImportJob]:
    """Make a job that ended with failures."""

    def make() -> ImportJob:
        job = make_job(6)
        answer(job, OK, REFUSED)
        lifecycle.finish_if_done([job.pk])
        return job

    return make


def log(job: ImportJob) -> list[tuple[str, str]]:
    acts = ("notified", "not_notified")
    found = job.events.filter(code__in=acts).values_list("code", "message")
    return [(code, str(message)) for code, message in found]


def test_one_mail_for_each_job_and_the_jobs_log_says_so(
    ended: Callable[[], ImportJob], mailbox: Channel
) -> None:
    job = ended()
    assert notifications.deliver_due() == 1
    assert notifications.deliver_due() == 0
    (mail,) = outbox.outbox
    assert mail.to == ["ops@example.test"]
    assert job.name in mail.subject
    assert NotificationDelivery.objects.get().status == "sent"
    assert log(job) == [("notified", "ops")]


def test_what_fails_is_kept_with_its_error_and_tried_again_later(
    ended: Callable[[], ImportJob], webhook: Channel, receiver: Server,
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    job = ended()
    notifications.deliver_due()
    one = NotificationDelivery.objects.get()
    assert (one.status, one.tries) == ("waiting", 1)
    assert "HTTP 500" in str(one.error)
    assert notifications.deliver_due() == 0  # not yet
    receiver.acts = [reply(200)]
    pass_time(notifications.PAUSES_SECONDS[0] + 1)
    assert notifications.deliver_due() == 1
    one.refresh_from_db()
    assert (one.status, one.tries, one.error) == ("sent", 2, None)
    assert log(job) == [("notified", "hook")]
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_after_the_last_pause_it_is_given_up_and_can_be_sent_again(
    ended: Callable[[], ImportJob], webhook: Channel, receiver: Server,
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    job = ended()
    for pause in (*notifications.PAUSES_SECONDS, 0):
        assert notifications.deliver_due() == 1
        pass_time(pause + 1)
    assert notifications.deliver_due() == 0
    assert NotificationDelivery.objects.get().status == "failed"
    assert len(receiver.received) == len(notifications.PAUSES_SECONDS) + 1
    ((action, message),) = log(job)
    assert action == "not_notified"
    assert "HTTP 500" in message
    receiver.acts = [reply(200)]
    assert notifications.send_again(NotificationDelivery.objects.all()) == 1
    notifications.deliver_due()
    assert NotificationDelivery.objects.get().status == "sent"


def test_a_channel_that_was_switched_off_gets_nothing_more(
    ended: Callable[[], ImportJob], mailbox: Channel
) -> None:
    ended()
    Channel.objects.update(is_active=False)
    notifications.deliver_due()
    assert outbox.outbox == []
    assert str(NotificationDelivery.objects.get().error) == "The channel was switched off."


def test_a_worker_that_died_while_sending_leaves_it_to_another(
    ended: Callable[[], ImportJob], mailbox: Channel, pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    ended()
    with monkeypatch.context() as dying:
        dying.setattr(notifications, "send", dies)
        with pytest.raises(Killed):
            notifications.deliver_due()
    assert notifications.deliver_due() == 0
    pass_time(notifications.LEASE_SECONDS + 1)
    assert notifications.deliver_due() == 1
    assert NotificationDelivery.objects.get().status == "sent"


def test_whoever_comes_back_after_his_lease_changes_nothing(
    ended: Callable[[], ImportJob], mailbox: Channel, pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = notifications.send

    def slow(*arguments: Any) -> None:
        monkeypatch.setattr(notifications, "send", real)
        pass_time(notifications.LEASE_SECONDS + 1)
        notifications.deliver_due()  # another worker's
        raise NotDelivered("too late")

    ended()
    monkeypatch.setattr(notifications, "send", slow)
    notifications.deliver_due()
    one = NotificationDelivery.objects.get()
    assert (one.status, one.error) == ("sent", None)


def test_two_workers_send_each_of_them_once(
    ended: Callable[[], ImportJob], mailbox: Channel
) -> None:
    for _ in range(4):
        ended()
    at_once(notifications.deliver_due, notifications.deliver_due)
    assert len(outbox.outbox) == 4
    assert set(NotificationDelivery.objects.values_list("status", "tries")) == {("sent", 1)}


def test_no_transaction_is_open_while_it_is_sent(
    ended: Callable[[], ImportJob], mailbox: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(notifications, "send", lambda *_: seen.append(connection.in_atomic_block))
    ended()
    notifications.deliver_due()
    assert seen == [False]


def test_a_bug_of_ours_is_kept_like_any_failure(
    ended: Callable[[], ImportJob], mailbox: Channel, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fails(*_: object) -> None:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr(notifications, "send", fails)
    ended()
    with caplog.at_level(logging.CRITICAL):
        notifications.deliver_due()
    assert "ZeroDivisionError" in str(NotificationDelivery.objects.get().error)
    assert "canary" not in str(NotificationDelivery.objects.get().error)


def test_a_lost_key_is_reported(
    ended: Callable[[], ImportJob], webhook: Channel, settings: Any
) -> None:
    ended()
    settings.CREDENTIAL_KEYS = ["MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="]
    notifications.deliver_due()
    assert "CREDENTIAL_KEYS" in str(NotificationDelivery.objects.get().error)


# The queue message


def test_the_sweeper_has_a_worker_send_them(
    ended: Callable[[], ImportJob], mailbox: Channel, messages: Any
) -> None:
    job = ended()
    type(job).objects.filter(pk=job.pk).update(closed_at=job.created_at)
    sweeper.sweep()
    sweeper.sweep()
    (message,) = messages.get_jobs()
    assert message.func_name == "imports.notifications.deliver"
    assert queue.enqueued_jobs() == set()
    message.perform()
    assert NotificationDelivery.objects.get().status == "sent"
    messages.empty()
    sweeper.sweep()
    assert len(messages) == 0


def test_nobody_is_asked_while_somebody_is_at_it_or_nothing_is_due(
    ended: Callable[[], ImportJob], webhook: Channel
) -> None:
    assert not notifications.needs_a_worker()
    ended()
    assert notifications.needs_a_worker()
    notifications._claim()
    ended()
    assert not notifications.needs_a_worker()
