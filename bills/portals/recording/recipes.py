"""Makes a recipe of acts: the login form, the way to the bills, and what gives a document.

Whatever was typed is left out: the login's texts belong to the account, and of any other text the
recipe names a column of the CSV. What no act tells is left for Redrive to guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bills.portals.lists import words as list_words
from bills.portals.logins import phrases
from bills.portals.recipe_schema import load_recipe
from bills.portals.recording.acts import (
    LINE,
    NO_BILLING_URL,
    NO_LOGIN_PAGE,
    NO_PASSWORD,
    Act,
    Gives,
    Kind,
    NotRecorded,
    Recorded,
    Typed,
    said_by,
)
from bills.portals.recording.script_lines import having
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bills.portals.recording.acts import PlainTarget
    from imports.messages import Message

LEFT_OUT = sentence(
    "RECORDING_LEFT_OUT",
    _("{place}: left out, because a recipe does nothing there. Add it where it is needed."),
)
LED_THERE = sentence(
    "RECORDING_LED_THERE", _("{place}: left out, because the billing URL leads there.")
)
COLUMN = sentence(
    "RECORDING_COLUMN",
    _(
        "{place}: the text that was typed is not kept. The recipe takes it from the CSV’s column "
        "“{column}”; write a fixed text there if it is the same for everyone."
    ),
)
FROM_THE_LIST = sentence(
    "RECORDING_FROM_THE_LIST",
    _(
        "Nothing shows which steps the billing URL saves: take those out of bills.steps that "
        "only lead to it."
    ),
)
NO_DOCUMENT = sentence(
    "RECORDING_NO_DOCUMENT", _("No bill was opened, so Redrive looks for the documents by itself.")
)
ONE_BILL = sentence(
    "RECORDING_ONE_BILL",
    _("{place}: this names one bill, so Redrive looks for each bill’s document by itself."),
)
OF_ONE_BILL = re.compile(r"\d{3}|\d\D\d")  # a number or a date: no other bill has it
ENTER = ("Enter", "NumpadEnter")
NEXT = re.compile(list_words.NEXT, re.I)
MORE = re.compile(list_words.MORE, re.I)
REMEMBER = re.compile(phrases.REMEMBER_DEVICE, re.I)
WHOLE = {
    kind: re.compile(rf"^\W*(?:{phrases.control_pattern(kind)})\W*$", re.I)
    for kind in ("cookies", "later", "log_out")
}


def recipe_of(acts: Sequence[Act], billing_url: str = "", place: Message = LINE) -> Recorded:
    """A recipe that passes its own check. Raises NotRecorded.

    `billing_url` is where the bills are, if the acts do not say it; `place` how an act is named.
    """
    making = Making(list(acts), billing_url, place)
    making.login()
    making.way()
    load_recipe(making.recipe)
    return Recorded(making.recipe, making.login_url, making.billing_url, tuple(making.notes))


@dataclass(slots=True)
class Making:
    """A recipe in the making. Each part takes the acts that it is made of off the front."""

    acts: list[Act]
    billing_url: str
    place: Message
    recipe: dict[str, Any] = field(default_factory=dict)
    login_url: str = ""
    notes: list[Message] = field(default_factory=list)

    # The login

    def login(self) -> None:
        """From the first page to the form that was sent."""
        at = _first(self.acts, lambda act: act.typed is Typed.PASSWORD)
        if at is None:
            raise NotRecorded(NO_PASSWORD)
        before, password, self.acts = self.acts[:at], self.acts[at], self.acts[at + 1 :]
        opened = [n for n, act in enumerate(before) if act.kind is Kind.GOTO]
        if not opened:
            raise NotRecorded(NO_LOGIN_PAGE)
        self.login_url = before[opened[-1]].value
        self._before_password(before[opened[-1] + 1 :], password)
        self._put("login", "password", password.target)
        self._submit(password)
        self._code()

    def _before_password(self, acts: list[Act], password: Act) -> None:
        """What opens the form, the user's box, and the button between two pages."""
        user = _first(acts, lambda act: act.typed is Typed.USER)
        boxes = [password.target] + ([acts[user].target] if user is not None else [])
        pressed = [act for act in acts if act.target not in boxes]
        if user is None:
            self._steps("login", "steps", pressed)
            return
        self._put("login", "email", acts[user].target)
        later = [act for act in acts[user:] if act in pressed]
        self._steps("login", "steps", [act for act in pressed if act not in later])
        clicks = [act for act in later if act.kind is Kind.CLICK and not self._overlay(act)]
        if clicks:
            self._put("login", "next", clicks[-1].target)
        self._leave_out(act for act in later if act.kind in (Kind.CHECK, Kind.FILL, Kind.SELECT))

    def _submit(self, password: Act) -> None:
        """The first button after the password, unless Enter sent the form."""
        while self.acts:
            act = self.acts[0]
            if act.kind in (Kind.GOTO, Kind.SEE) or act.typed is Typed.CODE:
                return
            self.acts.pop(0)
            if act.kind is Kind.PRESS and act.value in ENTER:
                return
            is_button = act.kind is Kind.CLICK and act.target != password.target
            if is_button and not self._overlay(act):
                self._put("login", "submit", act.target)
                return
            if act.kind in (Kind.CHECK, Kind.SELECT):
                self._leave_out([act])

    def _code(self) -> None:
        """The page that asks for a one-time code, if one did."""
        boxes = [act for act in self.acts if act.typed is Typed.CODE]
        if not boxes:
            return
        first, last = self.acts.index(boxes[0]), self.acts.index(boxes[-1])
        before, self.acts = self.acts[:first], self.acts[last + 1 :]
        code: dict[str, Any] = {}
        sent = [act for act in before if act.kind is Kind.CLICK and act.target != boxes[0].target]
        if sent:
            code["send"] = sent[-1].target
        if len({str(act.target) for act in boxes}) == 1:
            code["box"] = boxes[0].target
        while self.acts and self.acts[0].kind in (Kind.CHECK, Kind.CLICK, Kind.PRESS):
            act = self.acts.pop(0)
            if act.kind is Kind.CHECK or REMEMBER.search(said_by(act.target)):
                code["remember"] = act.target
                continue
            if act.kind is Kind.CLICK:
                code["submit"] = act.target
            break
        self.recipe["login"]["code"] = code

    # The list

    def way(self) -> None:
        """From the login to the first document, and what leads to further pages."""
        self._success()
        end = _first(self.acts, lambda act: act.gives is Gives.DOCUMENT)
        if end is None:
            end = _first(self.acts, lambda act: act.gives is Gives.WINDOW)
        way = self.acts[:end] if end is not None else self.acts
        after = self.acts[end + 1 :] if end is not None else []
        document = self.acts[end] if end is not None else None
        way, window = _without_window(way, document)
        self._way(way)
        self._document(document, window)
        for act in after:
            self._further(act)

    def _success(self) -> None:
        """What was made sure of right after the login proves it."""
        while self.acts and self.acts[0].kind is Kind.SEE:
            act = self.acts.pop(0)
            sign = _sign(act)
            if sign and "outcomes" not in self.recipe:
                self._put("outcomes", "success", [sign])

    def _way(self, way: list[Act]) -> None:
        """The steps to the list. A page that was opened by its address is where they begin."""
        opened = [n for n, act in enumerate(way) if act.kind is Kind.GOTO]
        if opened:
            self.billing_url = way[opened[-1]].value
            self._before_list(way[: opened[-1]])
            way = way[opened[-1] + 1 :]
        if not self.billing_url:
            raise NotRecorded(NO_BILLING_URL)
        way = [act for act in way if not WHOLE["log_out"].match(said_by(act.target))]
        self._steps("bills", "steps", [act for act in way if act.kind is not Kind.SEE])
        if not opened and self.recipe.get("bills", {}).get("steps"):
            self.notes.append(FROM_THE_LIST)

    def _before_list(self, acts: list[Act]) -> None:
        """Between login and list: what puts a notice off is done, what only led there is not."""
        for act in acts:
            if act.kind is Kind.CLICK and WHOLE["later"].match(said_by(act.target)):
                self._add("login", "then", {"click": act.target, "optional": True})
            elif act.kind not in (Kind.SEE, Kind.GOTO, Kind.PRESS) and not self._overlay(act):
                self.notes.append(LED_THERE.format(place=self._named(act)))

    def _document(self, document: Act | None, window: Act | None) -> None:
        if document is None:
            self.notes.append(NO_DOCUMENT)
            return
        pressed = [window, document] if window is not None else [document]
        for act, name in zip(pressed, ("link", "document"), strict=False):
            if act is None or not act.target:
                continue
            target = _in_row(act.target)
            if OF_ONE_BILL.search(said_by(target)) or ":nth-of-type" in said_by(target):
                self.notes.append(ONE_BILL.format(place=self._named(act)))
                return
            self._put("bills", name, target)

    def _further(self, act: Act) -> None:
        """After a document, only what turns the page counts."""
        said = said_by(act.target)
        for name, words in (("next", NEXT), ("more", MORE)):
            if act.kind is Kind.CLICK and words.search(said) and name not in self._part("bills"):
                self._put("bills", name, act.target)

    # Parts of it

    def _part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.recipe.get(name, {})
        return found

    def _put(self, part: str, name: str, value: object) -> None:
        self.recipe.setdefault(part, {})[name] = value

    def _add(self, part: str, name: str, step: dict[str, Any]) -> None:
        self.recipe.setdefault(part, {}).setdefault(name, []).append(step)

    def _overlay(self, act: Act) -> bool:
        """A cookie banner's button is pressed whenever it shows, not at one moment."""
        if act.kind is not Kind.CLICK or not WHOLE["cookies"].match(said_by(act.target)):
            return False
        if act.target not in self.recipe.setdefault("overlays", []):
            self.recipe["overlays"].append(act.target)
        return True

    def _steps(self, part: str, name: str, acts: list[Act]) -> None:
        for act, following in zip_longest(acts, acts[1:]):
            if following is not None and _clicks_into(act, following):
                continue
            if act.kind is Kind.PRESS:
                self._leave_out([act] if act.value in ENTER else [])
            elif not self._overlay(act):
                self._add(part, name, self._step(act))

    def _step(self, act: Act) -> dict[str, Any]:
        if act.kind is Kind.GOTO:
            return {"goto": act.value}
        if act.kind is Kind.SELECT:
            return {"select": act.target, "value": act.value}
        if act.kind is Kind.SEE:
            return {"wait": act.target}
        if act.kind is not Kind.FILL:
            return {"click": act.target}
        column = column_for(act.target)
        self.notes.append(COLUMN.format(place=self._named(act), column=column))
        return {"fill": act.target, "value": f"{{{column}}}"}

    def _leave_out(self, acts: Iterable[Act]) -> None:
        self.notes += [LEFT_OUT.format(place=self._named(act)) for act in acts]

    def _named(self, act: Act) -> Message:
        return self.place.format(place=str(act.place))


def _first(acts: Sequence[Act], is_it: Callable[[Act], bool]) -> int | None:
    return next((at for at, act in enumerate(acts) if is_it(act)), None)


def _clicks_into(act: Act, following: Act) -> bool:
    """Whether it only puts the cursor into the box that is filled in next."""
    is_entry = following.kind in (Kind.FILL, Kind.SELECT)
    return is_entry and act.kind is Kind.CLICK and act.target == following.target


def _sign(act: Act) -> dict[str, str]:
    """What was seen, as a sign; {} where a sign cannot say it."""
    target = act.target
    if act.value:
        return {"url": "*" + (urlsplit(act.value).path or act.value)}
    if "text" in target or "selector" in target:
        return {key: target[key] for key in ("text", "selector") if key in target}
    if "role" in target:
        name = having("name", target["name"]) if "name" in target else ""
        return {"selector": f"role={target['role']}{name}"}
    return {}


def _without_window(way: list[Act], document: Act | None) -> tuple[list[Act], Act | None]:
    """The way without the click that opened one bill, in a window or in its place."""
    opens = [
        act for act in way
        if document is not None and (
            act.gives is Gives.DETAILS
            or (act.gives is Gives.WINDOW and act.page != document.page)
        )
    ]  # fmt: skip
    return (way[: way.index(opens[-1])], opens[-1]) if opens else (way, None)


def _in_row(target: PlainTarget) -> PlainTarget:
    """The target without the row that it stands in: an attempt looks for it in every row."""
    parts = target.get("selector", "").split(" >> ")
    if len(parts) == 1:
        return target
    last = max(at for at, part in enumerate(parts) if at == 0 or not part.startswith("nth="))
    # Without a row, a number is the row's.
    inner = " >> ".join(parts[last:] if last else parts[:1])
    named = re.fullmatch(r'role=(\w+)(?:\[name="([^"\\]*)"i\])?', inner)
    if named:
        return {"role": named[1], **({"name": named[2]} if named[2] else {})}
    text = re.fullmatch(r'text="([^"\\]*)"', inner)
    return {"text": text[1]} if text else {"selector": inner}


def column_for(target: PlainTarget) -> str:
    """The name of a CSV's column after a box's."""
    said = re.sub(r"[^\w]+", "_", said_by(target).lower()).strip("_")
    return said[:40] or "value"
