"""The names of many records at once, found in C: a column for each path."""

from __future__ import annotations

from functools import cached_property, partial
from itertools import chain
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import msgspec

from imports.customers.files.record_names import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Name = str | int | None


class LookCloser(Exception):
    """These cannot be judged at once: look at each by itself."""


class _Node:
    """What the paths of names lead through: the fields of an object, or positions in a list."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.is_name = False

    def add(self, steps: Sequence[str]) -> None:
        if steps:
            self.children.setdefault(steps[0], _Node()).add(steps[1:])
        else:
            self.is_name = True

    @property
    def is_list(self) -> bool:
        return all(step.isdecimal() for step in self.children)

    def type(self) -> Any:
        """The type of what stands here. Raises LookCloser where it could be of several."""
        if self.is_name:
            if self.children:
                raise LookCloser
            return Name
        if self.is_list:
            inside = _Node()
            for child in self.children.values():
                inside.is_name |= child.is_name
                inside.children |= child.children
            return list_of(inside.type()) | None
        fields = [
            (f"f{n}", child.type(), msgspec.field(name=step, default=None))
            for n, (step, child) in enumerate(self.children.items())
        ]
        return msgspec.defstruct("Names", fields, gc=False) | None

    def columns(self, values: list[Any], path: str, found: dict[str, list[Any]]) -> None:
        """Put the values at each path of names below `path` into `found`."""
        if self.is_name:
            found[path] = values
            return
        for step, child, inside in self._ways:
            child.columns(inside(values), f"{path}.{step}" if path else step, found)

    @cached_property
    def _ways(self) -> list[tuple[str, _Node, Callable[[list[Any]], list[Any]]]]:
        """What is below, and how each of it is got at."""
        ways = enumerate(self.children.items())
        if self.is_list:
            return [(step, child, partial(_items, int(step))) for _n, (step, child) in ways]
        return [(step, child, partial(_fields, attrgetter(f"f{n}"))) for n, (step, child) in ways]


def _fields(get: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    if None in values:
        return [None if value is None else get(value) for value in values]
    return list(map(get, values))


def _items(index: int, values: list[Any]) -> list[Any]:
    return [value[index] if value is not None and len(value) > index else None for value in values]


class NameColumns:
    """Finds the names of many records: each path for all of them.

    Each group of paths gives a column with the first name that a record has at one of them. What
    is found is what `record_names.first_name` and `json_paths.first_name` find.
    """

    def __init__(self, *groups: tuple[str, ...]) -> None:
        self._groups, root = groups, _Node()
        for path in chain.from_iterable(groups):
            root.add(path.split("."))
        self._root = root
        try:
            self._type = list_of(root.type()) if root.children else None
        except LookCloser:
            self._type = None
        self._decoder = msgspec.json.Decoder(self._type) if self._type else None

    def of(self, records: list[dict[str, Any]]) -> Iterator[list[str]]:
        """The columns of decoded records; "" for no name.

        Raises LookCloser or ValueError where a name is none, or is blank or too long.
        """
        if self._type is None:
            raise LookCloser
        return self._columns(msgspec.convert(records, self._type))

    def read(self, text: bytes) -> Iterator[list[str]]:
        """The same of a JSON list of records, of which no more is decoded."""
        if self._decoder is None:
            raise LookCloser
        return self._columns(self._decoder.decode(text))

    def _columns(self, found: list[Any]) -> Iterator[list[str]]:
        columns: dict[str, list[Any]] = {}
        self._root.columns(found, "", columns)
        return (_first([columns[path] for path in group], len(found)) for group in self._groups)


def _first(columns: list[list[Any]], count: int) -> list[str]:
    """Of each record the first name in one of the columns."""
    found = [""] * count
    for column in columns:
        if column.count(None) < count and not all(found):
            names = _names(column)
            found = list(map(_either, found, names)) if any(found) else names
    return found


def _either(first: str, second: str) -> str:
    return first or second


def _names(column: list[Any]) -> list[str]:
    """The values as names; "" for none."""
    if set(map(type, column)) != {str}:
        column = ["" if value is None else str(value) for value in column]
    if max(map(len, column)) > LONGEST_NAME:
        raise LookCloser
    if not all(map(str.strip, column)) and any(name and not name.strip() for name in column):
        raise LookCloser
    return column


def list_of(inside: Any) -> Any:
    """The type of a list of such values."""
    return GenericAlias(list, (inside,))
