"""Walks through all parts of a list of bills, and notes what keeps it from being proven whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.documents.scene import belongs_to_no_bill, links_inside
from bills.portals.failures import Code, PortalError
from bills.portals.lists import words
from bills.portals.lists.cells import dates_in
from bills.portals.lists.filters import (
    FilterKind,
    Option,
    hidden_part,
    range_shown,
    switch_in,
    unknown_choice,
)
from bills.portals.lists.owner import other_number, other_user
from bills.portals.lists.promises import (
    Limit,
    clean,
    counted_by_option,
    only_some,
    promised_by,
)
from bills.portals.lists.reading import BILL, NOT_A_BILL, RECEIPT, Seen
from bills.portals.lists.rows import has_word
from bills.portals.lists.surroundings import last_number
from bills.portals.targets import calmly, filled, today

if TYPE_CHECKING:
    from bills.browser.visit import Visit
    from bills.portals.documents.links import DocumentLink
    from bills.portals.lists.choices import Chosen
    from bills.portals.lists.filters import Filter
    from bills.portals.lists.listing import Listing
    from bills.portals.lists.promises import OnlySome, Promised
    from bills.portals.lists.rows import Name, Row
    from imports.messages import Text

ACCOUNT_COLUMN_WORDS = (
    "account", "konto", "contract", "avtal", "customer", "kund", "vertrag", "cuenta", "contrat",
    "conto", "abonn", "anlag", "anlägg", "klant", "client", "asiakas", "klient", "compte", "tili",
    "rekening", "sopimus", "umow", "aftale", "avtale",
)  # fmt: skip
BROKEN, UNAVAILABLE, OTHER_SERVICE = (
    re.compile(each, re.IGNORECASE)
    for each in (words.BROKEN, words.UNAVAILABLE, words.OTHER_SERVICE)
)
LONGEST_LINE = 200
# Files that name bills and are none of them: all of them at once, a receipt, a guide.
NO_STRAY = (NOT_A_BILL, RECEIPT, re.compile(rf"\b(?:zip|csv|{words.EVERY})\b", re.IGNORECASE))
NO_ACCOUNT_WORDS = ("mail", "name", "user", "login")
LIMIT_SLACK_DAYS = 45  # the last 12 months may begin with the first of one
SHORTEST_ACCOUNT = 4  # characters: shorter values stand in too many texts by chance


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bill's link is: its part of the list, page (from 1) and row (from 0).

    The row's text is the proof that it is still the same.
    """

    page_number: int
    index: int
    text: str
    href: str = ""
    view: tuple[Chosen, ...] = ()
    links: tuple[DocumentLink, ...] | None = None  # all that can be pressed in the row


@dataclass(slots=True)
class Walk:
    """The rows of all parts, each once. `gaps` are reasons why they may not be all."""

    listing: Listing
    seen: list[Seen] = field(default_factory=list)
    gaps: list[PortalError] = field(default_factory=list)
    most_promised: int = 0
    most_in_view: int = 0
    _times: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _unseen: set[str] = field(default_factory=set)  # documents of rows that are hidden
    _left_out: dict[str, OnlySome] = field(default_factory=dict)  # by what the page says of it

    @property
    def visit(self) -> Visit:
        return self.listing.visit

    async def all(self) -> list[Seen]:
        """Every row of every part. Raises PortalError where not even the first can be shown."""
        await self.listing.open()
        self._check_limits()
        await self._parts(frozenset())
        await self._check_total()
        self._check_left_out()
        self._check_unseen()
        self._check_requests()
        if not (self.seen or self.listing.said_empty):
            raise PortalError(Code.UNRECOGNISED_PAGE, failures.NEITHER)
        return self.seen

    def _check_limits(self) -> None:
        """Dates that are filled in, or a range that a button names, limit the list."""
        around, recipe = self.listing.sheet.around, self.listing.recipe
        name = ", ".join(name for name in around.limits if name) or "?" if around.limits else ""
        name = name or range_shown(around, today())
        if name and recipe.each is None and not recipe.steps:
            self._gap(Code.OLDER_BILLS_ELSEWHERE, failures.LIMITED.format(name=name))

    def _gap(self, code: Code, detail: Text) -> None:
        self.gaps.append(PortalError(code, detail))

    def _gap_once(self, code: Code, detail: Text) -> None:
        """Note the gap unless it is noted: each part of the list may show it again."""
        if not any(gap.detail == detail for gap in self.gaps):
            self._gap(code, detail)

    # Parts: accounts, years, periods, tabs, one within another

    async def _parts(self, done: frozenset[FilterKind]) -> None:
        """Walk what is shown, by the first of its filters that is not set yet."""
        filters = [each for each in await self._filters() if each.kind not in done]
        if not filters:
            await self._pages()
            return
        first = filters[0]
        within = done | {first.kind}
        options = self._wanted(first)
        if self._is_more_than_options(first):
            await self._parts(within)  # as the list is when it opens
        for option in options:
            if await self._choose(first, option):
                await self._parts(within)

    async def _filters(self) -> list[Filter]:
        return await self.listing.choices.all()

    def _is_more_than_options(self, each: Filter) -> bool:
        """Whether the list may open with something that no option stands for: "recent"."""
        return each.chosen is None and each.kind is not FilterKind.ACCOUNT

    def _wanted(self, each: Filter) -> list[Option]:
        """Which of the options to walk. Raises PortalError SEVERAL_ACCOUNTS."""
        if each.kind is FilterKind.ACCOUNT:
            return self._own_account(each)
        everything = each.everything
        if everything is not None:
            return [everything]
        # The chosen one first: it is there already.
        return sorted(each.options, key=lambda option: not option.is_chosen)

    def _own_account(self, each: Filter) -> list[Option]:
        """The credential's own account, else all: their bills then carry the contract."""
        real = [option for option in each.options if option is not each.everything]
        for value in own_accounts(self.visit.login.extra):
            own = [option for option in real if names_account(option, value)]
            if len(own) == 1:
                return own
        named = named_accounts(self.visit.login.extra)
        if named and len(real) > 1:
            raise PortalError(
                Code.SEVERAL_ACCOUNTS,
                failures.NOT_AMONG.format(n=len(real), account=named[0]),
            )
        return sorted(real, key=lambda option: not option.is_chosen)

    async def _choose(self, each: Filter, option: Option) -> bool:
        """Show the option's part. False, with a gap noted, where that can't be done."""
        try:
            await self.listing.choices.choose_again(each, option)
        except PortalError as failure:
            is_doubt = each.is_unsure and failure.code is Code.LIST_INCOMPLETE
            if failure.code is not Code.OLDER_BILLS_ELSEWHERE and not is_doubt:
                raise
            self.gaps.append(failure)
            return False
        return True

    # Pages of one part

    async def _pages(self) -> None:
        listing = self.listing
        self._check_account()
        self._check_switch()
        self._check_broken()
        self._check_choices()
        await self._check_frames()
        before: list[list[Name]] = []
        in_view, promised = 0, promised_by("")
        rows: list[Row] | None = await self._loaded()
        while rows:
            shown = [row.name for row in rows]
            if shown in before:  # the last page leads to the first again
                break
            before.append(shown)
            self._add(rows, await listing.links(rows), await self._links_inside(rows))
            in_view += len(rows)
            promised = promised_by(listing.sheet.around.around, listing.page_number, len(rows))
            self.most_promised = max(self.most_promised, promised.anywhere)
            self._left_out |= {one.text: one for one in only_some(listing.sheet.around.around)}
            self._check_strays()
            self._check_refusal()
            self._unseen |= set(listing.sheet.around.unseen)
            rows = await self._turned(rows)
        self.most_in_view = max(self.most_in_view, in_view)
        self._check_promise(promised, in_view)

    async def _links_inside(self, rows: list[Row]) -> dict[int, tuple[DocumentLink, ...]]:
        """By the index of each row, what can be pressed in it."""
        in_view = self.listing.in_view
        if in_view is not None:
            return {row.index: in_view.links[row.name] for row in rows}
        return self.listing.sheet.inside or await calmly(links_inside(self.visit.page)) or {}

    async def _loaded(self) -> list[Row]:
        """All rows of the page; those that came where not all did, with a gap noted."""
        try:
            return await self.listing.load_all()
        except PortalError as failure:
            self._note_or_raise(failure, self.listing.sheet.rows)
            return self.listing.sheet.rows

    async def _turned(self, rows: list[Row]) -> list[Row] | None:
        """The next page's rows; None after the last, or where the next one did not come."""
        try:
            following = await self.listing.turn(rows)
        except PortalError as failure:
            self._note_or_raise(failure, rows)
            return None
        return await self._loaded() if following else None

    def _note_or_raise(self, failure: PortalError, rows: list[Row]) -> None:
        """What is missing keeps nobody from fetching what there is."""
        if failure.code is not Code.LIST_INCOMPLETE or not rows:
            raise failure
        self.gaps.append(failure)

    def _check_promise(self, promised: Promised, in_view: int) -> None:
        view = self.listing.view
        most = max(promised.in_view, counted_by_option(view[-1].option) if view else 0)
        kinds = {each.kind for each in self.listing.choices.shown()} - {c.kind for c in view}
        if FilterKind.TOGGLE in kinds:  # what is still to be pressed may show the rest
            self.most_promised = max(self.most_promised, most)
        elif most > in_view:
            said = failures.PROMISED.format(promised=most, seen=in_view)
            self._gap(Code.LIST_INCOMPLETE, said)
            return
        pages = max(promised.pages, last_number(self.listing.sheet.around))
        if pages > self.listing.page_number:
            said, turned = failures.PROMISED_PAGES, self.listing.page_number
            self._gap(Code.LIST_INCOMPLETE, said.format(promised=pages, seen=turned))

    def _add(
        self,
        rows: list[Row],
        links: dict[int, str],
        inside: dict[int, tuple[DocumentLink, ...]],
    ) -> None:
        """Take the rows in, except those that another part has shown already."""
        listing = self.listing
        account = next((c.option for c in listing.view if c.kind is FilterKind.ACCOUNT), "")
        here: dict[tuple[str, str, str], int] = {}
        for row in rows:
            href = links.get(row.index, "")
            name = (account, row.text, href)
            here[name] = here.get(name, 0) + 1
            if listing.view and here[name] <= self._times.get(name, 0):
                continue
            pressed = inside.get(row.index)
            is_linked = row.index in links or bool(listing.recipe.open)
            place = Place(listing.page_number, row.index, row.text, href, listing.view, pressed)
            self.seen.append(
                Seen(
                    row, place, is_linked, href, account, listing.sheet.lang,
                    page=(listing.view, listing.page_number),
                    is_never_a_bill=belongs_to_no_bill(pressed or ()),
                )
            )  # fmt: skip
        for name, count in here.items():
            self._times[name] = max(self._times.get(name, 0), count)

    # What the page itself says

    def _check_account(self) -> None:
        """Raises PortalError SEVERAL_ACCOUNTS where the page does not show account_sign."""
        sign = self.listing.recipe.account_sign
        if not sign:
            self._check_owner()
            return
        wanted = filled(sign, self.visit)
        shown = [self.listing.sheet.around.around, *(row.text for row in self.listing.sheet.rows)]
        shown += [c.option for c in self.listing.view]
        if not any(has_word(text, wanted) for text in shown):
            raise PortalError(Code.SEVERAL_ACCOUNTS, failures.NO_SIGN.format(sign=wanted))

    def _check_owner(self) -> None:
        """Raises PortalError WRONG_ACCOUNT where the page says that it is somebody else's."""
        around, login = self.listing.sheet.around, self.visit.login
        named = {name: login.extra[name] for name in account_columns(login.extra)}
        is_chosen = any(c.kind is FilterKind.ACCOUNT for c in self.listing.view)
        other = other_user(around.around, around.users, login.email)
        other = other or ("" if is_chosen else other_number(around.around, named))
        if other:
            raise PortalError(Code.WRONG_ACCOUNT, failures.SHOWS_ANOTHER.format(other=other))

    def _check_requests(self) -> None:
        for address, why in list(self.visit.failed_requests.items())[:1]:
            said = failures.REQUEST_FAILED.format(address=address, why=why)
            self._gap(Code.LIST_INCOMPLETE, said)

    def _check_switch(self) -> None:
        """Parts behind a button or a closed menu: a doubt, unless the page shows the own account.

        Raises PortalError SEVERAL_ACCOUNTS where the credential names an account and the page,
        which has others, does not show it: what it shows is another's.
        """
        around = self.listing.sheet.around
        switch, hidden = switch_in(around), hidden_part(around)
        if (
            hidden is not None
            and hidden[0] is FilterKind.YEAR
            and self.listing.recipe.each is None
        ):
            if any(c.kind is FilterKind.YEAR for c in self.listing.view):
                return
            self._gap(Code.OLDER_BILLS_ELSEWHERE, failures.SWITCH.format(text=hidden[1]))
        elif switch is not None or hidden is not None:
            text = switch.text if switch is not None else (hidden or ("", ""))[1]
            contract = words.CONTRACT_LABEL.search(text)
            rows = [row.text for row in self.listing.sheet.rows]
            if not (contract and any(has_word(row, contract["value"]) for row in rows)):
                self._check_own_account(text)
        for kind, text in self.listing.choices.menus.shut:
            if kind in (FilterKind.YEAR, FilterKind.PERIOD):
                self._gap(Code.OLDER_BILLS_ELSEWHERE, failures.SWITCH.format(text=text))
            else:
                self._check_own_account(text)

    def _check_own_account(self, switch: str) -> None:
        listing = self.listing
        if any(c.kind is FilterKind.ACCOUNT for c in listing.view) or listing.recipe.account_sign:
            return
        own = named_accounts(self.visit.login.extra)
        shown = [listing.sheet.around.around, *(row.text for row in listing.sheet.rows)]
        if any(has_word(text, value) for text in shown for value in own):
            return
        said = failures.SWITCH.format(text=switch)
        if own and listing.recipe.each is None and not listing.recipe.steps:
            raise PortalError(Code.SEVERAL_ACCOUNTS, said)
        if not any(gap.code is Code.SEVERAL_ACCOUNTS for gap in self.gaps):
            self._gap(Code.SEVERAL_ACCOUNTS, said)

    def _check_broken(self) -> None:
        """Where the page itself says that a part of it did not come."""
        text = self.listing.sheet.around.around
        lines = (line.strip() for line in text.splitlines() if UNAVAILABLE.search(line))
        away = next((line for line in lines if not OTHER_SERVICE.search(line)), "")
        said = BROKEN.search(text)
        if said or away:
            text = said[0] if said else away[:LONGEST_LINE]
            self._gap(Code.LIST_INCOMPLETE, failures.SAYS_BROKEN.format(text=text))

    def _check_refusal(self) -> None:
        """Where an answer to the page says, under whatever status, that it brings nothing."""
        said = self.listing.sheet.refused
        if said:
            self._gap_once(Code.LIST_INCOMPLETE, failures.ANSWER_SAYS.format(text=said))

    def _check_choices(self) -> None:
        """A box to choose from that may divide the list: nobody knows what else it shows."""
        text = unknown_choice(self.listing.sheet.around)
        if text and self.listing.recipe.each is None and not self.listing.recipe.steps:
            self._gap_once(Code.OLDER_BILLS_ELSEWHERE, failures.SWITCH.format(text=text))

    async def _check_frames(self) -> None:
        """Rows in a frame of the page: only the page's own are read."""
        count = await self.listing.rows_in_frames()
        if count and self.listing.recipe.each is None:
            self._gap(Code.LIST_INCOMPLETE, failures.ROWS_IN_FRAME.format(n=count))

    def _check_strays(self) -> None:
        """A link to a file that says it is a bill, and stands in no row of the list."""
        for text in self.listing.sheet.around.strays:
            words_of = re.sub(r"[\W_]+", " ", text)
            if BILL.search(words_of) and not any(one.search(words_of) for one in NO_STRAY):
                said = failures.UNKNOWN_DOCUMENT.format(text=" ".join(text.split())[:80])
                self._gap_once(Code.LIST_INCOMPLETE, said)

    async def _check_total(self) -> None:
        seen = max(len(self.seen), self.most_in_view)
        counted = await self.listing.count_shown()
        if counted is not None and counted > seen:
            self._gap(
                Code.LIST_INCOMPLETE,
                failures.COUNT_DIFFERS.format(promised=counted, seen=seen),
            )
        if self.most_promised > seen:
            self._gap(
                Code.LIST_INCOMPLETE,
                failures.PROMISED.format(promised=self.most_promised, seen=seen),
            )

    def _check_left_out(self) -> None:
        """Where the page says that it shows only some bills, and nothing leads to the others."""
        recipe = self.listing.recipe
        if recipe.each is not None or recipe.steps or recipe.since or recipe.months:
            return
        for said in self._left_out.values():
            if self._is_left_out(said):
                self._gap_once(
                    Code.OLDER_BILLS_ELSEWHERE, failures.ONLY_SOME.format(text=said.text)
                )

    def _check_unseen(self) -> None:
        """Rows with documents that stand in the page and were never shown."""
        hidden = self._unseen - {seen.href for seen in self.seen} - self._links_shown()
        if hidden and self.listing.recipe.each is None:
            self._gap(Code.LIST_INCOMPLETE, failures.BILLS_IN_HIDDEN_ROWS.format(n=len(hidden)))

    def _links_shown(self) -> set[str]:
        places = [seen.place for seen in self.seen]
        links = [link for at in places if isinstance(at, Place) for link in at.links or ()]
        return {link.address for link in links}

    def _is_left_out(self, said: OnlySome) -> bool:
        kinds = {chosen.kind for seen in self.seen for chosen in _view_of(seen)}
        is_walked = bool(kinds & {FilterKind.YEAR, FilterKind.PERIOD}) or self.listing.is_followed
        match said.limit:
            case Limit.COUNT:  # fewer than it would show: it leaves out none
                return sum(each.is_linked for each in self.seen) == said.count and not is_walked
            case Limit.TIME:
                return not (is_walked or self._reaches_back(said.count))
            case Limit.ARCHIVE:
                return not (is_walked or FilterKind.TAB in kinds)
            case Limit.ASK:
                return True

    def _reaches_back(self, days: int) -> bool:
        """Whether some row is so old that the list goes back further than the limit."""
        found = [found.day for each in self.seen for found in dates_in(each.row.text)]
        return any(day and (today() - day).days > days + LIMIT_SLACK_DAYS for day in found)


def _view_of(seen: Seen) -> tuple[Chosen, ...]:
    return seen.place.view if isinstance(seen.place, Place) else ()


def own_accounts(extra: dict[str, str]) -> list[str]:
    """Values of the credential's row that may name its account, the likeliest first."""
    named = named_accounts(extra)
    others = [value.strip() for value in extra.values() if value.strip() not in named]
    return [*named, *(v for v in others if _is_account_like(v))]


def named_accounts(extra: dict[str, str]) -> list[str]:
    """The values of columns that are called an account, a contract or a customer's number."""
    return [extra[name].strip() for name in account_columns(extra)]


def account_columns(extra: dict[str, str]) -> list[str]:
    """The names of those columns, where they hold something."""
    found = []
    for name, value in extra.items():
        small = name.casefold()
        is_named = any(word in small for word in ACCOUNT_COLUMN_WORDS)
        if is_named and not any(word in small for word in NO_ACCOUNT_WORDS) and value.strip():
            found.append(name)
    return found


def _is_account_like(value: str) -> bool:
    return len(value) >= SHORTEST_ACCOUNT and any(letter.isdigit() for letter in value)


def names_account(option: Option, value: str) -> bool:
    """Whether the option is of this account: its number stands in it by itself."""
    bare = clean(value).replace(" ", "").replace("-", "")
    squeezed = clean(option.text).replace("-", "")
    return (
        has_word(option.text, value)
        or option.value == value
        or (len(bare) >= SHORTEST_ACCOUNT and has_word(squeezed, bare))
    )
