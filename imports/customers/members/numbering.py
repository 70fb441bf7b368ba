"""Sentences about the records of a member file name their rows, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imports.customers.files.errors import shown
from imports.customers.members.conversion import place_of
from imports.customers.members.places import index_path
from imports.messages import Message, from_json, sentence, to_json
from imports.messages import marked as _

if TYPE_CHECKING:
    from imports.customers.members.conversion import Place
    from imports.messages import Param, Text
    from imports.models import ImportFile

RECORD_AND_ROW = sentence("RECORD_AND_ROW", _("{position} (row {row})"))
# Which parameters of one sentence name a record, and the file that it is in.
PAIRS = {"record": "file", "other_record": "other_file"}


def with_rows(message: Text, file: ImportFile) -> Text:
    """The sentence with the row beside each record of this file that it names."""
    if not isinstance(message, Message) or not is_member(file):
        return message
    params = dict(message.params)
    for record, where in PAIRS.items():
        position = params.get(record)
        if isinstance(position, int) and params.get(where, shown(file.name, 200)) == shown(
            file.name, 200
        ):
            params[record] = _numbered(position, file)
    then = tuple(with_rows(each, file) for each in message.then)
    return replace(message, params=tuple(sorted(params.items())), then=then)


def is_member(file: ImportFile) -> bool:
    """Whether the file's records were made of rows."""
    member = getattr(file, "member", None)
    return member is not None and bool(member.form)


def place_in(file: ImportFile, position: int) -> Place | None:
    """Where the row of the record at `position` of a converted file stands."""
    try:
        return place_of(index_path(file.path), position)
    except OSError:
        return None


def _numbered(position: int, file: ImportFile) -> Param:
    place = place_in(file, position)
    return position if place is None else RECORD_AND_ROW.format(position=position, row=place.row)


def number(file: ImportFile) -> None:
    """Name the rows in what was found in a checked file. The caller saves it."""
    if not is_member(file):
        return
    file.warnings = [to_json(with_rows(from_json(each), file)) for each in file.warnings]
    file.refusals = [_numbered_refusal(each, file) for each in file.refusals]


def _numbered_refusal(refusal: dict[str, Any], file: ImportFile) -> dict[str, Any]:
    return {**refusal, "message": to_json(with_rows(from_json(refusal["message"]), file))}
