"""What stands around a list of bills: ways to its other parts, and what the page counts. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bills.portals.lists import words

# "Go to page 2", of a control without words of its own.
PAGE_LABEL = re.compile(
    r"\b(?:page|sida|side|sivu|seite|pagina|página|strona)\s*(\d{1,4})\s*$", re.IGNORECASE
)
# "+3", "+", an arrow down: behind a list.
PLUS = re.compile(
    r"^\s*(?:\+\s?\d{0,4}|[▼▾⌄↓]|expand_more|keyboard_arrow_down|arrow_downward)\s*$"
)
BILLS = re.compile(rf"(?<!\w){words.BILL}(?!\w)|faktura|rechnung|factuur|lasku", re.IGNORECASE)
HIGHEST_PAGE = 1900  # from here on, numbers are years
PATTERNS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in (
        ("next", words.NEXT), ("more", words.MORE), ("rest", words.REST),
        ("older", words.OLDER), ("tab", words.TAB),
        ("all", words.ALL), ("account", words.ACCOUNT), ("period", words.PERIOD),
        ("payment", words.PAYMENT), ("switch", words.SWITCH), ("clear", words.CLEAR),
        ("only_unpaid", words.ONLY_UNPAID), ("all_bills", words.ALL_BILLS),
        ("noun", rf"^\W*{words.NOUN}\b"),
        ("next_label", r"\b(next|nästa|neste|næste|seuraava|nächste|volgende|suivant\w*|"
                       r"siguiente|successiv\w+|następn\w+)\b"),
    )
}  # fmt: skip
LOADING = re.compile(
    r"^\W*(loading|please wait|one moment|laddar|hämtar|vänta|laster|henter|ladataan|wird geladen|"
    r"laden|bitte warten|chargement|veuillez patienter|cargando|caricamento|ładowanie|"
    r"trwa ładowanie)(?: [^\n]{0,30})?\W*$",
    re.IGNORECASE | re.MULTILINE,
)


class Control(msgspec.Struct, frozen=True):
    """A link or button outside the rows."""

    index: int
    text: str
    css: str  # "" in a shadow root: then only our mark tells
    follows: bool = False  # <a rel=next>
    label: str = ""
    tab: bool = False
    expanded: str = ""
    dead: bool = False  # disabled
    chosen: bool = False
    furniture: bool = False  # in the page's head or foot
    aside: bool = False  # in a dialog
    popup: bool = False  # it says that it opens a menu
    tail: bool = False  # right behind the list
    list: int = 0  # which controls stand together
    href: str = ""
    before: str = ""  # the few words right before it
    odd: bool = False  # neither a link nor a button by its kind
    again: bool = False  # it leads to this page, asked otherwise
    menu: bool = False  # in a page's menu: it leads elsewhere
    here: bool = False  # it leads to this very page
    ticked: bool = False  # a box to tick, or a switch, that is set
    boxed: bool = False  # of a box to tick or of radio buttons
    chooses: bool = False  # it opens options to choose from
    option: bool = False

    @property
    def selector(self) -> str:
        return self.css or f'[data-redrive-control="{self.index}"]'

    @property
    def place(self) -> str:
        """As `selector`, for a press right after the look: by our mark, and by where it stood only
        where the mark is gone. A banner that is pressed away first moves what stands below it.
        """
        mark = f'[data-redrive-control="{self.index}"]'
        path = self.css.removeprefix("html")
        return f"{mark}, html:not(:has({mark})){path}" if path else mark

    @property
    def page_number(self) -> int:
        """Which page of the list it says that it leads to; 0 where it names none."""
        if self.text.strip().isdecimal():
            return int(self.text)
        found = PAGE_LABEL.search(self.text) or PAGE_LABEL.search(self.label)
        return int(found[1]) if found else 0

    def says(self, name: str) -> bool:
        pattern = PATTERNS[name]
        return any(pattern.search(" ".join(text.split())) for text in (self.text, self.label))


STEPPER = Control(-1, "", "html [data-redrive-stepper]")


class Choice(msgspec.Struct, frozen=True):
    """One option of a select."""

    value: str
    text: str
    chosen: bool = False
    dead: bool = False


class Select(msgspec.Struct, frozen=True):
    """A box to choose from, outside the rows. `submits`: its form has a button."""

    index: int
    name: str
    css: str
    submits: bool
    options: tuple[Choice, ...]
    acts: bool = False  # a script listens to what is chosen

    @property
    def selector(self) -> str:
        return self.css or f'select[data-redrive-select="{self.index}"]'


class Hidden(msgspec.Struct, frozen=True):
    """One entry of a menu that is not open. `leads`: a link to this page, asked otherwise."""

    text: str
    leads: bool = False
    option: bool = False  # of a box to choose from that is no select
    heard: bool = False  # a script listens to it


class Around(msgspec.Struct, frozen=True):
    """All that stands around the rows."""

    controls: tuple[Control, ...] = ()
    asides: tuple[Control, ...] = ()  # in dialogs: they lead to no part of the list
    selects: tuple[Select, ...] = ()
    limits: tuple[str, ...] = ()  # names of boxes with a date that limits the list
    hidden: tuple[tuple[Hidden, ...], ...] = ()  # menus that are not open
    around: str = ""  # the words around the rows
    users: tuple[str, ...] = ()  # what menus with an e-mail address say: who is logged in
    strays: tuple[str, ...] = ()  # links to documents that stand in no row
    unseen: tuple[str, ...] = ()  # addresses of documents in rows that are hidden
    scrolls: bool = False
    stepper: str | None = None  # the year that arrows go back from

    @property
    def pressable(self) -> tuple[Control, ...]:
        """All of the page's controls, those in dialogs too."""
        return self.controls + self.asides


def around_from(raw: dict[str, Any]) -> Around:
    """From what the list's script tells."""
    around = msgspec.convert(raw, Around)
    asides = tuple(control for control in around.controls if control.aside)
    controls = tuple(control for control in around.controls if not control.aside)
    return msgspec.structs.replace(around, controls=controls, asides=asides)


def next_in(around: Around, page_number: int) -> Control | None:
    """What leads to the next page of the list; None where nothing does any more."""
    named = [
        c for c in around.controls
        if c.follows or c.says("next")
        or (len(c.text) < 30 and PATTERNS["next_label"].search(c.label.lower()))
    ]  # fmt: skip
    if around.stepper is not None:  # arrows beside a year turn years
        return STEPPER if around.stepper else None
    if named:
        return next((control for control in named if not control.dead), None)
    found = _numbered(around, page_number + 1) or _older(around)
    usable = (c for c in around.controls if not c.dead and not c.furniture and c.href)
    return found or next((control for control in usable if _is_rest(control)), None)


def _numbered(around: Around, number: int) -> Control | None:
    """The link to a page by its number, where it stands with others of its kind."""
    for control in around.controls:
        if control.page_number != number or control.dead or control.furniture:
            continue
        others = [
            c for c in around.controls
            if c.list == control.list and c is not control and c.page_number
        ]  # fmt: skip
        is_next = others or control.before == str(number - 1)
        if is_next or re.search(r"page|sid[ea]|seite|pagina|strona|sivu|[?&]p=", control.href):
            return control
    return None


def last_number(around: Around) -> int:
    """The highest page that a pager names ("1 2 … 9"); 0 where there is no pager of numbers."""
    together: dict[int, set[int]] = {}
    for control in around.controls:
        if control.page_number and not (control.furniture or control.dead):
            together.setdefault(control.list, set()).add(control.page_number)
    pagers = [
        numbers for numbers in together.values()
        if len(numbers) > 1 and numbers & {1, 2} and max(numbers) < HIGHEST_PAGE
    ]  # fmt: skip
    return max((max(numbers) for numbers in pagers), default=0)


def _older(around: Around) -> Control | None:
    """Leads to bills of before. In a page's head only what names bills: "Bill archive"."""
    usable = [c for c in around.controls if not (c.dead or c.chosen or c.here)]
    named = [c for c in usable if c.says("older") and (not c.furniture or BILLS.search(c.text))]
    others = (c for c in usable if c.href and not (c.furniture or c.menu))
    listed = [c for c in others if c.says("all_bills")]
    return next(iter(named or listed), None)


def more_in(around: Around) -> Control | None:
    """The button that adds further rows to those that are shown."""
    usable = (c for c in around.controls if not (c.dead or c.furniture or c.ticked))
    return next((c for c in usable if c.says("more") or (_is_rest(c) and not c.href)), None)


def says_more(around: Around) -> bool:
    """Whether a button names further rows, though it may be disabled."""
    found = more_in(around)
    is_named = found is not None and not PLUS.match(found.text)
    return is_named or any(c.dead and c.says("more") for c in around.controls if not c.furniture)


def _is_rest(control: Control) -> bool:
    """ "Mehr" right behind the list: a button adds to it, a link leads to its next page."""
    says = control.says("rest") or bool(PLUS.match(control.text))
    return control.tail and not (control.popup or control.follows) and says
