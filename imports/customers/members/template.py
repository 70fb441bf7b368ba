"""A record template: which column goes to which path of a record, and how a cell is read.

It is stored as the next version of its name. Dates, numbers and yes and no are read strictly, so
that nothing is guessed.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from django.db import IntegrityError, transaction

from imports.customers.files.errors import Fault, shown
from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.models import RecordTemplate
from imports.outside_text import trimmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from imports.models import CustomerApi


Heading = Annotated[str, msgspec.Meta(max_length=300)]
MOST_FIELDS = 500
MOST_STEPS = 20
MOST_ENTRIES = 100  # of one list
_PATH = re.compile(r"[^.]{1,100}(?:\.[^.]{1,100})*")

ISO = "yyyy-mm-dd"
IS_NO_DATE = sentence("ROW_IS_NO_DATE", _("{column} is “{value}”, which is no date as {format}"))
DATE_REMEDY = sentence("ROW_DATE_REMEDY", _("Write a date that exists, such as {example}"))
IS_NO_NUMBER = sentence("ROW_IS_NO_NUMBER", _("{column} is “{value}”, which is no number"))
NUMBER_REMEDY = sentence("ROW_NUMBER_REMEDY", _("Write it as in {example}"))
IS_NO_CHOICE = sentence(
    "ROW_IS_NO_CHOICE", _("{column} is “{value}”, which the record template does not know")
)
CHOICE_REMEDY = sentence("ROW_CHOICE_REMEDY", _("Use one of {allowed}, or add it to the template"))
IS_EMPTY = sentence("ROW_IS_EMPTY", _("{column} is empty"))
FILL_CELL = sentence("ROW_FILL_CELL", _("Fill it in"))
IS_DAMAGED = sentence(
    "ROW_IS_DAMAGED", _("{column} is “{value}”, which a spreadsheet made of something else")
)
DAMAGE_REMEDY = sentence(
    "ROW_DAMAGE_REMEDY", _("Give the column the format “Text” and fill in the original value")
)

# What a spreadsheet shows in place of a value: long numbers cut short, and its own errors.
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+")
_ERRORS = frozenset(
    ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SAKNAS!", "#NV")
)
YES = frozenset(("yes", "y", "true", "1", "x", "ja", "j", "sant", "sann", "wahr", "on"))
NO = frozenset(("no", "n", "false", "0", "nej", "nein", "falskt", "falsk", "falsch", "off"))
MIDDLE_OF_CENTURY = 50  # of a year with two digits: 49 is 2049, 50 is 1950
_TOKENS = {
    "yyyy": r"(?P<year>\d{4})", "yy": r"(?P<year>\d{2})",
    "mm": r"(?P<month>\d{1,2})", "m": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{1,2})", "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{1,2})", "MM": r"(?P<minute>\d{2})", "SS": r"(?P<second>\d{2})",
}  # fmt: skip
_TOKEN = re.compile(r"yyyy|yy|mm|m|dd|d|HH|MM|SS")
_WRITTEN = {
    "yyyy": "%Y", "yy": "%y", "mm": "%m", "m": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "MM": "%M", "SS": "%S",
}  # fmt: skip
CACHED = 100_000  # dates that come again and again


class Field(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What one path of a record is made of: of one column, of several, or always the same.

    path      where it goes: keys and positions with dots between ("person.emails.0.email")
    column    the heading of its column; `columns`: those of a list's entries, empty ones left out
    constant  a JSON value that every record gets
    type      text, integer, number, yes-no or date
    format    how a date is written in the file: yyyy, yy, mm, dd, HH, MM, SS; ISO is always read
    write_as  how the API wants the date
    decimal   the sign before a number's decimals
    trim      without the blanks around it, and with plain ones for no-break ones inside
    values    what stands in the file: what the API gets
    others    a value that `values` does not know: refuse the row, or keep the value
    empty     an empty cell: omit the field, send null or "", or refuse the row
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    column: Heading = ""
    columns: tuple[Heading, ...] = ()
    constant: Any = msgspec.UNSET
    type: Literal["text", "integer", "number", "yes-no", "date"] = "text"
    format: Annotated[str, msgspec.Meta(max_length=40)] = ISO
    write_as: Annotated[str, msgspec.Meta(max_length=40)] = ISO
    decimal: Literal[".", ","] = "."
    trim: bool = True
    values: dict[str, Any] = {}
    others: Literal["refuse", "keep"] = "refuse"
    empty: Literal["omit", "null", "text", "refuse"] = "omit"

    @property
    def sources(self) -> tuple[str, ...]:
        """The headings of the columns that it is made of."""
        return self.columns or ((self.column,) if self.column else ())

    @property
    def is_constant(self) -> bool:
        return self.constant is not msgspec.UNSET

    @property
    def steps(self) -> tuple[str | int, ...]:
        """The path, with positions in lists as numbers."""
        return tuple(int(each) if each.isdecimal() else each for each in self.path.split("."))


class Template(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The fields of a record, in their order; `short_rows` may end in empty cells or not."""

    fields: tuple[Field, ...] = ()
    short_rows: Literal["refuse", "fill"] = "refuse"

    @property
    def headings(self) -> tuple[str, ...]:
        """Every column that it reads, once."""
        return tuple(dict.fromkeys(name for each in self.fields for name in each.sources))


class BadTemplate(ValueError):
    """The template is wrong. `complaints` name everything that is."""

    def __init__(self, complaints: Sequence[Message | str]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = list(complaints)


NO_FIELDS = sentence("TEMPLATE_NO_FIELDS", _("It has no fields: add one for each column to send."))
TOO_MANY = sentence("TEMPLATE_TOO_MANY", _("It has {n} fields; {most} are allowed."))
BAD_PATH = sentence(
    "TEMPLATE_BAD_PATH", _("{path} is no path: write keys and positions with dots between.")
)
TWICE = sentence("TEMPLATE_TWICE", _("{path} is filled twice."))
CONFLICT = sentence("TEMPLATE_CONFLICT", _("{path} is a value and cannot hold {other}, too."))
MIXED = sentence("TEMPLATE_MIXED", _("{path} has both names and positions below it."))
NO_SOURCE = sentence(
    "TEMPLATE_NO_SOURCE", _("{path} needs one of these: a column, several columns, a constant.")
)
BAD_FORMAT = sentence(
    "TEMPLATE_BAD_FORMAT",
    _("{path}: the date format “{value}” needs each of yyyy, mm and dd once, as in dd.mm.yyyy."),
)


def read(document: Any) -> Template:
    """The template that a JSON document says. Raises BadTemplate with all that is wrong."""
    try:
        template = msgspec.convert(document, Template)
    except msgspec.ValidationError as error:
        raise BadTemplate([str(error)]) from None
    if found := list(complaints(template)):
        raise BadTemplate(found)
    return template


def as_json(template: Template) -> dict[str, Any]:
    """The document that `read` reads."""
    document: dict[str, Any] = msgspec.to_builtins(template)
    return document


def complaints(template: Template) -> Iterator[Message]:
    """Everything that is wrong with a template, path by path."""
    if not template.fields:
        yield NO_FIELDS
    if len(template.fields) > MOST_FIELDS:
        yield TOO_MANY.format(n=len(template.fields), most=MOST_FIELDS)
    for field in template.fields:
        yield from _of_field(field)
    yield from _of_paths(template.fields)


def _of_field(field: Field) -> Iterator[Message]:
    steps = field.steps
    is_path = _PATH.fullmatch(field.path) and len(steps) <= MOST_STEPS
    is_low = all(each < MOST_ENTRIES for each in steps if isinstance(each, int))
    if not is_path or not is_low or isinstance(steps[0], int):
        yield BAD_PATH.format(path=field.path)
    if bool(field.column) + bool(field.columns) + field.is_constant != 1:
        yield NO_SOURCE.format(path=field.path)
    if field.type == "date":
        for pattern in (field.format, field.write_as):
            if complaint_about(pattern):
                yield BAD_FORMAT.format(path=field.path, value=pattern)


def _of_paths(fields: Iterable[Field]) -> Iterator[Message]:
    seen: dict[tuple[str | int, ...], str] = {}
    kinds: dict[tuple[str | int, ...], type] = {}
    for field in fields:
        steps = field.steps
        if steps in seen:
            yield TWICE.format(path=field.path)
        seen[steps] = field.path
        for depth in range(len(steps)):
            kind = kinds.setdefault(steps[:depth], type(steps[depth]))
            if kind is not type(steps[depth]):
                yield MIXED.format(path=".".join(map(str, steps[:depth])))
    for steps, path in seen.items():
        for depth in range(1, len(steps)):
            if steps[:depth] in seen:
                yield CONFLICT.format(path=seen[steps[:depth]], other=path)


def same_heading(name: str) -> str:
    """A heading as it is compared: whatever its case, blanks and marks."""
    return " ".join(trimmed(name).split()).casefold()


def places(headings: Sequence[str]) -> dict[str, int]:
    """Where each column stands, by `same_heading`."""
    return {same_heading(name): index for index, name in reversed(list(enumerate(headings)))}


def missing(template: Template, headings: Sequence[str]) -> list[str]:
    """The template's columns that a file with these headings lacks."""
    known = places(headings)
    return [name for name in template.headings if same_heading(name) not in known]


def unused(template: Template, headings: Sequence[str]) -> list[str]:
    """The file's columns that the template does not read."""
    read_ones = {same_heading(name) for name in template.headings}
    return [name for name in headings if same_heading(name) not in read_ones]


class Overtaken(Exception):
    """Somebody has saved this version before."""


def current(name: str) -> RecordTemplate | None:
    """The latest version of the template of that name."""
    return RecordTemplate.objects.filter(name=name, is_current=True).first()


def save_version(
    name: str, api: CustomerApi, template: Template, headings: Sequence[str], actor: str, *,
    after: RecordTemplate | None,
) -> RecordTemplate:  # fmt: skip
    """The version that follows `after`, or the first one. Raises Overtaken if that is there."""
    new = RecordTemplate(
        name=name,
        version=after.version + 1 if after else 1,
        api=api,
        document=as_json(template),
        headings=list(headings) or list(template.headings),
        created_by=actor,
    )
    try:
        with transaction.atomic():
            RecordTemplate.objects.filter(name=name).update(is_current=False)
            new.save(force_insert=True)
    except IntegrityError:
        raise Overtaken from None
    return new


class BadCell(Exception):
    """A cell cannot be read. The fault lacks the column's name until `fault` gives it."""

    def __init__(self, code: str, what: Message, remedy: Message, **about: object) -> None:
        super().__init__(code)
        self._code, self._what, self._remedy, self._about = code, what, remedy, about

    def fault(self, column: str) -> Fault:
        """Why the row cannot be sent."""
        return Fault(
            self._code, self._what.format(column=shown(column), **self._about), self._remedy
        )


def empty() -> BadCell:
    """The refusal of an empty cell."""
    return BadCell("ROW_EMPTY", IS_EMPTY, FILL_CELL)


def refuse_damage(text: str) -> None:
    """Raise BadCell for what a spreadsheet has put in place of the value."""
    if text in _ERRORS or ("+" in text and _SCIENTIFIC.fullmatch(text)):
        raise BadCell("ROW_DAMAGED", IS_DAMAGED, DAMAGE_REMEDY, value=shown(text))


def complaint_about(pattern: str) -> bool:
    """Whether a date's format lacks a year, a month or a day, or names one twice."""
    found = [_TOKENS[token] for token in _TOKEN.findall(pattern)]
    names = [re.findall(r"<(\w+)>", each)[0] for each in found]
    return len(names) != len(set(names)) or not {"year", "month", "day"} <= set(names)


def date_reader(pattern: str, written_as: str) -> Callable[[str], str]:
    """Reads dates as `pattern` ("dd.mm.yyyy") or ISO, and writes them as `written_as`."""
    known = re.compile(_TOKEN.sub(lambda found: _TOKENS[found[0]], re.escape(pattern)))
    out = _TOKEN.sub(lambda found: _WRITTEN[found[0]], written_as.replace("%", "%%"))
    example = datetime(2024, 12, 31, 18, 30).strftime(  # noqa: DTZ001 - a date of no place
        _TOKEN.sub(lambda found: _WRITTEN[found[0]], pattern)
    )
    bad = {"format": pattern}
    remedy = DATE_REMEDY.format(example=example)

    @lru_cache(CACHED)
    def read(text: str) -> str | None:
        match = known.fullmatch(text) or _ISO.fullmatch(text)
        return _written(match, out) if match else None

    def reader(text: str) -> str:
        found = read(text)
        if found is None:
            raise BadCell("ROW_DATE", IS_NO_DATE, remedy, value=shown(text), **bad)
        return found

    return reader


_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)


def _written(match: re.Match[str], out: str) -> str | None:
    parts = {name: int(value) for name, value in match.groupdict().items() if value}
    if len(match["year"]) == 2:
        parts["year"] += 1900 if parts["year"] >= MIDDLE_OF_CENTURY else 2000
    try:
        found = datetime(**parts)  # type: ignore[arg-type]  # noqa: DTZ001 - of no place
    except ValueError:
        return None
    return found.strftime(out.replace("%Y", f"{found.year:04}"))


def number_reader(decimal: str, *, whole: bool) -> Callable[[str], msgspec.Raw]:
    """Reads numbers digit for digit, with their thousands apart or not; no exponent."""
    other = "." if decimal == "," else ","
    apart = rf"(?P<apart>[ \u00a0\u202f'’{re.escape(other)}])"
    groups = rf"\d{{1,3}}{apart}\d{{3}}(?:(?P=apart)\d{{3}})*"
    fraction = "" if whole else rf"(?:{re.escape(decimal)}(?P<fraction>\d+))?"
    known = re.compile(rf"(?P<sign>[+\-−]?)(?P<whole>{groups}|\d+){fraction}")
    example = "1234" if whole else f"1234{decimal}5"
    remedy = NUMBER_REMEDY.format(example=example)

    def reader(text: str) -> msgspec.Raw:
        match = known.fullmatch(text)
        if match is None:
            raise BadCell("ROW_NUMBER", IS_NO_NUMBER, remedy, value=shown(text))
        return msgspec.Raw(_digits(match, whole=whole).encode())

    return reader


def _digits(match: re.Match[str], *, whole: bool) -> str:
    digits = re.sub(r"\D", "", match["whole"]).lstrip("0") or "0"
    fraction = "" if whole else match["fraction"] or ""
    sign = "-" if match["sign"] in ("-", "−") else ""
    return f"{sign}{digits}.{fraction}" if fraction else f"{sign}{digits}"


def yes_or_no(text: str) -> bool:
    """Reads yes and no in a few languages, and what databases write for them."""
    folded = text.casefold()
    if folded in YES or folded in NO:
        return folded in YES
    remedy = CHOICE_REMEDY.format(allowed="yes, no, 1, 0, true, false, ja, nej")
    raise BadCell("ROW_VALUE", IS_NO_CHOICE, remedy, value=shown(text))


def date_text(value: date) -> str:
    """A spreadsheet's own date as text: ISO, without a time where it is midnight."""
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(timespec="seconds")
    return value.isoformat()
