"""What the quick judge says of an answer is what `record_results` says of each entry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from imports.customers.api.mapping import Mapping, preset
from imports.customers.api.responses import Answer, Exchange, judge
from imports.customers.quick_answers import SentRecords, all_stored
from imports.policy import Outcome, Verdict

CHECK = {"path": "result", "equals": ["OK", 1, True]}
IDS = ('"a"', '"A"', '"b"', "7", '"7"', '"007"', '""', '" "', "null", "true", "1.5", '"\\u0061"')
RESULTS = ('"OK"', "1", "true", '"BAD"', '"BUSY"', "null", "[]", '"OK", "result": "BAD"')
CODES = {"permanent": ["BAD"], "retryable": ["BUSY"]}


def sent(ids: list[str], mapping: Mapping, field: str = "id") -> SentRecords:
    """A batch of records with these ids, as they stand in JSON."""
    records = ", ".join(f'{{"{field}": {each}, "x": {{"id": "no"}}}}' for each in ids)
    body = mapping.opening + records.encode() + mapping.closing
    return SentRecords(body, len(ids), mapping)


def without_own_ids(outcome: Outcome, keys: SentRecords) -> Outcome:
    """The outcome without the assigned ids that are the records' own: the ledger keeps none."""
    judged = tuple(
        replace(record, assigned="") if record.assigned == key.record_id else record
        for record, key in zip(outcome.judged, keys, strict=False)
    )
    return replace(outcome, judged=judged)


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    name = draw(st.sampled_from([{"by": "id", "id": "id"}, {"by": "id", "id": "x.id"}]))
    every: dict[str, Any] = {"at": "all", "success": CHECK, "name": name}
    if draw(st.booleans()):
        every["assigned"] = name["id"]
    if draw(st.booleans()):
        every["code"] = draw(st.sampled_from(["code", "result"]))
    record = {"id": ["id", "a.id"], "ignore_case": draw(st.booleans())}
    document = {"accepted": [200], "record": record, "codes": CODES, "results": [every]}
    return Mapping.from_document(document)


@st.composite
def answers(draw: st.DrawFn, ids: list[str]) -> bytes:
    named = draw(st.permutations(ids)) if draw(st.booleans()) else ids
    if draw(st.integers(0, 3)) == 0:
        named = [*named[1:], draw(st.sampled_from(IDS))]
    odd = draw(st.booleans())
    entries = [
        f'{{"id": {each}, "result": {draw(st.sampled_from(RESULTS if odd else RESULTS[:3]))}'
        f"{draw(st.sampled_from(['', '', CODE])) if odd else ''}}}"
        for each in named
    ]
    return f'{{"all": [{", ".join(entries)}]}}'.encode()


CODE = ', "code": "BUSY"'


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_the_quick_judge_finds_what_the_slow_one_finds(data: st.DataObject) -> None:
    mapping = data.draw(mappings())
    ids = data.draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=4))
    field = data.draw(st.sampled_from(["id", "id", "a.id", "other"]))
    keys = sent(ids, mapping, field)
    answer = Answer(200, {}, data.draw(answers(ids)))
    quick, slow = (judge(answer, Exchange(mapping, each)) for each in (keys, tuple(keys)))
    assert without_own_ids(quick, keys) == without_own_ids(slow, keys)


def test_the_usual_good_answer_is_judged_at_once() -> None:
    mapping = preset("gk")
    records = [{"person": {"customerId": str(n)}} for n in range(50)]
    body = mapping.opening + b", ".join(json.dumps(r).encode() for r in records) + mapping.closing
    keys = SentRecords(body, 50, mapping)
    entries = [{"customerId": str(n), "result": "SUCCESS"} for n in reversed(range(50))]
    answer = json.dumps({"data": entries}).encode()
    assert all_stored(answer, mapping, keys)
    assert judge(Answer(201, {}, answer), Exchange(mapping, keys)).verdict is Verdict.SUCCESS
    assert not all_stored(answer.replace(b'"SUCCESS"', b'"FAILED"', 1), mapping, keys)
    assert not all_stored(answer.replace(b'"49"', b'"48"', 1), mapping, keys)
