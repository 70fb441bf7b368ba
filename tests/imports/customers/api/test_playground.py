"""The playground: the bytes that would go out, and for each record the rule that decided."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imports.customers.api.mapping import Mapping, preset
from imports.customers.api.playground import (
    NoSample,
    hostile,
    made_up,
    records_of,
    request_text,
    verdicts,
)
from imports.customers.api.presets import PRESETS
from imports.customers.api.responses import Answer
from imports.policy import Verdict
from tests.imports.customers.judging import custom

URL = "https://api.example/v1/members"
TWO = [b'{"memberNo": "1"}', b'{"memberNo": "2"}']
LISTED: dict[str, Any] = {
    "accepted": [200, 207],
    "record": {"id": ["memberNo"]},
    "results": [
        {
            "at": "failed", "holds": "failures", "name": {"by": "id", "id": "memberNo"},
            "code": "why", "message": "text",
        }
    ],
    "rest": {"failed": "count"},
    "codes": {"exists": ["DUP"]},
    "refusal_stored_nothing": True,
}  # fmt: skip


def rules(mapping: Mapping, status: int, body: Any) -> list[tuple[str, str, str]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = verdicts(mapping, TWO, Answer(status, {}, raw))
    return [(row.outcome.verdict.value, row.rule, row.rule_value) for row in found.rows]


def test_each_record_has_the_rule_that_decided() -> None:
    mapping = Mapping.from_document(LISTED)
    body = {"failed": [{"memberNo": "2", "why": "DUP", "text": "x"}], "count": 1}
    assert rules(mapping, 200, body) == [
        ("success", "rest", '{"failed": "count"}'),
        ("rejected", "codes.exists", '["DUP"]'),
    ]
    body["failed"][0]["why"] = "OTHER"  # type: ignore[index]
    assert rules(mapping, 200, body)[1] == ("rejected", "results[0].holds", '"failures"')
    assert rules(mapping, 400, b"")[0][1] == "refusal_stored_nothing"


def test_a_rule_of_an_alternative_is_named_as_it_stands() -> None:
    other = {"on": [207], "results": [LISTED["results"][0] | {"at": "bad"}]}
    mapping = Mapping.from_document(LISTED | {"answers": [other]})
    body = {"bad": [{"memberNo": "1"}], "count": 1}
    found = rules(mapping, 207, body)
    assert [rule for _verdict, rule, _value in found] == ["answers[0].results[0].holds", "rest"]


def test_a_success_that_the_answer_does_not_mention_is_marked() -> None:
    mapping = Mapping.from_document(LISTED)
    body = json.dumps({"failed": [{"memberNo": "2"}], "count": 1}).encode()
    found = verdicts(mapping, TWO, Answer(200, {}, body)).rows
    assert [row.is_unmentioned_success for row in found] == [True, False]
    by_status = Mapping.from_document(
        {"accepted": [200], "record": {"id": ["id"]}, "proof": "status"}
    )
    found = verdicts(by_status, TWO, Answer(200)).rows
    assert all(row.is_unmentioned_success for row in found)


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"salesforce-bulk"}))
def test_every_preset_shows_a_request_and_no_hostile_answer_is_a_success(name: str) -> None:
    mapping = preset(name)
    records = made_up(mapping, URL)
    assert all(mapping.key_of(json.loads(raw)) for raw in records)
    text = request_text(mapping, URL, records, "Bearer token")
    assert text.startswith(f"{mapping.request.method} /v1/members HTTP/1.1\n")
    head, _blank, body = text.partition("\n\n")
    assert f"Content-Length: {len(body.encode())}" in head
    json.loads(body)
    for answer in hostile(mapping, b""):
        found = verdicts(mapping, records, Answer(answer.status, {}, answer.body))
        assert found.outcome.verdict is not Verdict.SUCCESS
        assert all(row.outcome.verdict is not Verdict.SUCCESS for row in found.rows)


def test_an_entry_is_dropped_from_the_answer_that_was_pasted() -> None:
    good = {"data": [{"customerId": str(n), "result": "SUCCESS"} for n in (1001, 1002, 1003)]}
    mapping = preset("gk")
    answers = {one.name: one for one in hostile(mapping, json.dumps(good).encode())}
    assert {"dropped", "cut"} <= set(answers)
    records = made_up(mapping, URL)
    found = verdicts(mapping, records, Answer(201, {}, answers["dropped"].body)).rows
    assert [row.outcome.verdict.value for row in found] == ["unknown", "success", "success"]


@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}, {"a": 2}]', '{"data": [{"a": 1}, {"a": 2}]}', '{"a": 1}\n{"a": 2}\n',
     '{"total": 2, "tags": ["x"], "members": [{"a": 1}, {"a": 2}]}'],
)  # fmt: skip
def test_records_are_found_in_whatever_form_they_are_pasted(text: str) -> None:
    assert records_of(text) == [b'{"a": 1}', b'{"a": 2}']


@pytest.mark.parametrize("text", ["x", "[1, 2]", "[]", '{"a": 1} x', "[" + '{"a": 1},' * 200])
def test_what_holds_no_records_is_said(text: str) -> None:
    with pytest.raises(NoSample):
        records_of(text)


def test_made_up_records_have_what_the_request_takes_in() -> None:
    document = LISTED | {
        "request": {"wrap": {"city": "{home.city}", "m": "{record}"}, "envelope": "x"}
    }
    mapping = Mapping.from_document(document)
    (first, *_rest) = made_up(mapping, f"{URL}/{{store}}")
    assert json.loads(first) == {
        "memberNo": "1001", "home": {"city": "value 1"}, "store": "value 1",
    }  # fmt: skip


def test_a_result_that_was_asked_for_may_come_with_any_2xx_and_the_jobs_state() -> None:
    mapping = custom(
        accepted=[202],
        results=[{"at": "bad", "holds": "failures", "name": {"by": "id", "id": "id"}}],
        rest={"failed": "@job.failed"},
        poll={"url": "@location", "done": {"path": "state", "equals": ["DONE"]}},
    )
    body = json.dumps({"bad": [{"id": "1"}], "@job": {"failed": 1}}).encode()
    records = [b'{"id": "1"}', b'{"id": "2"}']
    for asks, wanted in ((True, ["rejected", "success"]), (False, ["unknown", "unknown"])):
        found = verdicts(mapping, records, Answer(200, {}, body), asks=asks)
        assert [row.outcome.verdict for row in found.rows] == wanted
