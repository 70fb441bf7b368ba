"""Everything that is wrong with a mapping document at once: each field's path, and what fits."""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

MOST_ERRORS = 50
_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_Path = tuple[str | int, ...]
MISSING = object()
WORDS = {
    "array": "a list", "object": "an object", "str": "a text", "int": "a whole number",
    "float": "a number", "bool": "true or false",
}  # fmt: skip
_TYPES = re.compile("`((?:array|object|str|int|float|bool|null)(?: \\| [a-z]+)*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
# What stands in for a required field that is missing or wrong, so that the rest can be read.
FILLERS: dict[str, Any] = {
    "accepted": [200], "record": {"id": ["id"]}, "name": {"by": "position"}, "by": "position",
    "path": "", "url": "/", "done": {"path": "", "present": True}, "compare": {"id": "id"},
}  # fmt: skip


def converted(
    document: object, kind: type[_Struct]
) -> tuple[_Struct | None, list[tuple[str, str]]]:
    """The document as a structure without its wrong fields, and what is wrong with those."""
    document, errors = copy.deepcopy(document), list[tuple[str, str]]()
    taken_out: dict[_Path, list[int]] = {}
    for _ in range(MOST_ERRORS):
        try:
            return msgspec.convert(document, kind), errors
        except msgspec.ValidationError as error:
            what, _at, where = str(error).partition(" - at `$")
            path = _steps(where.rstrip("`"))
            written = _text(_as_written(path, taken_out))
            errors.append((written or "the mapping", _sentence(what, path, kind)))
            if not _mend(document, path, what, taken_out):
                break
    return None, errors


def _steps(where: str) -> _Path:
    found = (name or at for name, at in _STEP.findall(where))
    return tuple(int(step) if step.isdecimal() else step for step in found)


def _text(path: _Path) -> str:
    """A path as it is written: results[0].name."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).lstrip(".")


def _as_written(path: _Path, taken_out: dict[_Path, list[int]]) -> _Path:
    """The path with the numbers of the items as they were before wrong ones were taken out."""
    found: list[str | int] = []
    for depth, step in enumerate(path):
        if isinstance(step, int):
            for gone in sorted(taken_out.get(path[:depth], ())):
                step += gone <= step
        found.append(step)
    return tuple(found)


def _sentence(what: str, path: _Path, kind: type[msgspec.Struct]) -> str:
    """msgspec's words ("Expected `int`, got `str`") in ours, with what is allowed."""
    unknown = re.search(r"unknown field `(.*)`", what)
    here = _type_at(path, kind)
    if unknown is not None:
        known = ", ".join(sorted(_fields(here)))
        return f"there is no field “{unknown[1]}” here. Known fields: {known}."
    allowed = next((t.values for t in _kinds(here) if isinstance(t, inspect.LiteralType)), ())
    listed = f" Allowed: {', '.join(map(str, allowed))}." if allowed else ""
    return f"{what[:1].lower()}{_TYPES.sub(_in_words, what[1:])}.{listed}"


def _in_words(types: re.Match[str]) -> str:
    return " or ".join(WORDS.get(each, each) for each in types[1].split(" | "))


@lru_cache(maxsize=1)
def _root(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _type_at(path: _Path, kind: type[msgspec.Struct]) -> inspect.Type | None:
    here: inspect.Type | None = _root(kind)
    for step in path:
        inner = None
        for one in _kinds(here):
            if isinstance(one, inspect.StructType):
                inner = inner or _fields(one).get(str(step))
            elif isinstance(one, inspect.VarTupleType):
                inner = inner or one.item_type
            elif isinstance(one, inspect.DictType):
                inner = inner or one.value_type
        here = inner
    return here


def _kinds(one: inspect.Type | None) -> tuple[inspect.Type, ...]:
    if isinstance(one, inspect.Metadata):
        return _kinds(one.type)
    if isinstance(one, inspect.UnionType):
        return one.types
    return (one,) if one is not None else ()


def _fields(one: inspect.Type | None) -> dict[str, inspect.Type]:
    return {
        field.encode_name: field.type
        for each in _kinds(one)
        if isinstance(each, inspect.StructType)
        for field in each.fields
    }


def _mend(document: Any, path: _Path, what: str, taken_out: dict[_Path, list[int]]) -> bool:
    """Take the wrong value out, or put a stand-in in, so that the next error shows."""
    missing = re.search(r"missing required field `(.*)`", what)
    unknown = re.search(r"unknown field `(.*)`", what)
    if "..." in path:
        path = path[: path.index("...")]
    holder = _at(document, path)
    if unknown or missing:
        if not isinstance(holder, dict):
            return False
        if unknown:
            return holder.pop(unknown[1], MISSING) is not MISSING
        if missing:
            holder[missing[1]] = copy.deepcopy(FILLERS.get(missing[1], ""))
        return True
    return bool(path) and _take_out(document, path, taken_out)


def _at(document: Any, path: _Path) -> Any:
    for step in path:
        try:
            document = document[step]
        except (LookupError, TypeError):
            return None
    return document


def _take_out(document: Any, path: _Path, taken_out: dict[_Path, list[int]]) -> bool:
    holder, last = _at(document, path[:-1]), path[-1]
    if isinstance(holder, dict) and last in holder:
        if last in FILLERS and holder[last] != FILLERS[str(last)]:
            holder[last] = copy.deepcopy(FILLERS[str(last)])
        else:
            del holder[last]
        return True
    if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        del holder[last]
        written = _as_written(path, taken_out)[-1]
        taken_out.setdefault(path[:-1], []).append(int(written))
        if not holder and len(path) > 1:
            holder.extend(FILLERS.get(str(path[-2]), []))
        return True
    return False
