"""Salesforce Bulk 2.0 against a faithful fake: any stage may be lost, nothing comes twice."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from imports.customers.api.adapters.salesforce_bulk import table_of
from imports.ledger import outcomes
from imports.states import JobStatus, ResultStatus
from tests.imports.customers.apis.connecting import assigned, connected, started, statuses
from tests.imports.customers.apis.fakes import Fake, Reply
from tests.jobs import assert_totals_hold, run, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imports.models import ImportJob
    from tests.imports.customers.scripted_server import Received

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = "/services/data/v59.0/jobs/ingest"


class Salesforce(Fake):
    """Jobs that go Open, UploadComplete, InProgress, JobComplete; one upload for each."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.ends = "JobComplete"
        self.processes = 10_000  # rows of a job before it breaks off

    def handle(self, request: Received) -> Reply:
        job_id, _slash, what = request.path.removeprefix(PLACE).strip("/").partition("/")
        if request.method == "POST" and not job_id:
            return self._open(json.loads(request.body))
        job = self.jobs.get(job_id)
        if job is None:
            return Reply(404, [{"errorCode": "NOT_FOUND", "message": "no such job"}])
        if request.method == "PUT" and what == "batches":
            if job["state"] != "Open" or job["rows"] is not None:
                return Reply(400, [{"errorCode": "INVALIDJOBSTATE", "message": "uploaded"}])
            job["rows"] = list(csv.DictReader(io.StringIO(request.body.decode())))
            return Reply(201)
        if request.method == "PATCH":
            return self._move(job, json.loads(request.body)["state"])
        if request.method == "GET" and not what:
            return self._state(job)
        return Reply(200, self._results(job, what).encode(), {"Content-Type": "text/csv"})

    def _open(self, asked: dict[str, Any]) -> Reply:
        assert (asked["contentType"], asked["lineEnding"]) == ("CSV", "LF")
        job = {"id": f"750{len(self.jobs)}", "state": "Open", "rows": None, **asked}
        self.jobs[job["id"]] = job
        return Reply(200, {k: v for k, v in job.items() if k != "rows"})

    def _move(self, job: dict[str, Any], state: str) -> Reply:
        if job["state"] != "Open":
            return Reply(400, [{"errorCode": "INVALIDJOBSTATE", "message": job["state"]}])
        job["state"] = state
        return Reply(200, {"id": job["id"], "state": state})

    def _state(self, job: dict[str, Any]) -> Reply:
        if job["state"] == "InProgress":
            for number, row in enumerate(job["rows"]):
                done = number < self.processes and row["Wish"] != "refuse"
                row["@"] = "new" if number >= self.processes else "good" if done else "bad"
                self.stored[row["External_Id__c"]] += done
            job["state"] = self.ends
        elif job["state"] == "UploadComplete":
            job["state"] = "InProgress"
        return Reply(200, {"id": job["id"], "state": job["state"]})

    def _results(self, job: dict[str, Any], what: str) -> str:
        wanted = {"successfulResults": "good", "failedResults": "bad", "unprocessedrecords": "new"}
        rows = [row for row in reversed(job["rows"]) if row["@"] == wanted[what]]
        names = [name for name in job["rows"][0] if name != "@"]
        own = {"successfulResults": ["sf__Id", "sf__Created"], "unprocessedrecords": []}
        text = io.StringIO()
        writer = csv.DictWriter(
            text, [*own.get(what, ["sf__Id", "sf__Error"]), *names], extrasaction="ignore"
        )
        writer.writeheader()
        for row in rows:
            error = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
            writer.writerow({**row, "sf__Id": f"003{row['External_Id__c']}", "sf__Error": error})
        return text.getvalue()


def contacts(count: int, *refused: int) -> list[dict[str, Any]]:
    return [
        {"External_Id__c": f"X{n}", "Wish": "refuse" if n in refused else "store",
         "Notes": 'a "quoted", text\nof two lines', "Account": {"Code__c": 1.25}}
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def salesforce() -> Salesforce:
    return Salesforce()


@pytest.fixture
def start(
    installation: Path, messages: Any, salesforce: Salesforce, tmp_path: Path
) -> Callable[..., ImportJob]:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))

    def make(port: int, records: list[dict[str, Any]]) -> ImportJob:
        options = {"object": "Contact", "operation": "upsert", "external_id": "External_Id__c"}
        api = connected(
            client, f"http://127.0.0.1:{port}{PLACE}", {"adapter_options": options},
            preset="salesforce-bulk", batch_size=100, refusal_stored_nothing="",
        )  # fmt: skip
        return started(api, records, tmp_path / "in")

    return make


def finish(job: ImportJob, pass_time: Callable[[float], None]) -> None:
    run(job, pass_time)
    assert_totals_hold(job)
    assert job.status == JobStatus.FINISHED


def test_each_row_has_its_own_result_and_salesforces_id(
    salesforce: Salesforce, start: Callable[..., ImportJob], pass_time: Callable[[float], None]
) -> None:
    with salesforce.serve() as server:
        job = start(server.port, contacts(6, 2, 4))
        finish(job, pass_time)
    wanted = {f"X{n}": "error" if n in (2, 4) else "success" for n in range(6)}
    assert statuses(job) == wanted
    assert assigned(job) == {f"X{n}": f"003X{n}" for n in (0, 1, 3, 5)}
    assert set(job.results.filter(status="error").values_list("error_code", flat=True)) == {
        "REQUIRED_FIELD_MISSING"
    }
    (made,) = salesforce.jobs.values()
    assert (made["operation"], made["externalIdFieldName"]) == ("upsert", "External_Id__c")
    assert made["rows"][0]["Account.Code__c"] == "1.25"


def lost(method: str, ending: str, times: int = 1) -> Callable[[Received], Reply | None]:
    """The first of these requests get no answer that can be used."""
    left = Counter({"n": times})

    def before(request: Received) -> Reply | None:
        if request.method == method and request.path.endswith(ending) and left["n"]:
            left["n"] -= 1
            return Reply(500, b"gateway")
        return None

    return before


@pytest.mark.parametrize(
    ("method", "ending"),
    [
        ("POST", "/ingest"), ("PUT", "/batches"), ("PATCH", "/7500"), ("GET", "/7500"),
        ("GET", "/successfulResults/"), ("GET", "/failedResults/"),
        ("GET", "/unprocessedrecords/"),
    ],
)  # fmt: skip
def test_whichever_answer_is_lost_everything_is_stored_once(
    method: str, ending: str, salesforce: Salesforce, start: Callable[..., ImportJob],
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    salesforce.before = lost(method, ending)
    with salesforce.serve() as server:
        job = start(server.port, contacts(4, 1))
        finish(job, pass_time)
    assert statuses(job) == {"X0": "success", "X1": "error", "X2": "success", "X3": "success"}
    assert salesforce.stored == {"X0": 1, "X1": 0, "X2": 1, "X3": 1}


@pytest.mark.parametrize("steps", range(6))
def test_a_worker_that_dies_at_any_stage_loses_nothing_and_stores_nothing_twice(
    steps: int, salesforce: Salesforce, start: Callable[..., ImportJob],
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    with salesforce.serve() as server:
        job = start(server.port, contacts(3))
        for _ in range(steps):
            run(job)
            pass_time(6)
        send(job)  # this worker claims the batch and is never seen again
        pass_time(1_000)
        outcomes.expire()
        finish(job, pass_time)
    assert set(statuses(job).values()) == {ResultStatus.SUCCESS}
    assert salesforce.stored == {"X0": 1, "X1": 1, "X2": 1}


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_breaks_off_tells_what_it_had_done(
    state: str, salesforce: Salesforce, start: Callable[..., ImportJob],
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    salesforce.ends, salesforce.processes = state, 2
    with salesforce.serve() as server:
        job = start(server.port, contacts(4))
        finish(job, pass_time)
    assert max(salesforce.stored.values()) == 1
    assert list(statuses(job).values()) == ["success"] * 4  # the rest went into jobs of their own


def test_a_row_that_no_list_has_is_unknown(
    salesforce: Salesforce, start: Callable[..., ImportJob], pass_time: Callable[[float], None]
) -> None:
    salesforce.before = lambda request: (
        Reply(200, b'"sf__Id","sf__Created"\n') if "successful" in request.path else None
    )
    with salesforce.serve() as server:
        job = start(server.port, contacts(2))
        finish(job, pass_time)
    assert set(statuses(job).values()) == {ResultStatus.UNKNOWN}


def test_wrong_settings_pause_the_job_and_refuse_nobody(
    salesforce: Salesforce, start: Callable[..., ImportJob]
) -> None:
    salesforce.before = lambda _request: Reply(
        400, [{"errorCode": "INVALIDENTITY", "message": "no such object"}]
    )
    with salesforce.serve() as server:
        job = start(server.port, contacts(2))
        run(job)
    job.refresh_from_db()
    assert job.status == JobStatus.PAUSED
    assert set(statuses(job).values()) == {ResultStatus.PENDING}


def test_the_columns_are_those_of_all_records() -> None:
    headings, rows = table_of([b'{"a": "x", "b": {"c": true}}', b'{"b": null, "d": 1.0}'])
    assert headings == ["a", "b.c", "b", "d"]
    assert rows == [("x", "true", "", ""), ("", "", "#N/A", "1.0")]
