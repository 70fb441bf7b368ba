"""A few rows of a member file, and what a template makes of them: nothing is stored or sent."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from imports.customers.api.setup import checks_of
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.json_stream import Element
from imports.customers.files.row_faults import faults_of
from imports.customers.files.validation import Judge
from imports.customers.members import conversion, sources
from imports.customers.members.formats.rows import Row, find_form, rows
from imports.customers.members.templates import guessing
from imports.customers.members.templates.records import RecordMaker
from imports.customers.members.templates.template import unused
from imports.ledger.batches import bytes_of
from imports.models import ImportResult

if TYPE_CHECKING:
    from imports.customers.members.templates.template import Template
    from imports.messages import Text
    from imports.models import CustomerApi, MemberFile

MOST_ROWS = 1_000  # that are looked at
SHOWN = 3
KNOWN_RECORDS = 30
LONGEST_PASTE = 200_000  # characters


@dataclass(slots=True)
class Sample:
    """The headings of a member file and its first rows."""

    headings: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    trouble: Text | None = None


@dataclass(slots=True)
class Shown:
    """One row beside its record, and everything that keeps it from being sent."""

    row: Row
    cells: list[tuple[str, str]]
    record: str
    faults: list[Text]


@dataclass(slots=True)
class Preview:
    """What a template makes of a sample: some rows, those with faults first."""

    looked_at: int = 0
    faulty: int = 0
    rows: list[Shown] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    trouble: Text | None = None


def sample_of(member: MemberFile) -> Sample:
    """The first rows of a member file that was taken in."""
    form = sources.form_of(member)
    try:
        found = conversion.rows_of(member.rows_path, member.file.name, form)
        return Sample(form.headings, list(islice(found, MOST_ROWS)))
    except UnreadableFile as error:
        return Sample(form.headings, trouble=error.message)
    except OSError:
        return Sample(form.headings)


def pasted(text: str) -> Sample:
    """Rows that somebody copied out of a file, with its heading."""
    if not text.strip():
        return Sample()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pasted"
        path.write_text(text[:LONGEST_PASTE], encoding="utf-8", newline="")
        try:
            form = find_form(path, "pasted")
            return Sample(form.headings, list(islice(rows(path, "pasted", form), MOST_ROWS)))
        except UnreadableFile as error:
            return Sample(trouble=error.message)


def _shape(api: CustomerApi) -> guessing.Shape:
    latest = ImportResult.objects.filter(job__api=api, batch__isnull=False).order_by("-pk")
    ids = list(latest.values_list("pk", flat=True)[:KNOWN_RECORDS])
    return guessing.shape_of(checks_of(api), list(bytes_of(ids).values()))


def known_paths(api: CustomerApi) -> list[str]:
    """The paths of an API's records, as far as they are known."""
    shape = _shape(api)
    return sorted({*shape.examples, *shape.constants})


def guess(sample: Sample, api: CustomerApi) -> Template:
    """A first template for the sample, by the API's records."""
    shape = _shape(api)
    cells = [row.cells for row in sample.rows]
    return guessing.guess(sample.headings, cells, shape)


def preview(template: Template, sample: Sample, api: CustomerApi) -> Preview:
    """What the template makes of the sample, and what the API's own checks say of it."""
    found = Preview(trouble=sample.trouble, unused=unused(template, sample.headings))
    if not sample.rows:
        return found
    try:
        maker = RecordMaker(template, sample.headings, "")
    except UnreadableFile as error:
        found.trouble = error.message
        return found
    judge = Judge("", checks_of(api))
    good: list[Shown] = []
    for row in sample.rows:
        shown = _shown(row, sample, maker, judge)
        found.looked_at += 1
        found.faulty += bool(shown.faults)
        kept = found.rows if shown.faults else good
        if len(kept) < SHOWN:
            kept.append(shown)
    found.rows = (found.rows[: SHOWN - 1] if good else found.rows) + good
    found.rows = found.rows[:SHOWN]
    return found


def _shown(row: Row, sample: Sample, maker: RecordMaker, judge: Judge) -> Shown:
    made = maker.of(row)
    faults: list[Text] = [each.what for each in made.faults]
    raw = made.raw
    if carried := faults_of(raw):
        raw = carried[1]
    value = json.loads(raw)
    if not faults:
        fault = judge.judge(Element(0, len(raw), raw, value, True)).fault
        faults += [fault.what] if fault else []
    cells = list(zip(sample.headings, row.cells, strict=False))
    return Shown(row, cells, json.dumps(value, indent=2, ensure_ascii=False), faults)
