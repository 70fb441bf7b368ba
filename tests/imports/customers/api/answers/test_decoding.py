"""Answers in other encodings than UTF-8, and answers that are lines."""

from __future__ import annotations

import json

import pytest

from imports.customers.api.answers.body import in_utf_8
from imports.policy import Verdict
from tests.imports.customers.judging import TWO, custom, judged, verdicts
from tests.imports.customers.posting import posted
from tests.imports.customers.scripted_server import Server, reply

STORED = {"data": [{"customerId": n, "result": "SUCCESS", "m": "Åsa"} for n in ("2", "1")]}
TEXT = json.dumps(STORED, ensure_ascii=False)
JSON = "application/json"


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", ""),
        ("utf-8-sig", JSON),
        ("utf-16", JSON),  # with a mark
        ("utf-16-le", JSON),
        ("utf-16-be", f"{JSON}; charset=UTF-16BE"),
        ("utf-32", JSON),
        ("iso-8859-1", f"{JSON}; charset=ISO-8859-1"),
        ("cp1252", f'{JSON};charset="windows-1252"'),
        ("utf-8", f"{JSON}; charset=ISO-8859-1"),  # as servers say by default, whatever they send
        ("utf-8", f"{JSON}; charset=nonsense"),
        ("utf-8", f"{JSON}; charset=base64"),
    ],
)
def test_an_answer_is_read_in_the_encoding_that_it_came_in(
    charset: str, content_type: str
) -> None:
    with Server(reply(201, TEXT.encode(charset), content_type=content_type)) as server:
        assert posted(server.url).verdict is Verdict.SUCCESS


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-16", f"{JSON}; charset=x"])
def test_what_is_of_no_encoding_stays_as_it_is_and_proves_nothing(content_type: str) -> None:
    body = TEXT.encode("latin-1")
    with Server(reply(201, body, content_type=content_type)) as server:
        assert posted(server.url).code == "ANSWER_UNREADABLE"


def test_an_empty_answer_stays_empty() -> None:
    assert in_utf_8(b"", f"{JSON}; charset=utf-16") == b""


LINES = custom(
    answer_format="ndjson",
    results=[
        {"at": "", "name": {"by": "id", "id": "no"}, "success": {"path": "ok", "equals": [True]}}
    ],
    refusal_stored_nothing=True,
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", ""])
def test_lines_are_read_as_one_list(end: str) -> None:
    body = end.join(["", '{"no": "2", "ok": true}']) + (end or "\n") + '{"no": "1", "ok": true}'
    assert judged(200, body.encode(), mapping=LINES).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    "body",
    [
        b'{"no": "1", "ok": true}\n{"no": "2", "o',  # cut off
        b'{"no": "1", "ok": true}\nOK',
        b"",
        b'[{"no": "1", "ok": true}, {"no": "2", "ok": true}]',
    ],
)
def test_lines_of_which_one_cannot_be_read_prove_nothing(body: bytes) -> None:
    assert judged(200, body, mapping=LINES).verdict is Verdict.UNKNOWN


def test_a_line_that_is_missing_is_a_record_that_is_unknown() -> None:
    outcome = judged(200, b'{"no": "2", "ok": true}\n', mapping=LINES)
    assert verdicts(outcome) == [("unknown", "NOT_IN_ANSWER"), ("success", "")]


def test_a_refusal_is_one_document_all_the_same() -> None:
    body = {"error": "birthday\nis odd"}
    refused = judged(422, json.dumps(body, indent=1).encode(), mapping=LINES, keys=TWO)
    assert refused.verdict is Verdict.SPLIT
    assert "birthday" in refused.error
