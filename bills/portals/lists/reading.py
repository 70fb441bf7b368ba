"""Reads a whole list: which rows are this customer's bills, and why the others are none. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from bills.accounting import differ
from bills.portals import failures
from bills.portals.base import ListedBill
from bills.portals.failures import Code, PortalError
from bills.portals.lists import words
from bills.portals.lists.cells import DateOrder, order_of
from bills.portals.lists.rows import (
    amount_of,
    columns,
    contract_of,
    date_of,
    heading_at,
    is_own,
    number_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bills.portals.lists.rows import Row
    from bills.portals.recipe_schema import BillsPart
    from imports.messages import Text

LATEST_DAYS_AHEAD = 7  # a bill may be dated a few days ahead; further on it is a due date
CONSTANT_ROWS = 3  # a "number" that so many rows share is none
BILL = re.compile(rf"(?<!\w){words.BILL}(?!\w)", re.IGNORECASE)
CURRENT = re.compile(words.CURRENT, re.IGNORECASE)
NOT_A_BILL = re.compile(words.NOT_A_BILL, re.IGNORECASE)
PAYMENT = re.compile(rf"^\W*{words.PAYMENT}", re.IGNORECASE)
RECEIPT = re.compile(words.RECEIPT, re.IGNORECASE)
LETTER = re.compile(words.LETTER, re.IGNORECASE)
HARMLESS = re.compile(words.HARMLESS, re.IGNORECASE)
METHOD = re.compile(r"method|sätt|status|måte|måde|art\b|mode|tapa|metodo|sposób", re.IGNORECASE)


class Other(StrEnum):
    """Why a row is no bill to fetch."""

    NOT_OURS = "not_ours"  # another customer's or account's
    OLDER = "older"  # from before the recipe's range
    PAYMENT = "payment"
    NO_DOCUMENT = "no_document"  # nothing in it leads to a document
    NOT_A_BILL = "not_a_bill"  # terms, a price list
    REPEATED = "repeated"  # the same bill stands in the list twice


@dataclass(frozen=True, slots=True)
class Seen:
    """One row of the list. `place` is where it was; `account` the one that was chosen."""

    row: Row
    place: object
    is_linked: bool
    href: str = ""
    account: str = ""
    lang: str = ""
    page: object = None  # which page of which part
    is_never_a_bill: bool = False  # all that it leads to are terms, price lists and the like


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose bills are read, and how the recipe says to. `own_text` is own_row, filled in."""

    recipe: BillsPart
    email: str
    today: date
    own_text: str = ""
    since: date | None = None
    own_accounts: tuple[str, ...] = ()  # values of the credential that may name its account


@dataclass(slots=True)
class Reading:
    """What the rows came to: `seen` = bills + others. `doubts` keep the list from being whole."""

    bills: list[ListedBill] = field(default_factory=list)
    others: Counter[Other] = field(default_factory=Counter)
    doubts: list[Text] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return len(self.bills) + self.others.total()


@dataclass(frozen=True, slots=True)
class _Read:
    """One row with what it shows."""

    seen: Seen
    bill: ListedBill | None
    is_strong: bool  # a date with a sum or a number: a row as lists of bills have

    @property
    def row(self) -> Row:
        return self.seen.row

    @property
    def list(self) -> tuple[object, int]:
        """Which list of which page it stands in."""
        return self.seen.page, self.seen.row.group


def read_list(seen: list[Seen], asked: Asked) -> Reading:
    """Every row's bill, or why it is none. Raises PortalError where the recipe does not fit."""
    reading = Reading()
    own = [
        one for one in seen if is_own(one.row, asked.recipe, asked.own_text, asked.email)
    ]  # fmt: skip
    reading.others[Other.NOT_OURS] += len(seen) - len(own)
    read = _without_other_accounts(_read_groups(own, asked, reading), asked, reading)
    lists = _lists_of_bills(read, asked.recipe)
    bills: list[tuple[ListedBill, bool]] = []
    for each in read:
        is_main = each.list in lists
        other = _why_not(each, asked, reading, is_main=is_main)
        if other is not None:
            reading.others[other] += 1
        elif each.bill is not None:
            bills.append((each.bill, is_main))
    reading.bills = _each_once(bills, reading)
    _doubt_mixed(read, reading)
    receipts = sum(_is_payment(each) and each.seen.is_linked for each in read)
    if receipts and not reading.bills:
        reading.doubts.append(failures.ONLY_PAYMENTS.format(n=receipts))
    return reading


def _doubt_mixed(read: list[_Read], reading: Reading) -> None:
    """Where only some rows without a sum are called bills, what the others are is not known."""
    bare = [
        each for each in read
        if each.seen.is_linked and any(each.bill is bill for bill in reading.bills)
        and each.bill and each.bill.amount is None and not each.bill.number
    ]  # fmt: skip
    alike = _called_alike(bare)
    unnamed = [each for each in bare if not BILL.search(_without_links(each.row, alike))]
    if unnamed and len(unnamed) < len(bare):
        text = " ".join(unnamed[0].row.text.split())[:80]
        reading.doubts.append(failures.UNKNOWN_DOCUMENT.format(text=text))
        dropped = [each.bill for each in unnamed]
        reading.bills = [b for b in reading.bills if not any(b is one for one in dropped)]
        reading.others[Other.NOT_A_BILL] += len(dropped)


def _called_alike(read: list[_Read]) -> set[str]:
    """The names of links and buttons that several rows share: "View bill" tells none of them."""
    times = Counter(name for each in read for name in set(each.row.called))
    return {name for name, count in times.items() if count > 1 or len(read) == 1}


def _without_links(row: Row, alike: set[str]) -> str:
    """What the row says apart from links and buttons that are called alike in other rows."""
    text = row.text
    for name in row.called:
        if name in alike:
            text = text.replace(name, " ", 1)
    return text


# What each row shows: a column is read the same way in all rows


def _read_groups(seen: list[Seen], asked: Asked, reading: Reading) -> list[_Read]:
    groups: dict[object, list[Seen]] = {}
    for each in seen:
        groups.setdefault((each.row.group, each.row.headings), []).append(each)
    read: dict[int, _Read] = {}
    for group in groups.values():
        for each, made in zip(group, _read_group(group, asked, reading), strict=True):
            read[id(each)] = made
    return [read[id(each)] for each in seen]


def _read_group(group: list[Seen], asked: Asked, reading: Reading) -> list[_Read]:
    lang = group[0].lang
    order = order_of(_date_texts(group), lang, asked.today)
    constant = _constant_number(group, asked.recipe)
    found = [_read_row(each, asked, order, constant) for each in group]
    doubtful = next(
        (r.bill.date_text for r in found
         if r.bill and not r.bill.date and re.search(r"\d+/\d+/\d+", r.bill.date_text)),
        "",
    )  # fmt: skip
    if doubtful and order.month_first is None:
        reading.notes.append(failures.DATE_DOUBT.format(text=doubtful))
    return found


def _date_texts(group: list[Seen]) -> Iterable[str]:
    """The cells of the columns of dates; all cells where no heading names one."""
    for each in group:
        named = columns(each.row, "date")
        yield from ([each.row.cells[at] for at in named] if named else each.row.cells)


def _constant_number(group: list[Seen], recipe: BillsPart) -> str:
    """A "number" that every row shows: an account's, a rent. "" where there is none such."""
    if recipe.number is not None:
        return ""
    numbers = {number_of(each.row, None) for each in group if each.is_linked}
    linked = sum(each.is_linked for each in group)
    return numbers.pop() if len(numbers) == 1 and linked >= CONSTANT_ROWS else ""


def _read_row(seen: Seen, asked: Asked, order: DateOrder, constant: str) -> _Read:
    row, recipe = seen.row, asked.recipe
    number = number_of(row, recipe.number)
    if number and number == constant:
        number = ""
    latest = asked.today + timedelta(days=LATEST_DAYS_AHEAD)
    shown = date_of(row, recipe.issued, order, latest)
    amount, currency = amount_of(row, recipe.amount, order.lang)
    contract = contract_of(row, recipe.contract) or seen.account
    has_date = bool(shown.day or shown.text)
    strong = has_date and (amount is not None or bool(number))
    if not (number or has_date or amount is not None):
        return _Read(seen, None, is_strong=False)
    bill = ListedBill(
        number, shown.day, amount, currency, seen.place, contract,
        " ".join(shown.text.split()), document_of(seen.href),
    )  # fmt: skip
    return _Read(seen, bill, strong)


def document_of(href: str) -> str:
    """The address without its host: what stays the same when a portal moves."""
    return re.sub(r"^https?://[^/]+", "", href)


# Whose they are, and whether they are bills


def _without_other_accounts(read: list[_Read], asked: Asked, reading: Reading) -> list[_Read]:
    """Leave out rows of other accounts, where some rows name the credential's own one."""
    own = [value for value in asked.own_accounts if any(_names(each, value) for each in read)]
    if not own:
        return read
    kept = []
    for each in read:
        contract = each.bill.contract if each.bill else ""
        if contract and not any(_names(each, value) for value in own):
            reading.others[Other.NOT_OURS] += 1
        else:
            kept.append(each)
    return kept


def _names(each: _Read, value: str) -> bool:
    contract = each.bill.contract if each.bill else ""
    return bool(contract) and _digits(value) == _digits(contract) != ""


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _lists_of_bills(read: list[_Read], recipe: BillsPart) -> set[tuple[object, int]]:
    """Which lists are of bills: on each page, the others are something beside them."""
    linked = [each for each in read if each.seen.is_linked]
    if recipe.rows:
        return {each.list for each in read}
    strong = {each.list for each in linked if each.is_strong and not _is_box(each, linked)}
    with_strong = {page for page, _ in strong}
    return strong | {each.list for each in linked if each.seen.page not in with_strong}


def _is_box(each: _Read, linked: list[_Read]) -> bool:
    """One current bill above a list: the only one of its group, and called so."""
    alone = sum(other.list == each.list for other in linked) == 1
    return alone and bool(CURRENT.search(each.row.text))


def _why_not(each: _Read, asked: Asked, reading: Reading, *, is_main: bool) -> Other | None:
    """Why the row is no bill to fetch; None where it is one. Doubts are noted."""
    row, bill = each.row, each.bill
    if not each.seen.is_linked:
        return _without_document(each, reading, is_main=is_main)
    if each.seen.is_never_a_bill and not (asked.recipe.link or asked.recipe.open):
        names = ", ".join(f'"{name}"' for name in row.called)
        reading.notes.append(failures.SKIPPED_ROW.format(row=row, names=names))
        return Other.NOT_A_BILL
    other = None if asked.recipe.rows else _by_its_words(each, reading, is_main=is_main)
    if other is not None:
        return other
    if bill is None or (asked.recipe.rows and not (bill.number or bill.date or bill.date_text)):
        if asked.recipe.rows:
            raise PortalError(Code.NAVIGATION, failures.NO_IDENTITY.format(row=row))
        reading.doubts.append(failures.NO_KEY.format(row=row))
        return Other.NOT_A_BILL
    is_older = asked.since and bill.date and bill.date < asked.since
    return Other.OLDER if is_older else None


def _by_its_words(each: _Read, reading: Reading, *, is_main: bool) -> Other | None:
    """Why a row that nobody has named as a bill is none; None where it is one."""
    if _is_payment(each):
        return Other.PAYMENT
    if _is_no_bill(each):
        return Other.NOT_A_BILL
    if is_main or _is_bill_beside(each):
        return None
    if each.bill is not None and (each.bill.date or each.bill.date_text):
        text = " ".join(each.row.text.split())[:80]
        reading.doubts.append(failures.UNKNOWN_DOCUMENT.format(text=text))
    return Other.NOT_A_BILL


def _is_no_bill(each: _Read) -> bool:
    """Whether the words of the row name something else: terms, a price list, a letter."""
    shows_sum = each.bill is not None and each.bill.amount is not None
    return _is_letter(each) or (not shows_sum and bool(NOT_A_BILL.search(each.row.text)))


def _without_document(each: _Read, reading: Reading, *, is_main: bool) -> Other:
    """Named as having none; a button that nobody knows is a doubt."""
    unknown = [name for name in each.row.called if not HARMLESS.search(name)]
    if _is_payment(each):
        return Other.PAYMENT
    if unknown and is_main and each.is_strong:
        name = " ".join(unknown[0].split())[:40]
        reading.doubts.append(failures.UNKNOWN_CONTROL.format(row=each.row, name=name))
    return Other.NO_DOCUMENT


def _is_payment(each: _Read) -> bool:
    """Whether a cell of the row, or the list's heading, says that the row is a payment."""
    row = each.row
    if not BILL.search(row.text) and not BILL.search(row.title):
        opened = [name for name in row.called if not HARMLESS.search(name)]
        if PAYMENT.search(row.title) or (opened and all(map(RECEIPT.search, opened))):
            return True
    for index, text in enumerate(each.row.cells):
        if METHOD.search(heading_at(each.row, index)) or len(text) > 60:
            continue
        if PAYMENT.search(text) and not BILL.search(text):
            return True
    return False


def _is_bill_beside(each: _Read) -> bool:
    """A bill in a box of its own: it says so, or shows what bills show."""
    words_of_it = BILL.search(each.row.text) or CURRENT.search(each.row.text)
    amount = each.bill.amount if each.bill else None
    return bool(words_of_it and each.bill) or (amount is not None and amount != Decimal(0))


def _is_letter(each: _Read) -> bool:
    """A contract, a notice: with no sum, no number, and no word that bills have."""
    bill, text = each.bill, f"{each.row.text} {each.row.title}"
    shows_none = bill is None or (bill.amount is None and not bill.number)
    return shows_none and bool(LETTER.search(each.row.text)) and not BILL.search(text)


# The same bill in two places


def _each_once(bills: list[tuple[ListedBill, bool]], reading: Reading) -> list[ListedBill]:
    """Leave out what repeats a bill with the same link: the box above a list, a later page."""
    in_order = sorted(bills, key=lambda pair: not pair[1])
    by_document: dict[str, list[ListedBill]] = {}
    repeated: set[int] = set()
    for bill, is_main in in_order:
        before = by_document.setdefault(bill.document, []) if bill.document else []
        if any(not _are_two(bill, other, is_box=not is_main) for other in before):
            repeated.add(id(bill))
            reading.others[Other.REPEATED] += 1
        else:
            before.append(bill)
    return [bill for bill, _ in bills if id(bill) not in repeated]


def _are_two(bill: ListedBill, other: ListedBill, *, is_box: bool) -> bool:
    """Whether two rows with one link are two bills all the same. A box may show a due date."""
    key = replace(bill.key, date=None, date_text="") if is_box else bill.key
    return differ(key, other.key)
