"""Makes a record of a row, as a template says. Made once for a file; called for every row."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from imports.customers.files.errors import Fault, UnreadableFile, shown, with_faults
from imports.customers.members import template
from imports.customers.members.template import missing, places, same_heading
from imports.messages import marked as _
from imports.messages import sentence
from imports.outside_text import INVISIBLE, trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.members.delimited import Row
    from imports.customers.members.template import Field, Template


Cells = list[str]
Faults = list[Fault]
# What a part of a record is for one row, and whether a filled cell went into it.
Part = tuple[Any, bool]
Maker = Callable[[Cells, Faults], Part]
Leaf = Callable[["Field"], Maker]  # the maker of what stands at one path
Cell = Callable[["Field", str, int], Maker]  # of one column's cell, by its heading and index

LACKS_COLUMNS = sentence(
    "LACKS_COLUMNS", _("it lacks columns that the record template reads: {columns}")
)
CHOOSE_TEMPLATE = sentence(
    "CHOOSE_TEMPLATE_FOR_IT", _("Choose the template that was made for it, or name its columns so")
)
WRONG_CELLS = sentence("ROW_WRONG_CELLS", _("it has {n} cells, and the heading has {most}"))
CELLS_REMEDY = sentence(
    "ROW_CELLS_REMEDY",
    _(
        "Put values that hold the separator or a line break in quotation marks; where short rows "
        "just end in empty cells, say so in the record template"
    ),
)
ODD_BLANKS = {"\u00a0": " ", "\u202f": " ", "\u2007": " "}
_TO_PLAIN = str.maketrans(ODD_BLANKS)
# What a cell must be looked at closely for: odd blanks and marks inside it, a spreadsheet's own
# errors and apostrophes, numbers that one has cut short.
_ODD = re.compile(f"[{''.join(ODD_BLANKS)}{INVISIBLE}]")
_SUSPECT = re.compile(f"[{''.join(ODD_BLANKS)}{INVISIBLE}#']|[eE]\\+")
FORMULA_SIGNS = "=+-@\t\r＝＋－＠"
OMIT = msgspec.UNSET
MOST_PATTERNS = 1_000
_encode, _encode_lines = msgspec.json.Encoder().encode, msgspec.json.Encoder().encode_lines


class Made(NamedTuple):
    """The bytes of a record, and why its row cannot be sent: nothing where it can."""

    raw: bytes
    faults: tuple[Fault, ...]


class RecordMaker:
    """Makes records of rows with these headings. Raises UnreadableFile where columns lack."""

    def __init__(self, template: Template, headings: Sequence[str], name: str) -> None:
        if lacking := missing(template, headings):
            names = ", ".join(f"“{shown(each)}”" for each in lacking[:20])
            what = LACKS_COLUMNS.format(columns=names)
            raise UnreadableFile(name, what, CHOOSE_TEMPLATE)
        self._width = len(headings)
        self._fills = template.short_rows == "fill"
        columns = places(headings)
        self._make = _maker(template.fields, columns, partial(_cell, is_clean=False))
        # Nearly all rows have nothing odd in them: their cells are cleaned all at once.
        self._make_of_clean = _maker(template.fields, columns, partial(_cell, is_clean=True))
        self._patterns = Patterns(template.fields, columns)
        self._trims = all(each.trim for each in template.fields if not each.is_constant)

    def of(self, row: Row) -> Made:
        """The record of one row."""
        faults: Faults = [row.fault] if row.fault else []
        cells = row.cells
        if len(cells) != self._width:
            cells = self._fitted(cells, faults)
        make = self._make
        if self._trims:
            cells = [text.strip() for text in cells]
            if not _SUSPECT.search("\n".join(cells)):
                if not faults and (raw := self._patterns.record_of(cells)):
                    return Made(raw, ())
                make = self._make_of_clean
        record, _is_filled = make(cells, faults)
        record = {} if record is OMIT else record
        if faults:
            return Made(_encode(with_faults(record, faults)), tuple(faults))
        return Made(_encode(record), ())

    def _fitted(self, cells: Cells, faults: Faults) -> Cells:
        """As many cells as the heading has; empty ones at the end may be there or not."""
        filled = len(cells)
        while filled > self._width and not trimmed(cells[filled - 1]):
            filled -= 1
        is_short = filled < self._width
        if not faults and (filled > self._width or (is_short and not self._fills)):
            what = WRONG_CELLS.format(n=filled, most=self._width)
            faults.append(Fault("ROW_CELLS", what, CELLS_REMEDY))
        return [*cells[: self._width], *[""] * (self._width - filled)]


class _Pattern(NamedTuple):
    """A record with %b for each filled cell; which cell that is, and how it is read."""

    text: bytes
    cells: tuple[int, ...]
    readers: tuple[tuple[int, Callable[[str], Any]], ...]  # of those that are not sent as text


class Patterns:
    """Makes the records of clean rows, quickly: rows with the same cells filled differ in these
    alone, so that all else of their records is written once.
    """

    def __init__(self, fields: Sequence[Field], columns: dict[str, int]) -> None:
        self._found: list[tuple[Field, int]] = []  # by their numbers, the cells of a pattern
        self._make = _maker(fields, columns, self._marked)
        self._patterns: dict[tuple[bool, ...], _Pattern | None] = {}

    def _marked(self, field: Field, name: str, index: int) -> Maker:
        """What `_cell` makes, but with a mark in place of the value of a filled cell."""
        mark = msgspec.Raw(b"\0%d\0" % len(self._found))
        self._found.append((field, index))
        return _cell(field, name, index, is_clean=False, read=lambda text: mark)

    def record_of(self, cells: Cells) -> bytes | None:
        """The bytes of the record; None where the row must be looked at cell by cell."""
        filled = tuple(map(bool, cells))
        if filled not in self._patterns:
            if len(self._patterns) == MOST_PATTERNS:
                return None
            self._patterns[filled] = self._pattern(filled)
        pattern = self._patterns[filled]
        if pattern is None:
            return None
        found: list[Any] = [cells[index] for index in pattern.cells]
        try:
            for at, read in pattern.readers:
                found[at] = read(found[at])
        except template.BadCell:
            return None
        return pattern.text % tuple(_encode_lines(found).split(b"\n")[:-1])

    def _pattern(self, filled: tuple[bool, ...]) -> _Pattern | None:
        faults: Faults = []
        record, _is_filled = self._make(["x" if each else "" for each in filled], faults)
        parts = _encode(record).split(b"\0") if record is not OMIT else []
        if faults or len(parts) < 2:
            return None
        text = b"%b".join(part.replace(b"%", b"%%") for part in parts[::2])
        found = [self._found[int(number)] for number in parts[1::2]]
        readers = [
            (at, _reader(field))
            for at, (field, _index) in enumerate(found)
            if field.type != "text" or field.values
        ]
        return _Pattern(text, tuple(index for _field, index in found), tuple(readers))


def _maker(fields: Sequence[Field], columns: dict[str, int], cell: Cell) -> Maker:
    """The maker of whole records."""
    return _object(fields, 0, partial(_leaf, columns=columns, cell=cell))


def _node(fields: Sequence[Field], depth: int, leaf: Leaf) -> Maker:
    """The maker of what stands below one path."""
    if len(fields) == 1 and len(fields[0].steps) == depth:
        return leaf(fields[0])
    if isinstance(fields[0].steps[depth], int):
        return _list(fields, depth, leaf)
    return _object(fields, depth, leaf)


def _children(fields: Sequence[Field], depth: int, leaf: Leaf) -> list[tuple[Any, Maker]]:
    groups: dict[str | int, list[Field]] = {}
    for field in fields:
        groups.setdefault(field.steps[depth], []).append(field)
    return [(step, _node(group, depth + 1, leaf)) for step, group in groups.items()]


def _object(fields: Sequence[Field], depth: int, leaf: Leaf) -> Maker:
    """An object; one that would hold nothing but constants beside empty cells is left out."""
    children = _children(fields, depth, leaf)
    needs_value = depth > 0 and not all(each.is_constant for each in fields)

    def make(cells: Cells, faults: Faults) -> Part:
        found: dict[str, Any] = {}
        is_filled = False
        for key, child in children:
            value, is_real = child(cells, faults)
            if value is not OMIT:
                found[key] = value
                is_filled = is_filled or is_real
        if not found or (needs_value and not is_filled):
            return OMIT, False
        return found, is_filled

    return make


def _list(fields: Sequence[Field], depth: int, leaf: Leaf) -> Maker:
    """A list without holes: an entry that is left out makes room for the next."""
    children = sorted(_children(fields, depth, leaf), key=lambda child: int(child[0]))

    def make(cells: Cells, faults: Faults) -> Part:
        parts = [child(cells, faults) for _index, child in children]
        found = [value for value, _is_real in parts if value is not OMIT]
        return found or OMIT, any(is_real for _value, is_real in parts)

    return make


def _leaf(field: Field, columns: dict[str, int], cell: Cell) -> Maker:
    if field.is_constant:
        constant = field.constant, False
        return lambda cells, faults: constant
    cells_of = [(name, columns[same_heading(name)]) for name in field.sources]
    if field.columns:
        return _several(field, [cell(field, *each) for each in cells_of])
    return cell(field, *cells_of[0])


def _several(field: Field, makers: Sequence[Maker]) -> Maker:
    """A list of the filled cells among several columns."""

    def make(cells: Cells, faults: Faults) -> Part:
        parts = [maker(cells, faults) for maker in makers]
        found = [value for value, is_real in parts if is_real]
        if found or field.empty == "omit":
            return found or OMIT, bool(found)
        return ([] if field.empty != "null" else None), False

    return make


def _cell(
    field: Field, name: str, index: int, *, is_clean: bool,
    read: Callable[[str], Any] | None = None,
) -> Maker:  # fmt: skip
    """Of one cell; `read` reads a filled one, if not in the field's way."""
    if is_clean and field.type == "text" and not field.values and field.empty == "omit":
        return _plain_cell(index)
    read, trim = read or _reader(field), field.trim and not is_clean
    if_empty: Part = {"null": (None, False), "text": ("", False)}.get(field.empty, (OMIT, False))
    if "" in field.values:
        if_empty = field.values[""], False
    is_required = field.empty == "refuse" and "" not in field.values

    def make(cells: Cells, faults: Faults) -> Part:
        text = cells[index]
        if text and trim:
            text = clean(text)
        if text[:1] == "'" and text[1:2] and text[1] in FORMULA_SIGNS:
            text = text[1:]
        try:
            if not text:
                if is_required:
                    raise template.empty()
                return if_empty
            return read(text), True
        except template.BadCell as bad:
            faults.append(bad.fault(name))
            return text, True

    return make


def _plain_cell(index: int) -> Maker:
    """The cell as it stands: of a row without anything odd."""
    left_out: Part = OMIT, False

    def make(cells: Cells, faults: Faults) -> Part:
        text = cells[index]
        return (text, True) if text else left_out

    return make


def clean(text: str) -> str:
    """Without blanks and marks around it; with plain blanks for no-break ones inside."""
    text = text.strip()
    if _ODD.search(text):
        return trimmed(text).translate(_TO_PLAIN)
    return text


def _reader(field: Field) -> Callable[[str], Any]:
    """Reads the text of a filled cell. Raises BadCell."""
    plain = _plain_reader(field)
    if not field.values:
        return plain
    known, keeps = field.values, field.others == "keep"
    folded = {each.casefold(): value for each, value in known.items()}
    allowed = shown(", ".join(known), 200)

    def read(text: str) -> Any:
        if text in known:
            return known[text]
        if text.casefold() in folded:
            return folded[text.casefold()]
        if keeps:
            return plain(text)
        remedy = template.CHOICE_REMEDY.format(allowed=allowed)
        raise template.BadCell("ROW_VALUE", template.IS_NO_CHOICE, remedy, value=shown(text))

    return read


def _plain_reader(field: Field) -> Callable[[str], Any]:
    match field.type:
        case "date":
            return template.date_reader(field.format, field.write_as)
        case "integer":
            return template.number_reader(field.decimal, whole=True)
        case "number":
            return template.number_reader(field.decimal, whole=False)
        case "yes-no":
            return template.yes_or_no
    return _text


def _text(text: str) -> str:
    if text[0] == "#" or "+" in text:
        template.refuse_damage(text)
    return text
