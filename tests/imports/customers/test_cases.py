"""Whole jobs over real sockets against APIs as people meet them: what they stored is told."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from imports.models import RateLimit
from tests.imports.customers.scripted_server import Server, answer
from tests.jobs import assert_totals_hold, keys, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.models import ImportJob
    from tests.imports.customers.scripted_server import Action, Connection, Received
    from tests.jobs import JobMaker

Reply = tuple[int, Any, dict[str, str]]


class Fake:
    """An API that counts what it stores; `answers` says what it does with a batch of ids."""

    def __init__(self, answers: Callable[[Fake, list[str]], Reply]) -> None:
        self.answers, self.effects, self.posts = answers, Counter[str](), 0

    def act(self, connection: Connection, request: Received) -> None:
        ids = [one["person"]["customerId"] for one in json.loads(request.body)["data"]]
        self.posts += 1
        status, body, headers = self.answers(self, ids)
        connection.sendall(answer(status, body, **headers))

    def store(self, ids: list[str]) -> dict[str, Any]:
        self.effects.update(ids)
        return {"data": [{"customerId": one, "result": "SUCCESS"} for one in ids]}


def imported(
    make_job: JobMaker, act: Action, customers: int = 30, mapping: Any = None, **settings: Any
) -> ImportJob:
    """The job after one turn, with at most 5 customers a batch, one at a time."""
    with Server(act) as server:
        make_job.api.url, make_job.api.mapping = server.url, mapping or {}
        make_job.api.save()
        return run(make_job(customers, **{"batch_size": 5, "concurrency": 1, **settings}))


def test_a_batch_that_is_stored_up_to_its_bad_record_is_neither_halved_nor_stored_twice(
    make_job: JobMaker,
) -> None:
    def upto(fake: Fake, ids: list[str]) -> Reply:
        fake.store(ids[:3])
        return 400, {"title": "Bad Request", "detail": "Validation failed"}, {}

    fake = Fake(upto)
    mapping = {"refusal_stored_nothing": False}
    job = imported(make_job, fake.act, 5, mapping)
    assert (fake.posts, len(keys(job, "unknown")), max(fake.effects.values())) == (1, 5, 1)


def test_after_a_303_nothing_that_was_stored_is_sent_again(make_job: JobMaker) -> None:
    def see_other(fake: Fake, ids: list[str]) -> Reply:
        fake.store(ids)
        return 303, b"", {"location": "/result"}

    fake = Fake(see_other)
    job = imported(make_job, fake.act)
    assert (job.status, job.pause_code) == ("paused", "REDIRECTED")
    assert set(fake.effects) == set(keys(job, "unknown"))


def test_an_api_that_refuses_everything_is_asked_a_few_times_only(make_job: JobMaker) -> None:
    fake = Fake(lambda _fake, _ids: (400, {"title": "No", "detail": "A header is missing"}, {}))
    job = imported(make_job, fake.act, 100, batch_size=50)
    assert (job.status, job.pause_code) == ("paused", "ALL_REFUSED")
    assert "A header is missing" in str(job.pause_message)
    assert fake.posts == 7
    assert len(keys(job, "pending")) == 100


@pytest.mark.parametrize(
    ("status", "body", "headers", "mapping"),
    [
        (403, {"title": "Quota"}, {"retry_after": "2"}, {}),
        (429, {}, {"x_ratelimit_reset": "25"}, {}),
        (200, {"title": "QUOTA"}, {}, {"codes": {"not_now": ["QUOTA"]}}),
        (400, {"title": "QUOTA"}, {}, {"codes": {"not_now": ["QUOTA"]}}),
    ],
)
def test_a_quota_that_is_used_up_costs_nothing_in_whatever_way_it_is_said(
    status: int, body: Any, headers: dict[str, str], mapping: Any, make_job: JobMaker
) -> None:
    def quota(fake: Fake, ids: list[str]) -> Reply:
        return (status, body, headers) if fake.posts > 2 else (201, fake.store(ids), {})

    fake = Fake(quota)
    job = imported(make_job, fake.act, mapping=mapping)
    assert (job.status, fake.posts) == ("running", 3)
    assert (len(keys(job, "success")), len(keys(job, "pending"))) == (10, 20)
    assert RateLimit.objects.get(pk=job.rate_limit_id).not_now_count == 1
    assert_totals_hold(job)


def test_ids_that_never_match_stop_the_job_with_an_example(make_job: JobMaker) -> None:
    def renamed(fake: Fake, ids: list[str]) -> Reply:
        body = fake.store(ids)
        for one in body["data"]:
            one["customerId"] = f"00{one['customerId']}"
        return 201, body, {}

    fake = Fake(renamed)
    job = imported(make_job, fake.act)
    assert (job.status, job.pause_code, fake.posts) == ("paused", "ONE_CAUSE", 3)
    assert "“005" in str(job.pause_message)
    assert "record.ignore_leading_zeros" in str(job.pause_message)
    zeros = {"record": {"ignore_leading_zeros": True}}
    assert len(keys(imported(make_job, fake.act, 5, zeros), "success")) == 5


def test_an_api_that_breaks_makes_a_few_batches_unknown_and_no_more(make_job: JobMaker) -> None:
    fake = Fake(lambda _fake, _ids: (502, b"<h1>Bad gateway</h1>", {}))
    job = imported(make_job, fake.act, 100)
    assert (job.status, job.pause_code, fake.posts) == ("paused", "API_DOWN", 3)
    assert len(keys(job, "unknown")) == 15
