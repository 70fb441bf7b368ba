"""Answers the dialogs that a page opens (alert, confirm, prompt, beforeunload). Pure.

What a dialog says is part of what the page says. Nothing is agreed to that binds the account's
owner: unless the recipe says otherwise, a question is answered with "Cancel", but for "somebody is
logged in with your name: go on?".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bills.portals.logins import phrases

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bills.portals.recipe_schema import DialogRule

LONGEST_TEXT = 300  # characters of what a dialog says
MOST_DIALOGS = 50  # of one attempt: more of them never end
JUST_CLOSED = ("alert", "beforeunload")  # nothing is asked, or only whether to leave the page


@dataclass(frozen=True, slots=True)
class Dialog:
    """One dialog that was answered. `kind` is what Playwright calls it."""

    kind: str
    text: str
    accepted: bool


def rule_for(text: str, rules: Iterable[DialogRule]) -> DialogRule | None:
    """The recipe's first rule whose text stands in what the dialog says."""
    small = _flat(text)
    return next((rule for rule in rules if _flat(rule.text) in small), None)


def accepts(kind: str, text: str, rule: DialogRule | None) -> bool:
    """Whether the dialog is answered with OK."""
    if rule is not None:
        return rule.answer == "accept"
    return kind in JUST_CLOSED or (kind == "confirm" and phrases.asks_to_end_a_session(text))


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
