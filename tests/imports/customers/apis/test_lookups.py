""" "Look them up": unknown records are asked for, and only a proof decides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from imports.engine import queue, runner
from imports.ledger import bulk_actions
from imports.models import BulkAction, JobEvent
from imports.models.bulk_actions import ActionType
from imports.states import JobStatus
from tests.imports.customers.apis.connecting import connected, imported, statuses
from tests.imports.customers.apis.fakes import Fake, Reply
from tests.jobs import assert_totals_hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imports.models import ImportJob
    from tests.imports.customers.scripted_server import Received

pytestmark = pytest.mark.django_db(transaction=True)
LOOKUP: dict[str, Any] = {
    "record": {"id": ["no"]},
    "lookup": {
        "url": "/v1/members/{no}", "absent": [404], "at": "member",
        "compare": {"number": "no", "city": "home.city"},
    },
}  # fmt: skip


class Forgetful(Fake):
    """Stores batches and never says so; tells what it has of whoever is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.has: dict[str, dict[str, Any]] = {}
        self.loses: set[str] = set()

    def handle(self, request: Received) -> Reply:
        if request.method == "POST":
            for record in json.loads(request.body)["data"]:
                if record["no"] not in self.loses:
                    self.has[record["no"]] = record
            return Reply(500)
        record = self.has.get(request.path.rpartition("/")[2])
        if record is None:
            return Reply(404)
        return Reply(200, {"member": {"number": record["no"], "city": record["home"]["city"]}})


def people(count: int) -> list[dict[str, Any]]:
    return [{"no": f"M{n}", "home": {"city": f"City {n}"}} for n in range(count)]


@pytest.fixture
def fake() -> Forgetful:
    return Forgetful()


@pytest.fixture
def operator(installation: Path, messages: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def make(
    fake: Forgetful, operator: Client, tmp_path: Path, pass_time: Callable[[float], None]
) -> Callable[..., ImportJob]:
    """An ended job whose records are all unknown."""

    def unknown(port: int, count: int, mapping: dict[str, Any] = LOOKUP, **fields: Any) -> Any:
        api = connected(operator, f"http://127.0.0.1:{port}/v1/members", mapping, **fields)
        job = imported(api, people(count), tmp_path / "in", pass_time)
        assert set(statuses(job).values()) == {"unknown"}
        fake.requests.clear()
        return job

    return unknown


def look_up(job: ImportJob) -> BulkAction:
    """As the button and a worker do it."""
    done = bulk_actions.carry_out(job, ActionType.LOOK_UP, actor="anna")
    assert done.in_background
    queue.run_job(job.pk)
    done.refresh_from_db()
    assert_totals_hold(job)
    return done


def test_what_is_there_as_it_was_sent_is_stored_and_what_is_not_there_failed(
    fake: Forgetful, make: Callable[..., ImportJob]
) -> None:
    fake.loses = {"M1", "M11"}
    with fake.serve() as server:
        job = make(server.port, 13)
        fake.has["M2"]["home"]["city"] = "another"
        done = look_up(job)
    wanted = {f"M{n}": "success" for n in range(13)} | {"M1": "error", "M11": "error"}
    assert statuses(job) == wanted | {"M2": "unknown"}
    assert (done.taken, done.skipped_changed, done.total) == (12, 1, 13)
    assert done.finished_at
    failed = job.results.get(key="M1")
    assert (failed.error_code, "no such customer" in failed.error) == ("NOT_ARRIVED", True)
    assert {request.method for request in fake.requests} == {"GET"}
    assert len(fake.requests) == 13
    assert JobEvent.objects.filter(job=job, code="looked_up").count() == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"{}"), Reply(200, b"<html>"), Reply(200, {"member": []}), Reply(500), Reply(204),
     Reply(200, {"member": [{"number": "M0", "city": "City 0"}] * 2}), Reply(400, b"{}"),
     Reply(200, {"member": {"number": "M0"}})],
)  # fmt: skip
def test_an_answer_that_proves_nothing_decides_nothing(
    reply: Reply, fake: Forgetful, make: Callable[..., ImportJob]
) -> None:
    with fake.serve() as server:
        job = make(server.port, 1)
        fake.before = lambda _request: reply
        look_up(job)
    assert statuses(job) == {"M0": "unknown"}


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(200, {"member": []}), "error"),
        (Reply(200, {"member": [], "error": "the index is being built"}), "unknown"),
        (Reply(200, {}), "unknown"),
        (Reply(200, {"member": {}}), "unknown"),
        (Reply(200, {"member": [{"number": "M0", "city": "City 0"}]}), "success"),
    ],
)
def test_a_search_that_finds_nothing_is_proof_where_the_mapping_says_so(
    reply: Reply, status: str, fake: Forgetful, make: Callable[..., ImportJob]
) -> None:
    mapping = LOOKUP | {"lookup": LOOKUP["lookup"] | {"empty_is_absent": True}}
    with fake.serve() as server:
        job = make(server.port, 1, mapping)
        fake.before = lambda _request: reply
        look_up(job)
    assert statuses(job) == {"M0": status}


@pytest.mark.parametrize(
    "reply", [Reply(401), Reply(429, b"", {"Retry-After": "60"}), Reply(403, b"no")]
)
def test_a_look_up_stops_where_nothing_can_be_asked(
    reply: Reply, fake: Forgetful, make: Callable[..., ImportJob]
) -> None:
    with fake.serve() as server:
        job = make(server.port, 12)
        fake.before = lambda _request: reply
        done = look_up(job)
    assert len(fake.requests) == 1
    assert done.finished_at
    assert done.trouble
    assert set(statuses(job).values()) == {"unknown"}


def test_it_keeps_the_apis_pace_and_goes_on_in_the_next_turn(
    fake: Forgetful, make: Callable[..., ImportJob], settings: Any,
    pass_time: Callable[[float], None],
) -> None:  # fmt: skip
    settings.TURN_SECONDS = 0.0
    with fake.serve() as server:
        job = make(server.port, 3)
        job.delay_seconds = 1000.0
        job.save()
        bulk_actions.carry_out(job, ActionType.LOOK_UP, actor="anna")
        action = bulk_actions.unfinished(job)
        assert action is not None
        assert runner.carry_out(action)  # one was asked for, and the next must wait
        assert len(fake.requests) == 1
        assert set(statuses(job).values()) == {"unknown"}


def test_the_button_is_there_only_where_the_mapping_says_how(
    fake: Forgetful, make: Callable[..., ImportJob], operator: Client
) -> None:
    with fake.serve() as server:
        job = make(server.port, 2)
        place = f"/admin/imports/importjob/{job.pk}/failures/decide/"
        assert b'value="look-up"' in operator.get(place, {"which": "all"}).content
        given = {"decision": "look-up", "which": "all"}
        assert operator.post(place, given).status_code == 302
        queue.run_job(job.pk)
        assert set(statuses(job).values()) == {"success"}
        other = make(server.port, 2, {"record": {"id": ["no"]}}, name="another")
        place = f"/admin/imports/importjob/{other.pk}/failures/decide/"
        assert b'value="look-up"' not in operator.get(place, {"which": "all"}).content
    assert job.status == JobStatus.FINISHED
