"""What a refusal, a "not now", a silence or another spelling proves, kind by kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.auth import FixedAuth
from imports.customers.api.mapping import BadMapping, Mapping, RecordKey, preset
from imports.policy import Verdict
from tests.imports.customers.judging import NOW, TWO, custom, gk, judged, verdicts
from tests.imports.customers.posting import BODY, KEYS, client
from tests.imports.customers.scripted_server import Server, reply

if TYPE_CHECKING:
    from collections.abc import Mapping as Headers

    from imports.customers.api.auth import PostForm

    Strings = Headers[str, str]

PLAIN = preset("plain")
STATED = PLAIN.with_overrides({"refusal_stored_nothing": True})
PROBLEM = {"title": "Bad Request", "detail": "Validation failed"}
FAILURES = {"at": "bad", "holds": "failures", "name": {"by": "id", "id": "id"}, "code": "why"}
FIVE = tuple(RecordKey(str(n)) for n in range(5))


# --- A refusal that names nobody ----------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 406, 409, 413, 422, 423, 451])
def test_a_refusal_proves_nothing_unless_the_mapping_states_it(status: int) -> None:
    for keys in (TWO, TWO[:1]):
        outcome = judged(status, PROBLEM, mapping=PLAIN, keys=keys)
        assert outcome.verdict is Verdict.UNKNOWN
        assert "refusal_stored_nothing" in outcome.error
    assert judged(status, PROBLEM, mapping=STATED).verdict is Verdict.SPLIT
    assert judged(status, PROBLEM, mapping=STATED, keys=TWO[:1]).verdict is Verdict.REJECTED


def test_a_refusal_that_is_not_halved_fails_all_only_where_the_mapping_says_so() -> None:
    only_large = STATED.with_overrides({"splittable": [413]})
    assert judged(413, PROBLEM, mapping=only_large).verdict is Verdict.SPLIT
    for status in (400, 409, 422):
        assert judged(status, PROBLEM, mapping=only_large).verdict is Verdict.REJECTED


ONE_CODES: dict[str, Any] = {
    "codes": {"permanent": ["BAD"], "exists": ["DUP"], "not_found": ["GONE"]},
    "envelope": {"code": "code", "message": "text", "when": {"path": "ok", "equals": [False]}},
}


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422, 500])
@pytest.mark.parametrize(
    ("code", "name"), [("BAD", "BAD"), ("DUP", "CONFLICT"), ("GONE", "NOT_FOUND")]
)
def test_of_a_single_record_the_apis_listed_code_says_what_became_of_it(
    status: int, code: str, name: str
) -> None:
    mapping = PLAIN.with_overrides(ONE_CODES)
    body = {"ok": False, "code": code, "text": "no such street"}
    refused = judged(status, body, mapping=mapping, keys=TWO[:1])
    assert (refused.verdict, refused.code) == (Verdict.REJECTED, name)
    assert "no such street" in refused.error
    several = judged(status, body, mapping=mapping)
    assert several.verdict is Verdict.UNKNOWN


def test_a_failure_with_a_code_that_is_not_at_the_mappings_own_place_proves_nothing() -> None:
    for body in ({"title": "BAD"}, {"error": "BAD"}, {"code": "OTHER"}, {}):
        mapping = PLAIN.with_overrides(ONE_CODES)
        assert judged(500, body, mapping=mapping, keys=TWO[:1]).verdict is Verdict.UNKNOWN


def test_whoever_wants_a_sign_in_on_the_way_let_nothing_through() -> None:
    outcome = judged(511, b"<html>Sign in</html>")
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "HTTP_511")


def test_the_same_holds_for_a_refusal_that_comes_with_an_accepted_status() -> None:
    envelope = {"envelope": {"when": {"path": "ok", "equals": [False]}}}
    body = {"ok": False, "message": "No"}
    assert judged(200, body, mapping=PLAIN.with_overrides(envelope)).verdict is Verdict.UNKNOWN
    assert judged(200, body, mapping=STATED.with_overrides(envelope)).verdict is Verdict.SPLIT


def test_whom_a_refusal_does_not_name_is_unknown_unless_the_mapping_states_it() -> None:
    body = {"results": [{"id": "2", "success": False, "code": "BAD"}]}
    known = PLAIN.with_overrides({"codes": {"permanent": ["BAD"]}})
    unknown, bad = judged(400, body, mapping=known).records
    assert (unknown.verdict, unknown.code) == (Verdict.UNKNOWN, "REFUSAL_PROVES_NOTHING")
    assert bad.verdict is Verdict.REJECTED
    stated = known.with_overrides({"refusal_stored_nothing": True})
    assert judged(400, body, mapping=stated).records[0].verdict is Verdict.RETRY


@pytest.mark.parametrize("name", ["gk", "hubspot", "salesforce-collections"])
def test_presets_state_it_where_it_is_documented(name: str) -> None:
    assert preset(name).refusal_stored_nothing
    assert not preset("bloomreach").refusal_stored_nothing


@pytest.mark.parametrize("status", [402, 403, 404, 405, 410, 415])
def test_a_refusal_of_the_address_method_or_right_is_nobodys_fault(status: int) -> None:
    outcome = judged(status, b"<html><title>Not here</title><p>Go away</p></html>")
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, f"HTTP_{status}")
    assert "Not here Go away" in outcome.error


def test_a_403_that_names_a_customer_is_about_that_customer() -> None:
    assert verdicts(judged(403, gk(("2", "ERROR")))) == [
        ("retry", "ROLLED_BACK"),
        ("rejected", "ERROR"),
    ]


@pytest.mark.parametrize("words", ["Header X is required", "Ref {n} in line {n} is bad"])
def test_refusals_in_the_same_words_have_the_same_cause_whatever_their_particulars(
    words: str,
) -> None:
    causes = {
        judged(400, {"title": "Bad", "detail": words.format(n=n)}).cause
        for n in ("7", "2fa7ee50-1d6b-4b5e-8f0a-000000000000", "“x”", "a@b.se")
    }
    assert len(causes) == 1
    assert judged(400, {"title": "Bad", "detail": "Something else"}).cause not in causes


# --- "Not now" and "who are you" ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (403, {"retry-after": "2"}, 2),
        (503, {"x-ratelimit-reset": "25"}, 25),
        (429, {"x-ratelimit-reset": str(int(NOW) + 25)}, 25),
        (429, {"x-ratelimit-reset": str((int(NOW) + 25) * 1000)}, 25),
        (403, {"x-ratelimit-reset": str(int(NOW) + 25), "x-ratelimit-remaining": "0"}, 25),
        (429, {"x-rate-limit-reset": "Sun, 15 Jun 2025 15:07:05 GMT"}, 25),
        (429, {"x-ratelimit-reset": "2025-06-15T15:07:05Z"}, 25),
        (429, {"x-ratelimit-reset": "2025-06-15T17:07:05+02:00"}, 25),
        (429, {"retry-after": "2025-06-15 15:07:05"}, 25),
        (429, {"retry-after": "Sun, 15 Jun 2025 15:07:05 -0000"}, 25),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        (403, {"ratelimit-reset": "25"}, 25),
        (429, {"retry-after": "25, 25"}, 25),
        (429, {"retry-after": "25s"}, 25),
        (503, {"retry-after-ms": "25000"}, 25),
        (429, {"x-ms-retry-after-ms": "25000"}, 25),
        (403, {"x-retry-after": "25"}, 25),
        (429, {"x-ratelimit-retry-after": "25"}, 25),
        (
            429,
            {
                "x-ratelimit-reset-tokens": "1h",
                "x-ratelimit-remaining-tokens": "9",
                "x-ratelimit-reset-requests": "0m25s",
                "x-ratelimit-remaining-requests": "0",
            },
            25,
        ),
        (
            403,
            {
                "anthropic-ratelimit-requests-reset": "2025-06-15T15:07:05Z",
                "anthropic-ratelimit-requests-remaining": "0",
            },
            25,
        ),
        (403, {"x-ratelimit-remaining": "0"}, None),
        (403, {"retry-after": "soon"}, None),
        (403, {"ratelimit": "limit=100, remaining=0, reset=25"}, 25),
        (403, {"ratelimit": '"burst";r=5;t=3, "day";r=0;t=25'}, 25),
        (429, {"retry-after": "2", "x-ratelimit-reset": "25"}, 25),
        (429, {"retry-after": "25", "x-ratelimit-reset": "2"}, 25),
        (429, {"x-ratelimit-reset": "999999"}, 3600),
        (429, {"x-ratelimit-reset": "nonsense"}, None),
        (429, {}, None),
    ],
)
def test_not_now_is_read_in_all_its_forms(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    outcome = judged(status, PROBLEM, headers=headers)
    assert (outcome.verdict, outcome.retry_after) == (Verdict.DEFERRED, seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-reset": "25", "x-ratelimit-remaining": "40"},
        {"ratelimit": "limit=100, remaining=40, reset=25"},
        {"ratelimit": '"day";r=40;t=25'},
        {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1m"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-remaining-day": "9"},
    ],
)
def test_limits_that_are_not_used_up_are_no_not_now(headers: dict[str, str]) -> None:
    assert judged(403, PROBLEM, headers=headers).verdict is Verdict.PAUSE
    assert judged(503, PROBLEM, headers=headers).verdict is Verdict.UNKNOWN


CODED: dict[str, Any] = {
    "codes": {"not_now": ["LIMIT"], "credential": ["WHO"], "retryable": ["BUSY"]},
    "envelope": {"code": "err.code", "message": "err.text"},
}


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 409, 422, 500, 503])
def test_codes_of_the_mapping_count_at_any_status(status: int) -> None:
    mapping = PLAIN.with_overrides(CODED)
    later = judged(status, {"err": {"code": "LIMIT"}}, mapping=mapping)
    assert (later.verdict, later.code) == (Verdict.DEFERRED, "LIMIT")
    who = judged(status, {"err": {"code": "WHO"}}, mapping=mapping)
    assert (who.verdict, who.code) == (Verdict.PAUSE, "CREDENTIAL_REFUSED")
    if status >= 400:
        busy = judged(status, {"err": {"code": "BUSY"}}, mapping=mapping)
        assert (busy.verdict, busy.code) == (Verdict.RETRY, "BUSY")


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_code_of_a_gateway_counts_where_the_apis_own_place_for_codes_is_empty(
    status: int,
) -> None:
    mapping = PLAIN.with_overrides(CODED)
    later = judged(status, {"error": "LIMIT"}, mapping=mapping)
    assert (later.verdict, later.code) == (Verdict.DEFERRED, "LIMIT")
    assert judged(status, {"code": "WHO"}, mapping=mapping).code == "CREDENTIAL_REFUSED"
    beside = {"err": {"code": "OTHER"}, "error": "LIMIT"}
    assert judged(status, beside, mapping=mapping).verdict is not Verdict.DEFERRED
    # What a code says of one customer says nothing of a batch, where it stands elsewhere.
    assert judged(500, {"error": "BUSY"}, mapping=mapping).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        {"status": "LIMIT"},
        {"errors": ["LIMIT"]},
        {"error": {"errors": [{"reason": "LIMIT"}]}},
        {"fault": {"detail": {"errorcode": "LIMIT"}}},
        {"message": "LIMIT"},
        {"meta": {"code": 4711}},
    ],
)
def test_not_now_is_found_in_every_usual_place(body: Any) -> None:
    mapping = PLAIN.with_overrides({"codes": {"not_now": ["LIMIT", 4711], "permanent": ["BAD"]}})
    for status in (200, 400, 500):
        assert judged(status, body, mapping=mapping).verdict is Verdict.DEFERRED


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize(
    ("body", "challenge"),
    [
        (b"", 'Bearer realm="a", error="invalid_token", error_description="expired"'),
        (b"", "bearer error=invalid_token"),
        ({"error": "invalid_token"}, ""),
        ({"error": {"code": "invalid_token"}}, ""),
    ],
)
def test_a_token_that_is_called_invalid_is_a_credential_at_any_refusal(
    status: int, body: Any, challenge: str
) -> None:
    outcome = judged(status, body, mapping=STATED, headers={"www-authenticate": challenge})
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "CREDENTIAL_REFUSED")


@pytest.mark.parametrize("status", [401, 419, 440, 498])
def test_what_servers_answer_in_place_of_401_is_read_as_one(status: int) -> None:
    assert judged(status, mapping=STATED).code == "CREDENTIAL_REFUSED"


def test_a_right_that_a_token_lacks_is_no_dead_token() -> None:
    challenge = {"www-authenticate": 'Bearer error="insufficient_scope"'}
    assert judged(403, headers=challenge).code == "HTTP_403"


@pytest.mark.parametrize("code", ["https://a.example/limit", 'the "day"', "fullt för idag"])
def test_a_code_is_found_however_json_writes_its_characters(code: str) -> None:
    mapping = PLAIN.with_overrides({"codes": {"not_now": [code]}})
    body = json.dumps({"type": code}).replace("/", "\\/").encode()
    assert judged(200, body, mapping=mapping).verdict is Verdict.DEFERRED


def test_a_code_does_not_outweigh_what_the_answer_says_of_a_customer() -> None:
    mapping = PLAIN.with_overrides(CODED)
    body = {"err": {"code": "LIMIT"}, "results": [{"id": "1", "success": True}]}
    assert verdicts(judged(200, body, mapping=mapping))[0] == ("success", "")
    for status in (429, 503, 401, 307):
        outcome = judged(status, body, mapping=mapping, headers={"retry-after": "1"})
        assert outcome.verdict is Verdict.UNKNOWN


def test_a_batch_that_was_broken_off_after_its_first_customers_is_not_sent_again() -> None:
    stored = [{"id": "003", "success": True, "errors": []}]
    for status in (400, 403, 429):
        outcome = judged(status, stored, mapping="salesforce-collections")
        assert outcome.verdict is Verdict.UNKNOWN


def test_codes_of_single_customers_are_not_now_for_these_alone() -> None:
    mapping = PLAIN.with_overrides({**CODED, "envelope": {}})
    good, later = {"id": "1", "success": True}, {"id": "2", "success": False, "code": "LIMIT"}
    assert verdicts(judged(200, {"results": [good, later]}, mapping=mapping)) == [
        ("success", ""),
        ("deferred", "LIMIT"),
    ]
    both = judged(200, {"results": [later, {**later, "id": "1"}]}, mapping=mapping)
    assert (both.verdict, both.records) == (Verdict.DEFERRED, ())


def test_salesforces_used_up_quota_is_not_now() -> None:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    assert judged(403, body, mapping="salesforce-collections").verdict is Verdict.DEFERRED


class Renewing(FixedAuth):
    """A token that can be renewed once and for all."""

    def __init__(self) -> None:
        super().__init__("the token", {"Authorization": "Bearer 0"})
        self.renewals = 0

    def renew(
        self, refused: Strings, times: int, post_form: PostForm, patience: float
    ) -> Strings | None:
        if self.renewals:
            return None
        self.renewals += 1
        return {"Authorization": "Bearer 1"}


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_a_code_for_the_credential_gets_one_new_token_then_the_job_pauses(status: int) -> None:
    mapping = preset("gk").with_overrides({"codes": {"credential": ["WHO"]}})
    with Server(reply(status, {"title": "WHO"})) as server:
        auth = Renewing()
        with client(server.url, auth, mapping=mapping) as one:
            outcome = one.post(BODY, "key", KEYS)
    assert (outcome.verdict, outcome.code) == (Verdict.PAUSE, "CREDENTIAL_REFUSED")
    assert (auth.renewals, len(server.received)) == (1, 2)


# --- Silence ------------------------------------------------------------------------------------


def failures(**rest: Any) -> Mapping:
    return custom(results=[FAILURES], codes={"permanent": ["BAD"]}, rest=rest)


def listed(*ids: str, **beside: Any) -> dict[str, Any]:
    return {"bad": [{"id": one, "why": "BAD"} for one in ids], **beside}


@pytest.mark.parametrize(
    ("rest", "beside", "proven"),
    [
        ({"failed": "n"}, {"n": 2}, True),
        ({"failed": "n"}, {"n": "2"}, True),
        ({"failed": "n"}, {"n": 5}, False),
        ({"failed": "n"}, {"n": 1}, False),
        ({"failed": "n"}, {"n": None}, False),
        ({"failed": "n"}, {"n": True}, False),
        ({"failed": "n"}, {}, False),
        ({"stored": "sums.ok"}, {"sums": {"ok": 3}}, True),
        ({"stored": "sums.ok"}, {"sums": {"ok": 5}}, False),
        ({"stored": "sums.ok", "failed": "n"}, {"sums": {"ok": 3}, "n": 3}, False),
        ({"when": {"path": "state", "equals": ["done"]}}, {"state": "done"}, True),
        ({"when": {"path": "state", "equals": ["done"]}}, {"state": "running"}, False),
        ({"when": {"path": "state", "equals": ["done"]}, "failed": "n"}, {"n": 2}, False),
    ],
)
def test_whom_a_list_of_failures_leaves_out_is_stored_only_by_the_stated_proof(
    rest: dict[str, Any], beside: dict[str, Any], proven: bool
) -> None:
    outcome = judged(200, listed("0", "1", **beside), mapping=failures(**rest), keys=FIVE)
    assert [record.verdict for record in outcome.records[:2]] == [Verdict.REJECTED] * 2
    rests = {(record.verdict, record.code) for record in outcome.records[2:]}
    expected = (Verdict.SUCCESS, "") if proven else (Verdict.UNKNOWN, "COUNT_DISAGREES")
    assert rests == {expected}


def test_a_list_of_failures_without_any_proof_of_the_others_is_refused_when_saved() -> None:
    with pytest.raises(BadMapping) as refusal:
        failures()
    said = str(refusal.value)
    assert said.startswith("rest: ")
    assert all(word in said for word in ("rest.failed", "rest.stored", "rest.when"))
    assert "proof" not in said.replace("say what proves", "")


def test_no_error_of_a_mapping_recommends_that_the_status_alone_is_proof() -> None:
    with pytest.raises(BadMapping) as refusal:
        custom()
    assert "proof" not in str(refusal.value)


def test_the_operators_word_can_be_the_proof_of_whom_the_failures_leave_out() -> None:
    mapping = custom(results=[FAILURES], codes={"permanent": ["BAD"]}, proof="status")
    outcome = judged(200, listed("1"), mapping=mapping, keys=FIVE)
    assert [record.verdict.value for record in outcome.records] == (
        ["success", "rejected", "success", "success", "success"]
    )
    assert judged(200, listed("stranger"), mapping=mapping, keys=FIVE).verdict is Verdict.UNKNOWN
    assert judged(200, b"", mapping=mapping, keys=FIVE).verdict is Verdict.UNKNOWN


def test_hubspots_count_of_errors_must_agree() -> None:
    def body(count: int) -> dict[str, Any]:
        error = {"category": "CONFLICT", "context": {"objectWriteTraceId": ["0"]}}
        return {"results": [{"id": "9"}], "errors": [error], "numErrors": count}

    keys = (RecordKey(email="a@b.se"), RecordKey(email="c@d.se"))
    assert verdicts(judged(207, body(1), mapping="hubspot", keys=keys))[1] == ("success", "")
    disagreeing = verdicts(judged(207, body(2), mapping="hubspot", keys=keys))[1]
    assert disagreeing == ("unknown", "COUNT_DISAGREES")


# --- Ids in another spelling --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "came", "field"),
    [("A1-B2", "a1-b2", "ignore_case"), ("007", "7", "ignore_leading_zeros"), ("000", "0", "")],
)
def test_an_id_in_another_spelling_is_shown_and_a_mapping_can_say_that_it_is_the_same(
    sent: str, came: str, field: str
) -> None:
    keys = (RecordKey(sent), RecordKey("x"))
    body = {"results": [{"id": came, "success": True}, {"id": "x", "success": True}]}
    unknown = judged(200, body, mapping=PLAIN, keys=keys).records[0]
    assert (unknown.verdict, unknown.code) == (Verdict.UNKNOWN, "NOT_IN_ANSWER")
    assert f"“{came}”" in unknown.error
    assert f"“{sent}”" in unknown.error
    assert f"record.{field}" in unknown.error
    same = {"ignore_case": True, "ignore_leading_zeros": True}
    mapping = PLAIN.with_overrides({"record": same})
    assert judged(200, body, mapping=mapping, keys=keys).verdict is Verdict.SUCCESS


def test_a_number_is_a_spelling_too() -> None:
    mapping = PLAIN.with_overrides({"record": {"ignore_leading_zeros": True}})
    body = {"results": [{"id": 7, "success": True}]}
    assert judged(200, body, mapping=mapping, keys=(RecordKey("007"),)).verdict is Verdict.SUCCESS


def test_two_customers_who_become_one_by_their_spelling_need_two_results() -> None:
    mapping = PLAIN.with_overrides({"record": {"ignore_case": True}})
    keys = (RecordKey("a"), RecordKey("A"))
    one = {"id": "a", "success": True}
    assert judged(200, {"results": [one]}, mapping=mapping, keys=keys).verdict is Verdict.UNKNOWN
    both = {"results": [one, one]}
    assert judged(200, both, mapping=mapping, keys=keys).verdict is Verdict.SUCCESS
    apart = {"results": [one, {"id": "A", "success": False}]}
    assert judged(200, apart, mapping=mapping, keys=keys).code == "CONTRADICTORY_ANSWER"
