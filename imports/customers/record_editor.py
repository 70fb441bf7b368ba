"""A record that a person edits by hand: is it JSON, can it be sent, and where is the mistake?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.customers.files.json_stream import Element
from imports.customers.files.validation import Judge
from imports.rendering import as_sentence, in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.functional import _StrOrPromise

    from imports.customers.files.errors import Fault
    from imports.customers.files.limits import Checks

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


def words_in(text: str) -> list[str]:
    """The text without its layout: equal results differ only in white space and in how
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


# What Python's parser says, in words for somebody who does not program.
SAID: dict[str, _StrOrPromise] = {
    "Expecting ',' delimiter": gettext_lazy(
        "A comma is missing before this place, or a quote or bracket is not closed."
    ),
    "Expecting ':' delimiter": gettext_lazy("A colon is missing after the key."),
    "Expecting property name enclosed in double quotes": gettext_lazy(
        "A key in double quotes is expected here. Is there an extra comma before it?"
    ),
    "Illegal trailing comma before end of object": gettext_lazy("There is an extra comma."),
    "Illegal trailing comma before end of array": gettext_lazy("There is an extra comma."),
    "Expecting value": gettext_lazy(
        "A value is expected here: a text in double quotes, a number, true, false or null."
    ),
    "Unterminated string starting at": gettext_lazy(
        "The text that begins here has no closing quote."
    ),
    "Invalid control character at": gettext_lazy(
        "A text runs past the end of its line. Is its closing quote missing?"
    ),
    "Extra data": gettext_lazy("There is something after the end of the record. Remove it."),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What keeps the record from being sent, with the remedy, and where it is, if known."""

    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A text that may become a record: its bytes, its names, what is wrong, what is strange."""

    text: str
    key: str = ""
    email: str = ""
    mistake: Mistake | None = None
    warnings: tuple[str, ...] = ()

    @property
    def raw(self) -> bytes:
        """What is sent: character for character what was written."""
        return self.text.encode()


def judge(written: str, checks: Checks) -> Correction:
    """Check the edited text. Reports the first mistake with its position."""
    text = written.replace("\r\n", "\n").strip(" \t\r\n")
    mistake = _unreadable(text)
    if mistake is not None:
        return Correction(text, mistake=mistake)
    raw = text.encode()
    judged = Judge("", checks).judge(_element(raw))
    if judged.fault is not None:
        found = Mistake(_sentence(judged.fault), _place(text, judged.fault))
        return Correction(text, judged.key, judged.email, found)
    warnings = tuple(f"{as_sentence(each)}." for each in judged.warnings)
    return Correction(text, judged.key, judged.email, None, warnings)


def is_same(old: str, new: str) -> bool:
    """Whether two records are the same but for blanks between values, and escapes."""
    return words_in(old) == words_in(new)


def _element(raw: bytes) -> Element:
    try:
        return Element(0, len(raw), raw, msgspec.json.decode(raw), True)
    except (ValueError, RecursionError):
        return Element(0, len(raw), raw, None, False)


def _unreadable(text: str) -> Mistake | None:
    if not text:
        return Mistake(_("The record is empty. Write it, or go back."))
    odd = re.search("[\ufffd\ud800-\udfff]", text)
    if odd is not None:
        said = _("This character could not be read (�). Replace it with the right one.")
        return Mistake(said, at(text, odd.start()))
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        said = str(SAID.get(error.msg, "")) or _("This is not JSON: %(why)s.") % {"why": error.msg}
        return Mistake(said, Place(error.lineno, error.colno))
    except (ValueError, RecursionError):
        return None  # too deep, or a number of thousands of digits: judged with the rest
    return None


def _sentence(fault: Fault) -> str:
    return f"{as_sentence(fault.what)}. {in_words(fault.remedy)}."


def _place(text: str, fault: Fault) -> Place | None:
    """The position of the fault, as far as it is known."""
    params = fault.what.own_params
    if key := params.get("key"):
        return second_place_of(text, str(key))
    if fault.code == "BAD_NUMBER":
        offset = text.find(str(params["value"]).rstrip("…")) if "value" in params else -1
        return at(text, offset) if offset >= 0 else None
    path = params.get("path")
    return place_of(text, str(path)) if path else None
