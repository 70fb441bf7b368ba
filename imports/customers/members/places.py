"""Where the pieces of a converted member file lie: in the storage, beside its job's uploads.

They are written on this host, and published where other hosts share the storage. Sentences about
the records of such a file name their rows, too.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage

from imports.customers.files.errors import shown
from imports.customers.members.conversion import index_of, place_of
from imports.messages import Message, from_json, sentence, to_json
from imports.messages import marked as _
from imports.sealing import files, working
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imports.customers.members.conversion import Place
    from imports.messages import Param, Text
    from imports.models import ImportFile, ImportJob


# The folder of dry runs of files that belong to no stored job.
UNSTORED = "dry-runs"
MEGABYTE = 1 << 20


def folder_of(job: ImportJob) -> str:
    """The folder of the job's uploads in the storage."""
    return files.folder(f"imports/{job.pk or UNSTORED}")


def _base(name: str) -> Path:
    """Below which directory of this host stored files lie, or their copies."""
    if files.is_sealed(name):
        return working.directory()
    if stored.is_shared():
        return stored.cache_directory()
    return Path(default_storage.path("x")).parent


def new_piece(folder: str, suffix: str) -> Path:
    """A path of this host for a new file in that folder of the storage."""
    directory = _base(f"{folder}/") / folder
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{uuid.uuid4().hex}{suffix}"


def where_of(path: Path) -> str:
    """Where a piece of this host lies, as the ledger keeps it."""
    name = working.name_of(path) or path.relative_to(_base("")).as_posix()
    return stored.STORED + name


def publish(*paths: Path) -> None:
    """Put finished pieces into the storage, where they do not lie in it. Raises OSError."""
    for path in paths:
        path.chmod(0o600)
        name = stored.name_of(where_of(path))
        if stored.is_shared() or files.is_sealed(name):
            stored.keep_path(name, path)


def keep_copy(path: Path, folder: str) -> Path:
    """A copy of somebody's file that nobody changes."""
    kept = new_piece(folder, ".rows")
    shutil.copyfile(path, kept)
    return kept


def index_path(where: str) -> Path:
    """A path of this host that holds the index of a converted file. Raises OSError."""
    name = where.rpartition(".")[0] + ".index"
    return stored.local_path(name) if stored.is_stored(where) else index_of(Path(where))


def forget(*places: str) -> None:
    """Remove pieces of ours and their indexes; of a storage that is away they stay."""
    for where in places:
        with suppress(OSError):
            stored.delete(where)
            if stored.is_stored(where):
                stored.delete(where.rpartition(".")[0] + ".index")


def forget_new(made: Iterable[Path]) -> None:
    """Remove pieces that came to nothing."""
    forget(*map(where_of, made))


def forget_unused(places: Iterable[str], file: ImportFile) -> None:
    """Remove those of ours that a stored file no longer needs."""
    forget(*(each for each in places if each not in file.pieces))


def most_bytes() -> int:
    """As much is unpacked of one file."""
    return int(settings.MEMBER_FILE_MB) * MEGABYTE


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


def name_rows(file: ImportFile) -> None:
    """Name the rows in what was found in a checked file. The caller saves it."""
    if not is_member(file):
        return
    file.warnings = [to_json(with_rows(from_json(each), file)) for each in file.warnings]
    file.refusals = [_numbered_refusal(each, file) for each in file.refusals]


def _numbered_refusal(refusal: dict[str, Any], file: ImportFile) -> dict[str, Any]:
    return {**refusal, "message": to_json(with_rows(from_json(refusal["message"]), file))}
