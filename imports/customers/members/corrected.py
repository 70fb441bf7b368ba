"""A corrected failed_rows.csv: its rows become records as the import's own rows did."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from imports.customers.files.errors import UnreadableFile
from imports.customers.members import conversion, sources
from imports.customers.members.conversion import bytes_at, index_of, place_of
from imports.customers.members.delimited import Form  # noqa: TC001 - read when it is decoded
from imports.customers.members.records import LACKS_COLUMNS
from imports.customers.members.template import missing, read, same_heading
from imports.ledger.batches import bytes_of
from imports.ledger.totals import family
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import CorrectedRow, MemberFile
from imports.sealing import columns, keys
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imports.models import ImportJob, ImportResult

ROWS_AT_ONCE = 1_000
NO_TABLE = sentence(
    "NO_TABLE_IN_IMPORT", _("it is a table, and no customer of this import came in as a row")
)
USE_JSON = sentence("USE_JSON", _("Correct the JSON retry files, and upload those"))
KEEP_HEADING = sentence("KEEP_HEADING", _("Keep the heading of failed_rows.csv as it is"))


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
        columns = ", ".join(f"“{each}”" for each in min(lacking, key=len)[:20])
        raise UnreadableFile(name, LACKS_COLUMNS.format(columns=columns), KEEP_HEADING)
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
                kept = key.seal(kept, columns.of_row(result.pk))
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
