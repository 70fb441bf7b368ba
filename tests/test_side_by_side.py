"""The order of the files of tests names files that there are, and puts the long ones first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.side_by_side import COMPUTING, WAITING, rank

ROOT = Path(__file__).parent.parent
FILES = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]


@pytest.mark.parametrize("place", [*WAITING, *COMPUTING])
def test_what_is_named_is_there(place: str) -> None:
    assert [file for file in FILES if file.startswith(place)]


def test_every_file_has_a_kind_and_a_longer_one_begins_before() -> None:
    assert rank(f"{WAITING[0]}test_a.py::test") < rank(f"{WAITING[1]}.py::test")
    assert rank(WAITING[-1]) < rank(COMPUTING[0]) < rank("tests/imports/test_any.py::test")
