"""JSON that a person writes as a setting: refused where no database or program could hold it."""

from __future__ import annotations

from imports.printable import UNSTORABLE

DEEPEST = 50  # levels: no mapping and no recipe has ten


def refuse_unstorable(value: object) -> None:
    """Raise ValueError for parsed JSON with NUL, half characters or nesting without end."""
    level = [value]
    for _depth in range(DEEPEST):
        level = [child for each in level for child in _inside(each)]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _inside(value: object) -> list[object]:
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise ValueError("a text holds NUL or half a character (a lone surrogate such as \\ud800)")
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []
