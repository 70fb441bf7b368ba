"""Messages in the reader's language: for pages, exports that a person asked for, and mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format
from django.utils.translation import gettext

from imports.messages import SENTENCES, Message, from_json, headline, render

if TYPE_CHECKING:
    from imports.messages import Text


def in_words(text: Text | None) -> str:
    """The message in the active language. Other people's words stay unchanged."""
    return render(text, gettext, _number)


def as_sentence(clause: Message) -> str:
    """A clause as a sentence: capitalised, unless it starts with a field's name."""
    said = in_words(clause)
    return said if SENTENCES.get(clause.code, "").startswith("{") else said[:1].upper() + said[1:]


def in_short(text: Text | None, longest: int) -> str:
    """What is wrong in one clause, cut to so many characters."""
    first = headline(text, gettext, _number)
    return first if len(first) <= longest else first[: longest - 1] + "…"


def stored_in_words(stored: Any) -> str:
    """The same for a message in JSON form."""
    is_message = stored is None or isinstance(stored, Message | str)
    return in_words(stored if is_message else from_json(stored))


def _number(value: float) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)
