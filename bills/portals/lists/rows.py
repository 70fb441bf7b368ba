"""Reads one row of a list of bills: whose it is, its number, date and amount."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.lists import words
from bills.portals.lists.languages import is_month_first, language_of, month_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bills.portals.recipe_schema import BillsPart, Cell

CURRENCIES = {"sek": "SEK", "€": "EUR", "eur": "EUR", "$": "USD", "usd": "USD"}
CURRENCIES |= {"£": "GBP", "gbp": "GBP", "nok": "NOK", "dkk": "DKK", "chf": "CHF"}
CURRENCIES |= {"zł": "PLN", "pln": "PLN"}
CROWNS = {"sv": "SEK", "nb": "NOK", "da": "DKK"}  # whose "kr" it is

# After the year may come a time ("2026-11-03T00:00"), but no further digit or part of a number.
ISO_DATE = re.compile(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d|-\d)")
NUMERIC = re.compile(r"(?<![\d/.,-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-]|[.,]\d)")
_NAME = r"[^\W\d_]{3,}"
DAY_MONTH_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:\.|st|nd|rd|th|er|º|ª)?(?:\s+de)?[\s-]*({_NAME})\.?,?"
    rf"(?:\s+(?:de|del)\s|[\s-])\s*(\d{{4}})(?!\d)",
    re.I,
)
MONTH_NAME_DAY = re.compile(
    rf"\b({_NAME})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})(?!\d)", re.I
)
MONTH_NAME_YEAR = re.compile(rf"\b({_NAME})\.?,?(?:\s+(?:de|del))?[\s-]+(\d{{4}})(?!\d)", re.I)
YEAR_MONTH_NAME = re.compile(rf"(?<!\d)(\d{{4}})\.?[\s-]+({_NAME})(?!\w)", re.I)
DAY_MONTH = re.compile(
    rf"(?<![\d.,])(\d{{1,2}})\.?(?:\s+de)?\s+({_NAME})(?!\w)|\b({_NAME})\.?\s+(\d{{1,2}})(?![\d.,/])",
    re.I,
)
MONTH_YEAR = re.compile(r"(?<![\d/.,-])(\d{1,2})[/.-](\d{4})(?![\d/.,-]*\d)")
YEAR_MONTH = re.compile(r"(?<![\d/.,-])(\d{4})[/.-](\d{1,2})(?![\d/.,-]*\d)")

LONGEST_AMOUNT = 15  # characters: what is longer is no amount
SPACES = re.compile(r"[\s\u00a0\u202f\u2009'\u2019]+")
UNIT = r"(?:kr|sek|eur|usd|gbp|nok|dkk|chf|pln|zł|[€$£])"
NUMBER = r"\d(?:[\d\s\u00a0\u202f\u2009.,'\u2019]*\d)?"
MONEY = re.compile(
    rf"(?<![a-z]){UNIT}\.?\s*(?P<inner>[-\u2212\u2013(]?)\s*(?P<after>{NUMBER})"
    rf"|(?P<before>{NUMBER})(?P<late>-?)\s*{UNIT}(?![a-z])",
    re.I,
)
WITH_DECIMALS = re.compile(
    r"(?<![\d/.,-])(\d[\d\s\u00a0\u202f\u2009.,'\u2019]*?[.,]\d\d)(?![\d/]|[.,-]\d)"
)
LEADING_MINUS = re.compile(r"[-\u2212\u2013(]\s*$")
# A hyphen between two words is none: "INV-12.50".
LEADING_JOIN = re.compile(r"\w[-\u2212\u2013]$")
TRAILING_MINUS = re.compile(r"\s*(?:[-\u2212\u2013](?!\s*\d)|\)|CR\b)")


@dataclass(frozen=True, slots=True)
class DateOrder:
    """How a column of dates is to be read. `month_first` None: the page does not tell."""

    month_first: bool | None = False
    lang: str = ""


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text: where it stands, and the day; None where only a month is shown."""

    start: int
    end: int
    text: str
    day: date | None


def read_date(text: str, form: str = "", order: DateOrder | None = None) -> date | None:
    """The first date in the text; `form` in strptime's letters. None when there is none.

    12/11/2026 is read with the day first unless `order` says otherwise.
    """
    if form:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).date()
        except ValueError:
            return None
    return next((found.day for found in dates_in(text, order) if found.day is not None), None)


def dates_in(text: str, order: DateOrder | None = None) -> list[FoundDate]:
    """All dates and months in the text, in its order. A month is none where a whole date is."""
    how = order or DateOrder()
    days = sorted(_days_in(text, how), key=lambda found: found.start)
    months = [
        found
        for found in _months_in(text, how.lang)
        if not any(found.start < day.end and day.start < found.end for day in days)
    ]
    return sorted([*days, *_apart(months)], key=lambda found: found.start)


def _apart(found: list[FoundDate]) -> list[FoundDate]:
    """Without those that overlap one before: "Nov 20" in "Nov 2026"."""
    kept: list[FoundDate] = []
    for each in found:
        if not any(each.start < one.end and one.start < each.end for one in kept):
            kept.append(each)
    return kept


def _days_in(text: str, how: DateOrder) -> Iterator[FoundDate]:
    for found in ISO_DATE.finditer(text):
        yield from _made(found, _date(int(found[1]), int(found[3]), int(found[4])))
    for found in NUMERIC.finditer(text):
        yield from _numeric(found, how)
    for found in DAY_MONTH_NAME.finditer(text):
        month = month_number(found[2], how.lang) or 0
        yield from _made(found, _date(int(found[3]), month, int(found[1])))
    for found in MONTH_NAME_DAY.finditer(text):
        month = month_number(found[1], how.lang) or 0
        yield from _made(found, _date(int(found[3]), month, int(found[2])))


def _made(found: re.Match[str], day: date | None) -> Iterator[FoundDate]:
    if day is not None:
        yield FoundDate(found.start(), found.end(), found[0], day)


def _numeric(found: re.Match[str], how: DateOrder) -> Iterator[FoundDate]:
    """A date whose order nobody knows is found, too, but its day is not told."""
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    year += 2000 if year < 100 else 0
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if day_first is None and month_first is None:
        return
    if how.month_first is None:
        only = day_first if month_first is None else month_first if day_first is None else None
        same = day_first if day_first == month_first else None
        yield FoundDate(found.start(), found.end(), found[0], only or same)
    else:
        yield from _made(found, month_first if how.month_first else day_first)


def _months_in(text: str, lang: str) -> Iterator[FoundDate]:
    for pattern, name in ((MONTH_NAME_YEAR, 1), (YEAR_MONTH_NAME, 2)):
        for found in pattern.finditer(text):
            if month_number(found[name], lang):
                yield FoundDate(found.start(), found.end(), found[0], None)
    for found in DAY_MONTH.finditer(text):
        day = int(found[1] or found[4])
        if 1 <= day <= 31 and month_number(found[2] or found[3], lang):
            yield FoundDate(found.start(), found.end(), found[0], None)
    for pattern, name in ((MONTH_YEAR, 1), (YEAR_MONTH, 2)):
        for found in pattern.finditer(text):
            year = int(found[3 - name])
            if 1 <= int(found[name]) <= 12 and 1990 <= year <= 2100:
                yield FoundDate(found.start(), found.end(), found[0], None)


def order_of(texts: Iterable[str], lang: str, today: date) -> DateOrder:
    """How a whole column's dates are to be read: never one row by itself.

    A 14 tells the order. Else the separator does, or the page's language; else, of the two
    readings, the one that is in order of time while the other is not, or that lies in the past.
    """
    found = [match for text in texts for match in NUMERIC.finditer(text)]
    firsts = any(int(match[1]) > 12 for match in found)
    seconds = any(int(match[3]) > 12 for match in found)
    if firsts and seconds:
        return DateOrder(None, lang)
    if firsts or seconds:
        return DateOrder(seconds, lang)
    if not any(match[2] == "/" for match in found):
        return DateOrder(False, lang)
    summary = is_month_first(lang)
    return DateOrder(_likelier(found, today) if summary is None else summary, lang)


def _likelier(found: list[re.Match[str]], today: date) -> bool | None:
    readings = {
        is_first: [_read_as(match, month_first=is_first) for match in found]
        for is_first in (True, False)
    }
    past = {key: max(days) <= today for key, days in readings.items()}
    if past[True] != past[False]:
        return past[True]
    if len(found) < 3:
        return None
    sorted_ = {key: _is_sorted(days) for key, days in readings.items()}
    return sorted_[True] if sorted_[True] != sorted_[False] else None


def _read_as(match: re.Match[str], *, month_first: bool) -> date:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    month, day = (first, second) if month_first else (second, first)
    return _date(year + (2000 if year < 100 else 0), month, day) or date.max


def _is_sorted(days: list[date]) -> bool:
    return days in (sorted(days), sorted(days, reverse=True))


def read_amount(text: str, lang: str = "") -> tuple[Decimal | None, str]:
    """(amount, ISO currency or "") of "1 234,50 kr", "- 12,30 €", "12,30-" or "($12.30)"."""
    found = MONEY.search(text)
    if found is None:
        bare = WITH_DECIMALS.search(text)
        if bare is None:
            return _decimal(text), _currency(text, lang)
        return _signed(text, bare, bare[1]), _currency(text, lang)
    number = found["after"] or found["before"]
    amount = _signed(text, found, number)
    if amount is not None and (found["inner"] or found["late"]):
        amount = -abs(amount)
    return amount, _currency(found[0], lang)


def _signed(text: str, found: re.Match[str], number: str) -> Decimal | None:
    """The number, below zero where a minus or a bracket stands beside it."""
    amount = _decimal(number)
    before, after = text[: found.start()], text[found.end() :]
    if amount is None:
        return None
    leads = LEADING_MINUS.search(before) and not LEADING_JOIN.search(before)
    closes = TRAILING_MINUS.match(after)
    if closes and ")" in closes[0] and "(" not in before[-3:] + found[0]:
        closes = None
    return -abs(amount) if leads or closes else amount


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _currency(text: str, lang: str) -> str:
    small = text.lower()
    named = next((code for sign, code in CURRENCIES.items() if sign in small), "")
    if not named and re.search(r"(?<![a-zåäöøæ])kr(?![a-zåäöøæ])", small):
        return CROWNS.get(language_of(lang), "SEK")
    return named


def _decimal(text: str) -> Decimal | None:
    """The last of , and . is the decimal sign, unless it stands alone before three digits."""
    digits = SPACES.sub("", text).replace("\u2212", "-").replace("\u2013", "-")
    comma, point = digits.rfind(","), digits.rfind(".")
    last = max(comma, point)
    if last >= 0:
        sign, other = digits[last], "." if digits[last] == "," else ","
        thousands = len(digits) - last == 4 and other not in digits
        digits = digits.replace(other, "")
        digits = digits.replace(sign, "" if thousands or digits.count(sign) > 1 else ".")
    try:
        return Decimal(digits) if len(digits) <= LONGEST_AMOUNT else None
    except InvalidOperation:
        return None


EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HEADING = {name: re.compile(pattern) for name, pattern in words.HEADINGS.items()}
NOT_HEADING = {name: re.compile(pattern) for name, pattern in words.NOT_HEADINGS.items()}
DUE = re.compile(words.DUE, re.IGNORECASE)
PERIOD = re.compile(words.PERIOD, re.IGNORECASE)
DUE_WITHIN = 30  # characters between "due" and its date
LONGEST_NUMBER = 40
LONGEST_ROW, LONGEST_CELL = 5000, 500  # characters: what is longer shows no bill, and takes time
EXPLICIT = re.compile(r"num|\bnr|nro|\bno\b|n[°º]|#|\bid\b", re.IGNORECASE)
NO_NUMBER = re.compile(r"\W*(n/?a|none|pending|unknown|saknas|keine|aucun)?\W*", re.IGNORECASE)
BARE_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the page shows it. `index` counts all that the selector matches, from 0."""

    index: int
    text: str
    cells: tuple[str, ...]
    days: tuple[str, ...]  # machine-readable dates, "" where a cell has none
    headings: tuple[str, ...]
    picked: dict[str, str | None]
    href: str = ""  # the address behind the bill's link; "" where there is none, or none plain
    is_linked: bool = False  # whether it has a link or button to a document
    called: tuple[str, ...] = ()  # its links and buttons
    title: str = ""  # the heading above its list
    group: int = 0  # which of the page's lists it stands in
    is_tabular: bool = True
    css: str = ""  # how Playwright finds it; "" where only our mark on it tells

    def __str__(self) -> str:
        return f"row {self.index + 1}"


def rows_from(raw: list[dict[str, Any]], css: str = "") -> list[Row]:
    """The visible rows that are not headings. `css` is the recipe's, of all rows."""
    return [
        Row(
            index=row["index"],
            text=row["text"][:LONGEST_ROW],
            cells=tuple(text[:LONGEST_CELL] for text in row["cells"]),
            days=tuple(text[:LONGEST_CELL] for text in row["days"]),
            headings=tuple((text or "")[:LONGEST_CELL] for text in row["headings"]),
            picked=row["picked"],
            href=row["href"] or "",
            is_linked=bool(row["linked"]),
            called=tuple(text[:LONGEST_CELL] for text in row["called"]),
            title=row["title"] or "",
            group=row["group"],
            is_tabular=row["tabular"],
            css=css or row["css"],
        )
        for row in raw
        if row["shown"] and not row["heads"]
    ]


def picks(bills: BillsPart) -> dict[str, str]:
    """The CSS selectors of a row's parts, by field."""
    cells = {
        "number": bills.number,
        "date": bills.issued,
        "amount": bills.amount,
        "contract": bills.contract,
        "own_cell": bills.own_cell,
    }
    return {field: cell.selector for field, cell in cells.items() if cell and cell.selector}


def is_own(row: Row, bills: BillsPart, own_text: str, email: str) -> bool:
    """Whether the row is this customer's. `own_text` is the recipe's own_row, filled in.

    Without one, a row that names other e-mail addresses and not this one is somebody else's.
    """
    if own_text:
        where = cell_text(row, bills.own_cell, "own_cell") if bills.own_cell else row.text
        return has_word(where, own_text)
    named = {found.lower() for found in EMAIL.findall(row.text)}
    return not named or "@" not in email or email.lower() in named


def has_word(text: str, word: str) -> bool:
    """Whether the word stands in the text by itself: "ann@x.se" is not in "joann@x.se"."""
    edge = r"[\w.@+-]"
    wanted = r"\s+".join(re.escape(part) for part in word.split())
    pattern = rf"(?<!{edge}){wanted}(?!{edge}*\w)"
    return bool(wanted) and bool(re.search(pattern, text, re.IGNORECASE))


def cell_text(row: Row, cell: Cell, field: str) -> str:
    """What the recipe says that the field is. Raises PortalError that names field and row."""
    text = row.text
    if cell.selector:
        text = row.picked.get(field) or ""
    elif cell.column:
        text = row.cells[column_index(row, cell.column, field)]
    if cell.pattern:
        found = re.search(cell.pattern, text)
        text = (found[1] if found.re.groups else found[0]) if found else ""
    return (text or "").strip()


def column_index(row: Row, column: str | int, field: str) -> int:
    """Where the column stands, from 0. A heading is matched whole before it is matched in part."""
    headings = [heading.casefold() for heading in row.headings]
    if isinstance(column, int):
        index = column - 1
    else:
        name = column.casefold()
        whole = [at for at, heading in enumerate(headings) if heading == name]
        part = [at for at, heading in enumerate(headings) if name in heading]
        index = (whole or part or [-1])[0]
    if 0 <= index < len(row.cells):
        return index
    shown = ", ".join(f'"{heading}"' for heading in row.headings) or "none"
    raise PortalError(
        Code.NAVIGATION,
        failures.NO_COLUMN.format(field=field, row=row, column=column, shown=shown),
    )


def number_of(row: Row, cell: Cell | None) -> str:
    """The bill's number: only where the recipe, a heading or a label says that it is one."""
    if cell is not None:
        return cell_text(row, cell, "number") or missing(row, "number")
    for index in columns(row, "number"):
        text = row.cells[index].strip()
        if is_number(text, is_named=bool(EXPLICIT.search(heading_at(row, index)))):
            return text
    for text in row.cells or (row.text,):
        found = number_in(text)
        if found:
            return found
    return ""


def is_number(text: str, *, is_named: bool = False) -> bool:
    """Whether a cell of a column of bills may be a number: no year, no sum, no sentence.

    Nor a date or words, unless the heading names it a number in so many words.
    """
    if not text or len(text) > LONGEST_NUMBER or NO_NUMBER.fullmatch(text):
        return False
    if MONEY.fullmatch(text) or BARE_YEAR.fullmatch(text):
        return False
    if is_named:
        return True
    if not re.search(r"\d", text) or len(text.split()) > 3:
        return False
    return not any(found.text == text for found in dates_in(text))


def number_in(text: str) -> str:
    """The value of a label: "Invoice 9011", "Invoice number: INV-7". "" where there is none.

    After the bare noun a year, a date, a month or a sum is no number: "Bill 2026".
    """
    for found in words.NUMBER_LABEL.finditer(text):
        value, rest = found["value"].rstrip(".-/"), text[found.start("value") :]
        dates = dates_in(rest)
        is_date = bool(dates) and dates[0].start == 0
        is_sum = bool(re.match(r"\d[\d .]*,\d\d(?!\d)|\d+\.\d\d(?!\d)", rest))
        is_sum = is_sum or bool(MONEY.match(rest))
        if is_date or is_sum or (BARE_YEAR.fullmatch(value) and not found["sign"]):
            continue
        if len(value) <= LONGEST_NUMBER and (len(value) >= 3 or found["sign"]):
            return value
    return ""


@dataclass(frozen=True, slots=True)
class DateShown:
    """A bill's date: the day where it is certain, and the words that show it."""

    day: date | None = None
    text: str = ""


def date_of(row: Row, cell: Cell | None, order: DateOrder | None, latest: date) -> DateShown:
    """The bill's date. A guess takes no due date, and no day after `latest`."""
    if cell is not None:
        text = cell_text(row, cell, "date")
        day = read_date(text, cell.format, order)
        return DateShown(day or missing(row, "date", text), text)
    shown = [found for index in _date_columns(row) for found in _dates_at(row, index, order)]
    shown = [found for found in shown if found.day is None or found.day <= latest] or shown
    whole = next((f for f in shown if f.day is not None and f.day <= latest), None)
    if whole is not None:
        return DateShown(whole.day, whole.text)
    return DateShown(None, shown[0].text) if shown else DateShown()


def _date_columns(row: Row) -> list[int]:
    """Where dates are looked for: columns of that name first, then wherever no other name is."""
    named = sorted(columns(row, "date"), key=lambda at: bool(PERIOD.search(heading_at(row, at))))
    if any(dates_in(row.cells[index]) or row.days[index] for index in named):
        return named
    not_dates = [HEADING["contract"], DUE]
    return [
        index for index in range(len(row.cells))
        if not any(say.search(heading_at(row, index)) for say in not_dates)
    ]  # fmt: skip


def _dates_at(row: Row, index: int, order: DateOrder | None) -> list[FoundDate]:
    text = row.cells[index]
    machine = dates_in(row.days[index][:10]) if row.days[index] else []
    is_due = DUE.search(text)
    if machine and not is_due:
        return machine
    return [
        found for found in dates_in(text, order)
        if not DUE.search(text[max(0, found.start - DUE_WITHIN) : found.start])
    ]  # fmt: skip


def amount_of(row: Row, cell: Cell | None, lang: str = "") -> tuple[Decimal | None, str]:
    """(amount, currency); (None, "") where a guess finds none."""
    if cell is not None:
        text = cell_text(row, cell, "amount")
        amount, currency = read_amount(text, lang)
        return (amount, currency) if amount is not None else missing(row, "amount", text)
    for index in columns(row, "amount"):
        amount, currency = read_amount(row.cells[index], lang)
        if amount is not None:
            return amount, currency
    taken = {*columns(row, "number"), *columns(row, "contract")}
    texts = [text for index, text in enumerate(row.cells) if index not in taken]
    for pattern in (MONEY, WITH_DECIMALS):
        for text in texts:
            bare = without_dates(text)
            if pattern.search(bare):
                return read_amount(bare, lang)
    return None, ""


def without_dates(text: str) -> str:
    """The text with a gap where each of its dates was."""
    for found in reversed(dates_in(text)):
        text = f"{text[: found.start]} | {text[found.end :]}"
    return text


def contract_of(row: Row, cell: Cell | None) -> str:
    """Which of the customer's contracts, lines or accounts the row is of; "" if it says none."""
    if cell is not None:
        return cell_text(row, cell, "contract") or missing(row, "contract")
    for index in columns(row, "contract"):
        if row.cells[index].strip():
            return " ".join(row.cells[index].split())
    found = next(filter(None, map(words.CONTRACT_LABEL.search, row.cells)), None)
    return " ".join(found["value"].split()) if found else ""


def heading_at(row: Row, index: int) -> str:
    """The heading of a cell in small letters: its column's, or the label that it begins with."""
    return row.headings[index].casefold() if index < len(row.headings) else ""


def columns(row: Row, field: str) -> list[int]:
    """The columns whose headings sound like the field, in the order of the row."""
    found = []
    for index in range(len(row.cells)):
        heading = heading_at(row, index)
        if HEADING[field].search(heading) and not NOT_HEADING[field].search(heading):
            found.append(index)
    return found


def missing(row: Row, field: str, text: str = "") -> Any:
    """Raises PortalError: the recipe says where the field is, and it is not there."""
    seen = f' in "{text}"' if text else ""
    raise PortalError(
        Code.NAVIGATION,
        failures.NO_FIELD.format(field=field, row=row, seen=seen),
    )
