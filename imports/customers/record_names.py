"""What a record is called: the first name at its paths, as it can be shown, stored and indexed."""

from __future__ import annotations

from typing import Any

from imports.customers.json_paths import steps
from imports.customers.unreadable import Fault, shown

LONGEST_NAME = 320  # characters: the longest e-mail address, and what an index can hold

Paths = tuple[tuple[str, tuple[str, ...]], ...]  # each as written, and its steps


def split_paths(paths: tuple[str, ...]) -> Paths:
    """Paths with their steps, split once for a whole file."""
    return tuple((path, steps(path)) for path in paths)


def first_name(value: object, paths: Paths) -> tuple[str, Fault | None]:
    """The first name at one of the paths. Whole numbers are names, `true` and blanks are not."""
    for path, route in paths:
        found: Any = value
        for step in route:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                found = None
                break
        if found is None:
            continue
        if isinstance(found, bool) or not isinstance(found, str | int):
            what = f"{path} is {kind_of(found)}, which names nobody"
            return "", Fault("ID_NOT_TEXT", what, "Write it as text, in quotes")
        name = str(found)
        if len(name) > LONGEST_NAME:
            what = f"{path} has {len(name):,} characters; a name has {LONGEST_NAME} at most"
            return name, Fault("TOO_LONG", what, "Shorten it")
        if name.strip():
            return name, None
    return "", None


def storable(name: str) -> str:
    """A refused record's name as PostgreSQL can keep and index it; good names are unchanged."""
    return name[:LONGEST_NAME].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def kind_of(value: object) -> str:
    """A decoded value in words, for a sentence."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return f"the text “{shown(value)}”"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a number"
