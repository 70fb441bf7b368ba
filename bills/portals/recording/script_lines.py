"""Reads the Python or JavaScript of a recorded script, and its locators as a recipe's targets.

Of both languages only what Playwright's recorder prints is understood: a chain of calls whose
arguments are texts, numbers, regular expressions, lists, objects and further chains. It is read
one statement at a time, every character once, and none of it runs.

The recipe's own ways (label, role, text, placeholder) are kept wherever a locator is one of them
by itself. A locator within another, the second of several, and regular expressions become a
selector, in the language of Playwright's selectors.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.portals.recipe_schema import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bills.portals.recording.acts import PlainTarget


DEEPEST = 20  # brackets within brackets
STRING = r"""[rbu]{0,2}(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|`(?:[^`\\]|\\.)*+`)"""
TOKEN = re.compile(
    rf"(?P<string>{STRING})"
    r"|(?P<regex>/(?:[^/\\\[]|\\.|\[(?:[^\]\\]|\\.)*+\])++/[a-z]*+)"
    r"|(?P<number>-?\d++(?:\.\d++)?+)"
    r"|(?P<name>[A-Za-z_$][\w$]*+)"
    r"|(?P<mark>[.,(){}\[\]:=])"
)
BLANK = re.compile(r"\s*+")
STRINGS = re.compile(STRING)
ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
OPENING, CLOSING = "([{", ")]}"
BY_ATTRIBUTE = {
    "get_by_alt_text": "alt",
    "get_by_title": "title",
    "get_by_placeholder": "placeholder",
    "get_by_test_id": "data-testid",
}
PLAIN = {"get_by_label": "label", "get_by_text": "text", "get_by_placeholder": "placeholder"}
SAME = ("first", "describe")  # the attempt takes the first that is visible anyway


class NotUnderstood(ValueError):
    """It is not what the recorder prints."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression."""

    text: str
    any_case: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One link of a chain: `.first` has no arguments; JavaScript's objects count as named ones."""

    name: str
    values: tuple[Value, ...] = ()
    named: dict[str, Value] = field(default_factory=dict)

    @property
    def first(self) -> Value:
        if not self.values:
            raise NotUnderstood
        return self.values[0]

    @property
    def text(self) -> str:
        value = self.first
        if not isinstance(value, str) or not value.strip():
            raise NotUnderstood
        return value


Chain = tuple[Call, ...]
Value = str | Pattern | Chain | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and the line on which it begins, from 1."""

    line: int
    text: str


def statements(script: str) -> Iterator[Statement]:
    """Each statement on one line: lines are joined while a bracket is open or a dot follows."""
    begun, parts, depth = 0, list[str](), 0
    for number, raw in enumerate(script.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", "//")):
            continue
        if depth <= 0 and not line.startswith("."):
            if begun:
                yield Statement(begun, " ".join(parts))
            begun, parts, depth = number, [], 0
        parts.append(line)
        if depth > 0 or not is_of_block(line):
            depth += balance(line)
    if begun:
        yield Statement(begun, " ".join(parts))


def is_of_block(line: str) -> bool:
    """Whether it opens or closes a block, such as a function's, whose lines are statements."""
    return line.endswith(("=> {", "=>{", ") {", "try {")) or line.startswith(("}", "})"))


def balance(line: str) -> int:
    """How many more brackets it opens than it closes, texts left out."""
    plain = STRINGS.sub("", line)
    return sum(map(plain.count, OPENING)) - sum(map(plain.count, CLOSING))


def read_chain(text: str) -> Chain:
    """`page.get_by_label("E-mail").fill("x")`. Raises NotUnderstood."""
    reader = Reader(list(tokens(text)))
    chain = reader.chain()
    if not reader.is_done:
        raise NotUnderstood
    return chain


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each. Raises NotUnderstood."""
    at, end = 0, len(text.rstrip(" ;"))
    while (at := BLANK.match(text, at).end()) < end:  # type: ignore[union-attr] # always matches
        found = TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise NotUnderstood
        yield found.lastgroup, found[0]
        at = found.end()


class Reader:
    """Reads tokens from left to right."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = found, 0, 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._tokens)

    def _next(self, *texts: str) -> bool:
        """Whether the next token is one of these marks; if so, it is passed."""
        if self.is_done or self._tokens[self._at] not in [("mark", text) for text in texts]:
            return False
        self._at += 1
        return True

    def _take(self, *kinds: str) -> tuple[str, str]:
        if self.is_done or self._tokens[self._at][0] not in kinds:
            raise NotUnderstood
        self._at += 1
        return self._tokens[self._at - 1]

    def _want(self, mark: str) -> None:
        if not self._next(mark):
            raise NotUnderstood

    def chain(self) -> Chain:
        """Names with or without arguments, joined by dots."""
        calls = [self._call()]
        while self._next("."):
            calls.append(self._call())
        return tuple(calls)

    def _call(self) -> Call:
        _, name = self._take("name")
        if not self._next("("):
            return Call(name)
        values: list[Value] = []
        named: dict[str, Value] = {}
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotUnderstood
        while not self._next(")"):
            key = self._key("=")
            value = self._value()
            if key:
                named[key] = value
            elif isinstance(value, dict):
                named |= value
            else:
                values.append(value)
            self._end_of_item(")")
        self._depth -= 1
        return Call(name, tuple(values), named)

    def _key(self, sign: str) -> str:
        """The name before `sign`, if one stands there: it is passed."""
        following = self._tokens[self._at : self._at + 2]
        if len(following) == 2 and following[1] == ("mark", sign):
            kind, text = self._take("name", "string")
            self._at += 1
            return unquoted(text) if kind == "string" else text
        return ""

    def _end_of_item(self, closing: str) -> None:
        if not self._next(",") and (self.is_done or self._tokens[self._at] != ("mark", closing)):
            raise NotUnderstood

    def _value(self) -> Value:
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotUnderstood
        try:
            return self._any_value()
        finally:
            self._depth -= 1

    def _any_value(self) -> Value:
        if self._next("["):
            return self._list()
        if self._next("{"):
            return self._object()
        if self._tokens[self._at : self._at + 1] and self._tokens[self._at][0] == "name":
            return as_value(self.chain())
        kind, text = self._take("string", "regex", "number")
        if kind == "string":
            return unquoted(text)
        if kind == "regex":
            inside, _, flags = text[1:].rpartition("/")
            return Pattern(inside, "i" in flags)
        return text

    def _list(self) -> list[Value]:
        found: list[Value] = []
        while not self._next("]"):
            found.append(self._value())
            self._end_of_item("]")
        return found

    def _object(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not self._next("}"):
            key = self._key(":")
            if not key:
                raise NotUnderstood
            found[key] = self._value()
            self._end_of_item("}")
        return found


def as_value(chain: Chain) -> Value:
    """Python's `re.compile("…", re.IGNORECASE)` is a regular expression; the rest is a chain."""
    names = [call.name for call in chain]
    if names == ["re", "compile"] and chain[1].values and isinstance(chain[1].values[0], str):
        flags = [call.name for value in chain[1].values[1:] for call in _calls(value)]
        return Pattern(chain[1].values[0], "IGNORECASE" in flags or "I" in flags)
    if names in (["true"], ["True"], ["false"], ["False"], ["null"], ["None"], ["undefined"]):
        return None
    return chain


def _calls(value: Value) -> Chain:
    return value if isinstance(value, tuple) else ()


def unquoted(literal: str) -> str:
    """What a text literal says."""
    start = min(literal.find(sign) for sign in "\"'`" if sign in literal)
    inside = literal[start + 1 : -1]
    return inside if "r" in literal[:start] else ESCAPE.sub(_letter, inside)


def _letter(found: re.Match[str]) -> str:
    number = found[1] or found[2] or found[3]
    if not number:
        return LETTERS.get(found[4], found[4])
    point = int(number, 16)
    return chr(point) if point < 0x110000 and not 0xD800 <= point < 0xE000 else "\ufffd"


def snake(name: str) -> str:
    """`getByRole` as Python says it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def target_of(chain: Chain) -> PlainTarget:
    """The target that a chain of locators names. Raises NotUnderstood."""
    frame, parts = "", list[str]()
    plain: PlainTarget = {}
    for call in chain:
        name = snake(call.name)
        if name in SAME or (name == "nth" and call.values == ("0",)):
            continue
        if name in ("content_frame", "frame_locator"):
            inside = [*parts, call.text] if name == "frame_locator" else parts
            frame, parts, plain = _joined(frame, inside), [], {}
            continue
        plain = {} if parts else plain_target(name, call)
        parts.append(selector_of(name, call))
    if not parts:
        raise NotUnderstood
    found = plain or {"selector": " >> ".join(parts)}
    return {**found, "frame": frame} if frame else found


def _joined(frame: str, parts: Iterable[str]) -> str:
    """A frame within a frame is named by the inner one: a recipe's frame is sought in all."""
    inner = " >> ".join(parts)
    return inner or frame


def plain_target(name: str, call: Call) -> PlainTarget:
    """As the recipe's own ways say it; {} where they cannot."""
    value = call.values[0] if call.values else None
    if not isinstance(value, str) or not value.strip():
        return {}
    if name in PLAIN:
        return {PLAIN[name]: value}
    if name == "locator":
        return {} if call.named else {"selector": value}
    called = call.named.get("name", "")
    if name != "get_by_role" or value not in ROLES or not isinstance(called, str):
        return {}
    return {"role": value, "name": called} if called else {"role": value}


def selector_of(name: str, call: Call) -> str:
    """One locator as a selector. Raises NotUnderstood."""
    if name == "locator":
        return " >> ".join(filter(None, (call.text, _within(call))))
    if name == "get_by_role":
        called = call.named.get("name")
        return f"role={call.text}" + (f"[name={_quoted(called)}]" if called else "")
    if name in BY_ATTRIBUTE:
        return having(BY_ATTRIBUTE[name], call.text)
    if name == "get_by_label":
        return f"internal:label={_quoted(call.first)}"
    if name == "get_by_text":
        value = call.first
        return "text=" + (_in_quotes(value) if isinstance(value, str) else _quoted(value))
    return _narrowed(name, call)


def having(attribute: str, text: str) -> str:
    """The part of a selector that wants this text in an attribute, in either case."""
    return f"[{attribute}={_in_quotes(text)} i]"


def _narrowed(name: str, call: Call) -> str:
    """What chooses among those that were found."""
    if name == "filter" and (within := _within(call)):
        return within
    if name == "last":
        return "nth=-1"
    if name == "nth" and call.values and re.fullmatch(r"-?\d{1,4}", call.text):
        return f"nth={call.text}"
    raise NotUnderstood


def _within(call: Call) -> str:
    """The text that it must hold; empty where it names none. Raises NotUnderstood for the rest."""
    named = {snake(name): value for name, value in call.named.items()}
    within = named.pop("has_text", None)
    if named:
        raise NotUnderstood
    return f"internal:has-text={_quoted(within)}" if within else ""


def _quoted(value: Value) -> str:
    """A text in either case, or a regular expression, as selectors hold them."""
    if isinstance(value, Pattern):
        return f"/{value.text}/{'i' if value.any_case else ''}"
    if not isinstance(value, str):
        raise NotUnderstood
    return _in_quotes(value) + "i"


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
