"""Paths into decoded JSON: names and list positions joined by dots ("errors.0.message").

The empty path is the whole document. A name with dots in it is found where the path begins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MISSING = object()  # what `find` gives where a path leads nowhere; None is a value


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[str, ...]:
    """The names and positions that a path leads through."""
    return tuple(path.split(".")) if path else ()


def find(value: Any, path: str) -> Any:
    """What stands at `path` in decoded JSON, or MISSING."""
    if value.__class__ is dict and path in value:
        return value[path]  # by far the most: a path of one name
    for step in steps(path):
        if type(value) is dict:
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def as_name(value: object) -> str:
    """A record's name as text: strings and whole numbers are names, nothing else is."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else ""


def unpadded(name: str) -> str:
    """An id without the zeros in front that a number has not."""
    return name.lstrip("0") or name[:1]


def spelling(name: str, *, ignore_case: bool, ignore_leading_zeros: bool) -> str:
    """What two names have in common that are the same customer to an API."""
    if ignore_case:
        name = name.casefold()
    return unpadded(name) if ignore_leading_zeros else name


def first_name(record: object, paths: tuple[str, ...]) -> str:
    """The first name found at one of the paths, or ""."""
    return next((name for path in paths if (name := as_name(find(record, path)))), "")
