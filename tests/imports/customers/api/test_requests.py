"""The request that a stored batch becomes: for every shape, each record goes out once, whole."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.customers.api.mapping import Mapping
from imports.customers.api.requests import CannotBuild, build, content_type, records_in
from imports.customers.files.batching import body as stored_body

URL = "https://api.example/v1/members"
RAWS = [
    b'{"no": "7", "name": "Sj\xc3\xb6berg", "points": 1.00}',
    b'{ "no" :8,"name":"O\'Hara, \\"Al\\"" }',
]


def mapping(**request: Any) -> Mapping:
    if request.get("shape") == "one":
        request.setdefault("max_records", 1)
    return Mapping.from_document(
        {"accepted": [200], "record": {"id": ["no"]}, "proof": "status", "request": request}
    )


def built(raws: list[bytes], url: str = URL, key: str = "k1", **request: Any) -> tuple[str, bytes]:
    how = mapping(**request)
    stored, _places = stored_body(raws, how.opening, how.closing)
    return build(stored, url, how, key)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, b'{"data": [%s, %s]}'),
        ({"envelope": None}, b"[%s, %s]"),
        ({"list": "body.members"}, b'{"body": {"members": [%s, %s]}}'),
        (
            {"list": "body.members", "constants": {"v": 2, "body": {"mode": "upsert"}}},
            b'{"v": 2, "body": {"mode": "upsert", "members": [%s, %s]}}',
        ),
        ({"envelope": "items", "shape": "map"}, b'{"items": {"7": %s, "8": %s}}'),
        ({"envelope": None, "shape": "map", "map_key": "no"}, b'{"7": %s, "8": %s}'),
        ({"wrap": {"m": "{record}"}}, b'{"data": [{"m": %s}, {"m": %s}]}'),
        ({"trace_field": "t"}, b'{"data": [{"t": "0", %s},{"t": "1", %s}]}'),
        (
            {"constants": {"idempotency": {"key": "{key}"}}},
            b'{"idempotency": {"key": "k1"}, "data": [%s, %s]}',
        ),
        (
            {"constants": {"key": "{key}"}, "shape": "map", "wrap": {"m": "{record}"}},
            b'{"key": "k1", "data": {"7": {"m": %s}, "8": {"m": %s}}}',
        ),
    ],
)
def test_each_shape_has_its_bytes(request_: dict[str, Any], expected: bytes) -> None:
    inside = [raw.strip().removeprefix(b"{").lstrip() for raw in RAWS]
    traced = "trace_field" in request_
    filled = tuple(each[:-1] if traced else raw for each, raw in zip(inside, RAWS, strict=True))
    url, body = built(RAWS, **request_)
    assert url == URL
    assert body == expected % filled
    json.loads(body)


def test_an_ordinary_batch_is_sent_as_it_is_stored() -> None:
    how = mapping()
    stored, _places = stored_body(RAWS)
    assert build(stored, URL, how, "k").body is stored
    assert records_in(stored, how) == RAWS


def test_one_record_is_a_body_of_its_own() -> None:
    assert built(RAWS[:1], shape="one", envelope=None)[1] == RAWS[0]
    assert built(RAWS[:1], shape="one", envelope="customer")[1] == b'{"customer": %s}' % RAWS[0]
    query = {"query": "mutation { add(input: $in) { id } }"}
    body = built(RAWS[:1], shape="one", list="variables.in", constants=query)[1]
    assert json.loads(body) == query | {"variables": {"in": json.loads(RAWS[0])}}
    assert RAWS[0] in body


def test_lines_are_one_record_each_and_keep_every_number_as_written() -> None:
    pretty = b'{\n  "no": "9",\n  "points": 1.00,\n  "big": 12345678901234567890.10\n}'
    body = built([*RAWS, pretty], format="ndjson")[1]
    lines = body.decode().splitlines()
    assert [json.loads(line)["no"] for line in lines] == ["7", 8, "9"]
    assert '"points":1.00,"big":12345678901234567890.10' in lines[2]
    assert body.endswith(b"\n")


def test_rows_have_a_heading_and_quote_what_needs_it() -> None:
    columns = {"Number": "no", "Full name": "name", "Points": "points", "City": "home.city"}
    body = built(RAWS, format="csv", columns=columns)[1]
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert rows == [
        list(columns), ["7", "Sjöberg", "1.00", ""], ["8", 'O\'Hara, "Al"', "", ""],
    ]  # fmt: skip
    assert b"\r" not in body


@pytest.mark.parametrize(
    ("format_", "own", "expected"),
    [
        ("json", "", "application/json"),
        ("ndjson", "", "application/x-ndjson"),
        ("json", "application/vnd.api+json", "application/vnd.api+json"),
    ],
)
def test_the_content_type_follows_the_form(format_: str, own: str, expected: str) -> None:
    assert content_type(mapping(format=format_, content_type=own)) == expected


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        (URL, {"mode": "a b"}, f"{URL}?mode=a%20b"),
        (f"{URL}?x=1", {"mode": "é"}, f"{URL}?x=1&mode=%C3%A9"),
    ],
)
def test_parameters_go_into_the_query(url: str, query: dict[str, str], expected: str) -> None:
    assert built(RAWS, url, query=query)[0] == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"no": "a/b c"}, f"{URL}/a%2Fb%20c"),
        ({"no": 12}, f"{URL}/12"),
        ({"no": "?x=1#y"}, f"{URL}/%3Fx%3D1%23y"),
    ],
)
def test_a_field_in_the_url_is_quoted_whole(record: dict[str, Any], expected: str) -> None:
    raw = json.dumps(record).encode()
    assert built([raw], f"{URL}/{{no}}", shape="one", envelope=None) == (expected, raw)


def test_a_field_in_the_url_is_for_one_record_only() -> None:
    with pytest.raises(CannotBuild):
        built(RAWS, f"{URL}/{{no}}")


@pytest.mark.parametrize("value", ["..", ".", "", None])
def test_a_field_that_would_change_the_path_is_no_part_of_a_url(value: str | None) -> None:
    raw = json.dumps({"no": value}).encode()
    with pytest.raises(CannotBuild):
        built([raw], f"{URL}/{{no}}", shape="one", envelope=None)


@pytest.mark.parametrize(
    "raws", [[b'{"name": "nobody"}'], [b'{"no": "7"}', b'{"no": 7}']], ids=["no key", "twice"]
)
def test_a_map_needs_a_key_of_its_own_for_each(raws: list[bytes]) -> None:
    with pytest.raises(CannotBuild):
        built(raws, shape="map", envelope=None)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        texts,
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)
records = st.lists(st.dictionaries(texts, values, max_size=4), max_size=5)
indents = st.sampled_from([None, 0, 2])


@st.composite
def batches(draw: st.DrawFn) -> list[bytes]:
    """Records with an id each, written in any layout."""
    found = draw(records)
    return [
        json.dumps(
            record | {"no": str(place)}, indent=draw(indents), ensure_ascii=draw(st.booleans())
        ).encode()
        for place, record in enumerate(found)
    ]


@given(batches())
def test_whatever_the_records_are_every_shape_carries_each_once_and_as_it_is(
    raws: list[bytes],
) -> None:
    plain = [json.loads(raw) for raw in raws]
    names = [record["no"] for record in plain]
    listed = json.loads(built(raws, list="a.b", constants={"c": 1})[1])
    assert listed == {"c": 1, "a": {"b": plain}}
    assert json.loads(built(raws, shape="map", envelope=None)[1]) == dict(
        zip(names, plain, strict=True)
    )
    wrap = {"n": "{number:number}", "key": "{record_key}", "...": "{record}"}
    wrapped = json.loads(built(raws, envelope=None, wrap=wrap)[1])
    assert wrapped == [
        {"n": n, "key": f"k1-{n - 1}"} | record for n, record in enumerate(plain, 1)
    ] or any({"n", "key"} & record.keys() for record in plain)
    lines = built(raws, format="ndjson")[1].split(b"\n")[:-1]
    assert [json.loads(line) for line in lines] == plain
    for raw in raws:
        assert json.loads(built([raw], shape="one", envelope="r")[1]) == {"r": json.loads(raw)}


@given(batches())
def test_building_again_gives_the_same_bytes(raws: list[bytes]) -> None:
    wrap = {"id": "{id}", "of": "{key}", "body": "{record}"}
    assert built(raws, wrap=wrap) == built(raws, wrap=wrap)
