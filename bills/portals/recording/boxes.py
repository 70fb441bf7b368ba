"""Which boxes of a recording are the login's: by what they are called, in all languages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bills.browser.redaction import holds_secret
from bills.portals.logins import phrases
from bills.portals.recording.acts import Kind, Typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bills.portals.recording.acts import Act, PlainTarget

LONGEST_NAME = 300  # characters of a target that are read
SHORTEST_SECRET = 3  # characters: a shorter one stands in any word
PASSWORD = re.compile(
    rf"{phrases.ONE_OF_SEVERAL}|pass|\bpwd\b|losen|lösen|haslo|contrasena|\bpin\b|kod ?ord", re.I
)
CODE = re.compile(phrases.CODE_BOX, re.I)
NO_CODE = re.compile(phrases.NO_CODE_BOX, re.I)
USER = re.compile(phrases.USER_BOX, re.I)


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
    if CODE.search(said) and not NO_CODE.search(said) and not re.search("passw", said, re.I):
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
