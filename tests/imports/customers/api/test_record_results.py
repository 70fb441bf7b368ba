"""Whose is which entry of an answer: GK, the other presets, and mappings that operators write."""

from __future__ import annotations

import re
from typing import Any

import pytest

from imports.customers.api.mapping import RecordKey, preset
from imports.messages import to_json
from imports.policy import Verdict
from tests.imports.customers.judging import custom, gk, judged, verdicts

# --- GK: one entry for each record, matched by id ---------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
def test_success_is_proven_for_every_record_in_any_order(status: int) -> None:
    assert judged(status, gk(("2", "SUCCESS"), ("1", "SUCCESS"))).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    ("result", "expected", "word"),
    [
        ("FAILED", ("retry", "FAILED"), "sent again"),
        ("ERROR", ("rejected", "ERROR"), "invalid"),
        ("CONFLICT", ("rejected", "CONFLICT"), "already exists"),
        ("NOT_FOUND", ("rejected", "NOT_FOUND"), "knows no customer"),
        ("success", ("unknown", "RESULT_NOT_KNOWN"), "mapping"),
        ("PENDING", ("unknown", "RESULT_NOT_KNOWN"), "(PENDING)"),
    ],
)
def test_each_result_code_of_gk_is_explained_from_the_code_alone(
    result: str, expected: tuple[str, str], word: str
) -> None:
    outcome = judged(201, gk(("2", result), ("1", "SUCCESS")))
    assert outcome.verdict is Verdict.MIXED
    assert verdicts(outcome) == [("success", ""), expected]
    assert word in outcome.records[1].error


@pytest.mark.parametrize("result", [None, True, 1, ["SUCCESS"], {"SUCCESS": 1}])
def test_a_result_of_the_wrong_type_is_not_success(result: Any) -> None:
    body = {"data": [{"customerId": "1", "result": result}, {"customerId": "2"}]}
    assert judged(201, body).verdict is Verdict.UNKNOWN


def test_a_missing_record_is_unknown_and_the_others_are_not() -> None:
    outcome = judged(201, gk(("1", "SUCCESS")))
    assert verdicts(outcome) == [("success", ""), ("unknown", "NOT_IN_ANSWER")]


@pytest.mark.parametrize(
    ("second", "code"), [("SUCCESS", "DOUBLED_IN_ANSWER"), ("ERROR", "CONTRADICTORY_ANSWER")]
)
def test_a_doubled_record_is_unknown(second: str, code: str) -> None:
    outcome = judged(201, gk(("1", "SUCCESS"), ("2", "SUCCESS"), ("2", second)))
    assert verdicts(outcome) == [("success", ""), ("unknown", code)]


def test_a_stranger_in_the_answer_proves_nothing_for_ours() -> None:
    outcome = judged(201, gk(("1", "SUCCESS"), ("3", "SUCCESS")))
    assert verdicts(outcome) == [("success", ""), ("unknown", "NOT_IN_ANSWER")]


def test_an_answer_about_other_records_only_is_unknown() -> None:
    outcome = judged(201, gk(("8", "SUCCESS"), ("9", "SUCCESS")))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "NOT_IN_ANSWER")
    assert judged(201, gk(), repeatable=True).verdict is Verdict.REPEATABLE


def test_an_id_that_comes_back_as_a_number_is_the_same_id() -> None:
    body = {"data": [{"customerId": n, "result": "SUCCESS"} for n in (2, 1)]}
    assert judged(201, body).verdict is Verdict.SUCCESS


def test_ids_that_differ_in_case_or_space_are_different_ids() -> None:
    keys = (RecordKey("a"),)
    assert judged(201, gk(("A", "SUCCESS")), keys=keys).verdict is Verdict.UNKNOWN
    assert judged(201, gk(("a ", "SUCCESS")), keys=keys).verdict is Verdict.UNKNOWN


SAME = (RecordKey("1"), RecordKey("1"))


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([("1", "ERROR"), ("1", "ERROR")], ("rejected", "ERROR")),
        ([("1", "SUCCESS"), ("1", "CONFLICT")], ("unknown", "CONTRADICTORY_ANSWER")),
    ],
)
def test_one_id_sent_twice_is_clear_only_if_both_entries_agree(
    results: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    keys = (*SAME, RecordKey("2"))
    outcome = judged(201, gk(*results, ("2", "SUCCESS")), keys=keys)
    assert verdicts(outcome) == [expected, expected, ("success", "")]


def test_one_id_sent_twice_and_answered_once_is_unknown() -> None:
    outcome = judged(201, gk(("1", "SUCCESS")), keys=SAME)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "DOUBLED_IN_ANSWER")
    assert judged(201, gk(("1", "SUCCESS"), ("1", "SUCCESS")), keys=SAME).verdict == "success"


def test_records_sent_without_an_id_are_found_by_username_then_by_email() -> None:
    keys = (RecordKey(username="u"), RecordKey(email="A@b.se"), RecordKey("1", "u2", "c@d.se"))
    made = [
        {"customerId": "77", "username": "", "email": "a@B.se", "result": "SUCCESS"},
        {"customerId": "78", "username": "u", "email": "x@y.se", "result": "CONFLICT"},
        {"customerId": "1", "username": "u", "email": "a@b.se", "result": "SUCCESS"},
    ]
    outcome = judged(201, {"data": made}, keys=keys)
    assert verdicts(outcome) == [("rejected", "CONFLICT"), ("success", ""), ("success", "")]


def test_a_record_with_an_id_is_never_matched_by_its_email() -> None:
    entry = {"customerId": "9", "email": "a@b.se", "result": "SUCCESS"}
    outcome = judged(201, {"data": [entry]}, keys=(RecordKey("1", "", "a@b.se"),))
    assert outcome.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("entry", [None, 1, "x", [], ["customerId"]])
def test_entries_that_are_no_objects_prove_nothing(entry: Any) -> None:
    assert judged(201, {"data": [entry, entry]}).verdict is Verdict.UNKNOWN


# --- The other presets' documented answers ----------------------------------------------------

SIENA, OTHER = RecordKey(email="siena@example.com"), RecordKey(email="other@example.com")
HUBSPOT_ERROR = {
    "status": "error",
    "category": "CONFLICT",
    "message": "Contact already exists. Existing ID: 99",
    "context": {"objectWriteTraceId": ["0"], "existingId": ["99"]},
}
HUBSPOT_RESULT = {"id": "171", "properties": {"email": "siena@example.com"}}


def hubspot(results: list[Any], errors: list[Any] | None) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "COMPLETE", "results": results}
    return body if errors is None else {**body, "errors": errors, "numErrors": len(errors)}


def test_hubspot_names_a_failure_by_the_trace_id_that_was_sent() -> None:
    body = hubspot([HUBSPOT_RESULT], [HUBSPOT_ERROR])
    outcome = judged(207, body, mapping="hubspot", keys=(OTHER, SIENA))
    assert verdicts(outcome) == [("rejected", "CONFLICT"), ("success", "")]
    assert "Existing ID: 99" in outcome.records[0].error


def test_hubspot_without_errors_proves_all_by_email_or_by_count() -> None:
    unnamed = {"id": "172", "properties": {}}
    body = hubspot([HUBSPOT_RESULT, unnamed], None)
    assert judged(201, body, mapping="hubspot", keys=(OTHER, SIENA)).verdict is Verdict.SUCCESS
    fewer = judged(201, hubspot([HUBSPOT_RESULT], None), mapping="hubspot", keys=(OTHER, SIENA))
    assert verdicts(fewer) == [("unknown", "NOT_IN_ANSWER"), ("success", "")]


def test_hubspots_count_proves_nothing_if_a_stranger_is_among_the_results() -> None:
    stranger = {"id": "172", "properties": {"email": "x@y.se"}}
    body = hubspot([HUBSPOT_RESULT, stranger], None)
    outcome = judged(201, body, mapping="hubspot", keys=(OTHER, SIENA))
    assert verdicts(outcome) == [("unknown", "NOT_IN_ANSWER"), ("success", "")]


@pytest.mark.parametrize("trace", [None, [""], [], ["9"], ["x"]])
def test_hubspots_failure_without_a_trace_id_is_never_pinned_on_anybody(trace: Any) -> None:
    context = {"ids": [""]} if trace is None else {"objectWriteTraceId": trace}
    body = hubspot([HUBSPOT_RESULT], [{**HUBSPOT_ERROR, "context": context}])
    outcome = judged(207, body, mapping="hubspot", keys=(OTHER, SIENA))
    assert verdicts(outcome) == [("unknown", "FAILURE_UNNAMED"), ("success", "")]


def test_a_record_among_both_the_results_and_the_errors_is_unknown() -> None:
    body = hubspot([HUBSPOT_RESULT], [HUBSPOT_ERROR])
    outcome = judged(207, body, mapping="hubspot", keys=(SIENA, OTHER))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "CONTRADICTORY_ANSWER")


@pytest.mark.parametrize("errors", [[], [HUBSPOT_ERROR]])
def test_an_entry_that_is_listed_twice_does_not_make_up_for_one_that_is_missing(
    errors: list[Any],
) -> None:
    """SIENA stands twice among the results, or also among the errors: the count is right."""
    body = hubspot([HUBSPOT_RESULT] * (2 - len(errors)), errors)
    outcome = judged(207, body, mapping="hubspot", keys=(SIENA, OTHER))
    assert (outcome.verdict, outcome.records) == (Verdict.UNKNOWN, ())
    three = hubspot([*body["results"], {"id": "3", "properties": {}}], errors)
    keys = (SIENA, OTHER, RecordKey(email="third@example.com"))
    assert judged(207, three, mapping="hubspot", keys=keys).verdict is Verdict.UNKNOWN


def test_hubspots_error_envelope_is_a_refusal_even_with_http_200() -> None:
    body = {"status": "error", "message": "Invalid input", "category": "VALIDATION_ERROR"}
    outcome = judged(200, body, mapping="hubspot", keys=(SIENA, OTHER))
    assert (outcome.verdict, outcome.code) == (Verdict.SPLIT, "VALIDATION_ERROR")
    assert "Invalid input" in outcome.error
    later = judged(200, {**body, "category": "RATE_LIMITS"}, mapping="hubspot", keys=(SIENA,))
    assert later.verdict is Verdict.DEFERRED
    assert judged(409, body, mapping="hubspot").verdict is Verdict.SPLIT


DONE = {"when": {"path": "done", "equals": [True]}}
SALESFORCE_OK = {"id": "003RM0000068xV6YAI", "success": True, "errors": []}


def salesforce_error(code: str) -> dict[str, Any]:
    error = {"statusCode": code, "message": "Required fields are missing: [LastName]"}
    return {"success": False, "errors": [{**error, "fields": ["LastName"]}]}


def test_salesforce_answers_in_the_order_of_the_request() -> None:
    body = [SALESFORCE_OK, salesforce_error("REQUIRED_FIELD_MISSING")]
    outcome = judged(200, body, mapping="salesforce-collections")
    assert verdicts(outcome) == [("success", ""), ("rejected", "REQUIRED_FIELD_MISSING")]
    assert "Required fields are missing: [LastName]" in outcome.records[1].error
    all_well = [SALESFORCE_OK, SALESFORCE_OK]
    assert judged(200, all_well, mapping="salesforce-collections").verdict is Verdict.SUCCESS


def test_salesforces_innocent_are_rolled_back_and_the_guilty_one_is_not_retried() -> None:
    body = [
        salesforce_error("ALL_OR_NONE_OPERATION_ROLLED_BACK"),
        salesforce_error("SOME_CODE_NOBODY_LISTED"),
    ]
    outcome = judged(200, body, mapping="salesforce-collections")
    assert verdicts(outcome) == [("retry", "ROLLED_BACK"), ("rejected", "SOME_CODE_NOBODY_LISTED")]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("DUPLICATES_DETECTED", ("rejected", "CONFLICT")),
        ("ENTITY_IS_DELETED", ("rejected", "NOT_FOUND")),
        ("UNABLE_TO_LOCK_ROW", ("retry", "UNABLE_TO_LOCK_ROW")),
    ],
)
def test_salesforces_codes_have_their_classes(code: str, expected: tuple[str, str]) -> None:
    body = [SALESFORCE_OK, salesforce_error(code)]
    assert verdicts(judged(200, body, mapping="salesforce-collections"))[1] == expected


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_list_by_position_of_another_length_proves_nothing(length: int) -> None:
    outcome = judged(200, [SALESFORCE_OK] * length, mapping="salesforce-collections")
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "ANSWER_UNREADABLE")


@pytest.mark.parametrize(
    "entry",
    [
        {"success": True, "errors": [{"statusCode": "DUPLICATE_VALUE"}]},
        {"success": True, "errors": [{"statusCode": "UNHEARD_OF"}]},
        {"success": 1, "errors": []},
        {"success": "true", "errors": []},
        {},
    ],
)
def test_a_success_that_contradicts_itself_or_is_not_true_is_unknown(entry: Any) -> None:
    outcome = judged(200, [SALESFORCE_OK, entry], mapping="salesforce-collections")
    assert outcome.records[1].verdict is Verdict.UNKNOWN


def test_bloomreachs_success_at_the_top_says_nothing_about_records() -> None:
    failed = {"success": False, "errors": ["At least one id should be specified."]}
    body = {"results": [{"success": True}, failed], "success": True}
    outcome = judged(200, body, mapping="bloomreach")
    assert verdicts(outcome) == [("success", ""), ("rejected", "REJECTED")]
    assert "At least one id should be specified" in outcome.records[1].error


def test_bloomreachs_failure_at_the_top_refuses_the_batch() -> None:
    body = {"success": False, "errors": ["Project not found"]}
    outcome = judged(200, body, mapping="bloomreach")
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "BATCH_REFUSED")
    assert "Project not found" in outcome.error
    stated = preset("bloomreach").with_overrides({"refusal_stored_nothing": True})
    assert judged(200, body, mapping=stated).verdict is Verdict.SPLIT


def test_a_refusal_at_the_top_above_claimed_successes_is_unknown() -> None:
    body = {"success": False, "results": [{"success": True}, {"success": True}]}
    assert judged(200, body, mapping="bloomreach").verdict is Verdict.UNKNOWN


# --- Mappings that operators write ------------------------------------------------------------


OK = {"path": "ok", "equals": [True]}
NO = {"path": "ok", "equals": [False]}


def test_records_named_by_an_index_field() -> None:
    results = {"name": {"by": "index", "path": "row", "base": 1}, "success": OK, "failure": NO}
    mapping = custom(results=[results])
    body = [{"row": 2, "ok": False}, {"row": 1, "ok": True}]
    assert verdicts(judged(200, body, mapping=mapping)) == [
        ("success", ""),
        ("rejected", "REJECTED"),
    ]
    outside = [{"row": 0, "ok": True}, {"row": True, "ok": True}, {"row": 3, "ok": True}]
    assert judged(200, outside, mapping=mapping).verdict is Verdict.UNKNOWN


def test_records_named_by_the_keys_of_an_object() -> None:
    mapping = custom(
        results=[
            {"at": "out", "name": {"by": "key"}, "success": OK, "failure": NO, "message": "m"}
        ]
    )
    body = {"out": {"2": {"ok": False, "m": "no"}, "1": {"ok": True}}}
    assert verdicts(judged(200, body, mapping=mapping)) == [
        ("success", ""),
        ("rejected", "REJECTED"),
    ]
    assert judged(200, {"out": [1]}, mapping=mapping).code == "ANSWER_UNREADABLE"
    # PHP writes an empty object as an empty list: it names nobody.
    assert judged(200, {"out": []}, mapping=mapping).code == "NOT_IN_ANSWER"


def test_records_named_inside_an_error_key() -> None:
    name = {"by": "key", "template": "data[{index}]"}
    mapping = custom(results=[{"at": "errors", "holds": "failures", "name": name}], rest=DONE)
    body = {
        "done": True,
        "errors": {"data[1].email": ["is invalid", "is taken"], "data[1].phone": ["is odd"]},
    }
    outcome = judged(200, body, mapping=mapping)
    assert verdicts(outcome) == [("success", ""), ("rejected", "REJECTED")]
    assert "is invalid; is taken" in outcome.records[1].error
    elsewhere = judged(200, {"done": True, "errors": {"data[10].email": ["x"]}}, mapping=mapping)
    assert elsewhere.code == "FAILURE_UNNAMED"
    assert judged(200, {"done": True, "errors": {}}, mapping=mapping).verdict is Verdict.SUCCESS
    assert judged(200, {}, mapping=mapping).code == "ANSWER_UNREADABLE"


def test_records_named_by_a_pointer() -> None:
    name = {"by": "pointer", "path": "pointer", "template": "#/data/{index}/"}
    mapping = custom(
        results=[{"at": "errors", "holds": "failures", "name": name, "message": "detail"}],
        rest=DONE,
        refusal_stored_nothing=True,
    )
    body = {"done": True, "errors": [{"pointer": "#/data/0/email", "detail": "is odd"}]}
    assert verdicts(judged(200, body, mapping=mapping))[1] == ("success", "")
    refused = judged(422, body, mapping=mapping)
    assert verdicts(refused) == [("rejected", "REJECTED"), ("retry", "ROLLED_BACK")]
    by_id = custom(
        results=[
            {
                "at": "errors",
                "holds": "failures",
                "name": {"by": "pointer", "path": "p", "template": "customer {id}:"},
            }
        ],
        rest=DONE,
    )
    found = judged(
        200, {"done": True, "errors": [{"p": "customer 2: name is odd"}]}, mapping=by_id
    )
    assert verdicts(found) == [("success", ""), ("rejected", "REJECTED")]


def test_numbers_in_a_text_count_from_the_base_of_the_mapping() -> None:
    name = {"by": "pointer", "path": "p", "template": "Row {index}:", "base": 1}
    failures = [{"at": "errors", "holds": "failures", "name": name}]
    mapping = custom(results=failures, rest=DONE)
    body = {"done": True, "errors": [{"p": "Row 1: name is odd"}]}
    assert verdicts(judged(200, body, mapping=mapping)) == [
        ("rejected", "REJECTED"),
        ("success", ""),
    ]
    body["errors"] = [{"p": "All rows: too many"}]
    assert judged(200, body, mapping=mapping).code == "FAILURE_UNNAMED"


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize(
    ("holds", "code"), [("all", "MISCOUNTED_ANSWER"), ("failures", "FAILURE_UNNAMED")]
)
def test_numbers_prove_nothing_where_one_of_them_is_that_of_nobody(
    base: int, holds: str, code: str
) -> None:
    """An API that counts from 1, read as if it counted from 0: each verdict would be another's."""
    name = {"by": "index", "path": "row", "base": base}
    lists = [{"at": "rows", "holds": holds, "name": name, "success": OK, "failure": NO}]
    mapping = custom(results=lists, rest=DONE if holds == "failures" else {})
    theirs = [{"row": 1 - base, "ok": False}, {"row": 2 - base, "ok": False}]
    numbers = [{**each, "row": each["row"] + (1 if base == 0 else 0)} for each in theirs]
    outcome = judged(200, {"done": True, "rows": numbers}, mapping=mapping)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)
    assert "name.base" in outcome.error
    assert judged(422, {"rows": numbers}, mapping=mapping).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("sent", "came", "hint"),
    [
        ("A1", "a1", "CASE_ALONE"),
        ("001", "1", "ZEROS_ALONE"),
        ("A1\u00a0", "A1", "BLANKS_ALONE"),
        ("Jos\u00e9", "Jose\u0301", "UNICODE_FORM_ALONE"),
        ("A1", "B2", None),
    ],
)
def test_an_id_that_came_back_in_another_spelling_is_shown_with_the_difference(
    sent: str, came: str, hint: str | None
) -> None:
    body = [{"id": came, "ok": True}]
    mapping = custom(results=[{"name": {"by": "id", "id": "id"}, "success": OK}])
    outcome = judged(200, body, mapping=mapping, keys=(RecordKey(sent),))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "NOT_IN_ANSWER")
    codes = re.findall(r"'code': '(\w+)'", str(to_json(outcome.message)))
    assert "CALLED_OTHERWISE" in codes
    assert [code for code in codes if "ALONE" in code] == [hint] * bool(hint)


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ({"stored": 1, "failed": 1}, ["", "REJECTED"]),
        ({}, ["", "REJECTED"]),
        ({"stored": 0}, ["COUNT_DISAGREES", "REJECTED"]),
        ({"failed": 2}, ["COUNT_DISAGREES", "REJECTED"]),
        ({"failed": "many"}, ["COUNT_DISAGREES", "REJECTED"]),
    ],
)
def test_a_list_of_all_is_no_proof_against_the_answers_own_counts(
    said: dict[str, Any], codes: list[str]
) -> None:
    lists = [{"at": "r", "name": {"by": "id", "id": "id"}, "success": OK, "failure": NO}]
    mapping = custom(results=lists, rest={"stored": "stored", "failed": "failed"})
    body = {"r": [{"id": "1", "ok": True}, {"id": "2", "ok": False}], **said}
    assert [code for _verdict, code in verdicts(judged(200, body, mapping=mapping))] == codes


def test_an_entry_that_is_unknown_may_be_counted_either_way() -> None:
    lists = [{"at": "r", "name": {"by": "id", "id": "id"}, "success": OK, "failure": NO}]
    mapping = custom(results=lists, rest={"stored": "stored"})
    for stored, verdict in ((1, "success"), (2, "success"), (3, "unknown")):
        body = {"r": [{"id": "1", "ok": True}], "stored": stored}
        outcome = judged(200, body, mapping=mapping)
        assert (outcome.records or outcome.judged)[0].verdict == verdict


def test_a_failure_of_nobody_is_that_of_one_who_is_called_stored_if_nobody_else_is_left() -> None:
    by_id = {"by": "id", "id": "id"}
    lists = [
        {"at": "stored", "holds": "successes", "name": by_id},
        {"at": "errors", "holds": "failures", "name": by_id},
    ]
    mapping = custom(results=lists)
    body = {"stored": [{"id": "1"}, {"id": "2"}], "errors": [{"text": "one is odd"}]}
    assert judged(200, body, mapping=mapping).code == "FAILURE_UNNAMED"
    body["stored"].pop()
    assert verdicts(judged(200, body, mapping=mapping)) == [
        ("success", ""),
        ("unknown", "FAILURE_UNNAMED"),
    ]


def test_entries_without_a_name_are_said_with_the_path_where_it_was_looked_for() -> None:
    mapping = custom(results=[{"name": {"by": "id", "id": "memberNo"}, "success": OK}])
    outcome = judged(200, [{"id": "1", "ok": True}, {"id": "2", "ok": True}], mapping=mapping)
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "NOT_IN_ANSWER")
    assert "“memberNo”" in outcome.error


def test_a_value_that_the_mapping_does_not_explain_is_shown() -> None:
    mapping = custom(results=[{"name": {"by": "id", "id": "id"}, "success": OK}])
    outcome = judged(200, [{"id": "1", "ok": "true"}], mapping=mapping, keys=(RecordKey("1"),))
    assert outcome.code == "RESULT_NOT_KNOWN"
    assert 'ok: "true"' in outcome.error


def test_a_refusal_that_names_records_spares_the_innocent() -> None:
    outcome = judged(400, gk(("2", "ERROR")))
    assert verdicts(outcome) == [("retry", "ROLLED_BACK"), ("rejected", "ERROR")]


def test_a_refusal_that_claims_a_success_is_not_believed() -> None:
    outcome = judged(400, gk(("1", "SUCCESS"), ("2", "ERROR")))
    assert verdicts(outcome) == [("unknown", "CONTRADICTORY_ANSWER"), ("rejected", "ERROR")]
    assert judged(400, gk(("1", "SUCCESS"))).verdict is Verdict.UNKNOWN


def test_a_secret_inside_a_records_message_or_code_is_removed() -> None:
    secret = "SECRET_CODE_1"
    body = [SALESFORCE_OK, salesforce_error(secret)]
    outcome = judged(200, body, mapping="salesforce-collections", secrets=(secret,))
    assert secret not in repr(outcome)
