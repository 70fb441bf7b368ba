"""Reads what `playwright codegen` printed, in Python or JavaScript, as acts. Runs nothing of it.

What was typed is looked at once, to find it where it must not be, and never handed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bills.portals.recording.acts import (
    LINE,
    NAMES_PASSWORD,
    NAMES_USER,
    Act,
    Gives,
    Kind,
    NotRecorded,
    Typed,
    kind_of_box,
    mark_logins,
    names_one_of,
)
from bills.portals.recording.script_lines import (
    NotUnderstood,
    Statement,
    read_chain,
    snake,
    statements,
    target_of,
)
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bills.portals.recording.script_lines import Chain, Value
    from imports.messages import Message

LONGEST_SCRIPT = 200_000  # characters: a recording of an hour has a tenth of it
LONGEST_LINE = 10_000
MOST_ACTS = 1_000
MOST_PROBLEMS = 10
UNKNOWN_LINE = sentence(
    "CODEGEN_UNKNOWN_LINE",
    _(
        "Line {place} says nothing to Redrive. Record with Playwright’s codegen in Python or "
        "JavaScript and paste all of it, or take this line out."
    ),
)
UNKNOWN_ACT = sentence(
    "CODEGEN_UNKNOWN_ACT",
    _(
        "Line {place}: a recipe cannot do “{verb}”. Record it again by clicking, typing and "
        "choosing, or take this line out."
    ),
)
UNKNOWN_PLACE = sentence(
    "CODEGEN_UNKNOWN_PLACE",
    _(
        "Line {place}: Redrive does not understand what “{verb}” is done to. Choose a simpler "
        "locator in the recorder, or take this line out."
    ),
)
AND_MORE_LINES = sentence("CODEGEN_AND_MORE_LINES", _("And {n} more lines."))
TOO_LONG = sentence("CODEGEN_TOO_LONG", _("It is longer than {n} characters: no recording is."))
TOO_MANY = sentence("CODEGEN_TOO_MANY", _("It does more than {n} things: no recording does."))
NOTHING = sentence("CODEGEN_NOTHING", _("There is no recorded line in it."))

# What stands around the acts, and what is done to the browser rather than to a page.
AROUND = re.compile(
    r"(?:import|from|async def|def|return|if __name__|@|test[.(]|\(async|\(\)|\}|\)|try\b|"
    r"(?:await )?(?:asyncio|run|main)\b|(?:async )?with (?:sync|async)_playwright|"
    r"(?:(?:const|let|var) )?\{|[\"']use strict|console\.|(?:await )?dialog\.|"
    r"(?:(?:const|let|var) )?(?:browser|context|page\d*|download\d*) =|"
    r"(?:await )?(?:browser|context)\.|playwright\.|(?:const|let|var) \w+ = require)"
)
EXPECTS = re.compile(
    r"(?:(?:async )?with page\d*\.expect_(?P<what>download|popup)\(.*\) as \w+:"
    r"|(?:const|let|var) \w+ = page\d*\.waitForEvent\(\s*[\"'](?P<event>download|popup)[\"']\s*\))"
    r"\s*;?"
)
GIVES = {"download": Gives.DOCUMENT, "popup": Gives.WINDOW}
SKIPPED = frozenset(
    (
        *("close", "once", "on", "pause", "set_viewport_size", "wait_for_load_state", "focus"),
        *("blur", "clear", "wait_for_timeout", "wait_for_url", "bring_to_front", "hover"),
        *("scroll_into_view_if_needed", "screenshot", "reload"),
    )
)
KINDS = {
    **dict.fromkeys(("click", "dblclick", "tap"), Kind.CLICK),
    **dict.fromkeys(("fill", "type", "press_sequentially"), Kind.FILL),
    **dict.fromkeys(("check", "uncheck", "set_checked"), Kind.CHECK),
    "press": Kind.PRESS,
    "select_option": Kind.SELECT,
    "wait_for": Kind.SEE,
}
SHOWN = frozenset(
    (
        *("to_be_visible", "to_have_text", "to_contain_text", "to_be_enabled", "to_have_value"),
        *("to_be_checked", "to_match_aria_snapshot", "to_be_attached", "to_have_count"),
    )
)
TEXT_OF = frozenset(("to_have_text", "to_contain_text"))


@dataclass(slots=True)
class Script:
    """The acts of a script as they are found, and the texts that were typed."""

    acts: list[Act] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)  # of the act of the same place in `acts`
    problems: list[Message] = field(default_factory=list)
    _gives: Gives = Gives.NOTHING

    def read(self, line: Statement) -> None:
        """One statement, by what it is."""
        if len(line.text) > LONGEST_LINE:
            self.problems.append(UNKNOWN_LINE.format(place=str(line.line)))
            return
        expected = EXPECTS.fullmatch(line.text)
        if expected:
            found = GIVES[expected["what"] or expected["event"]]
            if self._gives is not Gives.DOCUMENT:  # a window that brings a document
                self._gives = found
            return
        text = re.sub(r"^await\s+", "", line.text)
        if not re.match(r"page\d*\.|expect\(", text):
            if not AROUND.match(line.text):
                self.problems.append(UNKNOWN_LINE.format(place=str(line.line)))
            return
        try:
            chain = read_chain(text)
        except NotUnderstood:
            if not re.match(r"page\d*\.(?:on|once)\(", text):  # its argument is a function
                self.problems.append(UNKNOWN_LINE.format(place=str(line.line)))
            return
        self._read_chain(chain, line.line)

    def _read_chain(self, chain: Chain, line: int) -> None:
        verb = snake(chain[-1].name)
        try:
            found = _seen(chain, line) if chain[0].name == "expect" else _act(chain, line)
        except NotUnderstood:
            self.problems.append(UNKNOWN_PLACE.format(place=str(line), verb=verb[:40]))
            return
        except KeyError:
            self.problems.append(UNKNOWN_ACT.format(place=str(line), verb=verb[:40]))
            return
        if found is None:
            return
        gives, self._gives = self._gives, Gives.NOTHING
        is_fill = found.kind is Kind.FILL
        self.typed.append(_value(chain) if is_fill else "")
        self.acts.append(replace(found, gives=gives))


def _act(chain: Chain, line: int) -> Act | None:
    """What a chain does that begins with a page. KeyError: a recipe cannot do it."""
    verb, page = snake(chain[-1].name), chain[0].name
    if verb in SKIPPED:
        return None
    if verb == "goto":
        return Act(Kind.GOTO, value=_value(chain), page=page, place=line)
    kind = KINDS[verb]
    of_page = len(chain) == 2 and kind in (Kind.CLICK, Kind.FILL, Kind.PRESS, Kind.SELECT)
    if of_page or (len(chain) == 3 and chain[1].name == "keyboard"):
        raise NotUnderstood
    value = _value(chain) if kind in (Kind.PRESS, Kind.SELECT) else ""
    target = target_of(chain[1:-1])
    typed = kind_of_box(target) if kind is Kind.FILL else Typed.TEXT
    return Act(kind, target, value, typed, page=page, place=line)


def _seen(chain: Chain, line: int) -> Act | None:
    """What `expect(…)` waits for: a target, a text or an address."""
    verb, about = snake(chain[-1].name), chain[0].values[0] if chain[0].values else None
    if len(chain) != 2 or not isinstance(about, tuple):
        raise KeyError(verb)
    if len(about) == 1:
        address = verb == "to_have_url" and chain[-1].values and chain[-1].values[0]
        return Act(Kind.SEE, value=address, place=line) if isinstance(address, str) else None
    if verb not in SHOWN:
        raise KeyError(verb)
    if verb in TEXT_OF and chain[-1].values and isinstance(chain[-1].values[0], str):
        return Act(Kind.SEE, {"text": chain[-1].values[0]}, page=about[0].name, place=line)
    return Act(Kind.SEE, target_of(about[1:]), page=about[0].name, place=line)


def _value(chain: Chain) -> str:
    """The last call's one text. Raises NotUnderstood."""
    values: Iterable[Value] = chain[-1].values or chain[-1].named.values()
    value = next(iter(values), None)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise NotUnderstood
    return value


def read_script(script: str) -> list[Act]:
    """The acts of a recorded script. Raises NotRecorded with each line that says nothing."""
    if len(script) > LONGEST_SCRIPT:
        raise NotRecorded(TOO_LONG.format(n=LONGEST_SCRIPT))
    read = Script()
    for line in statements(script):
        read.read(line)
        if len(read.acts) > MOST_ACTS:
            raise NotRecorded(TOO_MANY.format(n=MOST_ACTS))
    acts = mark_logins(read.acts)
    problems = [*read.problems, *_telling(acts, read.typed)]
    if problems:
        more = len(problems) - MOST_PROBLEMS
        rest = [AND_MORE_LINES.format(n=more)] if more > 0 else []
        raise NotRecorded(*problems[:MOST_PROBLEMS], *rest)
    if not acts:
        raise NotRecorded(NOTHING)
    return acts


def _telling(acts: list[Act], typed: list[str]) -> Iterator[Message]:
    """The lines whose targets, options or addresses hold what was typed as a login."""
    pairs = list(zip(acts, typed, strict=True))
    secrets = {text for act, text in pairs if act.typed in (Typed.PASSWORD, Typed.CODE)}
    users = {text for act, text in pairs if act.typed is Typed.USER}
    for act in acts:
        said = " ".join([*act.target.values(), act.value])
        place = LINE.format(place=str(act.place))
        if names_one_of(secrets, said):
            yield NAMES_PASSWORD.format(place=place)
        elif names_one_of(users, said):
            yield NAMES_USER.format(place=place)
