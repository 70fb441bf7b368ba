"""What the page says of how many bills there are, and that it shows only some of them. Pure.

A page's text comes in blocks, with a blank line between two; within one, each node has its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bills.portals.lists import promise_words as words
from bills.portals.lists.languages import month_number

if TYPE_CHECKING:
    from collections.abc import Iterator

# "1 / 3" by itself: a page's number, or how many of the rows are shown.
ALONE_OF = re.compile(
    r"^\s*\(?\s*(\d{1,3})\s*(?:/|of|av|af|von|van|sur|de|di|su|z)\s*(\d{1,3})\s*\)?\s*$",
    re.M | re.IGNORECASE,
)
OPTION_COUNT = re.compile(r"[(\[](\d{1,3})[)\]]\s*$")  # "2025 (12)"
FIRST_YEAR = 1900  # from here on, a number may be a year
LONGEST_SENTENCE = 240
LONGEST_REST = 20  # characters beside "bills" and "the last 12 months" in a heading of them
DAYS_IN_A_MONTH, DAYS_IN_A_YEAR = 31, 366
QUESTION_WITHIN = 60  # characters between "questions" and "older bills"
SENTENCE_END = re.compile(r"(?<=[^\d\W][.!?])\s+")


@dataclass(frozen=True, slots=True)
class Promised:
    """How much the page says that there is. 0: it does not say."""

    in_view: int = 0  # "1-10 of 25"
    pages: int = 0  # "Page 1 of 3"
    anywhere: int = 0  # "25 invoices"


def promised_by(text: str, page_number: int = 0, shown: int = 0) -> Promised:
    """What the words around the rows say of how many there are.

    `shown` rows are on this page, the `page_number`th.
    """
    small = clean(text)
    ranges = [int(found[3]) for found in re.finditer(words.RANGE_OF, small)
              if int(found[1].replace(" ", "")) <= int(found[2]) <= int(found[3])]  # fmt: skip
    ranges += [
        int(found["whole1"] or found["whole2"]) for found in re.finditer(words.PART_OF, small)
    ]
    alone = [(int(found[1]), int(found[2])) for found in ALONE_OF.finditer(text)]
    ranges += [whole for part, whole in alone if part == shown != page_number]
    pages = [int(found[2]) for found in re.finditer(words.PAGE_OF, small)]
    pages += [whole for part, whole in alone if part == page_number]
    blocks = [clean(block) for block in text.split("\n\n")]
    counts = [n for block in blocks for n in _counts_in(block)] + list(_badges(blocks))
    return Promised(max(ranges, default=0), max(pages, default=0), max(counts, default=0))


def counted_by_option(text: str) -> int:
    """How many an option says that its part of the list has: "2025 (12)"; 0 where it does not."""
    found = OPTION_COUNT.search(text)
    return int(found[1]) if found else 0


def _counts_in(block: str) -> Iterator[int]:
    for found in re.finditer(words.COUNT, block):
        is_other = re.search(words.NOT_A_COUNT, block[: found.start()])
        if not is_other and int(found[1]) < FIRST_YEAR:
            yield int(found[1])
    for found in re.finditer(words.COUNT_BEHIND, block):
        yield int(found[1] or found[2])
    bare = re.fullmatch(words.COUNT_BARE, block)
    if bare and int(bare[1]) < FIRST_YEAR:
        yield int(bare[1])


def _badges(blocks: list[str]) -> Iterator[int]:
    """A number by itself right behind "Invoices", where what follows makes it nothing else."""
    for name, badge, after in zip(blocks, blocks[1:], [*blocks[2:], ""], strict=False):
        if not re.fullmatch(words.LIST_NAME, name) or not re.fullmatch(r"[1-9]\d{0,2}", badge):
            continue
        first = after.split()[0] if after else ""
        if not re.match(words.UNIT_OF_OTHERS, after) and month_number(first) is None:
            yield int(badge)


class Limit(StrEnum):
    """In which way a page says that its list is not all."""

    COUNT = "count"  # "your 3 latest bills"
    TIME = "time"  # "the bills of the last 12 months"
    ARCHIVE = "archive"  # "older bills are in the archive"
    ASK = "ask"  # "older bills: contact us"


@dataclass(frozen=True, slots=True)
class OnlySome:
    """What the page says of what it leaves out. `count` is of the bills or days that it shows."""

    limit: Limit
    text: str
    count: int = 0


def only_some(text: str) -> list[OnlySome]:
    """All that the page says of bills that its list does not show."""
    found = []
    for block in text.split("\n\n"):
        words_of = " ".join(block.split())
        found += [_elsewhere(words_of), *map(_limited, SENTENCE_END.split(words_of))]
    return [each for each in found if each is not None]


def _elsewhere(text: str) -> OnlySome | None:
    """Whether older bills are named, and close to them where else they are."""
    small = text.lower()
    found = re.search(words.OLDER_ELSEWHERE, small)
    if found is None:
        return None
    before = small[max(0, found.start() - QUESTION_WITHIN) : found.end()]
    if re.search(words.QUESTIONS, before):
        return None
    is_archive = found["archive1"] or found["archive2"]
    return OnlySome(Limit.ARCHIVE if is_archive else Limit.ASK, text[:LONGEST_SENTENCE])


def _limited(sentence: str) -> OnlySome | None:
    """Whether a sentence or a heading limits the bills that are shown, by number or by time."""
    small = sentence.lower()
    name = re.search(words.BILLS, small)
    if name is None or len(small) > LONGEST_SENTENCE or re.search(words.NOT_OF_THE_LIST, small):
        return None
    says_so = re.search(words.SHOWN_HERE, small) or re.search(words.ONLY, small)
    count = re.search(words.LATEST_COUNT, small)
    if count and (says_so or _is_heading(small, count[0])):
        number = int(count["n1"] or count["n2"] or count["n3"])
        return OnlySome(Limit.COUNT, sentence, number)
    time = re.search(words.LATEST_TIME, small)
    # "Bills of last year" is the head of a part, beside that of this year.
    is_heading = time and _is_heading(small, time[0]) and re.search(r"\d", time[0])
    if time and (says_so or is_heading):
        return OnlySome(Limit.TIME, sentence, _days_in(time[0]))
    return None


def _days_in(limit: str) -> int:
    """How many days "the last 12 months" are, at most; of a number in words, a year's."""
    number = re.search(r"\d+", limit)
    if re.search(words.YEARS, limit):
        return DAYS_IN_A_YEAR * int(number[0] if number else 1)
    if number is None:
        return DAYS_IN_A_YEAR
    return int(number[0]) * (1 if re.search(words.DAYS, limit) else DAYS_IN_A_MONTH)


def _is_heading(small: str, limit: str) -> bool:
    """Whether it says nothing but "bills" and the limit."""
    rest = re.sub(words.BILLS, "", small.replace(limit, ""))
    return len(rest.strip()) <= LONGEST_REST


def clean(text: str) -> str:
    """Small letters, single spaces."""
    return " ".join(text.lower().split())
