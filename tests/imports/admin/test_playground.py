"""The playground on an API's page: it shows, sends nothing, and shows no secret."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.imports.customers.posting import GOOD
from tests.imports.customers.scripted_server import Server
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from django.test import Client

    from tests.jobs import JobMaker

pytestmark = pytest.mark.django_db
PLACE = "/admin/imports/customerapi/playground/"
CANARY = "s3cret-canary"


def play(client: Client, **given: Any) -> Any:
    fields = {"preset": "gk", "mapping": "", "auth": "bearer", "secret": CANARY}
    return client.post(PLACE, fields | {"url": "https://api.example/x"} | given)


def test_it_shows_the_request_and_nothing_secret_and_sends_nothing(operator: Client) -> None:
    with Server(GOOD) as server:
        page = play(operator, url=server.url)
        assert server.connections == 0
    assert page.status_code == 200
    assert page.context["request_text"].startswith("POST /v1/customers HTTP/1.1")
    assert CANARY not in page.content.decode()


def test_each_record_shows_its_verdict_and_a_success_without_mention_in_red(
    operator: Client,
) -> None:
    body = {"failures": [{"id": "2"}], "failed": 1}
    mapping = {
        "accepted": [200],
        "results": [{"at": "failures", "holds": "failures", "name": {"by": "id", "id": "id"}}],
        "rest": {"failed": "failed"},
    }
    page = play(
        operator, preset="plain", mapping=json.dumps(mapping), refusal_stored_nothing="no",
        play_records='[{"id": "1"}, {"id": "2"}]', play_status="200", play_answer=json.dumps(body),
    )  # fmt: skip
    rows = page.context["verdicts"].rows
    assert [row.outcome.verdict.value for row in rows] == ["success", "rejected"]
    assert "although the answer does not mention it" in page.content.decode()


def test_all_that_is_wrong_with_the_mapping_is_listed(operator: Client) -> None:
    page = play(operator, mapping='{"accepted": [302], "zork": 1, "request": {"shape": "tree"}}')
    paths = [path for path, _text in page.context["mapping_errors"]]
    assert sorted(paths) == ["accepted[0]", "request.shape", "the mapping"]
    assert "list, map, one" in page.content.decode()


@pytest.mark.parametrize("name", ["object", "list", "empty", "html", "error"])
def test_a_hostile_answer_is_a_click_away_and_a_success_for_nobody(
    name: str, operator: Client
) -> None:
    page = play(operator, play_hostile=name)
    assert page.context["clicked"].name == name
    assert all(row.outcome.verdict != "success" for row in page.context["verdicts"].rows)


@pytest.mark.parametrize(
    "given",
    [{"mapping": "{"}, {"mapping": "[]"}, {"preset": "zork"}, {"play_records": "\x00"},
     {"play_records": "[{}]", "play_status": "abc", "play_answer": "\ufffd"},
     {"preset": "salesforce-bulk"}, {"url": "::"}, {"url": "https://x/{nothing}"}],
)  # fmt: skip
def test_whatever_stands_in_the_form_is_answered(given: dict[str, str], operator: Client) -> None:
    assert play(operator, **given).status_code == 200


def test_the_page_begins_with_the_records_and_the_answer_of_the_latest_import(
    make_job: JobMaker, operator: Client
) -> None:
    job = make_job(3)
    answer(job, replace(OK, answer='{"data": []}'))
    assert job.api is not None
    page = operator.get(f"/admin/imports/customerapi/{job.api.pk}/change/")
    assert page.context["play_records"].count("changeType") == 3
    assert page.context["earlier_answers"][0].answer == '{"data": []}'
    assert "Playground" in page.content.decode()


def test_a_viewer_cannot_play_and_reads_the_schema(viewer: Client) -> None:
    assert play(viewer).status_code == 403
    schema = viewer.get("/admin/imports/customerapi/mapping-schema.json")
    assert schema.json()["$defs"]["Mapping"]["properties"]["poll"]
