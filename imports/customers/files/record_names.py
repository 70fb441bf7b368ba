"""The name of a record: the first value at its paths, fit to be shown, stored and indexed."""

from __future__ import annotations

from typing import Any

from imports.customers.api.json_paths import steps
from imports.customers.files.errors import Fault, shown
from imports.messages import Text, sentence
from imports.messages import marked as _

WRITE_AS_TEXT = sentence("WRITE_AS_TEXT", _("Write it as text, in quotes"))
SHORTEN = sentence("SHORTEN", _("Shorten it"))
NAMES_NOBODY = sentence("NAMES_NOBODY", _("{path} is {value}, which names nobody"))
NAME_TOO_LONG = sentence(
    "NAME_TOO_LONG", _("{path} has {n} characters; a name has {most} at most")
)
THE_TEXT = sentence("THE_TEXT", _("the text “{value}”"))
AN_OBJECT = sentence("AN_OBJECT", _("an object"))
A_LIST = sentence("A_LIST", _("a list"))
A_NUMBER = sentence("A_NUMBER", _("a number"))
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
            what = NAMES_NOBODY.format(path=path, value=kind_of(found))
            return "", Fault("ID_NOT_TEXT", what, WRITE_AS_TEXT)
        name = str(found)
        if len(name) > LONGEST_NAME:
            what = NAME_TOO_LONG.format(path=path, n=len(name), most=LONGEST_NAME)
            return name, Fault("TOO_LONG", what, SHORTEN)
        if name.strip():
            return name, None
    return "", None


def storable(name: str) -> str:
    """A refused record's name as PostgreSQL can keep and index it; good names are unchanged."""
    return name[:LONGEST_NAME].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def kind_of(value: object) -> Text:
    """A decoded value in words, for a sentence."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return THE_TEXT.format(value=shown(value))
    if isinstance(value, dict):
        return AN_OBJECT
    return A_LIST if isinstance(value, list) else A_NUMBER
