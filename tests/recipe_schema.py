"""`python -m tests.recipe_schema`: writes the published JSON Schema of a portal's recipe.

Fields and types are the code's, the hints are docs/portals.md's: the editor shows both.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from bills.portals.recipe_schema import Recipe, part_at
from tests.test_portal_docs import PAGE, PLACES

FILE = Path(__file__).resolve().parents[1] / "bills/static/bills/recipe.schema.json"
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    (
        "A login form that Redrive does not find",
        {
            "login": {
                "email": {"label": "Customer number"},
                "password": {"label": "PIN"},
                "submit": {"role": "button", "name": "Continue"},
            }
        },
    ),
    (
        "A list of bills by its rows and columns",
        {
            "bills": {
                "rows": "table#bills tbody tr",
                "number": {"column": "Bill number"},
                "date": {"column": "Date", "format": "%d/%m/%Y"},
                "amount": {"column": "To pay"},
                "link": {"selector": "a.pdf"},
            }
        },
    ),
]


def schema() -> dict[str, Any]:
    """The schema as it is published."""
    found = msgspec.json.schema(Recipe)
    parts = found["$defs"]
    for part, place in PLACES.items():
        fields = parts[part_at(place).__name__]["properties"]
        for field, hint in hints(part).items():
            fields[field] = _described(fields[field], hint)
    (whole,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    examples = [*EXAMPLES, ("A whole recipe", json.loads(whole))]
    found["x-examples"] = [{"title": title, "value": value} for title, value in examples]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _described(field: dict[str, Any], hint: str) -> dict[str, Any]:
    """With the hint, and without the default: it would be repeated at length."""
    kept = {name: value for name, value in field.items() if name != "default"}
    return {**kept, "description": hint}


def hints(part: str) -> dict[str, str]:
    """By field, its example and what it does, as the documentation says it."""
    section = re.split(r"^##+ ", PAGE.split(f"\n### {part}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| `(.*?)` \| (.+) \|$", section, re.M)
    return {
        name: f"{LINK.sub(lambda found: found[1], meaning)}\n{example}".replace("`", "")
        for name, example, meaning in rows
    }


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())
    sys.stdout.write(f"{FILE}\n")
