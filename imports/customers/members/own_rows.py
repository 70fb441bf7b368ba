"""The row that a record was made of: the file's own, or that of a corrected file since."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from imports.customers.members.conversion import bytes_at, cells_of
from imports.customers.members.formats.rows import Form
from imports.customers.members.numbering import place_in
from imports.models import CorrectedRow, ImportResult, MemberFile
from imports.sealing import columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

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
    found = {}
    for result, member in mine:
        row = corrected.get(result.pk)
        own = _of_correction(row) if row else _of_file(member, result.position)
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


def _of_correction(row: CorrectedRow) -> OwnRow:
    form = msgspec.convert(row.form, Form)
    raw = columns.plain(row.raw, row.sealed_with, columns.of_row(row.result_id))
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
