"""The table of design.md, row by row: what each answer of a customer API means for a batch."""

from __future__ import annotations

import base64
import html
import json
from typing import Any
from urllib.parse import quote

import pytest

from imports.customers.api.mapping import preset
from imports.http.redaction import scrub_answer as scrub
from imports.policy import LONGEST_DEFERRAL_SECONDS, Verdict
from tests.imports.customers.judging import TWO, custom, judged

PROBLEM = {"type": "about:blank", "title": "Bad data", "status": 400, "detail": "birthday is odd"}


# --- Answers about the whole batch ------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, Verdict.SPLIT) for status in (400, 409, 413, 417, 422, 423, 451)],
        *[(status, Verdict.PAUSE) for status in (402, 403, 404, 405, 410, 415)],
        *[(status, Verdict.UNKNOWN) for status in (408, 500, 502, 503, 504, 599)],
        *[(status, Verdict.UNKNOWN) for status in (103, 202, 204, 206, 207, 600)],
        *[(status, Verdict.PAUSE) for status in (301, 307, 308)],
        *[(status, Verdict.UNKNOWN) for status in (300, 302, 303, 304)],
        *[(status, Verdict.DEFERRED) for status in (425, 429)],
        (401, Verdict.PAUSE),
    ],
)
def test_each_status_has_its_class(status: int, verdict: Verdict) -> None:
    outcome = judged(status, PROBLEM)
    assert outcome.verdict is verdict
    assert outcome.http_status == status
    assert outcome.error.endswith(".")


@pytest.mark.parametrize("status", [408, 409, 500, 503, 504, 202])
def test_what_is_unknown_is_repeatable_under_an_idempotency_key(status: int) -> None:
    assert judged(status, repeatable=True).verdict is Verdict.REPEATABLE


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_5xx_that_stores_nothing_is_simply_tried_again(repeatable: bool) -> None:
    mapping = preset("gk").with_overrides({"five_xx_safe": True})
    assert judged(500, mapping=mapping, repeatable=repeatable).verdict is Verdict.RETRY
    assert judged(408, mapping=mapping).verdict is Verdict.UNKNOWN
    assert judged(999, mapping=mapping).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_batch_of_one_needs_no_splitting(status: int) -> None:
    outcome = judged(status, PROBLEM, keys=TWO[:1])
    assert outcome.verdict is Verdict.REJECTED
    assert outcome.code == f"HTTP_{status}"


def test_the_apis_own_words_are_in_the_sentence() -> None:
    assert "Bad data: birthday is odd" in judged(400, PROBLEM).error
    assert "Bad data: birthday is odd" in judged(500, PROBLEM, mapping="bloomreach").error
    assert "nope" in judged(403, {"error": {"message": "nope"}}, mapping="hubspot").error
    text = [{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}]
    said = judged(403, text, mapping="salesforce-collections").error
    assert "INVALID_SESSION_ID: Session expired" in said


def test_a_refused_credential_is_named_but_not_shown() -> None:
    outcome = judged(401, {"title": "Unauthorized"})
    assert outcome.code == "CREDENTIAL_REFUSED"
    assert "the bearer token" in outcome.error


def test_a_redirect_is_a_wrong_address() -> None:
    assert judged(302, headers={"location": "https://elsewhere.example"}).code == "REDIRECTED"


# --- Retry-After ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [425, 429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 2.5 ", 2.5),
        ("99999999", LONGEST_DEFERRAL_SECONDS),
        ("Sun, 15 Jun 2025 15:08:40 GMT", 120.0),
        ("Sun, 15 Jun 2025 15:00:00 GMT", 0.0),
        ("Sun, 15 Jun 2099 15:00:00 GMT", LONGEST_DEFERRAL_SECONDS),
    ],
)
def test_both_forms_of_retry_after_defer_the_batch(
    status: int, value: str, seconds: float
) -> None:
    outcome = judged(status, headers={"retry-after": value})
    assert (outcome.verdict, outcome.retry_after) == (Verdict.DEFERRED, seconds)


def test_a_date_is_measured_against_the_clock_that_wrote_it() -> None:
    headers = {
        "date": "Sun, 15 Jun 2025 10:00:00 GMT",
        "retry-after": "Sun, 15 Jun 2025 10:00:30 GMT",
    }
    assert judged(429, headers=headers).retry_after == 30.0


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "5; 10", "1e9", "nan", "Sun, 99 Jun 2025", "٣"]
)
def test_a_retry_after_without_sense_counts_as_none(value: str) -> None:
    headers = {"retry-after": value}
    assert judged(429, headers=headers).verdict is Verdict.DEFERRED
    assert judged(429, headers=headers).retry_after is None
    assert judged(503, headers=headers).verdict is Verdict.UNKNOWN


# --- Accepted answers -----------------------------------------------------------------------

UNREADABLE: list[bytes] = [
    b"",
    b" ",
    b"OK",
    b"<html>",
    b'{"data": [',
    b'{"data": {}}',
    b"{}",
    b"[]",
    b"null",
    b'"data"',
    b"\xff\xfe{\x00}\x00",
    b'{"data": [{"customerId": "1", "result": NaN}]}',
    b'{"data": [], "data": [{"customerId": "1", "result": "SUCCESS"}]}',
    b'{"data": [{"customerId": "1", "result": "ERROR", "result": "SUCCESS"}]}',
    b"[" * 100_000,
    b'{"data": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: body[:30].decode("latin-1"))
def test_an_accepted_answer_that_cannot_be_read_is_unknown_never_success(body: bytes) -> None:
    outcome = judged(201, body, keys=TWO[:1])
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "ANSWER_UNREADABLE")
    assert judged(201, body, repeatable=True).verdict is Verdict.REPEATABLE


def test_a_status_can_be_the_whole_proof_where_the_mapping_says_so() -> None:
    mapping = custom(proof="status")
    assert judged(200, b"", mapping=mapping).verdict is Verdict.SUCCESS
    empty: list[Any] = [{"errors": []}, {"error": None}]
    for body in (b"OK", b"<ok/>", {"success": True}, [1], *empty):
        assert judged(200, body, mapping=mapping).verdict is Verdict.SUCCESS
    assert judged(201, b"", mapping=mapping).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xef\xbb\xbf\n<!DOCTYPE html><title>Sign in</title>", "ANSWER_UNREADABLE"),
        (b"<!-- gateway --><html><h1>Maintenance</h1>", "ANSWER_UNREADABLE"),
        ({"error": {"code": "QUOTA"}}, "CONTRADICTORY_ANSWER"),
        ({"errors": [{"message": "no"}]}, "CONTRADICTORY_ANSWER"),
        ({"success": False}, "CONTRADICTORY_ANSWER"),
        ({"status": "Error"}, "CONTRADICTORY_ANSWER"),
    ],
)
def test_a_status_proves_nothing_against_an_answer_that_says_otherwise(
    body: Any, code: str
) -> None:
    outcome = judged(200, body, mapping=custom(proof="status"))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)


def test_a_web_page_in_place_of_an_answer_is_called_one() -> None:
    page = b"<html><head><title>Sign in</title></head></html>"
    outcome = judged(201, page)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "ANSWER_UNREADABLE")
    assert "Sign in" in outcome.error
    secret = "sekret-123456"
    assert secret not in judged(201, page + secret.encode(), secrets=(secret,)).error


def test_where_status_is_proof_an_error_envelope_still_counts() -> None:
    envelope = {"when": {"path": "ok", "equals": [False]}, "code": "why"}
    mapping = custom(proof="status", envelope=envelope, codes={"retryable": ["BUSY"]})
    mapping = mapping.with_overrides({"refusal_stored_nothing": True})
    assert judged(200, {"ok": False, "why": "BUSY"}, mapping=mapping).verdict is Verdict.RETRY
    assert judged(200, {"ok": False, "why": "BAD"}, mapping=mapping).verdict is Verdict.SPLIT
    assert judged(200, {"ok": True}, mapping=mapping).verdict is Verdict.SUCCESS
    assert judged(200, b"", mapping=mapping).verdict is Verdict.SUCCESS
    assert judged(200, b"<html>", mapping=mapping).verdict is Verdict.UNKNOWN


# --- What is kept of an answer ----------------------------------------------------------------

CANARY = "c&<>\"'/+=å é~\\x"


def echoes(secret: str) -> list[tuple[str, str]]:
    """What a server may say, and the part of it that must be gone."""
    raw = secret.encode()
    plain = [
        secret,
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]
    coded = [base64.b64encode(b"x" * n + raw + b"y" * 3).decode() for n in range(6)]
    coded += [base64.urlsafe_b64encode(raw).decode()]
    return [(form, form) for form in plain] + [(form, form[8:-8]) for form in coded]


@pytest.mark.parametrize(("form", "core"), echoes(CANARY))
def test_a_secret_is_removed_in_whatever_form_it_comes_back(form: str, core: str) -> None:
    assert core not in scrub(f"before {form} after", [CANARY])
    body = {"title": f"Bad {form}", "detail": form, "data": [{"customerId": form}]}
    for status in (201, 400, 401, 500):
        raw = json.dumps(body, ensure_ascii=False).encode()
        outcome = judged(status, raw, secrets=(CANARY,))
        assert CANARY not in repr(outcome)
        assert core not in outcome.answer + outcome.error


def test_an_answer_is_kept_as_an_excerpt_without_what_no_database_takes() -> None:
    outcome = judged(500, b"\x00\xff" + b"x" * 50_000)
    assert len(outcome.answer) == 2_000
    assert "\x00" not in outcome.answer
    problem = judged(400, b'{"title": "a\\u0000b\\ud800c\\nd' + b"e" * 9_000 + b'"}')
    problem.error.encode()
    assert "\x00" not in problem.error
    assert "\n" not in problem.error
    assert len(problem.error) < 700
