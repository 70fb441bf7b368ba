"""Codes in the database: a window is used once, a code is held until it is taken, and erased."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Now
from django.utils import timezone

from bills.accounts import codes
from bills.accounts.codes import AttemptCodes, use_window
from bills.batch_sender import DatabaseThread
from bills.models import CodeRequest, CodeWindow
from bills.portals.failures import Code, PortalError
from imports.engine import runner
from imports.ledger import claims, lifecycle
from imports.models import Channel, ImportBatch, ImportJob, Notification
from tests.bills.runs import BillMaker, credential_of, full
from tests.jobs import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.job_types import Work

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "otpauth://totp/?secret=JBSWY3DPEHPK3PXP"
LEASE = 100.0


@pytest.fixture
def job(make_bills: BillMaker) -> ImportJob:
    return make_bills("sms1")


@pytest.fixture
def work(job: ImportJob) -> Work:
    works = claims.intend(claims.claim(job, "a worker", 1, LEASE).works, LEASE)
    return works[0]


@pytest.fixture
def attempt(work: Work) -> Iterator[AttemptCodes]:
    with DatabaseThread() as database:
        yield AttemptCodes(database, work, credential_of("sms1"), 300, LEASE)


def stored(pk: int) -> str:
    with connection.cursor() as sql:
        sql.execute("SELECT code FROM bills_coderequest WHERE id = %s", [pk])
        return str(sql.fetchone()[0])


def test_a_window_of_a_secret_is_used_by_one_of_many(db: None) -> None:
    won = at_once(*[lambda: use_window(SECRET, 7)] * 6)
    assert sorted(won) == [False] * 5 + [True]
    assert use_window(SECRET, 8)
    assert use_window(SECRET + "A", 7)


def test_nothing_of_the_secret_is_in_the_windows_mark(db: None) -> None:
    use_window(SECRET, 7)
    mark = CodeWindow.objects.get().secret_mark
    assert len(mark) == 64
    assert "JBSWY3DP" not in mark.upper()


def test_a_code_is_asked_for_typed_taken_and_erased(attempt: AttemptCodes) -> None:
    Channel.objects.create(name="ops", recipients="ops@example.test")
    assert attempt.ask("We have sent a code to +46 12") == 300.0
    request = codes.wanted().get()
    assert (request.credential.email, request.hint) == (
        full("sms1"), "We have sent a code to +46 12",
    )  # fmt: skip
    assert 200 < (request.expires_at - timezone.now()).total_seconds() <= 300
    assert attempt.answer() == ""
    assert codes.give(request.pk, "493021", "anna")
    assert not codes.wanted().exists()
    assert stored(request.pk)
    assert "493021" not in stored(request.pk)
    assert attempt.answer() == "493021"
    assert stored(request.pk) == ""
    assert attempt.answer() == ""
    notification = Notification.objects.get()
    assert (notification.what, notification.path) == (
        "code_wanted", f"/admin/bills/credential/code/{request.pk}/",
    )  # fmt: skip


def test_each_look_keeps_the_lease_alive(attempt: AttemptCodes, work: Work) -> None:
    attempt.ask("")
    ImportBatch.objects.update(lease_until=Now() + Value(timedelta(seconds=3)))
    attempt.answer()
    left = ImportBatch.objects.get(pk=work.batch_id).lease_until
    assert left is not None
    assert left > timezone.now() + timedelta(seconds=LEASE / 2)


def test_a_lost_claim_a_cancelled_job_and_a_stopping_worker_end_the_wait(
    attempt: AttemptCodes, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt.ask("")
    runner.stopping.set()
    try:
        with pytest.raises(PortalError) as stopped:
            attempt.answer()
    finally:
        runner.stopping.clear()
    assert attempt.answer() == ""
    lifecycle.cancel(job)
    with pytest.raises(PortalError) as cancelled:
        attempt.answer()
    ImportBatch.objects.update(token=None)
    with pytest.raises(PortalError) as lost:
        attempt.answer()
    assert {each.value.code for each in (stopped, cancelled, lost)} == {Code.INTERRUPTED}


def test_a_code_is_given_once_and_never_too_late(attempt: AttemptCodes) -> None:
    attempt.ask("")
    request = CodeRequest.objects.get()
    assert codes.give(request.pk, "111111", "anna")
    assert not codes.give(request.pk, "222222", "bo")
    attempt.close()
    assert stored(request.pk) == ""
    attempt.ask("")
    CodeRequest.objects.update(expires_at=Now() - Value(timedelta(seconds=1)))
    assert not codes.give(CodeRequest.objects.latest("pk").pk, "333333", "anna")


def test_what_nobody_took_is_erased(attempt: AttemptCodes) -> None:
    attempt.ask("")
    request = CodeRequest.objects.get()
    codes.give(request.pk, "493021", "anna")
    CodeRequest.objects.update(expires_at=Now() - Value(timedelta(minutes=2)))
    use_window(SECRET, 7)
    CodeWindow.objects.update(used_at=Now() - Value(timedelta(hours=2)))
    codes.sweep()
    assert stored(request.pk) == ""
    assert not CodeWindow.objects.exists()


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("493 021", "493021"), (" 493-021 ", "493021"), ("AB12cd", "AB12cd"), ("12", ""),
        ("493021; DROP", ""), ("1" * 21, ""), ("", ""),
    ],
)  # fmt: skip
def test_a_code_is_taken_as_people_copy_it(entered: str, code: str) -> None:
    assert codes.plain(entered) == code


def test_a_portal_that_asks_nobody_gives_no_time(work: Work, messages: Any) -> None:
    with DatabaseThread() as database:
        silent = AttemptCodes(database, work, credential_of("sms1"), 0, LEASE)
        assert silent.ask("") == 0.0
    assert not CodeRequest.objects.exists()
