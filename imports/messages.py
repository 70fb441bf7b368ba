"""Redrive's messages: a code and parameters are stored, and the sentence is rendered when read.

A `Message` is one of our sentences. A plain `str` in its place is somebody else's own words (an
API's, a portal's, the browser's): stored and shown as they are. Pure: knows no Django.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

Translate = Callable[[str], str]
Number = Callable[[float], str]
GROUPED: Number = "{:,}".format  # 1,000
UNKNOWN = "{code}{why}"  # a sentence of another version
# By code: every sentence there is, in English, with {parameters}.
SENTENCES: dict[str, str] = {"OWN_WORDS": "{words}"}
SINGULARS: dict[str, str] = {}  # of those that read differently where {n} is 1
OWN_WORDS = ("why", "said")  # where a sentence puts in what the other side said
UNGROUPED = {"status", "job", "page", "byte"}  # numbers that are names: 1234, not 1,234
COMPARED = 300  # characters of somebody's own words, when causes are compared
CAUSE_LENGTH = 12
LONGEST_TEXT = 10_000  # characters of one text from outside: an API's, a portal's, a person's
# Parameters that tell one record from another, whatever they hold.
PARTICULARS = {
    *("file", "name", "record", "customer", "bill", "row", "place", "value", "other", "email"),
    *("near", "text", "example", "other_record", "other_file", "person", "because"),
}
TELLING_NUMBERS = {"status"}  # numbers that make another cause of it
# In somebody's own words: e-mails, quotations, and whatever has a digit in it (numbers, dates,
# UUIDs, references), or is a run of hexadecimal digits.
_PARTICULAR = re.compile(
    r"""[\w.%+-]+@[\w.-]+|“[^”]*”|"[^"]*"|(?<!\w)'[^']*'(?!\w)|[\w.,:+-]*\d[\w.,:+-]*\w|\w*\d\w*"""
    r"""|\b[0-9a-fA-F]{8,}\b"""
)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Said(NamedTuple):
    """What the other side said inside one of our sentences: its words, and its own code."""

    text: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence of ours with what is put into it, and the sentences that follow it.

    `said` are the other side's own words; its own code is the parameter `api_code`.
    """

    code: str
    params: tuple[tuple[str, Param], ...] = ()
    said: str = ""
    then: tuple[Text, ...] = ()

    def format(self, **params: object) -> Message:
        """This sentence with its parameters; a `Said` is kept apart, as somebody's own words."""
        said = self.said
        plain: list[tuple[str, Any]] = []
        for name, value in params.items():
            if isinstance(value, Said):
                said = value.text
                plain += [("api_code", value.code)] if value.code else []
            else:
                is_plain = isinstance(value, str | int | float | Message | tuple)
                plain.append((name, value if is_plain else str(value)))
        return replace(self, params=tuple(sorted(plain)), said=said)

    def __add__(self, following: Text) -> Message:
        """Both, one after the other."""
        if isinstance(following, Message) or following:
            return replace(self, then=(*self.then, following))
        return self

    def __radd__(self, before: str) -> Message:
        """Somebody's own words, and then this."""
        first = Message("OWN_WORDS", (("words", before),))
        return first + self if before else self

    def __str__(self) -> str:
        return render(self)

    @property
    def own_params(self) -> dict[str, Param]:
        return dict(self.params)


Text = Message | str  # ours, or somebody's own words
Param = str | int | float | Message | tuple["Text", ...]


def changed(text: Text, change: Callable[[str], str]) -> Text:
    """It with each text that was put into it changed, and somebody's own words, too."""
    if isinstance(text, str):
        return change(text)
    params = tuple((name, _changed(value, change)) for name, value in text.params)
    then = tuple(changed(each, change) for each in text.then)
    return replace(text, params=params, said=change(text.said), then=then)


def _changed(value: Param, change: Callable[[str], str]) -> Param:
    if isinstance(value, tuple):
        return tuple(changed(each, change) for each in value)
    return changed(value, change) if isinstance(value, Message | str) else value


class MessageError(Exception):
    """An error that says in a message what is wrong."""

    def __init__(self, message: Text) -> None:
        super().__init__(render(message))
        self.message = message


def marked(sentence: str) -> str:
    """The sentence itself. To be imported as `_`, the name that `make locale` looks for."""
    return sentence


def sentence(code: str, text: str, one: str = "") -> Message:
    """Add a sentence to the catalogue. Every code has one text only. Fill it in with `format`.

    `one` is the text for {n} = 1.
    """
    if SENTENCES.setdefault(code, text) != text:
        raise ValueError(f"two sentences have the code {code}")
    if one:
        SINGULARS[code] = one
    return Message(code)


def _template(text: Message) -> str:
    is_one = text.own_params.get("n") == 1
    return (SINGULARS.get(text.code, "") if is_one else "") or SENTENCES.get(text.code, UNKNOWN)


def render(text: Text | None, translate: Translate = str, number: Number = GROUPED) -> str:
    """The sentence, in English unless `translate` says it otherwise. "" for nothing."""
    if not isinstance(text, Message):
        return storable(text or "")
    template = translate(_template(text))
    rest = [render(each, translate, number) for each in text.then]
    return " ".join([_filled(template, text, translate, number), *rest])


def headline(text: Text | None, translate: Translate = str, number: Number = GROUPED) -> str:
    """Only what is wrong, without what to do about it, and without a full stop."""
    if not isinstance(text, Message):
        return storable(text or "").rstrip(".")
    first = translate(_template(text)).partition(". ")[0]
    return _filled(first, text, translate, number).rstrip(".")


def _filled(template: str, text: Message, translate: Translate, number: Number) -> str:
    params = {name: _shown(name, value, translate, number) for name, value in text.params}
    own = _own_words(text.said.rstrip(". "), params.get("api_code", ""))
    params = {"code": text.code, **dict.fromkeys(OWN_WORDS, own), **params}
    return storable(_PLACEHOLDER.sub(lambda found: params.get(found[1], "…"), template))


def _own_words(said: str, code: str) -> str:
    """As they stand inside a sentence: ": Name missing (REQUIRED)"."""
    if said and code:
        return f": {said} ({code})"
    return f": {said}" if said else f" ({code})" if code else ""


def _shown(name: str, value: Param, translate: Translate, number: Number) -> str:
    if isinstance(value, tuple):
        return ", ".join(render(each, translate, number) for each in value)
    if isinstance(value, Message | str):
        return render(value, translate, number)
    return str(value) if name in UNGROUPED else number(value)


def storable(text: str) -> str:
    """At most LONGEST_TEXT characters, without what PostgreSQL cannot hold.

    Whatever comes from outside goes through this before it is stored: a stranger's answer must
    neither stop a worker nor fill the database.
    """
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1]}…"
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def storable_json(value: Any) -> Any:
    """The JSON value with each of its texts as `storable` makes it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(each) for key, each in value.items()}
    return [storable_json(each) for each in value] if isinstance(value, list | tuple) else value


def to_json(text: Text | None) -> Any:
    """As the ledger stores it: {"code", "params", "said", "then"}, without what is empty."""
    if not isinstance(text, Message):
        return None if text is None else storable(text)
    found: dict[str, Any] = {"code": text.code}
    if text.params:
        found["params"] = {name: _param_to_json(value) for name, value in text.params}
    if text.said:
        found["said"] = storable(text.said)
    if text.then:
        found["then"] = [to_json(each) for each in text.then]
    return found


def _param_to_json(value: Param) -> Any:
    if isinstance(value, tuple):
        return [to_json(each) for each in value]
    return to_json(value) if isinstance(value, Message | str) else value


def from_json(stored: Any) -> Text:
    """What `to_json` made of it. Raises KeyError or TypeError for anything else."""
    if not isinstance(stored, Mapping):
        return str(stored)
    params = stored.get("params", {})
    return Message(
        stored["code"],
        tuple((name, _param_from_json(value)) for name, value in sorted(params.items())),
        stored.get("said", ""),
        tuple(from_json(each) for each in stored.get("then", ())),
    )


def _param_from_json(value: Any) -> Param:
    if isinstance(value, list):
        return tuple(from_json(each) for each in value)
    if isinstance(value, Mapping):
        return from_json(value)
    return value if isinstance(value, int | float) else str(value)


def in_general(text: Text) -> Text:
    """It without what tells one record from another: equal ones have one cause."""
    if isinstance(text, str):
        return _masked(text)
    params = tuple((name, _param_in_general(name, value)) for name, value in text.params)
    then = tuple(in_general(each) for each in text.then)
    return replace(text, params=params, said=_masked(text.said), then=then)


def _param_in_general(name: str, value: Param) -> Param:
    if name in PARTICULARS:
        return "…"
    if name == "api_code" or name in TELLING_NUMBERS:
        return value
    if isinstance(value, tuple):
        return tuple(in_general(each) for each in value)
    return in_general(value) if isinstance(value, Message | str) else "…"


def _masked(text: str) -> str:
    return _PARTICULAR.sub("…", text[:COMPARED])


def cause_of(text: Text | None) -> str:
    """A digest of what is not particular about it; "" for nothing."""
    if not text:
        return ""
    content = json.dumps(to_json(in_general(text)), sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=CAUSE_LENGTH // 2).hexdigest()
