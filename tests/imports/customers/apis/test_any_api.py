"""APIs that no preset knows, connected by the form alone: every record comes out right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from imports.states import JobStatus, ResultStatus
from tests.imports.customers.apis.connecting import (
    assigned,
    connected,
    expected,
    imported,
    members,
    started,
    statuses,
)
from tests.imports.customers.apis.fakes import (
    Fake,
    IndexedFailures,
    KeyedMap,
    OnceByKey,
    OneByOne,
    Reply,
    SubmitAndPoll,
    TokenInside,
)
from tests.jobs import attempts_of, batches, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.imports.customers.scripted_server import Received

pytestmark = pytest.mark.django_db(transaction=True)

KEYED_MAP = {
    "request": {"envelope": "members", "shape": "map"},
    "record": {"id": ["no"]},
    "results": [{
        "at": "outcome", "name": {"by": "key"},
        "success": {"path": "state", "equals": ["ok"]},
        "failure": {"path": "state", "equals": ["no"]},
        "message": "why.17",
    }],
}  # fmt: skip
INDEXED = {
    "accepted": [207],
    "request": {"envelope": None},
    "record": {"id": ["no"]},
    "results": [{
        "at": "failed", "holds": "failures", "name": {"by": "index", "path": "row", "base": 1},
        "code": "reason", "message": "text",
    }],
    "rest": {"failed": "failedCount"},
    "codes": {"permanent": [4711]},
}  # fmt: skip
TOKEN_INSIDE = {
    "accepted": [200],
    "request": {"list": "body.items", "constants": {"v": 3}},
    "record": {"id": ["no"]},
    "results": [{
        "at": "items", "name": {"by": "id", "id": "no"},
        "success": {"path": "done", "equals": [True]},
        "failure": {"path": "done", "equals": [False]},
        "message": "msg", "assigned": "key",
    }],
    "envelope": {"when": {"path": "ok", "equals": [False]},
                 "code": "error.code", "message": "error.text"},
    "codes": {"credential": ["E_TOKEN"]},
}  # fmt: skip
ONE_BY_ONE = {
    "accepted": [200, 201],
    "request": {"shape": "one", "envelope": None, "method": "PUT", "max_records": 1},
    "record": {"id": ["no"]},
    "results": [{
        "at": "member", "shape": "one", "name": {"by": "position"},
        "success": {"path": "internalId", "present": True}, "assigned": "internalId",
    }],
    "answers": [{
        "on": [422], "accepted": True,
        "results": [{
            "at": "errors", "holds": "all", "name": {"by": "position"},
            "success": {"path": "none", "present": True},
            "failure": {"path": "field", "present": True}, "message": "message",
        }],
    }],
}  # fmt: skip
ONCE_BY_KEY = {
    "request": {"envelope": "rows", "constants": {"requestId": "{key}"}, "idempotent": True},
    "record": {"id": ["no"]},
    "results": [{
        "at": "rows", "name": {"by": "id", "id": "no"},
        "success": {"path": "ok", "equals": [True]}, "failure": {"path": "ok", "equals": [False]},
    }],
}  # fmt: skip
SUBMIT: dict[str, Any] = {
    "accepted": [202],
    "request": {"envelope": "rows"},
    "record": {"id": ["no"]},
    "results": [{
        "at": "rows", "name": {"by": "id", "id": "no"},
        "success": {"path": "result", "equals": ["STORED"]}, "code": "result",
    }],
    "codes": {"permanent": ["INVALID"]},
    "poll": {
        "job": "job.ref", "url": "/v1/jobs/{job}",
        "done": {"path": "state", "equals": ["DONE"]},
        "failed": {"path": "state", "equals": ["BROKEN"]},
        "results_url": "/v1/jobs/{job}/results", "next": "next", "next_parameter": "page",
        "every_seconds": 5,
    },
}  # fmt: skip


@pytest.fixture
def operator(installation: Path, messages: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize(
    ("kind", "mapping", "path", "fields"),
    [
        (KeyedMap, KEYED_MAP, "/v1/members", {}),
        (IndexedFailures, INDEXED, "/v1/members", {}),
        (TokenInside, TOKEN_INSIDE, "/v1/members",
         {"auth": "header", "header_name": "X-Token", "secret": "right"}),
        (OneByOne, ONE_BY_ONE, "/v1/members/{no}", {"batch_size": 1}),
        (OnceByKey, ONCE_BY_KEY, "/v1/members", {}),
        (SubmitAndPoll, SUBMIT, "/v1/members", {}),
    ],
)  # fmt: skip
def test_every_record_is_right(
    kind: type[Fake],
    mapping: dict[str, Any],
    path: str,
    fields: dict[str, Any],
    operator: Client,
    tmp_path: Path,
    pass_time: Callable[[float], None],
) -> None:
    fake, records = kind(), members(12, 3, 7, 8)
    with fake.serve() as server:
        api = connected(operator, f"http://127.0.0.1:{server.port}{path}", mapping, **fields)
        job = imported(api, records, tmp_path / "in", pass_time)
    assert statuses(job) == expected(records)
    assert fake.stored == {each["no"]: 1 for each in records if each["wish"] == "store"}
    assert job.status == JobStatus.FINISHED


def test_the_ids_that_the_apis_gave_are_kept_for_what_is_stored(
    operator: Client, tmp_path: Path, pass_time: Callable[[float], None]
) -> None:
    records = members(3, 1)
    with OneByOne().serve() as server:
        url = f"http://127.0.0.1:{server.port}/v1/members/{{no}}"
        api = connected(operator, url, ONE_BY_ONE, batch_size=1)
        job = imported(api, records, tmp_path / "in", pass_time)
    assert assigned(job) == {"M0": "i-M0", "M2": "i-M2"}


def test_a_token_error_inside_200_pauses_the_job_and_stores_nothing(
    operator: Client, tmp_path: Path, pass_time: Callable[[float], None]
) -> None:
    fake = TokenInside()
    with fake.serve() as server:
        api = connected(
            operator, f"http://127.0.0.1:{server.port}/v1/members", TOKEN_INSIDE,
            auth="header", header_name="X-Token", secret="wrong",
        )  # fmt: skip
        job = started(api, members(4), tmp_path / "in")
        run(job)
    job.refresh_from_db()
    assert (job.status, job.pause_code) == (JobStatus.PAUSED, "CREDENTIAL_REFUSED")
    assert set(statuses(job).values()) == {ResultStatus.PENDING}
    assert not fake.stored


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, {"outcome": {}}), "unknown"),
        (Reply(200, {"outcome": []}), "unknown"),
        (Reply(200, b"<html>OK</html>"), "unknown"),
        (Reply(200, {"outcome": {"M0": {"state": "ok"}, "M9": {"state": "ok"}}}), "unknown"),
        (Reply(500, b"x"), "unknown"),
    ],
)
def test_an_answer_that_does_not_name_a_record_proves_nothing_for_it(
    reply: Reply,
    verdict: str,
    operator: Client,
    tmp_path: Path,
    pass_time: Callable[[float], None],
) -> None:
    fake = KeyedMap()
    fake.before = lambda _request: reply
    with fake.serve() as server:
        api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", KEYED_MAP)
        job = imported(api, members(2), tmp_path / "in", pass_time)
    assert statuses(job)["M1"] == verdict


class TestSubmitAndPoll:
    @pytest.fixture
    def fake(self) -> SubmitAndPoll:
        return SubmitAndPoll()

    def test_while_it_works_the_batch_waits_and_no_worker_is_held(
        self, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        fake.asks_until_done = 3
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", SUBMIT)
            job = started(api, members(4, 1), tmp_path / "in")
            run(job)  # returns at once: nothing is due
            (batch,) = batches(job)
            assert (batch.status, (batch.submission or {})["job"]) == ("pending", "job 1")
            assert batch.attempts == 0
            for _ in range(2):
                pass_time(6)
                run(job)
                assert set(statuses(job).values()) == {ResultStatus.PENDING}
            pass_time(6)
            run(job)
        assert statuses(job) == expected(members(4, 1))
        assert len(fake.posts()) == 1
        assert [one.verdict for one in attempts_of(job)] == ["waiting", "mixed"]

    @pytest.mark.parametrize(
        "trouble",
        [
            Reply(500),
            Reply(200, b"<html>"),
            Reply(200, b"{}"),
            Reply(503, b"", {"Retry-After": "1"}),
            Reply(408),
        ],
    )
    def test_a_question_that_fails_is_asked_again_and_nothing_is_sent_twice(
        self, trouble: Reply, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        failures = iter([trouble, trouble])

        def before(request: Received) -> Reply | None:
            return next(failures, None) if request.method == "GET" else None

        fake.before = before
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", SUBMIT)
            job = imported(api, members(4, 1), tmp_path / "in", pass_time)
        assert statuses(job) == expected(members(4, 1))
        assert fake.stored == {"M0": 1, "M2": 1, "M3": 1}
        assert len(fake.posts()) == 1

    @pytest.mark.parametrize("forgotten", [404, 410])
    def test_work_that_the_api_forgot_is_unknown(
        self, forgotten: int, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        fake.before = lambda request: Reply(forgotten) if request.method == "GET" else None
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", SUBMIT)
            job = imported(api, members(3), tmp_path / "in", pass_time)
        assert set(statuses(job).values()) == {ResultStatus.UNKNOWN}
        assert set(job.results.values_list("error_code", flat=True)) == {"JOB_GONE"}

    def test_a_result_that_never_comes_is_unknown_in_the_end(
        self, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        fake.asks_until_done = 10_000
        mapping = SUBMIT | {"poll": SUBMIT["poll"] | {"give_up_after_hours": 0.000001}}
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", mapping)
            job = imported(api, members(3), tmp_path / "in", pass_time)
        assert set(job.results.values_list("error_code", flat=True)) == {"RESULT_OVERDUE"}

    def test_an_answer_without_a_job_proves_nothing(
        self, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        fake.before = lambda _request: Reply(202, {"job": {}})
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", SUBMIT)
            job = imported(api, members(3), tmp_path / "in", pass_time)
        assert set(statuses(job).values()) == {ResultStatus.UNKNOWN}
        assert len(fake.posts()) == 1

    def test_the_credential_goes_to_no_other_host(
        self, fake: SubmitAndPoll, operator: Client, tmp_path: Path,
        pass_time: Callable[[float], None],
    ) -> None:  # fmt: skip
        other = SubmitAndPoll()
        with fake.serve() as server, other.serve() as elsewhere:
            url = f"http://127.0.0.1:{elsewhere.port}/v1/jobs/1"
            fake.before = lambda _request: Reply(202, b"{}", {"Location": url})
            poll = SUBMIT["poll"] | {"url": "@location", "job": "", "results_url": ""}
            api = connected(
                operator, f"http://127.0.0.1:{server.port}/v1/members", SUBMIT | {"poll": poll},
                auth="bearer", secret="token",
            )  # fmt: skip
            job = started(api, members(3), tmp_path / "in")
            run(job)
            pass_time(6)
            run(job)
        job.refresh_from_db()
        assert (job.status, job.pause_code) == (JobStatus.PAUSED, "ADDRESS_REFUSED")
        assert other.requests == []
