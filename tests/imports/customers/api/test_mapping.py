"""The mapping document: what is accepted, what is refused and how that is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imports.customers.api.json_paths import MISSING, find
from imports.customers.api.mapping import BadMapping, Mapping, RecordKey, preset
from imports.customers.api.presets import PRESETS, SPEEDS

STATUS_ONLY: dict[str, Any] = {"accepted": [200], "record": {"id": ["id"]}, "proof": "status"}
LISTED: dict[str, Any] = {
    "name": {"by": "id", "id": "id"},
    "success": {"path": "ok", "equals": [True]},
}


def with_results(*results: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"accepted": [200], "record": {"id": ["id"]}, "results": list(results), **rest}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_a_valid_document_and_reads_back_the_same(name: str) -> None:
    mapping = preset(name)
    assert Mapping.from_document(json.loads(json.dumps(mapping.document()))) == mapping


def test_the_presets_are_those_that_the_contract_names_and_a_plain_one() -> None:
    assert set(PRESETS) == {
        "gk", "gk-households", "plain", "hubspot", "salesforce-collections", "salesforce-bulk",
        "bloomreach", "braze", "mailchimp", "klaviyo", "marketo", "zendesk", "shopify", "square",
    }  # fmt: skip


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(
        BadMapping, match=r"preset: “zork” is not known\. .*gk, gk-households, plain, hubspot"
    ):
        preset("zork")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conservative", (50, 2, 1.0, 5)),
        ("balanced", (70, 3, 0.5, 3)),
        ("aggressive", (100, 5, 0.2, 2)),
    ],
)
def test_the_speeds_are_those_that_operators_know(
    name: str, expected: tuple[int, int, float, int]
) -> None:
    speed = SPEEDS[name]
    found = (speed.batch_size, speed.concurrency, speed.delay_seconds, speed.max_attempts)
    assert found == expected


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "the mapping: object missing required field `accepted`."),
    ({**STATUS_ONLY, "zork": 1}, "the mapping: there is no field “zork” here. Known fields: acc"),
    ({**STATUS_ONLY, "accepted": [302]}, "accepted[0]: expected a whole number <= 299."),
    ({**STATUS_ONLY, "accepted": []}, "accepted: expected a list of length >= 1."),
    (
        {**STATUS_ONLY, "five_xx_safe": 1},
        "five_xx_safe: expected true or false, got a whole number.",
    ),
    (
        {**STATUS_ONLY, "request": {"max_records": "50"}},
        "request.max_records: expected a whole number, got a text.",
    ),
    (
        {**STATUS_ONLY, "request": {"max_record": 50}},
        "request: there is no field “max_record” here. Known fields: columns, constants,",
    ),
    ({**STATUS_ONLY, "record": {}}, "record: give at least one path"),
    ({**STATUS_ONLY, "record": {"id": ["a..b"]}}, "record.id[0]: “a..b” is not a path"),
    (
        {**STATUS_ONLY, "request": {"envelope": None, "constants": {"a": 1}}},
        "request.constants: a body that is a bare list",
    ),
    (
        {**STATUS_ONLY, "request": {"envelope": "data", "constants": {"data": 1}}},
        "request.constants: “data” is the name of the list",
    ),
    (with_results(), "results: name at least one list"),
    (with_results(LISTED, proof="status"), "results: may only list failures where proof is"),
    (
        with_results(LISTED, {"holds": "failures", "name": {"by": "id", "id": "id"}}),
        'results: lists that hold "all" stand by themselves',
    ),
    (with_results({"name": {"by": "id", "id": "id"}}), "results[0].success: say what success"),
    (with_results({**LISTED, "name": {"by": "id"}}), "results[0].name: give at least one"),
    (with_results({**LISTED, "name": {"by": "index"}}), "results[0].name.path: say where"),
    (with_results({**LISTED, "name": {"by": "nose"}}), "results[0].name.by: invalid enum value"),
    (
        with_results({**LISTED, "name": {"by": "trace", "path": "t"}}),
        "results[0].name.by: a trace id needs request.trace_field",
    ),
    (
        with_results({"holds": "failures", "name": {"by": "position"}}, rest={"failed": "n"}),
        "results[0].name.by: position is proof only",
    ),
    (
        with_results({**LISTED, "name": {"by": "pointer", "path": "p", "template": "data"}}),
        "results[0].name.template: needs {index} or {id} once",
    ),
    (with_results({**LISTED, "count_is_proof": True}), "results[0].count_is_proof: only a list"),
    (
        with_results(LISTED, codes={"retryable": ["A"], "exists": ["A"]}),
        "codes: “A” is listed 2 times",
    ),
]


@pytest.mark.parametrize(("document", "expected"), WRONG, ids=[text for _, text in WRONG])
def test_a_wrong_field_is_named_with_what_is_expected(
    document: dict[str, Any], expected: str
) -> None:
    with pytest.raises(BadMapping) as refusal:
        Mapping.from_document(document)
    assert str(refusal.value).startswith(expected)


@pytest.mark.parametrize("document", [[], None, "gk", 1])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(BadMapping, match="the mapping: expected an object"):
        Mapping.from_document(document)


def test_overrides_merge_objects_and_replace_lists_and_values() -> None:
    changed = preset("gk").with_overrides(
        {"request": {"envelope": "households"}, "accepted": [200], "five_xx_safe": True}
    )
    assert changed.request.envelope == "households"
    assert changed.request.max_records == preset("gk").request.max_records
    assert changed.accepted == (200,)
    assert changed.five_xx_safe


def test_overrides_are_checked_like_a_document() -> None:
    with pytest.raises(BadMapping, match=r"request\.max_records"):
        preset("gk").with_overrides({"request": {"max_records": 0}})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gk", {"data": [{"a": 1}]}),
        ("hubspot", {"inputs": [{"objectWriteTraceId": "0", "a": 1}]}),
        ("salesforce-collections", {"allOrNone": False, "records": [{"a": 1}]}),
        ("bloomreach", {"commands": [{"a": 1}]}),
    ],
)
def test_a_body_is_what_the_api_expects(name: str, expected: object) -> None:
    mapping = preset(name)
    body = mapping.opening + mapping.wrap(b'{"a": 1}', 0) + mapping.closing
    assert json.loads(body) == expected


def test_without_a_trace_field_a_record_keeps_every_byte() -> None:
    raw = b' {"a" :\t1.00, "name": "Sj\xc3\xb6berg" }\n'
    assert preset("gk").wrap(raw, 7) == raw


def test_a_trace_id_goes_first_and_leaves_the_record_as_it_was() -> None:
    wrapped = preset("hubspot").wrap(b' { "price" : 1.00 }', 7)
    assert wrapped == b'{"objectWriteTraceId": "7", "price" : 1.00 }'
    assert json.loads(preset("hubspot").wrap(b"{ }", 0)) == {"objectWriteTraceId": "0"}


def test_a_bare_list_has_no_envelope() -> None:
    mapping = Mapping.from_document({**STATUS_ONLY, "request": {"envelope": None}})
    assert mapping.opening + mapping.closing == b"[]"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"person": {"customerId": "5"}}, RecordKey("5")),
        ({"organization": {"customerId": 5, "username": "u"}}, RecordKey("5", "u")),
        ({"person": {"emails": [{"email": "a@b.se"}]}}, RecordKey(email="a@b.se")),
        ({"person": {"customerId": True}}, RecordKey()),
        ({"person": []}, RecordKey()),
        ([], RecordKey()),
    ],
)
def test_a_record_is_known_by_the_names_it_carries(record: object, expected: RecordKey) -> None:
    assert preset("gk").key_of(record) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", {"a": [{"b": None}], "x.y": 2}),
        ("a.0.b", None),
        ("x.y", 2),
        ("a.1.b", MISSING),
        ("a.b", MISSING),
        ("a.0.b.c", MISSING),
        ("a.-1", MISSING),
        ("a.²", MISSING),
    ],
)
def test_a_path_leads_to_one_place_or_nowhere(path: str, expected: object) -> None:
    found = find({"a": [{"b": None}], "x.y": 2}, path)
    assert found is expected or found == expected
