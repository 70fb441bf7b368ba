"""What is different between two texts, line by line, for a page to show."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_LINES = 3_000  # of each side: more take too long to compare
LONGEST_LINE = 400  # characters: longer ones are not compared within
CONTEXT = 3  # equal lines that are shown around a difference
ALIKE = 0.4  # lines with less in common are shown as one removed and another added


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one side. Of its pieces (is different, text) those that differ are marked."""

    number: int
    pieces: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The same place on both sides; one of them is None where a line was added or removed.

    `skipped` counts the equal lines that a row stands for which shows none.
    """

    old: Line | None = None
    new: Line | None = None
    is_same: bool = False
    skipped: int = 0


def diff(old: str, new: str) -> list[Row] | None:
    """The rows around the differences; [] where there are none, None where it is too much."""
    olds, news = old.split("\n"), new.split("\n")
    if max(len(olds), len(news)) > MOST_LINES:
        return None
    matcher = SequenceMatcher(None, olds, news, autojunk=False)
    groups = matcher.get_opcodes()
    if all(tag == "equal" for tag, *_ in groups):
        return []
    return [
        row for index, code in enumerate(groups) for row in _rows(code, index, groups, olds, news)
    ]


def _rows(
    code: tuple[str, int, int, int, int],
    index: int,
    codes: Sequence[tuple[str, int, int, int, int]],
    olds: Sequence[str],
    news: Sequence[str],
) -> Iterator[Row]:
    tag, i1, i2, j1, j2 = code
    if tag != "equal":
        pairs = zip_longest(range(i1, i2), range(j1, j2))
        for i, j in pairs:
            yield _changed(i, j, olds, news)
        return
    before = 0 if index == 0 else CONTEXT
    after = 0 if index == len(codes) - 1 else CONTEXT
    hidden = (i2 - i1) - before - after
    for offset in range(i2 - i1):
        if hidden > 1 and before <= offset < before + hidden:
            if offset == before:
                yield Row(is_same=True, skipped=hidden)
            continue
        whole = ((False, olds[i1 + offset]),)
        yield Row(Line(i1 + offset + 1, whole), Line(j1 + offset + 1, whole), is_same=True)


def _changed(i: int | None, j: int | None, olds: Sequence[str], news: Sequence[str]) -> Row:
    if i is None or j is None:
        return Row(
            None if i is None else Line(i + 1, ((False, olds[i]),)),
            None if j is None else Line(j + 1, ((False, news[j]),)),
        )
    old, new = _marked(olds[i], news[j])
    return Row(Line(i + 1, old), Line(j + 1, new))


def _marked(old: str, new: str) -> tuple[tuple[tuple[bool, str], ...], ...]:
    """Both lines in pieces, where they have enough in common for that to help."""
    if max(len(old), len(new)) > LONGEST_LINE:
        return ((True, old),), ((True, new),)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        return ((True, old),), ((True, new),)
    codes = matcher.get_opcodes()
    left = tuple((tag != "equal", old[a:b]) for tag, a, b, _, _ in codes if a < b)
    right = tuple((tag != "equal", new[c:d]) for tag, _, _, c, d in codes if c < d)
    return left, right
