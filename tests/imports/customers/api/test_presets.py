"""Each preset on the answers that its API's makers document, and on answers that prove nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from imports.customers.api.mapping import RecordKey, preset
from imports.customers.api.presets import PRESETS
from imports.policy import Outcome, Verdict
from tests.imports.customers.judging import judged

KEYS = (RecordKey("u1", email="a@x.se"), RecordKey("u2", email="b@x.se"))


class Case(NamedTuple):
    """One documented answer; what it means for the two records, or for the one."""

    preset: str
    status: int
    body: Any
    expected: list[str] | str  # verdicts by record, or the batch's own
    assigned: tuple[str, ...] = ()
    size: int = 2


def ok(preset_name: str, status: int, body: Any, *assigned: str, size: int = 2) -> Case:
    return Case(preset_name, status, body, "success", assigned, size)


MARKETO_SOME = {
    "requestId": "e42b#14272d07d78", "success": True,
    "result": [
        {"id": 50, "status": "created"},
        {"status": "skipped", "reasons": [{"code": "1007", "message": "Multiple lead match"}]},
    ],
}  # fmt: skip
MAILCHIMP_SOME = {
    "new_members": [{"id": "m1", "email_address": "A@x.se", "status": "subscribed"}],
    "updated_members": [],
    "errors": [{"email_address": "b@x.se", "error": "looks fake", "error_code": "ERROR_GENERIC"}],
    "total_created": 1, "total_updated": 0, "error_count": 1,
}  # fmt: skip
SQUARE_ERROR = {
    "category": "INVALID_REQUEST_ERROR",
    "code": "INVALID_EMAIL_ADDRESS",
    "detail": "x",
}


def klaviyo_job(failed: int, status: str = "complete") -> dict[str, Any]:
    attributes = {"status": status, "total_count": 2, "completed_count": 2, "failed_count": failed}
    return {"data": {"type": "profile-bulk-import-job", "id": "j1", "attributes": attributes}}


def shopify(customer: Any, *errors: str) -> dict[str, Any]:
    refused = [{"field": ["email"], "message": text} for text in errors]
    return {"data": {"customerCreate": {"customer": customer, "userErrors": refused}}}


CASES = [
    ok("gk", 201, {"data": [{"customerId": "u2", "result": "SUCCESS"},
                            {"customerId": "u1", "result": "SUCCESS"}]}),
    ok("gk-households", 201, {"households": [{"householdId": "u1", "result": "SUCCESS"},
                                             {"householdId": "u2", "result": "SUCCESS"}]}),
    Case("gk-households", 201, {"households": [{"householdId": "u1", "result": "SUCCESS"},
                                               {"householdId": "u2", "result": "ERROR"}]},
         ["success", "rejected"]),
    ok("salesforce-collections", 200, [{"id": "003A", "success": True, "errors": []},
                                       {"id": "003B", "success": True, "errors": []}],
       "003A", "003B"),
    Case("salesforce-collections", 200,
         [{"id": "003A", "success": True, "errors": []},
          {"success": False, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": "dup"}]}],
         ["success", "rejected"], ("003A", "")),
    ok("hubspot", 201, {"status": "COMPLETE",
                        "results": [{"id": "171", "properties": {"email": "b@x.se"}},
                                    {"id": "172", "properties": {"email": "a@x.se"}}]}),
    Case("hubspot", 207,
         {"status": "COMPLETE", "numErrors": 1,
          "results": [{"id": "171", "properties": {"email": "b@x.se"}}],
          "errors": [{"category": "CONFLICT", "message": "exists",
                      "context": {"objectWriteTraceId": ["0"]}}]},
         ["rejected", "success"]),
    ok("bloomreach", 200, {"results": [{"success": True}, {"success": True}], "success": True}),
    ok("braze", 201, {"message": "success", "attributes_processed": 2}),
    Case("braze", 201,
         {"message": "success", "attributes_processed": 1,
          "errors": [{"type": "'email' is not valid", "input_array": "attributes", "index": 1}]},
         ["success", "rejected"]),
    Case("braze", 201, {"message": "success", "attributes_processed": 1}, "unknown"),
    Case("braze", 400, {"message": "Valid data must be provided"}, "unknown"),
    Case("mailchimp", 200, MAILCHIMP_SOME, ["success", "rejected"], ("m1", "")),
    ok("mailchimp", 200,
       {"new_members": [{"id": "m1", "email_address": "a@x.se"}],
        "updated_members": [{"id": "m2", "email_address": "b@x.se"}],
        "errors": [], "total_created": 1, "total_updated": 1, "error_count": 0}, "m1", "m2"),
    Case("mailchimp", 200, MAILCHIMP_SOME | {"errors": []}, ["success", "unknown"], ("m1", "")),
    Case("marketo", 200, MARKETO_SOME, ["success", "rejected"], ("50", "")),
    Case("marketo", 200,
         {"requestId": "1", "success": False,
          "errors": [{"code": "601", "message": "Access token invalid"}]}, "pause"),
    Case("marketo", 200,
         {"requestId": "1", "success": False,
          "errors": [{"code": "606", "message": "Max rate limit exceeded"}]}, "deferred"),
    Case("marketo", 200,
         {"requestId": "1", "success": False,
          "errors": [{"code": "604", "message": "Request timed out"}]}, "unknown"),
    Case("zendesk", 200, {"job_status": {"id": "82de0b04", "status": "queued", "results": None}},
         "waiting"),
    Case("klaviyo", 202, klaviyo_job(0, "queued"), "waiting"),
    Case("klaviyo", 400,
         {"errors": [{"id": "1", "code": "invalid", "detail": "Bad e-mail.",
                      "source": {"pointer": "/data/attributes/profiles/data/0/attributes/x"}}]},
         ["rejected", "retry"]),
    ok("shopify", 200, shopify({"id": "gid://shopify/Customer/7"}), "gid://shopify/Customer/7",
       size=1),
    Case("shopify", 200, shopify(None, "Email has already been taken"), "rejected", (), 1),
    Case("shopify", 200,
         {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]},
         "deferred", (), 1),
    Case("shopify", 200, {"errors": [{"message": "Internal error"}], "data": None}, "unknown", (),
         1),
    ok("square", 200, {"responses": {"k-9-0": {"customer": {"id": "SQ1"}},
                                     "k-9-1": {"customer": {"id": "SQ2"}}}}, "SQ1", "SQ2"),
    Case("square", 200,
         {"responses": {"k-9-1": {"customer": {"id": "SQ2"}},
                        "k-9-0": {"errors": [SQUARE_ERROR]}}},
         ["rejected", "success"], ("", "SQ2")),
    Case("square", 401, {"errors": [{"category": "AUTHENTICATION_ERROR", "code": "UNAUTHORIZED"}]},
         "pause"),
    Case("square", 429, {"errors": [{"category": "RATE_LIMIT_ERROR", "code": "RATE_LIMITED"}]},
         "deferred"),
]  # fmt: skip


def keys_for(case: Case) -> tuple[RecordKey, ...]:
    """The two records as they are named; who is created in HubSpot has no id there yet."""
    keys = KEYS[: case.size]
    return tuple(RecordKey(email=k.email) for k in keys) if case.preset == "hubspot" else keys


def verdicts_of(outcome: Outcome) -> list[str]:
    each = outcome.records or outcome.judged
    return [record.verdict.value for record in each]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.preset}-{case.status}")
def test_a_documented_answer_means_what_its_makers_say(case: Case) -> None:
    outcome = judged(case.status, case.body, mapping=case.preset, keys=keys_for(case))
    if isinstance(case.expected, str) and case.expected not in ("success", "rejected"):
        assert outcome.verdict == case.expected
    elif isinstance(case.expected, str):
        assert set(verdicts_of(outcome)) == {case.expected}
    else:
        assert verdicts_of(outcome) == case.expected
    if case.assigned:
        each = outcome.records or outcome.judged
        assert tuple(record.assigned for record in each) == case.assigned


PROVES_NOTHING = [
    b"", b"{}", b"[]", b"null", b"true", b'"ok"', b"<html>OK</html>", b'{"success": true}',
    b'{"status": "ok", "data": {}}', b'{"data": []}', b'{"results": []}', b'{"responses": {}}',
    b'{"message": "success"}', b'{"errors": []}', b'{"result": []}', b'{"job_status": {}}',
    b'{"data": {"customerCreate": {}}}', b'{"data": {"customerCreate": {"userErrors": []}}}',
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"salesforce-bulk"}))
@pytest.mark.parametrize("body", PROVES_NOTHING)
def test_an_answer_that_proves_nothing_is_success_for_nobody(name: str, body: bytes) -> None:
    mapping = preset(name)
    keys = KEYS[: 1 if mapping.request.shape == "one" else 2]
    for status in (*mapping.accepted, 400, 500):
        outcome = judged(status, body, mapping=name, keys=keys)
        assert outcome.verdict is not Verdict.SUCCESS
        assert "success" not in verdicts_of(outcome)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_whoever_uses_a_preset_is_not_asked_what_it_knows(name: str) -> None:
    if name != "plain" and name != "bloomreach":
        assert "refusal_stored_nothing" in PRESETS[name]
