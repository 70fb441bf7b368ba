"""Reads a recipe's JSON and checks it, with errors that name the field."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import msgspec

from bills.portals.recipe_schema import (
    BillsPart,
    Cell,
    Each,
    LoginPart,
    OutcomesPart,
    Recipe,
    Sign,
    Step,
    Target,
)


class RecipeError(ValueError):
    """The recipe can't be used. `errors` are (field, sentence) pairs, "bills.rows" for a field."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__(" ".join(f"{field}: {sentence}" for field, sentence in errors))


def load_recipe(content: dict[str, Any] | str | bytes | None) -> Recipe:
    """The recipe in JSON text or a dict; empty is the recipe that guesses everything.

    Raises RecipeError with one entry for each part that is wrong.
    """
    if content is None or content in ("", b""):
        return Recipe()
    plain = content if isinstance(content, dict) else _json(content)
    if not isinstance(plain, dict):
        raise RecipeError([("recipe", "must be a JSON object: { … }.")])
    errors = [error for key, value in plain.items() for error in _errors_in(key, value)]
    if errors:
        raise RecipeError(errors)
    return msgspec.convert(plain, Recipe)


def _json(content: str | bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise RecipeError([("recipe", f"is no JSON: {problem}.")]) from None


def _errors_in(key: str, value: object) -> list[tuple[str, str]]:
    """Check one top-level part by itself, so that one mistake does not hide another."""
    try:
        msgspec.convert({key: value}, Recipe)
    except msgspec.ValidationError as problem:
        return [_explained(str(problem), key)]
    return []


def _explained(problem: str, key: str) -> tuple[str, str]:
    """msgspec's "Expected `str`, got `int` - at `$.bills.rows`" as field and sentence."""
    sentence, _, place = problem.partition(" - at `$")
    field = place.strip("`").lstrip(".") or key
    unknown = re.search(r"unknown field `(.*)`", sentence)
    if unknown:
        where = "" if not place else field + "."
        return where + unknown[1], _suggestion(unknown[1])
    got = re.fullmatch(r"Expected `(.*)`, got `(.*)`", sentence)
    if got:
        return field, f"must be {_kind(got[1])}, not {_kind(got[2])}."
    return field, sentence if sentence.endswith(".") else sentence + "."


def _suggestion(name: str) -> str:
    parts = (Recipe, LoginPart, OutcomesPart, BillsPart, Target, Sign, Cell, Step, Each)
    known = sorted({field for part in parts for field in part.__struct_fields__})
    near = get_close_matches(name, known, n=1)
    return "is not known." + (f' Did you mean "{near[0]}"?' if near else "")


def _kind(types: str) -> str:
    words = {
        "str": "a text",
        "int": "a whole number",
        "float": "a number",
        "array": "a list",
        "object": "an object",
        "bool": "true or false",
        "null": "null",
    }
    kinds = [words.get(name, name) for name in types.split(" | ")]
    return " or ".join(kinds)
