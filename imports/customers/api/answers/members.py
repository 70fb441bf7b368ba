"""The entries of a list of results, in whatever shape an API gives it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers.api.json_paths import MISSING, find

if TYPE_CHECKING:
    from imports.customers.api.mapping import Results

KEY, SELF = "@key", "@self"


class Member(NamedTuple):
    """One entry, and the key that it has in an object ("" in a list)."""

    key: str
    value: Any


def look(member: Member, path: str) -> Any:
    """What stands at a path of an entry: "@key" is its key, "@self" the entry itself."""
    if path == KEY:
        return member.key
    if path == SELF:
        return member.value
    return find(member.value, path)


def members_of(found: Any, results: Results) -> list[Member] | None:
    """The entries with their keys, or None where the shape is not as declared."""
    if results.name.by == "key":
        return [Member(*item) for item in items] if (items := _items(found)) is not None else None
    match results.shape:
        case "map":
            return _of_map(found)
        case "one":
            is_one = found is not MISSING and found is not None and not isinstance(found, list)
            return [Member("", found)] if is_one else None
        case "list_or_one" if isinstance(found, dict):
            return [Member("", found)]
    return [Member("", value) for value in found] if isinstance(found, list) else None


def _items(found: Any) -> list[tuple[str, Any]] | None:
    """The members of an object. PHP writes an empty one as an empty list."""
    if found == [] and isinstance(found, list):
        return []
    return list(found.items()) if isinstance(found, dict) else None


def _of_map(found: Any) -> list[Member] | None:
    """Each value of an object is an entry, or a list of entries with that key in common."""
    items = _items(found)
    if items is None:
        return None
    return [
        Member(key, one)
        for key, value in items
        for one in (value if isinstance(value, list) else [value])
    ]
