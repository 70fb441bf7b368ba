"""What somebody did on a portal's pages: the plain acts that a recipe is made of.

Also which boxes are the login's, by what they are called in all languages, and what there is to
say about a recording while one is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bills.portals.logins import phrases
from imports.http.redaction import holds_secret
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.messages import Message


PlainTarget = dict[str, str]  # a target as the recipe's JSON has it
LONGEST_NAME = 300  # characters of a target that are read
SHORTEST_SECRET = 3  # characters: a shorter one stands in any word
PASSWORD = re.compile(
    rf"{phrases.ONE_OF_SEVERAL}|pass|\bpwd\b|losen|lösen|haslo|contrasena|\bpin\b|kod ?ord", re.I
)
CODE = re.compile(phrases.CODE_BOX, re.I)
USER = re.compile(phrases.USER_BOX, re.I)
LINE = sentence("RECORDING_LINE", _("Line {place}"))
STEP = sentence("RECORDING_STEP", _("Step {place}"))
NO_PASSWORD = sentence(
    "RECORDING_NO_PASSWORD",
    _(
        "Nothing is typed into a box for the password. Begin the recording at the login page, "
        "and log in."
    ),
)
NO_LOGIN_PAGE = sentence(
    "RECORDING_NO_LOGIN_PAGE",
    _("No page is opened before the login. Begin the recording with the login page's address."),
)
NO_BILLING_URL = sentence(
    "RECORDING_NO_BILLING_URL",
    _("The recording does not say where the bills are. Enter the billing URL."),
)
NAMES_PASSWORD = sentence(
    "RECORDING_NAMES_PASSWORD",
    _("{place}: the password stands in what is pressed. Take this line out."),
)
NAMES_USER = sentence(
    "RECORDING_NAMES_USER",
    _(
        "{place}: the user name that was typed stands in what is pressed. Choose something that "
        "is the same for every account."
    ),
)

# While the browser is driven
NOTHING_THERE = sentence("REMOTE_NOTHING_THERE", _("There is nothing to press at that point."))
NO_BOX = sentence("REMOTE_NO_BOX", _("Press a box in the picture first: that is typed into."))
USE_BUTTON = sentence(
    "REMOTE_USE_BUTTON",
    _("This box is for a password: use the button “Password”, so that nobody sees it."),
)
TYPED_WHEN_SENT = sentence(
    "REMOTE_TYPED_WHEN_SENT",
    _("It is typed as you press the button that sends the form, or Enter: no picture shows it."),
)
IS_BACK = sentence("REMOTE_IS_BACK", _("Back on the page before. The step before it stays."))
KNOWN_AS_IN = sentence(
    "REMOTE_KNOWN_AS_IN", _("Redrive recognises this page as logged in by itself.")
)
SIGN_OF_IN = sentence("REMOTE_SIGN_OF_IN", _("“{text}” proves the login from now on."))
NO_SIGN = sentence(
    "REMOTE_NO_SIGN",
    _("The page has no heading that could prove the login: name one in outcomes.success."),
)
LISTED = sentence(
    "REMOTE_LISTED",
    _("Redrive reads {n} bills here. The first: {bills}."),
    _("Redrive reads {n} bill here: {bills}."),
)
NOT_LISTED = sentence(
    "REMOTE_NOT_LISTED",
    _("Redrive reads no bill here. Describe the rows in bills.rows once the recipe is open."),
)
WAS_REFUSED = sentence(
    "REMOTE_WAS_REFUSED", _("The portal refuses the password. It counts as a refused one.")
)
GAVE_DOCUMENT = sentence(
    "REMOTE_GAVE_DOCUMENT", _("It gives a document. Redrive does not keep it.")
)
CODE_IS_MISSING = sentence(
    "REMOTE_CODE_IS_MISSING", _("Enter the code in the box beside the button.")
)
GONE = sentence("REMOTE_GONE", _("The page has changed meanwhile: do it again."))


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


def said_by(target: PlainTarget) -> str:
    """What a target is called, in words: `#new_password` is "new password"."""
    words = " ".join(value for key, value in target.items() if key not in ("role", "frame"))
    return re.sub(r"[_#.\-]+", " ", words[:LONGEST_NAME])


def names_one_of(own: Iterable[str], *said: str) -> bool:
    """Whether any of the texts holds, in whatever encoding, what belongs to one account alone."""
    sought = [each for each in own if len(each) >= SHORTEST_SECRET]
    return any(holds_secret(text, sought) for text in said)


def kind_of_box(target: PlainTarget) -> Typed:
    """Whether the box is called the password's or the one-time code's, or just any box."""
    said = said_by(target)
    if (
        CODE.search(said)
        and not re.search(phrases.NO_CODE_BOX, said, re.I)
        and not re.search("passw", said, re.I)
    ):
        return Typed.CODE
    return Typed.PASSWORD if PASSWORD.search(said) else Typed.TEXT


def mark_logins(acts: Sequence[Act]) -> list[Act]:
    """The same acts, with the box that the user name was typed into marked.

    It is the last box before the password's that is called so; where none is, simply the last.
    No box before the password's is a one-time code's, whatever it is called.
    """
    marked = list(acts)
    password = next((at for at, act in enumerate(marked) if act.typed is Typed.PASSWORD), None)
    if password is None:
        return marked
    boxes = [at for at, act in enumerate(marked[:password]) if act.kind is Kind.FILL]
    for at in boxes:
        marked[at] = replace(marked[at], typed=Typed.TEXT)
    called = [at for at in boxes if USER.search(said_by(marked[at].target))]
    if boxes:
        user = (called or boxes)[-1]
        box = marked[user].target
        for at in boxes:  # what was corrected is typed into the same box again
            if marked[at].target == box:
                marked[at] = replace(marked[at], typed=Typed.USER)
    return marked
