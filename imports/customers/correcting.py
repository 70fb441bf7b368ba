"""A record that a person corrects by hand: is it JSON, can it be sent, and where is it wrong?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.customers.boundaries import Element
from imports.customers.places import Place, at, place_of, second_place_of, words
from imports.customers.records import Judge
from imports.messages import SENTENCES
from imports.rendering import in_words

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from imports.customers.checks import Checks
    from imports.customers.unreadable import Fault
    from imports.messages import Message

NOT_A_CHARACTER = re.compile("[\ufffd\ud800-\udfff]")

# What Python's parser says, in words for somebody who does not program.
SAID: dict[str, _StrOrPromise] = {
    "Expecting ',' delimiter": gettext_lazy(
        "A comma is missing before this place, or a quote or bracket is not closed."
    ),
    "Expecting ':' delimiter": gettext_lazy("A colon is missing behind the key."),
    "Expecting property name enclosed in double quotes": gettext_lazy(
        "Here belongs a key in double quotes. Is there a comma too many before it?"
    ),
    "Illegal trailing comma before end of object": gettext_lazy("There is a comma too many."),
    "Illegal trailing comma before end of array": gettext_lazy("There is a comma too many."),
    "Expecting value": gettext_lazy(
        "Here belongs a value: a text in double quotes, a number, true, false or null."
    ),
    "Unterminated string starting at": gettext_lazy(
        "The text that begins here has no closing quote."
    ),
    "Invalid control character at": gettext_lazy(
        "A text goes on over the end of its line. Is its closing quote missing?"
    ),
    "Extra data": gettext_lazy("Something follows behind the end of the record. Remove it."),
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
    """Judge what somebody has written. The first mistake is told, with its place."""
    text = written.replace("\r\n", "\n").strip(" \t\r\n")
    mistake = _unreadable(text)
    if mistake is not None:
        return Correction(text, mistake=mistake)
    raw = text.encode()
    judged = Judge("", checks).judge(_element(raw))
    if judged.fault is not None:
        found = Mistake(_sentence(judged.fault), _place(text, judged.fault))
        return Correction(text, judged.key, judged.email, found)
    warnings = tuple(f"{_as_sentence(each)}." for each in judged.warnings)
    return Correction(text, judged.key, judged.email, None, warnings)


def is_same(old: str, new: str) -> bool:
    """Whether two records are the same but for blanks between values, and escapes."""
    return words(old) == words(new)


def _element(raw: bytes) -> Element:
    try:
        return Element(0, len(raw), raw, msgspec.json.decode(raw), True)
    except (ValueError, RecursionError):
        return Element(0, len(raw), raw, None, False)


def _unreadable(text: str) -> Mistake | None:
    if not text:
        return Mistake(_("There is nothing here. Write the record, or go back."))
    odd = NOT_A_CHARACTER.search(text)
    if odd is not None:
        said = _("Here is a character that could not be read (�). Write the right one.")
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
    return f"{_as_sentence(fault.what)}. {in_words(fault.remedy)}."


def _as_sentence(what: Message) -> str:
    """With a capital, unless a field's name stands first: that stays as it is."""
    said = in_words(what)
    return said if SENTENCES[what.code].startswith("{") else said[:1].upper() + said[1:]


def _place(text: str, fault: Fault) -> Place | None:
    """Where the fault is, as far as it is known."""
    params = fault.what.own_params
    if key := params.get("key"):
        return second_place_of(text, str(key))
    if fault.code == "BAD_NUMBER":
        offset = text.find(str(params["value"]).rstrip("…")) if "value" in params else -1
        return at(text, offset) if offset >= 0 else None
    path = params.get("path")
    return place_of(text, str(path)) if path else None
