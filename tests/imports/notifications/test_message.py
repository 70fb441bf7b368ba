"""What a notice says: a name, numbers and a link; nothing of a record, nothing of a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from imports.ledger import lifecycle
from imports.models import Channel, ImportResult, NotificationDelivery
from imports.notifications import message_of
from imports.policy import Outcome, Verdict
from tests.jobs import OK, REFUSED, STOP, answer

if TYPE_CHECKING:
    from imports.models import ImportJob
    from imports.notifications import Message
    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def channel(db: None, settings: Any) -> Channel:
    settings.SITE_URL = "https://redrive.example"
    return Channel.objects.create(name="ops", recipients="ops@example.test")


def message(job: ImportJob) -> Message:
    return message_of(
        NotificationDelivery.objects.select_related("notification__job").get(notification__job=job)
    )


def test_a_job_that_finished_with_failures(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    lifecycle.finish_if_done([job.pk])
    one = message(job)
    assert one.subject == f"[Redrive] Finished, needs attention: {job.name}"
    assert "6 records = 3 succeeded + 3 failed + 0 unknown + 0 excluded + 0 waiting" in one.text
    link = f"https://redrive.example/admin/imports/importjob/{job.pk}/failures/"
    assert link in one.text
    assert one.payload["type"] == "job.finished"
    assert one.payload["data"]["url"] == link
    assert one.payload["data"]["error"] == 3
    assert one.payload["data"]["needs_somebody"] is True


def test_a_job_that_finished_well(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    one = message(job)
    assert one.subject == f"[Redrive] Finished without failures: {job.name}"
    assert f"/importjob/{job.pk}/progress/" in one.text


def test_a_job_that_paused_says_its_code(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, STOP)
    one = message(job)
    assert one.subject == f"[Redrive] Paused, needs attention: {job.name}"
    assert "with the code CREDENTIAL_REFUSED" in one.text
    assert one.payload["data"]["cause"] == "CREDENTIAL_REFUSED"


def test_nothing_of_a_record_or_of_an_answer_is_in_it(make_job: JobMaker) -> None:
    job = make_job(3)
    canary = "canary-9 token=abc"
    answer(job, Outcome(Verdict.PAUSE, "CREDENTIAL_REFUSED", canary, 401, answer=canary))
    lifecycle.cancel(job, "anna")
    records = ImportResult.objects.filter(job=job)
    private = [canary, "canary", *records.values_list("key", flat=True)]
    private += [each for each in records.values_list("email", flat=True) if each]
    for delivery in NotificationDelivery.objects.select_related("notification__job"):
        one = message_of(delivery)
        said = one.subject + one.text + json.dumps(one.payload)
        assert [each for each in private if each in said] == []


def test_a_name_with_line_breaks_makes_no_new_header(make_job: JobMaker) -> None:
    job = make_job(3)
    type(job).objects.filter(pk=job.pk).update(name="a\r\nBcc: eve@example.test")
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    assert message(job).subject.endswith(": a Bcc: eve@example.test")


def test_it_is_in_the_installations_language_and_the_same_at_every_try(
    make_job: JobMaker, settings: Any
) -> None:
    job = make_job(3)
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    assert message(job) == message(job)
