"""A corrected failed_rows.csv: its rows become records as the import's own rows did."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from imports.customers.files.errors import UnreadableFile
from imports.customers.members import conversion, sources
from imports.customers.members.conversion import bytes_at, index_of, place_of
from imports.customers.members.formats.rows import Form  # noqa: TC001 - read when it is decoded
from imports.customers.members.places import forget
from imports.customers.members.templates.records import LACKS_COLUMNS
from imports.customers.members.templates.template import missing, read, same_heading
from imports.ledger.batches import bytes_of
from imports.ledger.totals import family
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import CorrectedRow, MemberFile

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
    source: str  # the name of the file with the rows, in the same folder


def as_records(job: ImportJob, path: Path, name: str) -> Path:
    """The uploaded file as API-shaped records: the same file, or one beside it in its place.

    Raises UnreadableFile for a table whose columns are not those of the import.
    """
    with sources.pieces() as made:
        kind, opened = sources.opened(path, name, path.parent, made)
        if kind not in sources.TABLES:
            if opened != path:
                path.unlink()
            return opened
        form, source = sources.written_down(kind, opened, name, path.parent, made)
        member = _member_of(job, form, name)
        target = source.with_name(f"{source.stem}.records.json")
        made.append(target)
        conversion.convert(source, name, form, read(member.document), target)
        about = msgspec.json.encode(Rows(member.pk, form, source.name))
        _about(target).write_bytes(about)
    if source != path:
        path.unlink()
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


def _about(records: Path) -> Path:
    return records.with_suffix(".form")


def _rows_beside(records: Path) -> Rows | None:
    try:
        return msgspec.json.decode(_about(records).read_bytes(), type=Rows)
    except (OSError, ValueError):
        return None


def forget_rows(records: Path) -> None:
    """Remove what stands beside a corrected file's records."""
    about = _rows_beside(records)
    if about is not None:
        forget(records.with_name(about.source))
    _about(records).unlink(missing_ok=True)
    index_of(records).unlink(missing_ok=True)


def keep_rows(new: ImportJob, corrected: Sequence[Path]) -> None:
    """Keep the row of each new version that was made of one: a later failure shows that row.

    Inside the transaction that made `new`, the job that sends these files' records.
    """
    for records in corrected:
        about = _rows_beside(records)
        if about is not None:
            CorrectedRow.objects.bulk_create(_kept(new, records, about), ROWS_AT_ONCE)


def _kept(new: ImportJob, records: Path, about: Rows) -> Iterator[CorrectedRow]:
    positions = _positions(records)
    form, source = msgspec.to_builtins(about.form), records.with_name(about.source)
    for result, raw in _sent(new):
        place = place_of(records, positions.get(raw, 0)) if raw in positions else None
        if place is not None:
            kept = bytes_at(source, place)
            yield CorrectedRow(
                result=result, member_id=about.member, form=form, row=place.row, raw=kept
            )


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
