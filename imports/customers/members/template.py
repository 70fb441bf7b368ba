"""A record template: which column goes to which path of a record, and how it is read.

It is stored as the next version of its name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from django.db import IntegrityError, transaction

from imports.customers.members.delimited import trimmed
from imports.customers.members.values import complaint_about
from imports.messages import Message, sentence
from imports.messages import marked as _
from imports.models import RecordTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from imports.models import CustomerApi


Heading = Annotated[str, msgspec.Meta(max_length=300)]
MOST_FIELDS = 500
MOST_STEPS = 20
MOST_ENTRIES = 100  # of one list
_PATH = re.compile(r"[^.]{1,100}(?:\.[^.]{1,100})*")

ISO = "yyyy-mm-dd"


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
