"""The mapping's schema for others: as JSON Schema, and as a table of every field."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

import msgspec

from imports.customers.api.mapping import Mapping, Schema
from imports.customers.api.schema.fields import FIELDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Which structure stands where: the path that the reference writes before its fields.
PLACES: dict[str, str] = {
    "Mapping": "",
    "Request": "request.",
    "Signature": "request.signature.",
    "RecordPaths": "record.",
    "Results": "results[].",
    "Naming": "results[].name.",
    "Check": "results[].success.",
    "Rest": "rest.",
    "Alternative": "answers[].",
    "Codes": "codes.",
    "Envelope": "envelope.",
    "Poll": "poll.",
    "Lookup": "lookup.",
}


class Field(NamedTuple):
    """One field of a mapping: its path, its meaning and an example."""

    path: str
    meaning: str
    example: Any

    @property
    def example_text(self) -> str:
        return json.dumps(self.example, ensure_ascii=False)


@cache
def reference() -> list[Field]:
    """Every field, in the order of the schema."""
    return [
        Field(PLACES[structure] + name, meaning, example)
        for structure, notes in FIELDS.items()
        for name, (meaning, example) in notes.items()
    ]


def reference_table() -> str:
    """The same as a table of Markdown."""
    rows = [f"| `{each.path}` | {each.meaning} | `{each.example_text}` |" for each in reference()]
    return "\n".join(["| field | meaning | example |", "|---|---|---|", *rows]) + "\n"


@cache
def json_schema() -> dict[str, Any]:
    """JSON Schema of what an operator writes. That may be a part: nothing is required.

    Editors show the meaning and the example of each field.
    """
    (made,), parts = msgspec.json.schema_components([Mapping], ref_template="#/$defs/{name}")
    for name, part in parts.items():
        _explain(name, part)
    parts["Mapping"].pop("required", None)
    parts["Mapping"]["properties"]["$schema"] = {"type": "string"}
    return {"$schema": DIALECT, "title": "Mapping of a customer API", **made, "$defs": parts}


def _explain(name: str, part: dict[str, Any]) -> None:
    for field, (meaning, example) in FIELDS.get(name, {}).items():
        found = part["properties"][field]
        if "$ref" in found:  # beside a reference nothing else is read by older editors
            part["properties"][field] = found = {"allOf": [found]}
        found |= {"description": meaning, "examples": [example]}


def structures() -> dict[str, type[Schema]]:
    """Every structure of the schema by its name."""
    found: dict[str, type[Schema]] = {}
    waiting: list[type[Schema]] = [Schema]
    while waiting:
        for each in waiting.pop().__subclasses__():
            found[each.__name__] = each
            waiting.append(each)
    return found
