"""Playwright's locators as a recipe's targets: the plain way where there is one, else a selector.

The recipe's own ways (label, role, text, placeholder) are kept wherever a locator is one of them
by itself. A locator within another, the second of several, and regular expressions become a
selector, in the language of Playwright's selectors.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bills.portals.recipe_schema import ROLES
from bills.portals.recording.script_lines import NotUnderstood, Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bills.portals.recording.acts import PlainTarget
    from bills.portals.recording.script_lines import Call, Chain, Value

BY_ATTRIBUTE = {
    "get_by_alt_text": "alt",
    "get_by_title": "title",
    "get_by_placeholder": "placeholder",
    "get_by_test_id": "data-testid",
}
PLAIN = {"get_by_label": "label", "get_by_text": "text", "get_by_placeholder": "placeholder"}
SAME = ("first", "describe")  # the attempt takes the first that is visible anyway


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
            inside = [*parts, _text(call)] if name == "frame_locator" else parts
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
        return " >> ".join(filter(None, (_text(call), _within(call))))
    if name == "get_by_role":
        called = call.named.get("name")
        return f"role={_text(call)}" + (f"[name={_quoted(called)}]" if called else "")
    if name in BY_ATTRIBUTE:
        return having(BY_ATTRIBUTE[name], _text(call))
    if name == "get_by_label":
        return f"internal:label={_quoted(_first(call))}"
    if name == "get_by_text":
        value = _first(call)
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
    if name == "nth" and call.values and re.fullmatch(r"-?\d{1,4}", _text(call)):
        return f"nth={_text(call)}"
    raise NotUnderstood


def _within(call: Call) -> str:
    """The text that it must hold; empty where it names none. Raises NotUnderstood for the rest."""
    named = {snake(name): value for name, value in call.named.items()}
    within = named.pop("has_text", None)
    if named:
        raise NotUnderstood
    return f"internal:has-text={_quoted(within)}" if within else ""


def _first(call: Call) -> Value:
    if not call.values:
        raise NotUnderstood
    return call.values[0]


def _text(call: Call) -> str:
    value = _first(call)
    if not isinstance(value, str) or not value.strip():
        raise NotUnderstood
    return value


def _quoted(value: Value) -> str:
    """A text in either case, or a regular expression, as selectors hold them."""
    if isinstance(value, Pattern):
        return f"/{value.text}/{'i' if value.any_case else ''}"
    if not isinstance(value, str):
        raise NotUnderstood
    return _in_quotes(value) + "i"


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
