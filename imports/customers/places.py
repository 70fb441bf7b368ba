"""Where each value of a JSON text stands, so that a mistake can be pointed at."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')


class Place(NamedTuple):
    """Both count from 1, in characters."""

    line: int
    column: int


@dataclass(slots=True)
class _Level:
    """An object or a list that is being walked through, and which of its values comes next."""

    path: str
    is_list: bool
    name: str = ""
    index: int = 0
    awaits_key: bool = True

    def path_of_value(self) -> str:
        name = str(self.index) if self.is_list else self.name
        return f"{self.path}.{name}" if self.path else name


def words(text: str) -> list[str]:
    """The text without its layout: two of equal words differ at most by blanks, or by how
    characters are escaped."""
    return [_unescaped(each) if "\\" in each else each for each in _WORD.findall(text)]


def _unescaped(word: str) -> str:
    try:
        return f'"{json.loads(word)}"'
    except ValueError:  # no JSON: it says what it says
        return word


def values(text: str) -> Iterator[tuple[str, int]]:
    """Each value's path ("person.emails.0.email") and offset; a key given twice comes twice.

    The text must be JSON.
    """
    above: list[_Level] = []
    for found in _WORD.finditer(text):
        word = found[0]
        level = above[-1] if above else None
        if level is None:
            path = ""
        elif word in "}]":
            above.pop()
            continue
        elif word == ",":
            level.index, level.awaits_key = level.index + 1, True
            continue
        elif word == ":":
            continue
        elif not level.is_list and level.awaits_key:
            level.name, level.awaits_key = json.loads(word), False
            continue
        else:
            path = level.path_of_value()
        yield path, found.start()
        if word in "{[":
            above.append(_Level(path, word == "["))


def place_of(text: str, path: str) -> Place | None:
    """Where the value at this path stands, or, where there is none, the object it belongs in."""
    offsets = dict(reversed(list(values(text))))
    while path and path not in offsets:
        path = path.rpartition(".")[0]
    return at(text, offsets[path]) if path else None


def second_place_of(text: str, key: str) -> Place | None:
    """Where a key is given for the second time in one object; its value's place."""
    seen: set[str] = set()
    for path, offset in values(text):
        if path in seen and f".{path}".endswith(f".{key}"):
            return at(text, offset)
        seen.add(path)
    return None


def at(text: str, offset: int) -> Place:
    """An offset as line and column."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
