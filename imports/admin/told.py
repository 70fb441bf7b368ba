"""What the ledger has kept in English, in the reader's language.

A kept sentence is recognised by its fixed words; what was put in between stays as it is. What
nobody marked (an API's own words, a sentence from an older version) is shown as it was kept.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from django.utils.translation import get_language, gettext

from imports.wording import KEPT

PHRASES = {"parts", "what"}  # what is put in under these names is made of kept phrases itself


class Known(NamedTuple):
    """One kept sentence, and how it is recognised."""

    sentence: str
    begins: str  # its words before the first thing that was put in
    pattern: re.Pattern[str]


def told(text: str) -> str:
    """The text with each sentence that is known in the reader's language; others as they are."""
    language = get_language() or "en"
    return text if not text or language.startswith("en") else _told(text, language)


@lru_cache(maxsize=4096)
def _told(text: str, language: str) -> str:
    said, rest = [], text
    while rest:
        found = _first(rest)
        if found is None:
            said.append(rest)
            break
        known, match = found
        values = {name: _value(name, value, language) for name, value in match.groupdict().items()}
        said.append(gettext(known.sentence).format(**values))
        rest = rest[match.end() :].lstrip()
    return " ".join(said)


def _first(text: str) -> tuple[Known, re.Match[str]] | None:
    """The known sentence that the text begins with: the one with the most words of its own."""
    for known in _all():
        if text.startswith(known.begins) and (match := known.pattern.match(text)):
            return known, match
    return None


def _value(name: str, value: str, language: str) -> str:
    """What was put in may be a kept phrase itself, or a list of them."""
    if name in PHRASES:
        return ", ".join(_told(part, language) for part in value.split(", "))
    return gettext(value) if value in KEPT else value


@cache
def _all() -> tuple[Known, ...]:
    """By the length of their fixed words: "a of b failed" comes before "a failed"."""
    return tuple(sorted(map(_known, KEPT), key=_fixed_words, reverse=True))


def _known(sentence: str) -> Known:
    pieces = [(words, name) for words, name, _, _ in Formatter().parse(sentence)]
    names: set[str] = set()
    pattern = "".join(re.escape(words) + _group(name, names) for words, name in pieces)
    # A phrase without a full stop is all there is; after a sentence another may follow.
    end = r"(?=\s|\Z)" if sentence.endswith((".", ":")) else r"\Z"
    return Known(sentence, pieces[0][0] if pieces else "", re.compile(pattern + end, re.S))


def _group(name: str | None, before: set[str]) -> str:
    """What matches what was put in; where the same was put in before, that once more."""
    if not name:
        return ""
    again = name in before
    before.add(name)
    return f"(?P={name})" if again else f"(?P<{name}>.*?)"


def _fixed_words(known: Known) -> int:
    return sum(len(words) for words, *_ in Formatter().parse(known.sentence))
