"""Numbers, counts, records and differences as an operator reads them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_NUMBER = 18  # digits: the ids of PostgreSQL are of eight bytes


def whole_number(text: str) -> int | None:
    """The number that an address or a form names; None where the database could hold none."""
    is_number = text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER
    return int(text) if is_number else None


def number(value: float, digits: int = 0) -> str:
    """1,000 (or what the language has instead of the comma)."""
    return number_format(value, decimal_pos=digits, use_l10n=True, force_grouping=True)


def customers(count: int) -> str:
    """ "1,000 customers"."""
    return ngettext("%(n)s customer", "%(n)s customers", count) % {"n": number(count)}


def batches(count: int) -> str:
    """ "20 batches"."""
    return ngettext("%(n)s batch", "%(n)s batches", count) % {"n": number(count)}


def files(count: int) -> str:
    """ "3 files"."""
    return ngettext("%(n)s file", "%(n)s files", count) % {"n": number(count)}


def skipped_changed(count: int) -> str:
    """What became of records that somebody or something else has moved meanwhile."""
    return ngettext(
        "%(n)s changed in the meantime and was skipped",
        "%(n)s changed in the meantime and were skipped",
        count,
    ) % {"n": number(count)}


def being_retried(count: int) -> str:
    """How many records a retry skipped because a later retry has them."""
    return ngettext("%(n)s is already being retried", "%(n)s are already being retried", count) % {
        "n": number(count)
    }


def left_out(count: int) -> str:
    """How many records a retry left out because nothing was corrected."""
    return ngettext(
        "%(n)s was skipped: nothing was corrected, so it would fail again",
        "%(n)s were skipped: nothing was corrected, so they would fail again",
        count,
    ) % {"n": number(count)}


def seconds(taken: float) -> str:
    """How long one request took: "0.4 s", "under 0.1 s", "2 min 10 s"."""
    if taken >= 60:
        return duration(taken)
    if taken < 0.1:
        return _("under %(n)s s") % {"n": number(0.1, 1)}
    return _("%(s)s s") % {"s": number(taken, 1)}


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "2 min 10 s"."""
    whole = round(seconds)
    if whole < 60:
        return _("%(s)s s") % {"s": whole}
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s") % {"m": minutes, "s": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(h)s h %(m)s min") % {"h": number(hours), "m": minutes}


LONGEST_SHOWN = 200_000  # bytes of a record that are put on a page
DEEPEST = 100
WORD = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+|"')


def readable(record: bytes) -> tuple[str, bool]:
    """The record indented, and whether it was cut. Numbers keep their digits, text its escapes."""
    text = record[:LONGEST_SHOWN].decode("utf-8", errors="replace")
    if len(record) > LONGEST_SHOWN:
        return text, True
    return indented(text), False


def editable(record: bytes) -> str:
    """All of the record, to be edited: indented where it is JSON, else as it stands."""
    text = record.decode("utf-8", errors="replace")
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return indented(text)


def indented(text: str) -> str:
    """JSON with a line for each value; what is no JSON comes out with its own words."""
    pieces: list[str] = []
    depth, is_open = 0, False
    for word in WORD.findall(text.strip()):
        if word.isspace():
            continue
        if word in "{[":
            pieces.append(_line(depth) * is_open + word)
            depth, is_open = depth + 1, True
        elif word in "}]":
            depth = max(0, depth - 1)
            pieces.append(word if is_open else _line(depth) + word)
            is_open = False
        else:
            pieces.append(_line(depth) * is_open + _spaced(word, depth))
            is_open = False
    return "".join(pieces)


def _spaced(word: str, depth: int) -> str:
    if word == ",":
        return "," + _line(depth)
    return ": " if word == ":" else word


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, DEEPEST)


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
