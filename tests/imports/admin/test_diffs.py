"""Differences, line by line."""

from __future__ import annotations

from imports.admin import formatting
from imports.admin.formatting import Line, Row

OLD = "\n".join("abcdefghij")


def summary(rows: list[Row] | None) -> list[str]:
    """Each row in short: " 3" the same, "-3" and "+3" one side only, "~3/3" both, "…4" skipped."""
    assert rows is not None
    return [short(row) for row in rows]


def short(row: Row) -> str:
    if row.skipped:
        return f"…{row.skipped}"
    if row.old and row.new:
        return f"{' ' if row.is_same else '~'}{row.old.number}/{row.new.number}"
    return f"-{row.old.number}" if row.old else f"+{row.new.number}"  # type: ignore[union-attr]


def test_equal_texts_have_no_rows() -> None:
    assert formatting.diff(OLD, OLD) == []


def test_a_changed_line_stands_among_its_neighbours() -> None:
    assert summary(formatting.diff(OLD, OLD.replace("j", "J"))) == [
        "…6",
        " 7/7",
        " 8/8",
        " 9/9",
        "~10/10",
    ]
    middle = summary(formatting.diff(OLD, OLD.replace("e", "E")))
    assert middle == [" 1/1", " 2/2", " 3/3", " 4/4", "~5/5", " 6/6", " 7/7", " 8/8", "…2"]


def test_lines_that_came_or_went_stand_alone() -> None:
    assert summary(formatting.diff("a\nb\nc", "a\nc")) == [" 1/1", "-2", " 3/2"]
    assert summary(formatting.diff("a\nc", "a\nb\nc")) == [" 1/1", "+2", " 2/3"]


def test_within_a_line_only_what_differs_is_marked() -> None:
    rows = formatting.diff('"email": "a@b,se",', '"email": "a@b.se",')
    assert rows == [
        Row(
            Line(1, ((False, '"email": "a@b'), (True, ","), (False, 'se",'))),
            Line(1, ((False, '"email": "a@b'), (True, "."), (False, 'se",'))),
        )
    ]


def test_lines_that_have_nothing_in_common_are_marked_whole() -> None:
    (row,) = formatting.diff("abc", "xyz") or []
    assert row.old == Line(1, ((True, "abc"),))
    assert row.new == Line(1, ((True, "xyz"),))


def test_very_long_texts_are_not_compared_and_very_long_lines_only_whole() -> None:
    assert formatting.diff("a\n" * 3_001, "b") is None
    (row,) = formatting.diff("a" * 500, "a" * 501) or []
    assert row.new == Line(1, ((True, "a" * 501),))
