"""What divides a list: accounts, years, periods and tabs, and what chooses among them. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from bills.portals.documents.words import is_act
from bills.portals.lists import promise_words, words
from bills.portals.lists.cells import dates_in
from bills.portals.lists.languages import month_number
from bills.portals.lists.promises import clean
from bills.portals.lists.surroundings import PATTERNS, next_in
from bills.portals.logins import phrases

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from bills.portals.lists.surroundings import Around, Choice, Control, Hidden, Select

YEAR_OPTION = re.compile(
    r"^\W*(?:19|20)\d\d(?:\s*[-/\u2013]\s*(?:19|20)?\d\d)?\W*(?:\(?\d*\)?\W*)?$"
)
# The head of a part that folds: "2025", "Invoices 2025 (12)".
YEAR_FOLD = re.compile(r"^\W*(?:\D{0,20}\W)?(?:19|20)\d\d\W*\D{0,20}(?:\(\d+\))?\W*$")
SETTING, SORTED = (re.compile(each, re.IGNORECASE) for each in (words.SETTING, words.SORTED))
LOG_OUT = phrases.compiled(phrases.control_pattern("log_out"))
ARROWS = "\u25be\u25bc\u2304\u02c5 "  # on what opens a choice
LONGEST_PERIOD, LONGEST_RANGE = 30, 45  # characters
MOST_SEGMENTS, SHORTEST_SEGMENT = 6, 4  # "SV | EN" is a choice of languages
PLACEHOLDER = re.compile(
    r"^\W*$|^\W*(choose|select|pick|välj|velg|vælg|valitse|wählen|bitte|kies|"
    r"choisi\w*|sélectionn\w*|seleccion\w*|elegir|scegli|selezion\w*|wybierz)"
)
ACCOUNT_NUMBER = re.compile(r"\d[\d -]{3,}\d")
PAGE_SIZES = {"5", "10", "12", "15", "20", "25", "30", "50", "75", "100", "200", "250", "500"}
PERIODS = re.compile(
    r"\d+\s*(?:days?|weeks?|months?|years?|dagar|månad\w*|år|dager|måneder|dage|päivää|kuukautta|"
    r"vuotta|tage|monate|jahre|dagen|maanden|jaren|jours|mois|ans|días|mes\w*|años|giorni|mesi|"
    r"anni|dni|miesi\w*|lat)\b"
)


class FilterKind(StrEnum):
    """What a filter divides a list by, in the order in which filters are set."""

    ACCOUNT = "account"
    YEAR = "year"
    PERIOD = "period"
    TAB = "tab"
    TOGGLE = "toggle"  # a box to tick, a filter to clear, a longer page: what it shows is seen


@dataclass(frozen=True, slots=True)
class Option:
    """One part of the list. `text` names it; `selector` is of what is pressed."""

    text: str
    is_chosen: bool = False
    selector: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to other parts of the list. `selector` is the select's; "" where tabs are pressed."""

    kind: FilterKind
    name: str
    options: tuple[Option, ...]
    selector: str = ""
    submits: bool = False
    opener: str = ""  # what is pressed before the options show
    is_unsure: bool = False  # its words do not tell: only the effect shows whether it is one

    @property
    def chosen(self) -> Option | None:
        return next((option for option in self.options if option.is_chosen), None)

    @property
    def everything(self) -> Option | None:
        """The option that shows all of them at once."""
        return next((o for o in self.options if PATTERNS["all"].search(clean(o.text))), None)


def filters_in(around: Around, rows: int = 0) -> list[Filter]:
    """The filters that are there, one of each kind and name, in the order of their kinds.

    `rows` are shown now.
    """
    found = [made for box in around.selects if (made := _of_select(box)) is not None]
    years = [c for c in around.controls if _is_year(c) and _is_usable(c) and not c.popup]
    if years and not any(each.kind is FilterKind.YEAR for each in found):
        found.append(_of_controls(FilterKind.YEAR, "year", years))
    found += _tabs(around.controls)
    toggle = _toggle(around) or _longer_page(around, rows)
    if toggle is not None:
        found.append(toggle)
    order = list(FilterKind)
    return sorted(found, key=lambda each: order.index(each.kind))


def _toggle(around: Around) -> Filter | None:
    """What may show further rows once it is pressed, or none: a filter that is set."""
    for control in around.controls:
        is_set = control.says("clear") or (control.ticked and control.says("only_unpaid"))
        if is_set and not (control.furniture or control.dead):
            return replace(_of_controls(FilterKind.TOGGLE, "toggle", [control]), is_unsure=True)
    return None


def _longer_page(around: Around, rows: int) -> Filter | None:
    """ "10 | 25 | all" rows for each page, where a full one is shown and nothing turns it."""
    for box in around.selects:
        sizes = [o for o in box.options if o.text in PAGE_SIZES or is_everything(o.text)]
        chosen = next((o for o in box.options if o.chosen), None)
        if chosen is None or chosen.text not in PAGE_SIZES or len(sizes) != len(box.options):
            continue
        longest = max(sizes, key=lambda o: int(o.text) if o.text.isdecimal() else math.inf)
        if rows >= int(chosen.text) and longest is not chosen and next_in(around, 1) is None:
            option = Option(longest.text, value=longest.value)
            kind, name = FilterKind.TOGGLE, clean(box.name)
            return Filter(kind, name, (option,), box.selector, box.submits, is_unsure=True)
    return None


def _is_year(control: Control) -> bool:
    folds = (control.expanded or control.odd) and YEAR_FOLD.match(control.text)
    return bool(folds or YEAR_OPTION.match(control.text))


def _is_usable(control: Control) -> bool:
    return not control.furniture and not (control.dead and not control.chosen)


def _of_select(box: Select) -> Filter | None:
    real = [o for o in box.options if not o.dead and not _is_placeholder(o)]
    kind = _kind_of(box.name, [option.text for option in real])
    if kind is None or not real or (len(real) == 1 and real[0].chosen):
        return None
    options = tuple(Option(o.text, o.chosen, value=o.value) for o in real)
    return Filter(kind, clean(box.name), options, box.selector, box.submits)


def _is_placeholder(option: Choice) -> bool:
    text = clean(option.text)
    return bool(PLACEHOLDER.search(text)) and not PATTERNS["all"].search(text)


def _kind_of(name: str, texts: list[str]) -> FilterKind | None:
    """What the options are; None for those that divide no list (a language, a page's size)."""
    parts = [text for text in texts if not PATTERNS["all"].search(clean(text))]
    if not parts or all(text.strip() in PAGE_SIZES for text in parts):
        return None
    if _are_pages(parts):
        return FilterKind.TAB
    most = max(1, (len(parts) + 1) // 2)
    if sum(bool(YEAR_OPTION.match(text)) for text in parts) >= most:
        return FilterKind.YEAR
    if PATTERNS["account"].search(clean(re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", name))):
        return FilterKind.ACCOUNT
    if sum(_is_period(text) for text in parts) >= most:
        return FilterKind.PERIOD
    if sum(bool(ACCOUNT_NUMBER.search(text)) for text in parts) >= most:
        return FilterKind.ACCOUNT
    if sum(bool(PATTERNS["tab"].search(clean(text))) for text in parts) >= most:
        return FilterKind.TAB
    if all(re.fullmatch(words.BILL, clean(text)) for text in parts) and len(parts) > 1:
        return FilterKind.TAB  # "Invoices", "Credit notes"
    return None


def _are_pages(texts: list[str]) -> bool:
    """ "1", "2", "3" or "Page 1 of 3" and so on: a pager to choose from."""
    found = [re.fullmatch(r"\D*(\d{1,4})(?:\D+\d{1,4})?\D*", text) for text in texts]
    return len(texts) > 1 and [int(f[1]) if f else 0 for f in found] == [*range(1, len(texts) + 1)]


def unknown_choice(around: Around) -> str:
    """The first box whose choice a script waits for, and nobody knows what for; "" for none."""
    for box in around.selects:
        texts = [clean(o.text) for o in box.options if not (o.dead or o.chosen)]
        if box.acts and _of_select(box) is None and _may_divide(box.name, texts):
            return texts[0]
    return ""


def _may_divide(name: str, texts: list[str]) -> bool:
    """Whether nothing says that these options are of something else: a language, an order."""
    said = " ".join([re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", name), *texts])
    sizes = all(text in PAGE_SIZES or PATTERNS["all"].search(clean(text)) for text in texts)
    return bool(texts) and not (sizes or SETTING.search(said) or SORTED.search(said))


def _is_period(text: str) -> bool:
    """ "Last 3 months", "November 2026", or a month's name alone."""
    is_month = text.strip().isalpha() and month_number(text) is not None
    return is_month or bool(PERIODS.search(clean(text)) or dates_in(text))


def _tabs(controls: Iterable[Control]) -> list[Filter]:
    """Tabs that divide the list: "Paid | Unpaid", "Current | Older". Two at least."""
    by_list: dict[int, list[Control]] = {}
    for control in controls:
        is_toggle = control.ticked or control.says("clear")
        if _is_usable(control) and not (is_toggle or YEAR_OPTION.match(control.text)):
            by_list.setdefault(control.list, []).append(control)
    filters = []
    for together in by_list.values():
        periods = [c for c in together if PERIODS.search(clean(c.text))]
        if len(periods) > 1:
            filters.append(_of_controls(FilterKind.PERIOD, "period", periods))
        accounts = [c for c in together if _is_account(c)]
        if len(accounts) > 1:
            filters.append(_of_controls(FilterKind.ACCOUNT, "account", accounts))
        tabs = [c for c in together if c.tab]
        meant = [c for c in (tabs or together) if c.says("tab") or (c.tab and c.says("noun"))]
        meant = [c for c in meant if not c.says("payment")]
        if len(meant) > 1 or (tabs and meant and len(tabs) > 1):
            filters.append(_of_controls(FilterKind.TAB, clean(meant[0].text), meant))
        again = [c for c in together if c.again and not c.page_number]
        group = tabs or (again if len(again) > 1 else together)
        if not filters and _are_segments(group):
            made = _of_controls(FilterKind.TAB, clean(group[0].text), group)
            filters.append(replace(made, is_unsure=True))
    return filters


def _are_segments(controls: list[Control]) -> bool:
    """Whether a few that stand together stay on this page: one is chosen, or all ask it again."""
    is_choice = sum(c.chosen for c in controls) == 1 or _ask_alike(controls)
    if not (1 < len(controls) <= MOST_SEGMENTS and is_choice):
        return False
    return not any(map(_is_no_segment, controls))


def _ask_alike(controls: list[Control]) -> bool:
    """Whether all lead to this page, each with another value of the same question."""
    asked = {tuple(dict(parse_qsl(urlsplit(c.href).query))) for c in controls}
    return all(c.again for c in controls) and len(asked) == 1


def _is_no_segment(control: Control) -> bool:
    """Whether it leads elsewhere, does something, or is known to be something else."""
    text = clean(control.text)
    leads = (control.menu or control.href) and not (control.tab or control.again)
    other = control.page_number or control.popup or control.expanded or dates_in(control.text)
    other = other or control.boxed  # "paper bills | e-mail" is a setting
    if leads or other or len(text) < SHORTEST_SEGMENT or is_act(text) or LOG_OUT.fullmatch(text):
        return True
    return any(map(control.says, ("next", "more", "rest", "older", "payment", "switch")))


def _is_account(control: Control) -> bool:
    """A button of one of the customer's accounts: a number, alone or beside that word."""
    number = ACCOUNT_NUMBER.search(control.text)
    if number is None or dates_in(control.text):
        return False
    return control.tab or control.says("account") or number[0] == control.text.strip()


def switch_in(around: Around) -> Control | None:
    """What leads to a choice of other accounts, or to one of them: "Contract 440022"."""
    return next((c for c in around.controls if _is_switch(c, around.around)), None)


def _is_switch(control: Control, around: str) -> bool:
    """A contract that a link names is another where the page names one more of that word."""
    if control.says("switch"):
        return True
    own = words.CONTRACT_LABEL.fullmatch(control.text.strip())
    if own is None or control.furniture or control.menu or not (control.href or control.again):
        return False
    name = own[0][: own.start("value")].lower()
    named = words.CONTRACT_LABEL.finditer(around)
    return len({found["value"] for found in named if found[0].lower().startswith(name)}) > 1


def hidden_part(around: Around) -> tuple[FilterKind, str] | None:
    """What a closed menu divides the list by, and one of its options; None without such a menu."""
    for menu in around.hidden:
        texts = [entry.text for entry in menu]
        if sum(bool(YEAR_OPTION.match(text)) for text in texts) > 1:
            return FilterKind.YEAR, texts[-1]
        numbered = sum(bool(ACCOUNT_NUMBER.search(t)) and not dates_in(t) for t in texts) > 1
        options = [entry.text for entry in menu if entry.option]
        is_choice = _may_divide("", options) or _is_choice(around, menu)
        if numbered or sum(entry.leads for entry in menu) > 1 or is_choice:
            return FilterKind.ACCOUNT, texts[-1]
    return None


def _is_choice(around: Around, menu: tuple[Hidden, ...]) -> bool:
    """Whether a part of the page shows what was chosen of them: a select made of other parts."""
    texts = {clean(entry.text) for entry in menu if entry.heard}
    shown = {clean(c.text.strip(ARROWS)) for c in around.controls if not (c.furniture or c.tab)}
    return len(texts) > 1 and bool(texts & shown) and _may_divide("", sorted(texts - shown))


def menu_openers(around: Around) -> list[tuple[FilterKind | None, Control]]:
    """What may open a choice of accounts, years or periods; None where only its options tell."""
    found: list[tuple[FilterKind | None, Control]] = []
    switch = switch_in(around)
    if switch is not None and not switch.dead:
        found.append((FilterKind.ACCOUNT, switch))
    for control in around.controls:
        usable = control.popup and not (control.furniture or control.dead)
        kind = kind_of_menu(control) if usable else None
        if control is not switch and (kind is not None or (usable and control.chooses)):
            found.append((kind, control))
    return found


def kind_of_menu(control: Control) -> FilterKind | None:
    """What one entry of a menu divides a list by."""
    text = control.text.strip(ARROWS)
    if YEAR_OPTION.match(text):
        return FilterKind.YEAR
    if PERIODS.search(clean(text)) and len(text) <= LONGEST_PERIOD:
        return FilterKind.PERIOD
    is_account = ACCOUNT_NUMBER.search(control.text) and not dates_in(control.text)
    return FilterKind.ACCOUNT if is_account else None


def kind_of_options(texts: list[str]) -> FilterKind | None:
    """What the options of a menu without a name divide a list by; names may be of homes."""
    if len(texts) < 2:
        return None
    kind = _kind_of("", texts)
    return FilterKind.ACCOUNT if kind is None and _may_divide("", texts) else kind


def is_everything(text: str) -> bool:
    """Whether an option shows all parts at once."""
    return bool(PATTERNS["all"].search(clean(text)))


def range_shown(around: Around, today: date) -> str:
    """Two dates, or a period alone, that the list is limited to; "" where nothing says so.

    On a button; or in words of their own that end today.
    """
    usable = [c for c in around.controls if not (c.furniture or c.again or c.option or c.chosen)]
    for control in usable:
        text = clean(control.text)
        if len(dates_in(text)) == 2 and len(text) <= LONGEST_RANGE:
            return control.text
    periods = [c.text for c in usable if _is_period_alone(c)]
    if len(periods) == 1:
        return periods[0]
    for block in around.around.split("\n\n"):
        text = " ".join(block.split())
        days = [found.day for found in dates_in(text)] if len(text) <= LONGEST_RANGE else []
        if len(days) == 2 and days[1] and abs((today - days[1]).days) <= 1:
            return text
    return ""


def _is_period_alone(control: Control) -> bool:
    """ "Last 90 days" on a button that leads to no year before and opens no menu."""
    is_other = control.popup or control.says("older")
    return not is_other and bool(re.fullmatch(promise_words.LATEST_TIME, clean(control.text)))


def _of_controls(kind: FilterKind, name: str, controls: list[Control]) -> Filter:
    options = {clean(c.text): Option(clean(c.text), c.chosen, c.selector) for c in controls}
    return Filter(kind, name, tuple(options.values()))
