"""The declarative recipe of a portal: its parts and fields, and the check that names the wrong
one.
"""

from __future__ import annotations

import re
from datetime import date
from difflib import get_close_matches
from typing import Any, Literal, get_args

import msgspec

from imports.outside_text import refuse_unstorable

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
LONGEST_WAIT = 60  # seconds
HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[?[0-9a-f:]+\]?")

# WAI-ARIA 1.2: the roles of what can be pressed, filled in or read on a page.
ROLE_NAMES = (
    "alert alertdialog article banner button cell checkbox columnheader combobox complementary "
    "contentinfo dialog document figure form grid gridcell group heading img link list listbox "
    "listitem main menu menubar menuitem menuitemcheckbox menuitemradio navigation option "
    "paragraph progressbar radio radiogroup region row rowgroup rowheader search searchbox "
    "slider spinbutton status switch tab table tablist tabpanel textbox time toolbar tooltip "
    "tree treegrid treeitem"
)
ROLES = frozenset(ROLE_NAMES.split())


def refuse_password(text: str) -> None:
    """Raises ValueError where a recipe asks for the password outside the login form."""
    if "password" in PLACEHOLDER.findall(text):
        raise ValueError("{password} is only ever typed into the login form.")


def is_date(text: str) -> bool:
    """Whether the text is a date as ISO 8601 writes it: 2025-01-31."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a recipe shares: names that are not known are errors."""


class Target(Part, frozen=True):
    """A field, button or link: exactly one of label, role, text, placeholder and selector.

    `role` goes with `name`; `selector` is CSS or any of Playwright's selectors. `frame` is the
    selector of the frame that it stands in; absent, it is sought on the page, then in the frames
    of the portal's own site.
    """

    label: str = ""
    role: str = ""
    name: str = ""
    text: str = ""
    placeholder: str = ""
    selector: str = ""
    frame: str = ""

    def __post_init__(self) -> None:
        given = [self.label, self.role, self.text, self.placeholder, self.selector]
        if sum(map(bool, given)) != 1:
            raise ValueError("give exactly one of label, role, text, placeholder and selector.")
        if self.name and not self.role:
            raise ValueError("`name` goes with `role`.")
        if self.role and self.role not in ROLES:
            raise ValueError(f'"{self.role}" is no role. Known: {", ".join(sorted(ROLES))}.')

    def __str__(self) -> str:
        shown = {key: getattr(self, key) for key in self.__struct_fields__ if getattr(self, key)}
        return ", ".join(f'{key} "{value}"' for key, value in shown.items())


class Sign(Part, frozen=True):
    """How a page is recognised: exactly one of url, text and selector.

    `url` is a pattern of the whole address with `*` for any characters; `text` is found anywhere
    in the page's visible text, in either case; `selector` must be visible.
    """

    url: str = ""
    text: str = ""
    selector: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.url, self.text, self.selector))) != 1:
            raise ValueError("give exactly one of url, text and selector.")


class Cell(Part, frozen=True):
    """Where a row shows something: `column` (its heading, or its number from 1) or a CSS selector.

    `pattern` is a regular expression; its first group (or all of it) is what counts. `format` is
    a date's, in the letters of strptime ("%d/%m/%Y").
    """

    column: str | int = ""
    selector: str = ""
    pattern: str = ""
    format: str = ""

    def __post_init__(self) -> None:
        if self.column and self.selector:
            raise ValueError("give column or selector, not both.")
        if isinstance(self.column, int) and self.column < 1:
            raise ValueError("columns are counted from 1.")
        try:
            re.compile(self.pattern)
        except re.error as problem:
            raise ValueError(f"pattern is no regular expression: {problem}.") from None


class Step(Part, frozen=True):
    """One thing to do on the way: exactly one of click, fill, select, goto and wait.

    `value` goes with fill and select, and may hold {email}, {since}, {today} or {a CSV column}.
    `wait` is what must be visible before it goes on, or a number of seconds. A step that is
    `optional` is left out where its target is not shown within `seconds`; any other fails then.
    """

    click: Target | None = None
    fill: Target | None = None
    select: Target | None = None
    goto: str = ""
    wait: Target | float | None = None
    value: str = ""
    optional: bool = False
    seconds: float | None = None  # absent: 3 where optional, else the login's answer_seconds

    def __post_init__(self) -> None:
        given = (self.click, self.fill, self.select, self.goto, self.wait is not None)
        if sum(map(bool, given)) != 1:
            raise ValueError("give exactly one of click, fill, select, goto and wait.")
        if self.value and not (self.fill or self.select):
            raise ValueError("`value` goes with fill or select.")
        if isinstance(self.wait, float | int) and not 0 < self.wait <= LONGEST_WAIT:
            raise ValueError(f"wait must be a target, or between 0 and {LONGEST_WAIT} seconds.")
        if self.seconds is not None and not 0 < self.seconds <= 3600:
            raise ValueError("seconds must be between 0 and 3600.")
        if self.optional and not self.target:
            raise ValueError("`optional` goes with click, fill, select and a target to wait for.")
        refuse_password(self.value + self.goto)

    @property
    def target(self) -> Target | None:
        """What the step is done to; None for goto and for seconds."""
        waited_for = self.wait if isinstance(self.wait, Target) else None
        return self.click or self.fill or self.select or waited_for


class DialogRule(Part, frozen=True):
    """How a dialog that says `text` is answered: with OK (accept) or Cancel (dismiss).

    `value` is what a prompt is answered with; it may hold {email} or {a CSV column}.
    """

    text: str
    answer: Literal["accept", "dismiss"] = "dismiss"
    value: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("text must say what the dialog says.")
        if self.value and self.answer != "accept":
            raise ValueError("`value` goes with accept.")
        refuse_password(self.value)


class CodePart(Part, frozen=True):
    """The page that asks for a one-time code. Whatever is absent is guessed.

    `remember` is ticked only where the portal's settings keep known devices.
    """

    send: Target | None = None  # what has the code sent, where the page does not do so by itself
    box: Target | None = None
    remember: Target | None = None  # "Remember this device"
    submit: Target | None = None


class LoginPart(Part, frozen=True):
    """The login page. Whatever is absent is guessed."""

    steps: tuple[Step, ...] = ()  # what opens the form
    then: tuple[Step, ...] = ()  # after the form was sent, before the answer is judged
    email: Target | None = None
    next: Target | None = None  # between the e-mail and the password, where they are two pages
    password: Target | None = None
    submit: Target | None = None
    code: CodePart = CodePart()
    answer_seconds: float = 30.0  # how long to wait for a page that we know

    def __post_init__(self) -> None:
        if not 0 < self.answer_seconds <= 3600:
            raise ValueError("answer_seconds must be between 0 and 3600.")


class OutcomesPart(Part, frozen=True):
    """What each answer to the login looks like. An absent one is guessed, [] is never expected."""

    success: tuple[Sign, ...] | None = None
    refused: tuple[Sign, ...] | None = None
    locked: tuple[Sign, ...] | None = None
    code: tuple[Sign, ...] | None = None
    captcha: tuple[Sign, ...] | None = None
    password_expired: tuple[Sign, ...] | None = None
    action: tuple[Sign, ...] | None = None
    maintenance: tuple[Sign, ...] | None = None
    rate_limited: tuple[Sign, ...] | None = None


class Each(Part, frozen=True):
    """A way to the list's other parts: each option of a select, or each button, is walked.

    Exactly one of `select` and `click` (which names all of the buttons). `kind` is "account",
    "year", "period" or "tab"; an account's options name the contract of their bills. `only` is
    the one option to walk: a text that it shows, with {a CSV column} filled in.
    """

    select: Target | None = None
    click: Target | None = None
    kind: str = "year"
    only: str = ""

    def __post_init__(self) -> None:
        if bool(self.select) == bool(self.click):
            raise ValueError("give exactly one of select and click.")
        if self.kind not in ("account", "year", "period", "tab"):
            raise ValueError("kind must be account, year, period or tab.")
        refuse_password(self.only)


class BillsPart(Part, frozen=True):
    """The list of bills. Whatever is absent is guessed, but for own_row and the dates.

    `wait` is what shows that the list is whole: then nothing else is waited for. `each` are the
    list's other parts (years, tabs, accounts); [] where there are none to walk. `count` is where
    the page says how many rows there are. `account_sign` must be shown with every part of the
    list, as a proof that it is the credential's own account: "{account_no}".
    """

    steps: tuple[Step, ...] = ()  # from the page after the login, or from the billing URL
    wait: tuple[Sign, ...] = ()
    each: tuple[Each, ...] | None = None
    count: Cell | None = None
    account_sign: str = ""
    not_needed: tuple[str, ...] = ()  # addresses of scripts' requests that the list can do without
    rows: str = ""  # a selector that matches each bill's row
    own_row: str = ""  # a text that this customer's rows have: "{email}", "{customer_no}"
    own_cell: Cell | None = None  # where in the row it stands; absent: anywhere
    number: Cell | None = None
    issued: Cell | None = msgspec.field(default=None, name="date")
    amount: Cell | None = None
    contract: Cell | None = None  # which of the customer's accounts or lines the bill is of
    link: Target | None = None
    open: tuple[Step, ...] = ()  # for each bill: from its row to where its document is
    document: Target | None = None  # what gives the document, on what the link or steps opened
    printed: bool = msgspec.field(default=False, name="print")  # there is only a page to print
    close: tuple[Step, ...] = ()  # for each bill: back to the list
    in_zip: str = ""  # a regular expression of the bill's file name in a ZIP
    file_password: str = ""  # what opens its PDF or ZIP: "{a CSV column}"
    next: Target | None = None
    more: Target | None = None  # the button that adds further rows
    empty: tuple[Sign, ...] | None = None  # what proves that there are no bills
    max_pages: int = 100
    since: str = ""  # "2025-01-31": older bills are left alone
    months: int = 0  # or: so many months back from today

    def __post_init__(self) -> None:
        kinds = [each.kind for each in self.each or ()]
        if len(set(kinds)) < len(kinds):
            raise ValueError("each: name every kind once.")
        if self.since and not is_date(self.since):
            raise ValueError("since must be a date like 2025-01-31.")
        if self.since and self.months:
            raise ValueError("give since or months, not both.")
        if not 0 <= self.months <= 1200 or not 1 <= self.max_pages <= 10_000:
            raise ValueError("months must be 0 to 1200, max_pages 1 to 10000.")
        try:
            re.compile(self.in_zip)
        except re.error as problem:
            raise ValueError(f"in_zip is no regular expression: {problem}.") from None
        refuse_password(self.own_row + self.file_password + self.account_sign)


class Recipe(Part, frozen=True):
    """A whole recipe. An empty one is a recipe too: everything is guessed.

    `hosts` are the further hosts that the portal's pages may reach ("cdn.example.com",
    "*.example.com"); `password_hosts` those that may be told the password besides the login URL's
    own (single sign-on); `overlays` are clicked away whenever they appear.
    """

    hosts: tuple[str, ...] = ()
    password_hosts: tuple[str, ...] = ()
    user_agent: str = ""
    dialogs: tuple[DialogRule, ...] = ()
    overlays: tuple[Target, ...] = ()
    login: LoginPart = LoginPart()
    outcomes: OutcomesPart = OutcomesPart()
    bills: BillsPart = BillsPart()

    def __post_init__(self) -> None:
        for host in (*self.hosts, *self.password_hosts):
            if not HOST.fullmatch(host):
                raise ValueError(
                    f'"{host}" is no host: write it in small letters, without https:// or a path.'
                )
        if any(host.startswith("*") for host in self.password_hosts):
            raise ValueError("password_hosts must be whole names: a * would let in strangers.")
        if any(ord(letter) < 32 or ord(letter) > 126 for letter in self.user_agent):
            raise ValueError("user_agent must be one line of plain letters.")


class RecipeError(ValueError):
    """The recipe can't be used. `errors` are (field, sentence) pairs, "bills.rows" for a field."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__(" ".join(f"{field}: {sentence}" for field, sentence in errors))


def load_recipe(content: dict[str, Any] | str | bytes | None) -> Recipe:
    """The recipe in JSON text or a dict; empty is the recipe that guesses everything.

    Raises RecipeError with one entry for each part that is wrong.
    """
    if content is None or content in ("", b""):
        return Recipe()
    plain = content if isinstance(content, dict) else _json(content)
    if not isinstance(plain, dict):
        raise RecipeError([("recipe", "must be a JSON object: { … }.")])
    try:
        refuse_unstorable(plain)
    except ValueError as problem:
        raise RecipeError([("recipe", f"cannot be kept: {problem}.")]) from None
    errors = [error for key, value in plain.items() for error in _errors_in(key, value)]
    if errors:
        raise RecipeError(errors)
    return msgspec.convert(plain, Recipe)


def _json(content: str | bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise RecipeError([("recipe", f"is no JSON: {problem}.")]) from None
    except RecursionError:
        raise RecipeError([("recipe", "is nested too deeply.")]) from None


def _errors_in(key: str, value: object) -> list[tuple[str, str]]:
    """Check one top-level part by itself, so that one mistake does not hide another."""
    try:
        msgspec.convert({key: value}, Recipe)
    except msgspec.ValidationError as problem:
        return [_explained(str(problem), key)]
    return []


def _explained(problem: str, key: str) -> tuple[str, str]:
    """msgspec's "Expected `str`, got `int` - at `$.bills.rows`" as field and sentence."""
    sentence, _, place = problem.partition(" - at `$")
    field = place.strip("`").lstrip(".") or key
    unknown = re.search(r"unknown field `(.*)`", sentence)
    if unknown:
        where = "" if not place else field + "."
        return where + unknown[1], _suggestion(unknown[1], place.strip("`"))
    got = re.fullmatch(r"Expected `(.*)`, got `(.*)`", sentence)
    if got:
        return field, f"must be {_kind(got[1])}, not {_kind(got[2])}."
    return field, sentence if sentence.endswith(".") else sentence + "."


def _suggestion(name: str, place: str) -> str:
    """What a part that has no such field has, the nearest name first."""
    known = list(part_at(place).__struct_encode_fields__)
    near = get_close_matches(name, known, n=1)
    meant = f' Did you mean "{near[0]}"?' if near else ""
    return f"is not known.{meant} Known here: {', '.join(known)}."


def part_at(place: str) -> type[Part]:
    """The part of a recipe that stands at "bills.steps[0].click"."""
    part: type[Part] = Recipe
    for name in re.findall(r"[^.\[\]]+", place):
        if not name.isdigit():
            part = _parts_of(part)[name]
    return part


def _parts_of(part: type[Part]) -> dict[str, type[Part]]:
    """By field, the part that it holds, or that it is a list of."""
    found = {}
    for field in msgspec.structs.fields(part):
        inside = [field.type, *_arguments(field.type)]
        parts = [kind for kind in inside if isinstance(kind, type) and issubclass(kind, Part)]
        if parts:
            found[field.encode_name] = parts[0]
    return found


def _arguments(kind: object) -> list[object]:
    return [found for inside in get_args(kind) for found in (inside, *_arguments(inside))]


def _kind(types: str) -> str:
    words = {
        "str": "a text",
        "int": "a whole number",
        "float": "a number",
        "array": "a list",
        "object": "an object",
        "bool": "true or false",
        "null": "null",
    }
    kinds = [words.get(name, name) for name in types.split(" | ")]
    return " or ".join(kinds)
