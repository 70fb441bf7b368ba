"""For any answer, mapping and status: each record has one verdict, and success has its proof."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from imports.customers.api.mapping import Mapping, RecordKey
from imports.customers.api.responses import Answer, Exchange, judge
from imports.policy import Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

IDS = ["1", "01", "A", "a", "B", ""]
WORDS = ["OK", "BAD", "BUSY", "LATER", "WHO", "\x00", "\ud800"]
STATUSES = [103, 200, 201, 207, 301, 302, 303, 307, 400, 401, 403, 404, 408, 409, 413, 422, 425]
STATUSES += [429, 500, 502, 503, 600]
HEADERS = ["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "ratelimit", "date"]
VALUES = [
    "0",
    "7",
    "1750000009",
    "Sun, 15 Jun 2025 15:00:07 GMT",
    "reset=3",
    '"a";r=0;t=5',
    "\x00",
]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.sampled_from(IDS), st.sampled_from(WORDS)
)
entries = st.one_of(
    scalars,
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from([*IDS, 1, None, "stranger"]),
            "result": st.sampled_from(WORDS),
            "code": st.sampled_from(WORDS),
            "n": st.integers(-1, 5),
            "p": st.sampled_from(["#/0/", "#/1/x", "#/9/", 3]),
        },
    ),
)
lists = st.one_of(st.lists(entries, max_size=5), entries)
documents = st.one_of(
    entries,
    st.lists(entries, max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("all", "good", "bad"), lists),
            **dict.fromkeys(("stored", "failed"), st.one_of(st.integers(-1, 5), scalars)),
            "done": st.booleans(),
            **dict.fromkeys(("code", "title", "error"), st.sampled_from(WORDS)),
        },
    ),
)
bodies = st.one_of(
    st.binary(max_size=20), documents.map(lambda document: json.dumps(document).encode())
)


@st.composite
def namings(draw: st.DrawFn, *, ordered: bool) -> dict[str, Any]:
    ways: list[dict[str, Any]] = [
        {"by": "id", "id": "id"},
        {"by": "index", "path": "n"},
        {"by": "index", "path": "n", "base": 1},
        {"by": "pointer", "path": "p", "template": "#/{index}/"},
        {"by": "key"},
    ]
    return draw(st.sampled_from([*ways, {"by": "position"}] if ordered else ways))


CODES = {"permanent": ["BAD"], "retryable": ["BUSY"], "not_now": ["LATER"], "credential": ["WHO"]}
CHECK = {"path": "result", "equals": ["OK"]}
DONE = {"when": {"path": "done", "equals": [True]}}
RESTS = [DONE, {"failed": "failed"}, {"stored": "stored"}, {"failed": "failed", **DONE}]


SHAPES = ("all", "failures", "both", "successes", "status", "word")


@st.composite
def mappings(draw: st.DrawFn, shapes: Sequence[str]) -> Mapping:
    shape = draw(st.sampled_from(shapes))
    parts: dict[str, Any] = {"proof": "status" if shape in ("status", "word") else "results"}
    every: dict[str, Any] = {"at": "all", "success": CHECK, "code": "code"}
    good = {"at": "good", "holds": "successes", "count_is_proof": draw(st.booleans())}
    bad = {"at": "bad", "holds": "failures", "code": "code", "required": draw(st.booleans())}
    used: dict[str, list[dict[str, Any]]]
    used = {"all": [every], "failures": [bad], "both": [good, bad], "successes": [good]}
    used |= {"status": [], "word": [bad]}
    parts["results"] = [
        {**each, "name": draw(namings(ordered=each is every))} for each in used[shape]
    ]
    if shape in ("failures", "both"):
        parts["rest"] = draw(st.sampled_from(RESTS))
    if draw(st.booleans()):
        parts["envelope"] = {"when": {"path": "done", "equals": [False]}, "code": "code"}
    flags = ("refusal_stored_nothing", "five_xx_safe")
    parts |= {flag: draw(st.booleans()) for flag in flags}
    spelling = {name: draw(st.booleans()) for name in ("ignore_case", "ignore_leading_zeros")}
    base = {"accepted": [200, 201, 207], "record": {"id": ["id"], **spelling}, "codes": CODES}
    return Mapping.from_document({**base, **parts})


def exchanges(shapes: Sequence[str]) -> st.SearchStrategy[Exchange]:
    return st.builds(
        Exchange,
        mapping=mappings(shapes),
        keys=st.lists(st.sampled_from(IDS).map(RecordKey), min_size=1, max_size=4).map(tuple),
        repeatable=st.booleans(),
        now=st.just(1_750_000_000.0),
    )


@st.composite
def likely(draw: st.DrawFn, size: int, ids: list[str]) -> dict[str, Any]:
    """A document as an API might well answer: entries about the records that were sent."""

    def some(results: list[str]) -> list[dict[str, Any]]:
        picked = draw(st.lists(st.integers(0, size - 1), max_size=size + 1, unique=draw(unique)))
        return [
            {"id": ids[n], "n": n, "p": f"#/{n}/", "result": draw(st.sampled_from(results))}
            for n in picked
        ]

    unique = st.sampled_from([True, True, False])
    bad = some(["BAD"])
    count = st.one_of(st.just(len(bad)), st.integers(0, size))
    said = {"all": some(["OK", "OK", "BAD"]), "good": some(["OK"]), "bad": bad}
    counts = {"failed": draw(count), "stored": size - draw(count), "done": draw(st.booleans())}
    return {**said, **(counts if draw(st.booleans()) else {})}


@st.composite
def cases(draw: st.DrawFn, shapes: Sequence[str] = SHAPES) -> tuple[Answer, Exchange]:
    sent = draw(exchanges(shapes))
    ids = [key.record_id for key in sent.keys]
    near = likely(len(ids), ids).map(lambda document: json.dumps(document).encode())
    answer = Answer(
        status=draw(st.sampled_from([*STATUSES, 200, 200, 201, 400, 429])),
        headers=draw(
            st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(VALUES), max_size=3)
        ),
        body=draw(st.one_of(near, near, bodies)),
    )
    return answer, sent


def stored(outcome: Outcome, size: int) -> set[int]:
    """The records that are taken as stored."""
    if outcome.verdict is Verdict.SUCCESS:
        return set(range(size))
    verdicts = [record.verdict for record in outcome.records]
    return {index for index, verdict in enumerate(verdicts) if verdict is Verdict.SUCCESS}


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def stated(answer: Answer, sent: Exchange) -> dict[str, Any]:
    """The document of an answer; {} where it is no object."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@settings(max_examples=250, deadline=None)
@given(cases())
def test_every_record_has_one_verdict_and_an_error_that_can_be_kept(
    case: tuple[Answer, Exchange],
) -> None:
    answer, sent = case
    outcome = judge(answer, sent)
    is_mixed = outcome.verdict is Verdict.MIXED
    assert len(outcome.records) == (len(sent.keys) if is_mixed else 0)
    everything: list[Outcome | RecordOutcome] = [outcome, *outcome.records]
    for said in everything:
        if said.verdict is not Verdict.SUCCESS:
            assert said.code
            assert said.error
        for text in (said.code, said.error, outcome.answer, outcome.cause):
            assert "\x00" not in text
            text.encode()


@settings(max_examples=250, deadline=None)
@given(cases())
def test_nothing_is_stored_by_an_answer_that_is_not_accepted(
    case: tuple[Answer, Exchange],
) -> None:
    answer, sent = case
    if answer.status not in sent.mapping.accepted:
        assert stored(judge(answer, sent), len(sent.keys)) == set()


@settings(max_examples=600, deadline=None)
@given(cases())
def test_success_is_only_where_the_stated_proof_holds(case: tuple[Answer, Exchange]) -> None:
    answer, sent = case
    good = stored(judge(answer, sent), len(sent.keys))
    mapping, document = sent.mapping, stated(answer, sent)
    if not good or mapping.proof == "status":
        return
    held = {results.holds: results for results in mapping.results}
    if "all" in held:
        claims = [e for e in as_entries(document["all"]) if e.get("result") == "OK"]
        assert len(claims) >= len(good)
        return
    claimed = len(as_entries(document.get("good"))) if "successes" in held else 0
    if "failures" not in held:
        assert claimed >= len(good)
    elif "successes" not in held:
        assert rest_holds(mapping, document, len(sent.keys), len(good))
    elif len(good) > claimed:
        raise AssertionError("more are stored than are listed")


def as_entries(value: Any) -> list[dict[str, Any]]:
    found = list(value.values()) if isinstance(value, dict) else value
    assert isinstance(found, list)
    return [each if isinstance(each, dict) else {} for each in found]


def rest_holds(mapping: Mapping, document: dict[str, Any], size: int, good: int) -> bool:
    """The proof of the records that a list of failures leaves out, told another way."""
    rest = mapping.rest
    if rest.when and document.get("done") is not True:
        return False
    if rest.failed and str(document.get("failed")) != str(size - good):
        return False
    return not rest.stored or str(document.get("stored")) == str(good)


@settings(max_examples=250, deadline=None)
@given(cases())
def test_a_refusal_is_halved_only_where_the_mapping_states_that_it_stored_nothing(
    case: tuple[Answer, Exchange],
) -> None:
    answer, sent = case
    outcome = judge(answer, sent)
    if outcome.verdict is Verdict.SPLIT:
        assert sent.mapping.refusal_stored_nothing
        assert len(sent.keys) > 1
    assert not (outcome.verdict is Verdict.DEFERRED and outcome.records)


@settings(max_examples=600, deadline=None)
@given(cases(("all",)))
def test_an_answer_that_calls_a_customer_stored_never_has_the_batch_sent_again(
    case: tuple[Answer, Exchange],
) -> None:
    answer, sent = case
    results = sent.mapping.results
    found = stated(answer, sent).get("all")
    if not results or results[0].holds != "all" or results[0].name.by == "key":
        return
    listed = {code for codes in CODES.values() for code in codes}
    entries = as_entries(found) if isinstance(found, list) else []
    if any(e.get("result") == "OK" and e.get("code") not in listed for e in entries):
        outcome = judge(answer, sent)
        again = {Verdict.DEFERRED, Verdict.RETRY, Verdict.PAUSE, Verdict.SPLIT}
        assert outcome.verdict not in again
