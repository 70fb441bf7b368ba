"""A first record template, guessed from a file's headings and values and from the API's records.

It only fills in the editor: a person sees what it makes of rows, and saves it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imports.customers.members.templates import words
from imports.customers.members.templates.template import Field, Template
from imports.customers.members.templates.values import BadCell, date_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.customers.files.limits import Checks

ISO_VALUE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_OF_THEM = 2 / 3  # values that must look like dates: some rows may be wrong
FEW = 2  # records that share a value by chance
GK_CONSTANTS = (("changeType", "UPSERT"), ("type", "PERSON"))
GK_PATHS = (
    "person.customerId", "person.username", "person.firstName", "person.lastName",
    "person.birthday", "person.languageCode", "person.status", "person.emails.0.email",
    "person.phones.0.number", "person.addresses.0.street", "person.addresses.0.postalCode",
    "person.addresses.0.city", "person.addresses.0.countryCode", "person.customerCards.0.number",
)  # fmt: skip
# What else GK asks of an entry, where a column fills it.
GK_BESIDE = {
    "person.addresses.0": (
        ("contactPurposeTypeCode", "PRIVATE"), ("contactMethodTypeCode", "HOME"),
    ),
    "person.emails.0": (("defaultEmail", True),),
    "person.customerCards.0": (("type", "MAIN_CARD"),),
}  # fmt: skip


@dataclass(slots=True)
class Shape:
    """What is known of an API's records: their paths, a value of each, and what all share."""

    examples: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)


def shape_of(checks: Checks, records: Sequence[bytes]) -> Shape:
    """The shape of an API's records, by some that it got before, else by its mapping."""
    found: dict[str, list[Any]] = {}
    for raw in records:
        for path, value in _leaves(_decoded(raw), ""):
            found.setdefault(path, []).append(value)
    shape = Shape({path: values[0] for path, values in found.items()})
    if len(records) > FEW:
        for path, values in found.items():
            if len(values) == len(records) and len(set(map(repr, values))) == 1:
                shape.constants[path] = values[0]
    if not found and checks.rules == "gk":
        shape.examples = dict.fromkeys(GK_PATHS)
        shape.constants, shape.beside = dict(GK_CONSTANTS), dict(GK_BESIDE)
    for path in (*checks.id_paths[:1], *checks.email_paths[:1]):
        shape.examples.setdefault(path, None)
    return shape


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _leaves(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            if "." not in key and key:
                yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value[:3]):
            yield from _leaves(child, f"{path}.{index}")
    elif path:
        yield path, value


def guess(headings: Sequence[str], rows: Sequence[Sequence[str]], shape: Shape) -> Template:
    """The template that seems to fit; columns that fit no path are left to the person."""
    by_concept: dict[str, list[str]] = {}
    for path in shape.examples:
        by_concept.setdefault(words.concept(path.rpartition(".")[2]), []).append(path)
    fields: list[Field] = []
    for index, heading in enumerate(headings):
        concept = words.concept(heading)
        paths = by_concept.get(concept, [])
        known_shape = bool(by_concept) and len(shape.examples) > FEW
        path = paths.pop(0) if paths else "" if known_shape else words.as_key(heading)
        if path and not any(path == each.path for each in fields):
            values = [row[index].strip() for row in rows if index < len(row)]
            filled = [each for each in values if each]
            fields.append(_field(path, heading, filled, shape.examples.get(path), concept))
    return Template(fields=(*_constants(shape, fields), *fields, *_beside(shape, fields)))


def _constants(shape: Shape, fields: Sequence[Field]) -> list[Field]:
    taken = {each.path for each in fields}
    rest = {path: value for path, value in shape.constants.items() if path not in taken}
    return [Field(path=path, constant=value) for path, value in rest.items()]


def _beside(shape: Shape, fields: Sequence[Field]) -> list[Field]:
    used = Counter(each.path.rpartition(".")[0] for each in fields)
    return [
        Field(path=f"{entry}.{key}", constant=value)
        for entry, constants in shape.beside.items()
        if used[entry]
        for key, value in constants
    ]


def _field(path: str, heading: str, values: Sequence[str], example: Any, concept: str) -> Field:
    if isinstance(example, bool):
        return Field(path=path, column=heading, type="yes-no")
    if isinstance(example, int | float):
        kind = "integer" if isinstance(example, int) else "number"
        return Field(path=path, column=heading, type=kind, decimal=_decimal(values))  # type: ignore[arg-type]
    is_date = isinstance(example, str) and ISO_VALUE.fullmatch(example)
    if (is_date or concept in ("birthday", "date") or _has_marks(values)) and (
        pattern := _date_format(values)
    ):
        return Field(path=path, column=heading, type="date", format=pattern)
    return Field(path=path, column=heading)


def _has_marks(values: Sequence[str]) -> bool:
    """Whether most look like dates with marks between their parts, as 19800203 does not."""
    count = sum(len(re.findall(r"\d[./-]\d", each)) == 2 for each in values)
    return bool(values) and count >= MOST_OF_THEM * len(values)


def _decimal(values: Sequence[str]) -> str:
    return "," if any(re.search(r",\d{1,2}$|\d\.\d{3},", each) for each in values) else "."


def _date_format(values: Sequence[str]) -> str:
    """The format, the day before the month, that reads the most values; "" for too few."""
    counts = {pattern: _how_many(values, pattern) for pattern in words.DATE_FORMATS}
    best = max(counts, key=lambda pattern: counts[pattern])
    return best if values and counts[best] >= MOST_OF_THEM * len(values) else ""


def _how_many(values: Sequence[str], pattern: str) -> int:
    """How many of the values are dates of this format."""
    reader = date_reader(pattern, pattern)
    count = 0
    for each in values:
        try:
            reader(each)
        except BadCell:
            continue
        count += 1
    return count
