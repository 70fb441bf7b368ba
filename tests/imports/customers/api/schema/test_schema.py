"""The published schema: every field, valid examples, and just what the code takes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from imports.customers.api.mapping import BadMapping, Mapping
from imports.customers.api.presets import PRESETS
from imports.customers.api.schema.publish import FIELDS, json_schema, structures
from tests.mapping_docs import pages

SCHEMA = json_schema()
KINDS = structures()
# The schema itself is checked once, as the page has it.
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FIELD_EXAMPLES = [(structure, field) for structure, notes in FIELDS.items() for field in notes]


def test_every_field_is_explained_with_an_example() -> None:
    found = {name: set(kind.__struct_fields__) for name, kind in KINDS.items()}
    found.pop("Schema", None)
    assert found == {name: set(notes) for name, notes in FIELDS.items()}


@pytest.mark.parametrize(("structure", "field"), FIELD_EXAMPLES)
def test_each_example_is_what_the_field_takes(structure: str, field: str) -> None:
    types = {each.name: each.type for each in msgspec.structs.fields(KINDS[structure])}
    example = FIELDS[structure][field][1]
    msgspec.convert(example, types[field])
    schema = SCHEMA["$defs"][structure]["properties"][field]
    VALIDATOR.evolve(schema={**schema, "$defs": SCHEMA["$defs"]}).validate(example)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_schema_takes_every_preset(name: str) -> None:
    VALIDATOR.validate(PRESETS[name] | {"$schema": "mapping.schema.json"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"zork": 1}, {"accepted": "200"}, {"accepted": [302]}, {"request": {"shape": "tree"}},
        {"results": [{"name": {"by": "nose"}}]}, {"poll": {"url": 1}},
        {"request": {"max_bytes": 1}},
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_code_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(wrong)
    with pytest.raises(BadMapping):
        Mapping.from_document(PRESETS["plain"]).with_overrides(wrong)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_page_is_what_the_code_says(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == pages()[path], "run `python -m tests.mapping_docs`"
    if path.suffix == ".json":
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_all_errors_are_said_at_once_each_with_its_path_and_what_is_allowed() -> None:
    wrong = {
        "accepted": [302, 200, "x"],
        "record": {"id": ["a..b"]},
        "zork": 1,
        "results": [{"name": {"by": "nose"}, "att": "x"}, {"holds": "al"}],
        "splittable": [500],
        "request": {
            "list": "a.b",
            "constants": {"a": 3},
            "shape": "one",
            "idempotent": True,
        },
        "poll": {"url": "/x"},
    }
    with pytest.raises(BadMapping) as refusal:
        Mapping.from_document(wrong)
    errors = dict(refusal.value.errors)
    assert set(errors) >= {
        "accepted[0]", "accepted[2]", "the mapping", "results[0].name.by", "results[0]",
        "results[1].holds", "results[1]", "poll", "request.max_records", "request.constants",
        "record.id[0]", "splittable", "request.idempotent",
    }  # fmt: skip
    assert "position" in errors["results[0].name.by"]
    assert "failures" in errors["results[1].holds"]
    assert str(refusal.value).count("\n") == len(refusal.value.errors) - 1
