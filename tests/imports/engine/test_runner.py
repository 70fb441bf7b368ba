"""The job runner against the sandbox: each class of answer, from the socket to the ledger."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.db import InternalError, OperationalError, connection

from config.dev.sandbox.customer_api import CUSTOMERS_PATH, SandboxApi
from config.dev.sandbox.http_server import running
from imports.customers.job_type import CustomerJobType
from imports.engine import queue, sweeper
from imports.engine import runner as engine_runner
from imports.fields import WrongKey
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.batches import body_of
from imports.ledger.totals import batch_totals, job_totals
from imports.models import CustomerApi, ImportJob, RateLimit
from tests.jobs import (
    LEASE,
    assert_totals_hold,
    at_once,
    attempts_of,
    batches,
    keys,
    result_of,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.policy import Outcome
    from tests.jobs import JobMaker

FIRST = 50000001000
ids = [str(FIRST + n) for n in range(40)]


def bodies(sandbox: SandboxApi) -> list[bytes]:
    return [request.body for request in sandbox.received]


def sent_keys(sandbox: SandboxApi) -> list[str]:
    return [request.headers.get("idempotency-key", "") for request in sandbox.received]


def test_a_job_that_meets_no_fault_is_finished_with_each_customer_stored_once(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job = run(make_job(20))
    assert job.status == "finished"
    assert keys(job, "success") == ids[:20]
    assert not sandbox.account.difference(ids[:20])
    assert sandbox.account.requests == 7
    assert_totals_hold(job)


@pytest.mark.usefixtures("both_ways")
def test_what_is_posted_is_what_was_frozen(make_job: JobMaker, sandbox: SandboxApi) -> None:
    job = make_job(6, concurrency=1)
    frozen = [body_of(batch.pk) for batch in batches(job)]
    run(job)
    assert bodies(sandbox) == frozen


def test_a_failed_customer_is_retried_alone_under_a_new_key_until_it_is_stored(
    make_job: JobMaker, sandbox: SandboxApi, pass_time: Callable[[float], None]
) -> None:
    make_job.honour_keys()
    sandbox.order({"match": {"customer_id": ids[1]}, "fault": "result_failed", "times": 2})
    job = run(make_job(3), pass_time)
    assert keys(job, "success") == ids[:3]
    assert [body.count(b"customerId") for body in bodies(sandbox)] == [3, 1, 1]
    assert len(set(sent_keys(sandbox))) == 3
    assert result_of(job, ids[1]).retry_attempts == 3
    assert result_of(job, ids[0]).retry_attempts == 1
    assert not sandbox.account.difference(ids[:3])


def test_a_customer_that_fails_each_time_has_failed_after_the_last_attempt(
    make_job: JobMaker, sandbox: SandboxApi, pass_time: Callable[[float], None]
) -> None:
    sandbox.order({"match": {"customer_id": ids[1]}, "fault": "result_failed"})
    job = run(make_job(3), pass_time)
    assert keys(job, "error") == [ids[1]]
    failed = result_of(job, ids[1])
    assert (failed.retry_attempts, failed.error_code) == (3, "FAILED")
    assert failed.final_error is not None
    assert "out of service" in failed.final_error
    assert sandbox.account.requests == 3
    assert batch_totals(job)["failed"] == 1


@pytest.mark.parametrize(
    ("fault", "code"), [("result_error", "ERROR"), ("result_conflict", "CONFLICT")]
)
def test_a_customer_that_is_refused_for_good_is_not_sent_again(
    fault: str, code: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[4]}, "fault": fault})
    job = run(make_job(6))
    assert keys(job, "error") == [ids[4]]
    assert (result_of(job, ids[4]).error_code, result_of(job, ids[4]).retry_attempts) == (code, 1)
    assert sandbox.account.requests == 2


@pytest.mark.parametrize("fault", ["http_400", "http_413", "http_422"])
def test_halving_a_refused_batch_finds_exactly_the_bad_customers(
    fault: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    bad = [ids[3], ids[10]]
    sandbox.order({"match": {"customer_id": bad}, "fault": fault})
    job = run(make_job(16, batch_size=16))
    assert keys(job, "error") == bad
    assert not sandbox.account.difference(set(ids[:16]) - set(bad))
    assert set(job.results.values_list("retry_attempts", flat=True)) == {1}
    assert_totals_hold(job)


@pytest.mark.parametrize("fault", ["http_403", "http_404", "http_415"])
def test_a_refusal_that_is_about_no_customer_stops_the_job_and_costs_nothing(
    fault: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"every": 1}, "fault": fault})
    job = run(make_job(12, concurrency=1))
    assert (job.status, job.pause_code) == ("paused", fault.upper())
    assert sandbox.account.requests == 1
    assert {batch.attempts for batch in batches(job)} == {0}


@pytest.mark.parametrize("fault", ["http_403", "http_404", "http_415"])
def test_a_batch_that_alone_is_refused_so_again_after_a_resume_has_failed(
    fault: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[0]}, "fault": fault})
    job = run(make_job(12, concurrency=1))
    assert (job.status, job.pause_code) == ("paused", fault.upper())
    lifecycle.resume(job)
    run(job)
    assert (job.status, keys(job, "error")) == ("finished", ids[:3])


@pytest.mark.parametrize("fault", ["http_429_seconds", "http_429_date", "http_503_retry_after"])
def test_an_api_that_asks_for_rest_gets_it_and_it_costs_no_attempt(
    fault: str,
    make_job: JobMaker,
    sandbox: SandboxApi,
    pass_time: Callable[[float], None],
) -> None:
    sandbox.order({"match": {"every": 1}, "fault": fault, "seconds": 100, "times": 2})
    job = run(make_job(3, max_attempts=1))
    rate_limit = RateLimit.objects.get()
    assert rate_limit.paused_until is not None
    assert (job.status, sandbox.account.requests) == ("running", 1)
    pass_time(95)
    run(job)
    assert sandbox.account.requests == 1
    pass_time(16)
    run(job)
    assert sandbox.account.requests == 2
    pass_time(111)
    run(job)
    assert keys(job, "success") == ids[:3]
    assert [a.counted for a in attempts_of(job)] == [False, False, True]


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        ("http_500", False),
        ("http_408", False),
        ("reset_before_effect", False),
        ("http_500_after_effect", True),
        ("reset_after_effect", True),
        ("early_close", True),
        ("unreadable_2xx", True),
        ("empty_2xx", True),
    ],
)
def test_what_the_answer_does_not_prove_is_unknown_and_not_sent_again(
    fault: str, stored: bool, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[0]}, "fault": fault})
    job = run(make_job(6))
    assert keys(job, "unknown") == ids[:3]
    assert keys(job, "success") == ids[3:6]
    assert (job.status, sandbox.account.requests) == ("finished", 2)
    assert (sandbox.account.effects(ids[0]) == 1) == stored
    assert "look" in (result_of(job, ids[0]).final_error or "").lower()


@pytest.mark.parametrize("fault", ["missing_entry", "doubled_entry"])
def test_only_the_customer_that_the_answer_is_unclear_about_is_unknown(
    fault: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[1]}, "fault": fault})
    job = run(make_job(3))
    assert keys(job, "unknown") == [ids[1]]
    assert keys(job, "success") == [ids[0], ids[2]]
    assert sandbox.account.requests == 1


@pytest.mark.parametrize("fault", ["slow_after_effect", "drip"])
def test_a_silence_past_the_deadline_is_unknown(
    fault: str, make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[0]}, "fault": fault, "seconds": 20})
    job = run(make_job(3, timeout_seconds=1.5))
    assert keys(job, "unknown") == ids[:3]


@pytest.mark.parametrize(
    "fault", ["http_500_after_effect", "reset_after_effect", "early_close", "unreadable_2xx"]
)
def test_under_an_idempotency_key_the_same_bytes_go_out_until_there_is_proof(
    fault: str,
    make_job: JobMaker,
    sandbox: SandboxApi,
    pass_time: Callable[[float], None],
) -> None:
    make_job.honour_keys()
    sandbox.order({"match": {"every": 1}, "fault": fault, "times": 2})
    job = run(make_job(3), pass_time)
    assert keys(job, "success") == ids[:3]
    assert len(set(bodies(sandbox))) == len(set(sent_keys(sandbox))) == 1
    assert sandbox.account.requests == 3
    assert not sandbox.account.difference(ids[:3])


def test_a_refused_connection_is_retried_with_all_attempts_then_failed(
    make_job: JobMaker, pass_time: Callable[[float], None]
) -> None:
    CustomerApi.objects.update(url="http://127.0.0.1:9/customers")
    job = run(make_job(3), pass_time)
    assert len(keys(job, "error")) == 3
    assert [a.verdict for a in attempts_of(job)] == ["retry"] * 3
    assert (batches(job)[0].attempts, batches(job)[0].status) == (3, "failed")


def test_a_refused_credential_pauses_the_job_and_it_goes_on_once_it_is_corrected(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    CustomerApi.objects.update(secret="")
    api = CustomerApi.objects.get()
    api.secret = "wrong-token-canary"
    api.save()
    job = run(make_job(12, concurrency=2))
    assert (job.status, job.pause_code) == ("paused", "CREDENTIAL_REFUSED")
    assert "canary" not in str(job.pause_message)
    assert job_totals(job).pending == 12
    assert not any(batch.attempts for batch in batches(job))
    api.secret = "sandbox-token"
    api.save()
    lifecycle.resume(job)
    run(ImportJob.objects.get(pk=job.pk))
    assert keys(job, "success") == ids[:12]
    assert not sandbox.account.difference(ids[:12])


def test_a_redirect_pauses_the_job_and_is_not_followed(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"every": 1}, "fault": "redirect"})
    job = run(make_job(3))
    assert (job.status, job.pause_code, sandbox.account.requests) == ("paused", "REDIRECTED", 1)
    assert "resume" in str(job.pause_message)


@pytest.mark.django_db(transaction=True)  # threads read the token's row
def test_an_oauth2_token_that_dies_is_renewed_once_without_a_lost_attempt(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    api = make_job.api
    api.auth, api.client_id = "oauth2-client", "sandbox-client"
    api.client_secret = "sandbox-secret"
    api.token_url = api.url.replace(CUSTOMERS_PATH, "/api/oauth/token")
    api.save()
    sandbox.order({"match": {"request_number": 2}, "fault": "http_401_until_refresh"})
    job = run(make_job(12, concurrency=1))
    assert keys(job, "success") == ids[:12]
    assert sandbox.account.token_requests == 2
    assert {batch.attempts for batch in batches(job)} == {1}


def test_an_answer_that_comes_after_the_lease_is_late_evidence(
    make_job: JobMaker, sandbox: SandboxApi, pass_time: Callable[[float], None]
) -> None:
    job = make_job(3)
    held = threading.Event()
    real = outcomes.record

    def judged_meanwhile(job: ImportJob, findings: list[outcomes.Finding]) -> None:
        if not held.is_set():
            held.set()
            pass_time(LEASE + 1)
            sweeper.sweep()
            assert keys(job, "unknown") == ids[:3]
        real(job, findings)

    with patch.object(outcomes, "record", judged_meanwhile):
        run(job)
    assert keys(job, "success") == ids[:3]
    assert [a.error_code for a in attempts_of(job)] == ["WORKER_LOST", ""]
    assert sandbox.account.requests == 1


def test_the_next_batch_is_claimed_before_a_success_is_recorded_but_after_anything_else(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": ids[2]}, "fault": "result_error"})
    steps: list[str] = []
    claim, record = claims.claim_and_intend, outcomes.record

    def claimed(*of: Any) -> claims.Claim:
        found = claim(*of)
        steps.extend(f"sent {work.number}" for work in found.works)
        return found

    def recorded(job: ImportJob, findings: list[outcomes.Finding]) -> None:
        record(job, findings)
        steps.extend(f"recorded {each.work.number}" for each in findings)

    with (
        patch.object(claims, "claim_and_intend", claimed),
        patch.object(outcomes, "record", recorded),
    ):
        job = run(make_job(4, batch_size=1, concurrency=1))
    assert steps.index("sent 2") < steps.index("recorded 1")
    assert steps.index("recorded 3") < steps.index("sent 4")
    assert (keys(job, "error"), len(keys(job, "success"))) == ([ids[2]], 3)
    assert_totals_hold(job)


def test_runners_that_begin_together_share_the_places_and_one_alone_takes_all_a_little_later() -> (
    None
):
    places = engine_runner.Places(8, 4)
    assert (places.free(1), places.free(4), places.free(5)) == (3, 0, 0)
    with (
        patch.object(engine_runner, "SHARE_SECONDS", 0.0),
        patch.object(engine_runner, "LEAVE_SECONDS", 0.0),
    ):
        assert places.free(5) == 3
    with (
        patch.object(engine_runner, "SHARE_SECONDS", 0.0),
        patch.object(engine_runner, "LEAVE_SECONDS", engine_runner.ROUND_SECONDS),
    ):
        assert places.free(5) == 0  # for a moment, so that one that comes later finds places


@pytest.mark.django_db(transaction=True)
def test_several_workers_together_respect_the_concurrency_of_the_api(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    flying = Flying(sandbox)
    make_job.api.concurrency = 3
    make_job.api.save()
    one, other = (make_job(24, batch_size=1, concurrency=2) for _ in range(2))
    with running(flying) as url:
        CustomerApi.objects.update(url=url + CUSTOMERS_PATH)

        def worker(job: ImportJob) -> None:
            while not _over(job):
                queue.run_job(job.pk)

        at_once(*[lambda job=job: worker(job) for job in (one, one, other, other)])
    assert flying.most_of_one <= 2
    assert flying.most == 3
    assert not sandbox.account.difference(ids[:24] + [str(FIRST + n) for n in range(24, 48)])


def _over(job: ImportJob) -> bool:
    job.refresh_from_db()
    assert job.status != "paused", f"nothing goes on by itself: {job.pause_message}"
    return job.status == "finished"


class Flying:
    """Counts how many requests are at the API at once, in all and of one job."""

    prefix = "/api"

    def __init__(self, api: SandboxApi) -> None:
        self.api = api
        self.counting = threading.Lock()
        self.now: dict[int, int] = {0: 0, 1: 0}
        self.most = self.most_of_one = 0
        self.three = threading.Event()  # have been there at once: until then nobody is answered

    def handle(self, request: Any) -> Any:
        import json

        first = int(json.loads(request.body)["data"][0]["person"]["customerId"])
        job = (first - FIRST) // 24
        with self.counting:
            self.now[job] += 1
            self.most = max(self.most, sum(self.now.values()))
            self.most_of_one = max(self.most_of_one, *self.now.values())
            if self.most >= 3:
                self.three.set()
        self.three.wait(1)
        threading.Event().wait(0.02)
        try:
            return self.api.handle(request)
        finally:
            with self.counting:
                self.now[job] -= 1

    def close(self) -> None:
        self.api.close()


@pytest.mark.django_db(transaction=True)
def test_many_workers_with_mixed_outcomes_never_deadlock_and_lose_nothing(
    make_job: JobMaker, sandbox: SandboxApi, settings: Any
) -> None:
    settings.TURN_SECONDS = 1.0
    settings.STOP_AFTER_BATCHES = 0  # three lost answers in a row, by chance, stop no job here
    make_job.api.concurrency = 12
    make_job.api.save()
    sandbox.order(
        [
            {"match": {"customer_id": "*7"}, "fault": "result_failed", "times": 12},
            {"match": {"customer_id": "*5"}, "fault": "result_error"},
            {"match": {"customer_id": ["*13", "*44"]}, "fault": "http_422"},
            {"match": {"every": 9}, "fault": "http_429_seconds", "seconds": 0},
            {"match": {"every": 11}, "fault": "http_500"},
            {"match": {"every": 13}, "fault": "reset_after_effect"},
        ]
    )
    made = [make_job(90, batch_size=6, concurrency=6) for _ in range(2)]

    def worker(job: ImportJob) -> None:
        while not _over(job):
            queue.run_job(job.pk)

    def sweeping() -> None:
        while not all(_over(ImportJob.objects.get(pk=job.pk)) for job in made):
            sweeper.sweep()
            threading.Event().wait(0.05)

    at_once(*[lambda job=job: worker(job) for job in made * 3], sweeping)
    for job in made:
        assert_totals_hold(job)
        assert job_totals(job).pending == 0
        assert not [k for k in keys(job, "success") if sandbox.account.effects(k) != 1]
        assert not [k for k in keys(job, "error") if sandbox.account.effects(k)]
    assert not sandbox.account.more_than_once


def test_a_runner_asked_to_stop_records_what_is_in_flight_and_claims_no_more(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job = make_job(30, batch_size=1, concurrency=2)
    real = CustomerJobType.runner

    def stop_soon(kind: CustomerJobType, job: ImportJob, in_flight: int) -> Any:
        threading.Timer(0.0, engine_runner.stopping.set).start()
        return real(kind, job, in_flight)

    with patch.object(CustomerJobType, "runner", stop_soon):
        run(job)
    engine_runner.stopping.clear()
    assert not job.batches.filter(status__in=["claimed", "sending", "unknown"]).exists()
    assert job.batches.filter(status="pending").exists()
    assert len(keys(job, "success")) == sandbox.account.distinct


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_is_over_leaves_the_rest_to_the_next_message(
    make_job: JobMaker, sandbox: SandboxApi, settings: Any, messages: Any
) -> None:
    settings.TURN_SECONDS = 0.0
    job, other = make_job(9), 0
    queue.enqueue(other)
    queue.run_job(job.pk)
    assert sandbox.account.requests == 0
    assert queue.enqueued_jobs() == {job.pk, other}


@pytest.mark.django_db(transaction=True)
def test_a_runner_goes_on_after_its_turn_when_no_other_job_waits(
    make_job: JobMaker, sandbox: SandboxApi, settings: Any, messages: Any
) -> None:
    settings.TURN_SECONDS = 0.0
    job = make_job(9)
    with patch.object(engine_runner, "MOST_TURNS", 10_000):
        queue.run_job(job.pk)
    assert sandbox.account.distinct == 9
    assert queue.enqueued_jobs() == set()


@pytest.mark.parametrize("error", [OperationalError("away"), InternalError("idle too long")])
def test_a_runner_outlives_a_database_that_went_away_and_records_what_it_holds(
    make_job: JobMaker, sandbox: SandboxApi, error: Exception
) -> None:
    job = make_job(3)
    real, failures = outcomes.record, iter([error])

    def flaky(job: ImportJob, findings: list[outcomes.Finding]) -> None:
        for error in failures:
            raise error
        real(job, findings)

    with (
        patch.object(outcomes, "record", flaky),
        patch.object(engine_runner, "LOOK_AGAIN_SECONDS", 0.0),
        patch.object(connection, "close"),  # the test's own transaction hangs on it
    ):
        run(job)
    assert keys(job, "success") == ids[:3]
    assert sandbox.account.requests == 1


def test_a_database_that_stays_away_ends_the_runner_when_its_leases_are_over(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    with (
        patch.object(outcomes, "record", side_effect=OperationalError("gone")),
        patch.object(engine_runner, "LOOK_AGAIN_SECONDS", 0.0),
        patch.object(connection, "close"),
        patch.object(CustomerJobType, "lease_seconds", lambda *_: 0.1),
        pytest.raises(OperationalError),
    ):
        queue.run_job(job.pk)
    assert batches(job)[0].status == "sending"  # the sweeper judges it


def test_a_bug_of_ours_in_one_attempt_is_unknown_and_does_not_stop_the_runner(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    from imports.customers.job_type import CustomerRunner

    job = make_job(6, concurrency=1)
    real = CustomerRunner._post

    def broken(runner: CustomerRunner, work: Any) -> Outcome:
        if work.number == 1:
            raise ZeroDivisionError("secret-in-a-traceback")
        return real(runner, work)

    with patch.object(CustomerRunner, "_post", broken):
        run(job)
    assert (keys(job, "unknown"), keys(job, "success")) == (ids[:3], ids[3:6])
    assert "ZeroDivisionError" in (result_of(job, ids[0]).final_error or "")
    assert "secret" not in (result_of(job, ids[0]).final_error or "")


def test_a_credential_that_no_key_opens_pauses_the_job_and_names_the_remedy(
    make_job: JobMaker, settings: Any
) -> None:
    job = make_job(3)
    settings.CREDENTIAL_KEYS = ["QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="]
    queue.run_job(job.pk)
    job = ImportJob.objects.defer("api").get(pk=job.pk)
    assert (job.status, job.pause_code) == ("paused", "CANNOT_SEND")
    assert "CREDENTIAL_KEYS" in str(job.pause_message)
    with pytest.raises(WrongKey):
        _ = job.api


def test_settings_that_cannot_work_pause_the_job_and_burn_no_attempt(
    make_job: JobMaker,
) -> None:
    job = make_job(3)
    CustomerApi.objects.update(mapping={"no such thing": 1})
    run(job)
    assert (job.status, job.pause_code) == ("paused", "CANNOT_SEND")
    assert "no such thing" in str(job.pause_message)
    assert batches(job)[0].tries == 0


def test_a_mapping_that_was_changed_under_a_job_sends_nothing(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    job = make_job(3)
    CustomerApi.objects.update(mapping={"request": {"envelope": "customers"}})
    run(job)
    assert (job.status, job.pause_code) == ("paused", "MAPPING_CHANGED")
    assert sandbox.account.requests == 0


def test_an_ended_job_is_closed_once_and_a_cancelled_one_after_its_last_answer(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    from imports.ledger.outcomes import Finding
    from tests.jobs import REFUSED, send

    job = make_job(6)
    (work,) = send(job)
    lifecycle.cancel(job)
    run(job)
    assert job.closed_at is None
    assert job.pk not in set(sweeper.needing_a_worker().values_list("pk", flat=True))
    outcomes.record(job, [Finding(work, REFUSED)])
    assert job.pk in set(sweeper.needing_a_worker().values_list("pk", flat=True))
    run(job)
    assert job.closed_at is not None
    assert job.retry_files.count() == 2
    closed_at = job.closed_at
    run(job)
    assert job.closed_at == closed_at


def test_a_directory_that_cannot_be_written_to_does_not_keep_a_job_from_being_closed(
    make_job: JobMaker, sandbox: SandboxApi, settings: Any
) -> None:
    settings.RETRY_FILES_DIR = make_job.folder / "a file"
    settings.RETRY_FILES_DIR.write_text("")
    sandbox.order({"match": {"every": 1}, "fault": "http_400"})
    job = run(make_job(3))
    assert job.closed_at is not None
    message = str(job.events.get(code="retry_files_not_written").message)
    assert f"manage.py retry_files {job.pk} --output" in message


def test_the_delay_between_requests_holds_at_the_api(
    make_job: JobMaker, sandbox: SandboxApi
) -> None:
    arrivals: list[float] = []
    real = sandbox.handle

    def stamped(request: Any) -> Any:
        arrivals.append(time.monotonic())
        return real(request)

    sandbox.handle = stamped  # type: ignore[method-assign]
    with patch.object(engine_runner, "PATIENCE_SECONDS", 60.0):  # it waits between two requests
        run(make_job(12, delay_seconds=0.15, concurrency=4))
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert len(arrivals) == 4
    assert sum(gaps) >= 3 * 0.15 - 0.1  # of one start to the next; what the network adds varies
