"""Sealed files: read in pieces, each in its place, and copied plain for one task only."""

from __future__ import annotations

import hashlib
import io
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from imports.models import RecordsKey
from imports.sealing import files, working
from imports.sealing.keys import OVERHEAD, Unreadable
from imports.storage import stored
from tests.imports.storage.conftest import shared

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shared"]
pytestmark = pytest.mark.django_db
NAME = "sealed/corrected/a.json"
MARK = b"c4n4ry"
PIECE = 64


@pytest.fixture(params=["disk", "bucket"])
def encrypted(request: pytest.FixtureRequest, settings: Any, installation: Path) -> Path:
    """Files are encrypted; on a disk, and in a bucket that other hosts share."""
    settings.ENCRYPT_RECORDS = True
    if request.param == "bucket":
        request.getfixturevalue("shared")
    return installation


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE_BYTES", PIECE)


def at_rest(name: str) -> bytes:
    with default_storage.open(name) as opened:
        return bytes(opened.read())


@pytest.mark.usefixtures("encrypted", "small_pieces")
@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 1_000])
def test_a_file_of_any_length_comes_back_and_its_size_is_known(size: int) -> None:
    content = (MARK * size)[:size]
    where = stored.keep(stored.fresh_name("corrected"), ContentFile(content))
    assert where.startswith("storage:sealed/corrected/")
    assert b"".join(stored.pieces(where)) == content
    assert (stored.exists(where), stored.size(where)) == (True, size)
    path = stored.local_path(where, hashlib.sha256(content).hexdigest())
    assert path.read_bytes() == content
    assert MARK not in at_rest(stored.name_of(where))


@pytest.mark.usefixtures("small_pieces")
def test_the_plain_copy_is_gone_when_the_task_ends_and_the_sealed_one_when_it_is_deleted(
    encrypted: Path,
) -> None:
    with working.task():
        where = stored.keep(stored.fresh_name("corrected"), ContentFile(MARK * 100))
        path = stored.local_path(where)
        assert stored.local_path(where) == path
    assert not path.exists()
    assert not any(working.home().iterdir())
    assert all(MARK not in each.read_bytes() for each in encrypted.rglob("*") if each.is_file())
    with working.task():
        copy = stored.local_path(where)
        assert copy.exists()
        stored.delete(where)
        there = (copy.exists(), stored.exists(where), stored.local_path(where).exists())
        assert there == (False, False, False)


@pytest.mark.usefixtures("encrypted")
def test_a_job_has_a_key_of_its_own_and_shares_none() -> None:
    for folder in ("corrected", "corrected"):
        stored.keep(stored.fresh_name(folder), ContentFile(MARK))
    assert list(RecordsKey.objects.values_list("job", flat=True)) == [None]


def sealed(content: bytes) -> bytes:
    with files.seal(NAME, [content]) as made:
        return made.read()


def refuse(name: str, content: bytes) -> None:
    with pytest.raises(Unreadable):
        list(files.unseal(name, io.BytesIO(content)))


@pytest.mark.usefixtures("encrypted", "small_pieces")
def test_pieces_cannot_be_exchanged_left_out_cut_off_or_moved_to_another_name() -> None:
    whole, head, piece = sealed(MARK * 40), files.HEADER.size, PIECE + OVERHEAD
    pieces = [whole[at : at + piece] for at in range(head, len(whole), piece)]
    start = whole[:head]
    assert len(pieces) == 4
    assert b"".join(files.unseal(NAME, io.BytesIO(whole))) == MARK * 40
    refuse(NAME, start + b"".join([pieces[1], pieces[0], *pieces[2:]]))
    refuse(NAME, start + b"".join([pieces[0], *pieces[2:]]))
    refuse(NAME, start + b"".join(pieces[:-1]))
    refuse(NAME, start)
    refuse(NAME, MARK * 40)
    refuse("sealed/corrected/b.json", whole)
    other = sealed(MARK * 40)
    refuse(NAME, start + other[head:])


def test_what_a_killed_process_left_is_removed_and_what_is_held_is_not(
    installation: Path,
) -> None:
    held, left = working.directory(), working.home() / "left"
    left.mkdir()
    (left / "customers.json").write_bytes(MARK)
    for each in (held, left):
        os.utime(each, (time.time() - 3600,) * 2)
    young = working.home() / "young"
    young.mkdir()
    working.remove_abandoned()
    assert (held.exists(), left.exists(), young.exists()) == (True, False, True)
    working.forget()
    assert not held.exists()
