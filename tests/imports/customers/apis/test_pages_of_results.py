"""Results that come in pages: nothing counts as stored because a page was lost or misread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.adapters.follow_ups import merged
from imports.customers.api.record_results import Unreadable
from tests.imports.customers.apis.connecting import (
    connected,
    expected,
    imported,
    members,
    statuses,
)
from tests.imports.customers.apis.fakes import Reply, SubmitAndPoll
from tests.imports.customers.apis.test_any_api import SUBMIT, operator
from tests.imports.customers.judging import custom

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

    from imports.models import ImportJob
    from tests.imports.customers.scripted_server import Received

__all__ = ["operator"]
pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND = "/v1/jobs/job%201/results", "/v1/jobs/job%201/results?page=1"
FAILURES: dict[str, Any] = {
    "at": "failed", "holds": "failures", "name": {"by": "id", "id": "no"}, "message": "why",
}  # fmt: skip
# Of an API that names the failures only, and says in the job's state that it has been through.
ONLY_FAILURES = SUBMIT | {
    "results": [FAILURES],
    "rest": {"when": {"path": "@job.state", "equals": ["DONE"]}},
    "envelope": {"when": {"path": "error", "present": True}},
    "poll": SUBMIT["poll"] | {"next_parameter": ""},
}  # fmt: skip


class Paged(SubmitAndPoll):
    """Answers with just these pages, by their address."""

    def __init__(self, pages: dict[str, list[Any]]) -> None:
        super().__init__()
        self.asks_until_done = 1
        self.pages = pages
        self.before = self._given

    def _given(self, request: Received) -> Reply | None:
        pages = self.pages.get(request.path)
        if pages is None:
            return None
        return Reply(200, pages.pop(0) if len(pages) > 1 else pages[0])


@pytest.fixture
def import_with(
    operator: Client, tmp_path: Path, pass_time: Callable[[float], None]
) -> Callable[[SubmitAndPoll, dict[str, Any]], ImportJob]:
    """An import of four members, of whom M1 wants to be refused."""

    def carry_out(fake: SubmitAndPoll, mapping: dict[str, Any]) -> ImportJob:
        with fake.serve() as server:
            api = connected(operator, f"http://127.0.0.1:{server.port}/v1/members", mapping)
            return imported(api, members(4, 1), tmp_path / "in", pass_time)

    return carry_out


M1 = {"no": "M1", "why": "too young"}


def test_an_error_in_the_place_of_a_page_is_asked_for_again(import_with: Any) -> None:
    first = {"failed": [], "next": "?page=1"}
    fake = Paged({FIRST: [first], SECOND: [{"error": "busy"}, {"failed": [M1]}]})
    job = import_with(fake, ONLY_FAILURES)
    assert statuses(job) == expected(members(4, 1))
    assert len(fake.posts()) == 1


@pytest.mark.parametrize(
    "pages",
    [
        {FIRST: [{"failed": [], "next": "?page=1"}], SECOND: [{}]},  # where are its failures?
        {FIRST: [{"failed": [], "next": FIRST}]},  # page after page, and never the last
    ],
)
def test_pages_that_may_hold_more_failures_prove_nothing(
    pages: dict[str, list[Any]], import_with: Any
) -> None:
    job = import_with(Paged(pages), ONLY_FAILURES)
    assert set(statuses(job).values()) == {"unknown"}
    assert set(job.results.values_list("error_code", flat=True)) == {"ANSWER_UNREADABLE"}


def test_the_address_of_the_next_page_is_read_from_the_page_it_stands_on(import_with: Any) -> None:
    rows = [{"no": each["no"], "result": "STORED"} for each in members(4)]
    rows[1]["result"] = "INVALID"
    first, second = {"rows": rows[:2], "next": "?page=1"}, {"rows": rows[2:]}
    pages: dict[str, list[Any]] = {FIRST: [first], SECOND: [second]}
    job = import_with(Paged(pages), SUBMIT | {"poll": ONLY_FAILURES["poll"]})
    assert statuses(job) == expected(members(4, 1))


class InHeaders(SubmitAndPoll):
    """Says where its work is, and where the next page, in headers alone."""

    def handle(self, request: Received) -> Reply:
        reply = super().handle(request)
        if request.method == "POST":
            return Reply(202, b"", {"Location": "/v1/jobs/job%201"})
        if not request.path.partition("?")[0].endswith("/results"):
            return reply
        following = reply.body.pop("next")
        links = ['<?page=9>; rel="last"']
        links += [f'<?page={following}>; title="a, b"; rel="next"'] if following else []
        return Reply(200, reply.body, {"Link": ", ".join(links)})


def test_headers_may_say_where_the_work_and_the_next_page_are(import_with: Any) -> None:
    poll = SUBMIT["poll"] | {
        "url": "@location", "job": "", "results_url": "{location}/results",
        "next": "@link", "next_parameter": "",
    }  # fmt: skip
    fake = InHeaders()
    job = import_with(fake, SUBMIT | {"poll": poll})
    assert statuses(job) == expected(members(4, 1))
    assert len(fake.posts()) == 1


@pytest.mark.parametrize(("counted", "rest"), [(1, "success"), (2, "unknown")])
def test_lines_of_failures_are_held_against_the_jobs_own_count(
    counted: int, rest: str, import_with: Any
) -> None:
    mapping = SUBMIT | {
        "answer_format": "ndjson",
        "results": [FAILURES | {"at": ""}],
        "rest": {"failed": "@job.bad"},
        "poll": SUBMIT["poll"] | {"next": "", "next_parameter": ""},
    }
    state = {"state": "DONE", "bad": counted}
    pages: dict[str, list[Any]] = {"/v1/jobs/job%201": [state], FIRST: [b'{"no": "M1"}']}
    job = import_with(Paged(pages), mapping)
    assert statuses(job) == {"M0": rest, "M1": "error", "M2": rest, "M3": rest}


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_of_the_question_stops_the_job_and_sends_nothing_again(
    status: int, import_with: Any
) -> None:
    fake = SubmitAndPoll()
    away = Reply(status, b"", {"Location": "https://files.example/r?signature=secret"})
    fake.before = lambda request: away if request.method == "GET" else None
    job = import_with(fake, SUBMIT)
    assert (job.status, job.pause_code) == ("paused", "REDIRECTED")
    assert "secret" not in str(job.pause_message)
    assert set(statuses(job).values()) == {"pending"}
    assert len(fake.posts()) == 1


def test_work_that_is_not_known_everywhere_at_once_is_asked_for_again(import_with: Any) -> None:
    fake, answers = SubmitAndPoll(), iter([Reply(404), Reply(404), None, Reply(404)])
    fake.before = lambda request: next(answers, None) if request.method == "GET" else None
    job = import_with(fake, SUBMIT)
    assert statuses(job) == expected(members(4, 1))
    assert len(fake.posts()) == 1


def test_a_state_that_the_mapping_does_not_know_is_shown_while_it_is_waited_for(
    import_with: Any,
) -> None:
    state = {"/v1/jobs/job%201": [{"state": "PARTIALLY_DONE"}]}
    poll = SUBMIT["poll"] | {"give_up_after_hours": 0.000001}
    job = import_with(Paged(state), SUBMIT | {"poll": poll})
    (error,) = set(job.results.values_list("final_error", flat=True))
    assert "PARTIALLY_DONE" in error


ALL = {"name": {"by": "key"}, "success": {"path": "ok", "equals": [True]}}


@pytest.mark.parametrize(
    ("at", "pages", "joined"),
    [
        ("out", [{"out": []}, {"out": {"1": 1}}], {"1": 1}),  # PHP's empty map
        ("a.out", [{}, {"a": {"out": {"1": 1}}}], {"1": 1}),
        ("", [{"1": 1}, {"2": 2}], {"1": 1, "2": 2}),
    ],
)
def test_pages_are_joined_wherever_their_list_begins(
    at: str, pages: list[Any], joined: dict[str, int]
) -> None:
    document = merged(pages, custom(results=[ALL | {"at": at}]), {})
    for step in filter(None, at.split(".")):
        document = document[step]
    assert {key: value for key, value in document.items() if key != "@job"} == joined


def test_one_key_on_two_pages_is_no_answer() -> None:
    pages = [{"out": {"1": {"ok": False}}}, {"out": {"1": {"ok": True}}}]
    with pytest.raises(Unreadable):
        merged(pages, custom(results=[ALL | {"at": "out"}]), {})
