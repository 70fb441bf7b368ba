"""Every shape of request with every shape of answer: an API that reads the request, and answers.

The API is told whom to refuse. Its answer may lose, double or swap entries, name strangers, count
wrongly or break off. What is taken as stored must be what the answer still says.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from imports.customers.api.mapping import Mapping
from imports.customers.api.requests import build
from imports.customers.api.responses import Answer, Exchange, judge
from imports.customers.files.batching import body as stored_body
from imports.policy import Verdict

if TYPE_CHECKING:
    from imports.policy import Outcome

Entry = tuple[Any, bool]  # whom it names (a position; None: nobody who was sent), and what it says
KEY = "5f1c0d3e"
IDS = ["1", "01", "A", "a", "Å", "7/8", 'say "x"', "a b", "x;y,z", "50000001000", "-", "\u2028"]

REQUESTS: dict[str, dict[str, Any]] = {
    "list": {"envelope": "data"},
    "bare": {"envelope": None},
    "deep": {"list": "body.members", "constants": {"v": 3, "body": {"mode": "upsert"}}},
    "keyed": {"envelope": "data", "constants": {"requestId": "{key}"}},
    "wrap": {"envelope": "data", "wrap": {"ref": "{index}", "member": "{record}"}},
    "spread": {"envelope": "data", "wrap": {"ref": "{index:number}", "...": "{record}"}},
    "trace": {"envelope": "data", "trace_field": "ref"},
    "map": {"envelope": "data", "shape": "map"},
    "map of keys": {"envelope": None, "shape": "map", "map_key": "record_key"},
    "one": {"envelope": None, "shape": "one", "max_records": 1},
    "one, deep": {"list": "variables.input", "shape": "one", "max_records": 1},
    "ndjson": {"format": "ndjson", "envelope": None},
    "ndjson, wrapped": {"format": "ndjson", "envelope": None, "wrap": {"member": "{record}"}},
    "csv": {"format": "csv", "envelope": None, "columns": {"Number": "no", "Wish": "wish"}},
}
OK, NO = {"path": "ok", "equals": [True]}, {"path": "ok", "equals": [False]}
ALL: dict[str, Any] = {"at": "all", "success": OK, "failure": NO}
BAD: dict[str, Any] = {"at": "bad", "holds": "failures"}
ANSWERS: dict[str, dict[str, Any]] = {
    "by id": {"results": [{**ALL, "name": {"by": "id", "id": "no"}}]},
    "lines": {
        "answer_format": "ndjson",
        "results": [{**ALL, "at": "", "name": {"by": "id", "id": "no"}}],
    },
    "by order": {"results": [{**ALL, "name": {"by": "position"}}]},
    "by index": {"results": [{**ALL, "name": {"by": "index", "path": "n", "base": 1}}]},
    "by key": {"results": [{**ALL, "name": {"by": "key"}}]},
    "by record key": {"results": [{**ALL, "name": {"by": "key", "template": "{record_key}"}}]},
    "values of a map": {
        "results": [{**ALL, "shape": "map", "name": {"by": "id", "id": "@key"}}],
    },
    "failures": {
        "results": [{**BAD, "name": {"by": "index", "path": "n", "base": 1}}],
        "rest": {"failed": "failed"},
    },
    "failures, stored": {
        "results": [{**BAD, "name": {"by": "pointer", "path": "p", "template": "#/{index}/"}}],
        "rest": {"stored": "stored"},
    },
    "two lists": {
        "results": [
            {"at": "good", "holds": "successes", "name": {"by": "id", "id": "no"}},
            {**BAD, "name": {"by": "id", "id": "no"}},
        ],
    },
    "one": {"results": [{**ALL, "at": "", "shape": "one", "name": {"by": "position"}}]},
}
# An API's answer is a map by key, or silent, or single, whatever else its mapping says.
MAPS = ("by key", "by record key", "values of a map")
HARMS = ("none", "none", "dropped", "doubled", "swapped", "stranger", "miscounted", "cut")


@dataclass
class Case:
    """What is sent, how, and what comes back for it."""

    mapping: Mapping
    ids: list[str]
    refused: set[int]
    style: str
    harm: str
    at: int
    url: str


def mapping_of(request: str, style: str) -> Mapping:
    base = {"accepted": [200], "record": {"id": ["no"]}, "request": REQUESTS[request]}
    return Mapping.from_document({**base, **ANSWERS[style]})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    request = draw(st.sampled_from(list(REQUESTS)))
    single = request.startswith("one")
    styles = [each for each in ANSWERS if single or each != "one"]
    style = draw(st.sampled_from(styles))
    most = 1 if single else 5
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=most, unique=True))
    refused = draw(st.sets(st.integers(0, len(ids) - 1)))
    url = "https://api.example/v1/members" + ("/{no}" if single and draw(st.booleans()) else "")
    harm, at = draw(st.sampled_from(HARMS)), draw(st.integers(0, 99))
    return Case(mapping_of(request, style), ids, refused, style, harm, at, url)


def raw_records(case: Case) -> list[bytes]:
    wishes = ("refuse" if n in case.refused else "store" for n in range(len(case.ids)))
    records = [{"no": i, "wish": wish} for i, wish in zip(case.ids, wishes, strict=True)]
    return [
        json.dumps(record, ensure_ascii=n % 2 == 0).encode() for n, record in enumerate(records)
    ]


def received(case: Case) -> list[dict[str, str]]:
    """The records as an API finds them in the bytes of the request, in order."""
    mapping, request = case.mapping, case.mapping.request
    stored, _places = stored_body(raw_records(case), mapping.opening, mapping.closing)
    built = build(stored, case.url, mapping, KEY)
    if "{" in case.url:
        assert unquote(urlsplit(built.url).path) == f"/v1/members/{case.ids[0]}"
    text = built.body.decode()
    if request.format == "csv":
        rows = csv.DictReader(io.StringIO(text))
        return [{"no": row["Number"], "wish": row["Wish"]} for row in rows]
    if request.format == "ndjson":
        assert text.endswith("\n")
        return [_unwrapped(json.loads(line)) for line in text[:-1].split("\n")]
    document = json.loads(text)
    if request.constants.get("requestId"):
        assert document["requestId"] == KEY
    for name in request.place.split(".") if request.place else ():
        document = document[name]
    if request.shape == "one":
        return [_unwrapped(document)]
    if request.shape == "map":
        keys = case.ids if not request.map_key else [f"{KEY}-{n}" for n in range(len(case.ids))]
        assert list(document) == keys
        return [_unwrapped(value) for value in document.values()]
    refs = [each["ref"] for each in document if "ref" in each]
    assert [str(ref) for ref in refs] in ([], [str(n) for n in range(len(case.ids))])
    return [_unwrapped(each) for each in document]


def _unwrapped(value: dict[str, Any]) -> dict[str, str]:
    inside: dict[str, Any] = value.get("member", value)
    return {name: inside[name] for name in ("no", "wish")}


def harmed(case: Case, entries: list[Entry]) -> list[Entry]:
    """The entries of an answer with something wrong with one of them."""
    at = case.at % len(entries) if entries else 0
    match case.harm:
        case "dropped" if entries:
            return entries[:at] + entries[at + 1 :]
        case "doubled" if entries:
            return [*entries, entries[at]]
        case "swapped" if entries:
            who, good = entries[at]
            return [*entries[:at], (who, not good), *entries[at + 1 :]]
        case "stranger":
            return [*entries, (None, True)]
    return entries


def answered(case: Case, entries: list[Entry]) -> bytes:
    """The bytes of an answer of this style with these entries."""
    named = [_named(case, who, good) for who, good in entries]
    counts = {"failed": 0, "stored": 0}
    bad = [each for each in named if not each["ok"]]
    counts["failed"] = len(bad) + (case.harm == "miscounted")
    counts["stored"] = len(case.ids) - counts["failed"]
    if case.style == "lines":
        text = "\n".join(json.dumps(each) for each in named)
    elif case.style == "one":
        text = json.dumps(named[0] if named else {})
    elif case.style in MAPS:
        field = "record" if case.style == "by record key" else "no"
        text = json.dumps({"all": {each[field]: each for each in named}})
    else:
        good = [each for each in named if each["ok"]]
        text = json.dumps({"all": named, "good": good, "bad": bad, **counts})
    return text[: -1 - case.at % 9].encode() if case.harm == "cut" else text.encode()


def _named(case: Case, who: Any, good: bool) -> dict[str, Any]:
    at = 77 if who is None else who
    name = "stranger" if who is None else case.ids[who]
    return {"no": name, "n": at + 1, "p": f"#/{at}/x", "record": f"{KEY}-{at}", "ok": good}


def said_stored(case: Case, entries: list[Entry]) -> set[int]:
    """Whom the answer says to be stored: this is the proof that the mapping states."""
    size = len(case.ids)
    if case.style in ("by order", "one"):
        shown = entries[:1] if case.style == "one" else entries
        is_full = len(shown) == size
        return {n for n, (_who, good) in enumerate(shown) if good} if is_full else set()
    if case.style in MAPS:
        entries = list({who: (who, good) for who, good in entries}.values())
    said: dict[Any, list[bool]] = {}
    for who, good in entries:
        said.setdefault(who, []).append(good)
    if case.style.startswith("failures"):
        failed = {who for who, good in entries if not good}
        listed = sum(not good for _who, good in entries)
        agrees = listed == len(failed) and None not in failed and case.harm != "miscounted"
        return set(range(size)) - failed if agrees else set()
    return {who for who, heard in said.items() if who is not None and heard == [True]}


def good_of(outcome: Outcome, size: int) -> set[int]:
    if outcome.verdict is Verdict.SUCCESS:
        return set(range(size))
    return {n for n, each in enumerate(outcome.records) if each.verdict is Verdict.SUCCESS}


def judged(case: Case, entries: list[Entry]) -> Outcome:
    keys = tuple(case.mapping.key_of(json.loads(raw)) for raw in raw_records(case))
    return judge(Answer(200, {}, answered(case, entries)), Exchange(case.mapping, keys))


def true_entries(case: Case) -> list[Entry]:
    return [(n, n not in case.refused) for n in range(len(case.ids))]


@settings(max_examples=300, deadline=None)
@given(cases())
def test_each_record_is_in_the_request_once_as_it_was_and_in_its_order(case: Case) -> None:
    assert received(case) == [json.loads(raw) for raw in raw_records(case)]


@settings(max_examples=600, deadline=None)
@given(cases())
def test_of_any_answer_each_record_has_one_verdict_and_success_is_what_the_answer_says(
    case: Case,
) -> None:
    entries = harmed(case, true_entries(case))
    outcome, size = judged(case, entries), len(case.ids)
    assert len(outcome.records) == (size if outcome.verdict is Verdict.MIXED else 0)
    good = good_of(outcome, size)
    if case.harm == "cut":
        assert not good or case.style == "lines"
    else:
        assert good <= said_stored(case, entries)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_a_whole_and_honest_answer_is_read_to_the_last_record(case: Case) -> None:
    case.harm = "none"
    outcome, size = judged(case, true_entries(case)), len(case.ids)
    assert good_of(outcome, size) == set(range(size)) - case.refused
    if case.refused:
        verdicts = {each.verdict for each in outcome.records} or {outcome.verdict}
        assert verdicts <= {Verdict.SUCCESS, Verdict.REJECTED, Verdict.MIXED}
