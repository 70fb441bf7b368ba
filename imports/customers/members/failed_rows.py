"""failed_rows.csv, and its rows when they come back corrected.

Each row is written in the form of the file it came in by: it is that file's own, or that of a
corrected file since. Corrected rows become records as the rows of the import did.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.db.models import Q

from imports.customers.files.errors import UnreadableFile, faults_of
from imports.customers.members import conversion, sources
from imports.customers.members.conversion import bytes_at, cells_of, index_of, place_in, place_of
from imports.customers.members.delimited import Form, Row
from imports.customers.members.records import LACKS_COLUMNS, RecordMaker
from imports.customers.members.template import missing, places, read, same_heading
from imports.customers.record_editor import is_same
from imports.exports import safe_cell, xlsx_pieces
from imports.ledger import left_out, retries
from imports.ledger.batches import bytes_of
from imports.ledger.totals import family
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import CorrectedRow, ImportResult, MemberFile
from imports.sealing import keys
from imports.sealing.keys import Ring
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from imports.models import ImportJob
    from imports.retry_directory import NewDirectory


ROWS_AT_ONCE = 1_000
NAME = "failed_rows{number}.{suffix}"
NO_TABLE = sentence(
    "NO_TABLE_IN_IMPORT", _("it is a table, and no customer of this import came in as a row")
)
USE_JSON = sentence("USE_JSON", _("Correct the JSON retry files, and upload those"))
KEEP_HEADING = sentence("KEEP_HEADING", _("Keep the heading of failed_rows.csv as it is"))


@dataclass(slots=True)
class WrittenRows:
    """One file of failed rows, and how many records it lacks: those edited since as records."""

    name: str
    sha256: str = ""
    result_ids: list[int] = field(default_factory=list)
    edited: int = 0

    def details(self) -> dict[str, object]:
        """What the summary says of it."""
        return {
            "file": self.name, "rows": len(self.result_ids), "sha256": self.sha256,
            "edited_since": self.edited,
        }  # fmt: skip


def write(job: ImportJob, new: NewDirectory) -> list[WrittenRows]:
    """Write a file for each form that the failed records came in by; nothing if by none."""
    failed = _failed(job)
    files = failed.order_by().values_list("file_id", flat=True).distinct()
    members = MemberFile.objects.filter(file__in=files).exclude(form={}).order_by("file_id")
    groups: dict[bytes, list[MemberFile]] = {}
    for member in members.select_related("file"):
        if place_in(member.file, 1) is not None:
            groups.setdefault(_kind(member), []).append(member)
    written = []
    for number, group in enumerate(groups.values(), start=1):
        form = msgspec.convert(group[0].form, Form)
        suffix = "xlsx" if form.kind == "xlsx" else "csv"
        one = WrittenRows(NAME.format(number=f"_{number}" if number > 1 else "", suffix=suffix))
        some = failed.filter(file__in=[each.file_id for each in group])
        pieces = _Writer(group[0], form, one).pieces(some)
        one.sha256 = new.add(one.name, pieces, one.result_ids, confirmed=False, rows=True)
        written.append(one)
    return written


def _kind(member: MemberFile) -> bytes:
    """What files have in common whose rows may stand in one file."""
    form = {name: member.form.get(name) for name in ("kind", "encoding", "separator", "headings")}
    return msgspec.json.encode([form, member.document], order="sorted")


def _failed(job: ImportJob) -> Any:
    """The records that failed or could not be sent, without a later version."""
    failed = Q(pk__in=retries.waiting(job).order_by().values("pk"))
    could_not = Q(pk__in=left_out.left_out(retries.descendants(job)).order_by().values("pk"))
    return ImportResult.objects.filter(failed | could_not, file__isnull=False)


class _Writer:
    """Writes rows as the member file has them: its heading's own bytes, its separator, encoding.

    A row is copied byte for byte, unless a spreadsheet would run a formula in it.
    """

    def __init__(self, member: MemberFile, form: Form, one: WrittenRows) -> None:
        self._member, self._form, self._one = member, form, one
        self._template = read(member.document)
        self._makers: dict[tuple[str, ...], RecordMaker] = {}
        is_windows = form.encoding == "cp1252"
        # A corrected row may hold letters that Windows-1252 has not.
        self._is_changed = is_windows and CorrectedRow.objects.filter(member=member).exists()
        self._codec = "utf-8" if self._is_changed else form.encoding

    def pieces(self, results: Any) -> Iterator[bytes]:
        """The file, piece by piece; one chunk of rows is held at a time."""
        if self._form.kind == "xlsx":
            cells = (self._cells(row) for row in self._rows(results))
            yield from xlsx_pieces(self._form.headings, cells)
            return
        yield self._heading()
        for row in self._rows(results):
            yield self._bytes(row)

    def _rows(self, results: Any) -> Iterator[OwnRow]:
        ordered = results.order_by("file_id", "position", "pk")
        rest = ordered.defer("refused_record", "message").iterator(ROWS_AT_ONCE)
        while some := list(islice(rest, ROWS_AT_ONCE)):
            rows, raws = rows_of(some), bytes_of([each.pk for each in some])
            for result in some:
                row = rows.get(result.pk)
                if row is None or not self._says(row, raws[result.pk]):
                    self._one.edited += 1
                    continue
                self._one.result_ids.append(result.pk)
                yield row

    def _says(self, row: OwnRow, raw: bytes) -> bool:
        """Whether the record is what the row says: nobody has edited it as a record since."""
        headings = row.form.headings
        if headings not in self._makers:
            self._makers[headings] = RecordMaker(self._template, headings, "")
        made = self._makers[headings].of(Row(0, 0, 0, row.cells)).raw
        if carried := faults_of(made):
            made = carried[1]
        return made == raw or is_same(_text(made), _text(raw))

    def _heading(self) -> bytes:
        with self._member.rows_path.open("rb") as file:
            raw = file.read(self._form.body)
        mark, text = raw[: self._form.mark], raw[self._form.mark :].decode(self._form.encoding)
        is_safe = all(safe_cell(each) == each for each in self._form.headings)
        if is_safe and not self._is_changed:
            return raw if text.endswith(("\n", "\r")) else raw + "\r\n".encode(self._codec)
        if self._is_changed:
            mark = b"\xef\xbb\xbf"
        return mark + self._encoded(self._form.headings)

    def _bytes(self, row: OwnRow) -> bytes:
        cells = row.cells
        is_as_it_came = not (row.is_corrected or self._is_changed)
        if is_as_it_came and all(safe_cell(each) == each for each in cells):
            ended = row.raw.decode(row.form.encoding).endswith(("\n", "\r"))
            return row.raw if ended else row.raw + "\r\n".encode(self._codec)
        return self._encoded(self._cells(row))

    def _cells(self, row: OwnRow) -> list[str]:
        """In the order of this file's columns, whatever that of the corrected one was."""
        if not row.is_corrected:
            return row.cells
        known = places(row.form.headings)
        cells = [*row.cells, *[""] * len(row.form.headings)]
        at = [known.get(same_heading(each)) for each in self._form.headings]
        return ["" if index is None else cells[index] for index in at]

    def _encoded(self, cells: Sequence[str]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self._form.separator).writerow(map(safe_cell, cells))
        return out.getvalue().encode(self._codec)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


MOST_STEPS = 1_000  # from a record to its first version


class OwnRow(NamedTuple):
    """A row's own bytes, how they are written, its number, and the member file it belongs to."""

    raw: bytes
    form: Form
    number: int
    member: MemberFile
    is_corrected: bool = False

    @property
    def cells(self) -> list[str]:
        return cells_of(self.raw, self.form)

    @property
    def named_cells(self) -> list[tuple[str, str]]:
        """Each cell with the heading of its column."""
        return list(zip(self.form.headings, self.cells, strict=False))


def rows_of(results: Collection[ImportResult]) -> dict[int, OwnRow]:
    """{result id: its row}, for those that were made of one. A few queries for all of them.

    The results need no more than their ids, files and positions.
    """
    files = {each.file_id for each in results if each.file_id}
    members: dict[int | None, MemberFile] = {
        each.file_id: each
        for each in MemberFile.objects.filter(file__in=files).select_related("file")
        if each.form
    }
    mine = [(each, members[each.file_id]) for each in results if each.file_id in members]
    corrected = _corrected([each.pk for each, _member in mine])
    found, ring = {}, Ring()
    for result, member in mine:
        row = corrected.get(result.pk)
        own = _of_correction(row, ring) if row else _of_file(member, result.position)
        if own is not None:
            found[result.pk] = own
    return found


def _of_file(member: MemberFile, position: int) -> OwnRow | None:
    place = place_in(member.file, position)
    if place is None:
        return None
    try:
        raw = bytes_at(member.rows_path, place)
    except OSError:
        return None
    return OwnRow(raw, msgspec.convert(member.form, Form), place.row, member)


def _of_correction(row: CorrectedRow, ring: Ring) -> OwnRow:
    form = msgspec.convert(row.form, Form)
    raw = keys.plain(row.raw, row.sealed_with, keys.of_row(row.result_id), ring)
    return OwnRow(raw, form, row.row, row.member, is_corrected=True)


def _corrected(ids: Iterable[int]) -> dict[int, CorrectedRow]:
    """For each result the row of the latest correction among it and its earlier versions."""
    above = {pk: pk for pk in ids}  # a version: the result that it is an earlier version of
    found: dict[int, CorrectedRow] = {}
    for _step in range(MOST_STEPS):
        if not above:
            break
        rows = CorrectedRow.objects.filter(result__in=above).select_related("member__file")
        for row in rows:
            found[above.pop(row.result_id)] = row
        earlier = ImportResult.objects.filter(pk__in=above, retry_of__isnull=False)
        links = earlier.values_list("pk", "retry_of_id")
        above = {retry_of: above[pk] for pk, retry_of in links if retry_of is not None}
    return found


class Rows(msgspec.Struct, frozen=True):
    """Kept beside a corrected file's records: whose template made them, and where the rows are."""

    member: int
    form: Form
    source: str  # where the rows lie


def as_records(job: ImportJob, where: str, name: str) -> str:
    """Where the uploaded file's records lie: itself, or what was made of it beside it.

    Raises UnreadableFile for a table whose columns are not those of the import.
    """
    path, folder = stored.local_path(where), stored.name_of(where).rpartition("/")[0]
    with sources.pieces() as made:
        kind, found = sources.opened(path, name, folder, made)
        if kind in sources.TABLES:
            form, source = sources.written_down(kind, found, name, folder, made)
            found = _converted(job, source, name, form, folder, made)
        else:
            source = found
        if found == path:
            return where
        conversion.publish(*(each for each in {found, source} if each != path))
    if source != path:
        stored.delete(where)
    return conversion.where_of(found)


def _converted(
    job: ImportJob, source: Path, name: str, form: Form, folder: str, made: list[Path]
) -> Path:
    """The records that the rows make, with an index and a note of their source beside them."""
    member = _member_of(job, form, name)
    target = conversion.new_piece(folder, ".json")
    made.append(target)
    conversion.convert(source, name, form, read(member.document), target)
    note = target.with_suffix(".form")
    note.write_bytes(msgspec.json.encode(Rows(member.pk, form, conversion.where_of(source))))
    conversion.publish(index_of(target), note)
    return target


def _member_of(job: ImportJob, form: Form, name: str) -> MemberFile:
    """The member file of the import with just these headings, else one whose columns are here."""
    found = MemberFile.objects.filter(file__job__in=family(job)).exclude(document={})
    members = list(found.select_related("file").order_by("pk"))
    if not members:
        raise UnreadableFile(name, NO_TABLE, USE_JSON)
    mine = {same_heading(each) for each in form.headings}
    same = [each for each in members if {*map(same_heading, each.form["headings"])} == mine]
    lacking = [missing(read(each.document), form.headings) for each in members]
    fitting = [each for each, names in zip(members, lacking, strict=True) if not names]
    if not (same or fitting):
        listed = ", ".join(f"“{each}”" for each in min(lacking, key=len)[:20])
        raise UnreadableFile(name, LACKS_COLUMNS.format(columns=listed), KEEP_HEADING)
    return (same or fitting)[0]


def _note(records: str) -> str:
    return records.rpartition(".")[0] + ".form"


def _rows_beside(records: str) -> Rows | None:
    try:
        raw = stored.local_path(_note(records)).read_bytes()
        return msgspec.json.decode(raw, type=Rows)
    except (OSError, ValueError):
        return None


def forget_rows(records: str) -> None:
    """Remove what stands beside a corrected file's records."""
    about = _rows_beside(records)
    if about is not None:
        conversion.forget(about.source, records)
        stored.delete(_note(records))


def keep_rows(new: ImportJob, corrected: Sequence[str]) -> None:
    """Keep the row of each new version that was made of one: a later failure shows that row.

    Inside the transaction that made `new`, the job that sends these files' records.
    """
    for records in corrected:
        about = _rows_beside(records)
        if about is not None:
            CorrectedRow.objects.bulk_create(_kept(new, records, about), ROWS_AT_ONCE)


def _kept(new: ImportJob, records: str, about: Rows) -> Iterator[CorrectedRow]:
    positions, index = _positions(stored.local_path(records)), conversion.index_path(records)
    form, source = msgspec.to_builtins(about.form), stored.local_path(about.source)
    key = keys.to_seal(new.pk)
    for result, raw in _sent(new):
        place = place_of(index, positions[raw]) if raw in positions else None
        if place is not None:
            kept = bytes_at(source, place)
            if key is not None:
                kept = key.seal(kept, keys.of_row(result.pk))
            yield CorrectedRow(
                result=result, member_id=about.member, form=form, row=place.row, raw=kept,
                sealed_with=key.pk if key else None,
            )  # fmt: skip


def _positions(records: Path) -> dict[bytes, int]:
    """Where each record stands in a corrected file. Those have few: one request reads them."""
    with records.open("rb") as file:
        found = msgspec.json.decode(file.read(), type=dict[str, list[msgspec.Raw]])
    return {bytes(raw): position for position, raw in enumerate(found["data"], start=1)}


def _sent(new: ImportJob) -> Iterator[tuple[ImportResult, bytes]]:
    rest = new.results.order_by("pk").only("pk").iterator(ROWS_AT_ONCE)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        raws = bytes_of([each.pk for each in some])
        yield from ((each, raws[each.pk]) for each in some)
