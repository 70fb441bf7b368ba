"""The published JSON Schema of a recipe is the code's, and its examples work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bills.portals.recipe_schema import load_recipe
from tests import recipe_schema


def test_it_is_what_the_code_and_the_documentation_say() -> None:
    now = json.loads(recipe_schema.FILE.read_text())
    assert now == recipe_schema.schema(), "run: python -m tests.recipe_schema"


@pytest.mark.parametrize("example", recipe_schema.schema()["x-examples"], ids=str)
def test_each_example_is_a_recipe(example: dict[str, Any]) -> None:
    load_recipe(example["value"])
