"""Reads a recipe's JSON and checks it, with errors that name the field."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from bills.portals.recipe_schema import Part, Recipe


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
        return where + unknown[1], _suggestion(unknown[1], place.strip("`"))
    got = re.fullmatch(r"Expected `(.*)`, got `(.*)`", sentence)
    if got:
        return field, f"must be {_kind(got[1])}, not {_kind(got[2])}."
    return field, sentence if sentence.endswith(".") else sentence + "."


def _suggestion(name: str, place: str) -> str:
    """What a part that has no such field has, the nearest name first."""
    known = list(part_at(place).__struct_encode_fields__)
    near = get_close_matches(name, known, n=1)
    meant = f' Did you mean "{near[0]}"?' if near else ""
    return f"is not known.{meant} Known here: {', '.join(known)}."


def part_at(place: str) -> type[Part]:
    """The part of a recipe that stands at "bills.steps[0].click"."""
    part: type[Part] = Recipe
    for name in re.findall(r"[^.\[\]]+", place):
        if not name.isdigit():
            part = _parts_of(part)[name]
    return part


def _parts_of(part: type[Part]) -> dict[str, type[Part]]:
    """By field, the part that it holds, or that it is a list of."""
    found = {}
    for field in msgspec.structs.fields(part):
        inside = [field.type, *_arguments(field.type)]
        parts = [kind for kind in inside if isinstance(kind, type) and issubclass(kind, Part)]
        if parts:
            found[field.encode_name] = parts[0]
    return found


def _arguments(kind: object) -> list[object]:
    return [found for inside in get_args(kind) for found in (inside, *_arguments(inside))]


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
