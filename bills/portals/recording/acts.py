"""What somebody did on a portal's pages: the plain acts that a recipe is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imports.messages import Message

PlainTarget = dict[str, str]  # a target as the recipe's JSON has it


class Kind(StrEnum):
    """What was done."""

    GOTO = "goto"
    CLICK = "click"
    CHECK = "check"  # a box was ticked or cleared
    PRESS = "press"  # a key
    FILL = "fill"
    SELECT = "select"
    SEE = "see"  # it was made sure that something is shown


class Do(StrEnum):
    """What a person can ask of a browser that is driven from afar."""

    CLICK = "click"
    TEXT = "text"
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - a kind of text
    CODE = "code"
    CHOOSE = "choose"
    KEY = "key"
    SCROLL = "scroll"
    BACK = "back"
    LOGGED_IN = "logged_in"
    LIST = "list"
    END = "end"  # asked by nobody: it comes where the recording is over


class Typed(StrEnum):
    """What was typed into a box. Of everything else only the box is known, never the text."""

    TEXT = ""
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - a kind of text
    CODE = "code"


class Gives(StrEnum):
    """What came of pressing something."""

    NOTHING = ""
    DOCUMENT = "document"
    WINDOW = "window"
    DETAILS = "details"  # of one row of several


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `place` is the line or the number under which people know it.

    `value` is an address, a key, an option, or the address that is waited for; never what was
    typed into a box. `page` is the window that it was done in.
    """

    kind: Kind
    target: PlainTarget = field(default_factory=dict)
    value: str = ""
    typed: Typed = Typed.TEXT
    gives: Gives = Gives.NOTHING
    page: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording comes to: a recipe to correct, its addresses, and notes on its steps."""

    recipe: dict[str, Any]
    login_url: str = ""
    billing_url: str = ""
    notes: tuple[Message, ...] = ()


class NotRecorded(ValueError):
    """No recipe can be made of it. `problems` say where, and what to do about it."""

    def __init__(self, *problems: Message) -> None:
        self.problems = problems
        super().__init__(" ".join(map(str, problems)))
