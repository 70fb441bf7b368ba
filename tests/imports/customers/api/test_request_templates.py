"""Templates: what a placeholder becomes, and what cannot be one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imports.customers.api.mapping import Mapping
from imports.customers.api.requests import CannotBuild, Source, filled

MAPPING = Mapping.from_document(
    {"accepted": [200], "record": {"id": ["no"], "email": ["mail"]}, "proof": "status"}
)
RAW = b'{"no": "7", "mail": "a@b.se", "age": 41.0, "name": {"first": "Bo"}, "tags": ["x", 1.50]}'
SOURCE = Source(RAW, 4, "key-1", MAPPING)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{record}", RAW.decode()),
        ("{index}", '"4"'),
        ("{index:number}", "4"),
        ("{number:number}", "5"),
        ("{id}", '"7"'),
        ("{id:number}", "7"),
        ("{email}", '"a@b.se"'),
        ("{key}", '"key-1"'),
        ("{record_key}", '"key-1-4"'),
        ("{age}", "41.0"),
        ("{name}", '{"first": "Bo"}'),
        ("{name.first}", '"Bo"'),
        ("{tags.1}", "1.50"),
        ("id={id}&age={age}", '"id=7&age=41.0"'),
        ("{ not a placeholder }", '"{ not a placeholder }"'),
        ({"a": [1, None, "{id}"]}, '{"a": [1, null, "7"]}'),
        ({"{id}": True}, '{"7": true}'),
        ({"x": 1, "...": "{name}"}, '{"x": 1, "first": "Bo"}'),
    ],
)
def test_a_placeholder_becomes_the_records_own_value(template: Any, expected: str) -> None:
    assert filled(template, SOURCE).decode() == expected


@pytest.mark.parametrize(
    "template", ["{nothing}", "{name.last}", "{username}", "{name.first:number}", "x{tags.9}"]
)
def test_a_field_that_is_not_there_is_said_and_never_made_up(template: str) -> None:
    with pytest.raises(CannotBuild) as refusal:
        filled({"a": template}, SOURCE)
    assert refusal.value.message


def test_an_empty_record_leaves_no_comma_behind() -> None:
    empty = Source(b"{ }", 0, "k", MAPPING)
    assert json.loads(filled({"t": "{index}", "...": "{record}"}, empty)) == {"t": "0"}
    assert json.loads(filled({"...": "{record}"}, empty)) == {}
