"""What the quick check says of many records is what the judge says of each of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.dev.sandbox.samples import FILE_STYLES, customer, pieces
from imports.customers.api.mapping import preset
from imports.customers.files.blocks import blocks
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.json_stream import Run, no_stretch
from imports.customers.files.limits import Checks
from imports.customers.files.quick_check import Quick, QuickCheck
from imports.customers.files.reader import customers
from imports.customers.files.validation import Record

TREE = Path(__file__).parents[4]
GK = Checks.of(preset("gk"), rules="gk")
PLAIN = Checks(id_paths=("id", "ids.0", "ids.1.x"), email_paths=("mail", "a.b"), id_required=False)
ODD = Checks(id_paths=("id", "id.0"), email_paths=("mail",))  # a path within another

# As they stand in a file: what a receiver may round, garble, refuse, or store under no name.
VALUES = (
    "1", "0", "-0", "1.0", "0.1", "1e5", "1E400", "1e-400", "9007199254740992",
    "9007199254740993", "-9007199254740993", "123456789012345678901234567890",
    "0.1234567890123456789", "1.00000000000000000000001", "true", "null", "[]", "{}",
    '""', '"  "', '"\\t"', '"a"', '"x:y"', '"a\\u003ab"', '"a\\":b"', '"\\u0022:"', '"\\u0000"',
    '"\\u00e5"', '"\\u00c3\\u00a5"', '"Ã\\u00a5"', '"\\u00C3¥"', '"Ã¥"', '"åäö"', '"\\ud800"',
    '"\\ud83d\\ude00"', '"\\/"', '"}, {"', '"' + "x" * 321 + '"', '"' + "x" * 41 + '"',
    '"2024-02-30"', '"2024-02-28"', '"2024-02-28T10:00"', '"sv"', '"sv\\n"', '"SV"', '"LOCKED"',
    "[" * 12 + "]" * 12, '{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}', '{"a":1,"a":1}',
    '{"a" :1 , "b": 2}', '[{"city":"","type":"X"}]', '[{"city":0}]', "[null]",
    '["x"]', '[5,{"x":7}]', "NaN", "-", "01", '{"b": "m"}', '{"b": 5.5}',
)  # fmt: skip
KEYS = ("id", "ids", "mail", "a", "person", "organization", "type", "changeType", "note")
FIELDS = (
    "customerId", "username", "status", "birthday", "languageCode", "addresses", "customerCards",
    "emails", "email", "note", "firstName",
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A list of records, some of them sound customers, with odd values here and there."""
    style = draw(st.sampled_from(FILE_STYLES))
    records = []
    for n in range(draw(st.integers(2, 6))):
        text = json.JSONEncoder(**style).encode(customer(n))
        if draw(st.booleans()):
            field, value = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(VALUES))
            text = text.replace('"firstName"', f'"{field}": {value}, "firstName"', 1)
            if draw(st.booleans()):
                text = text.replace(f'"{field}"', '"other"', 1)
        elif draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(KEYS), max_size=4))
            inside = (f'"{key}":{draw(st.sampled_from(VALUES))}' for key in chosen)
            text = f'{{"changeType":"X",{",".join(inside)}}}'.replace(",}", "}")
        records.append(text)
    between = draw(st.sampled_from([",", ", ", ",\n", " , "]))
    return f"[{between.join(records)}]".encode()


def _read(text: bytes, checks: Checks, quick: Quick) -> list[Record] | str:
    found = customers(cast("Any", text), "file", checks.envelopes, [], quick)
    try:
        return [record for block in blocks(found, "file", checks) for record in block.records()]
    except UnreadableFile as error:
        return str(error)


@pytest.mark.parametrize("checks", [GK, PLAIN, ODD], ids=["gk", "plain", "odd"])
@settings(max_examples=400, deadline=None)
@given(text=texts())
def test_the_quick_check_finds_what_the_judge_finds(checks: Checks, text: bytes) -> None:
    assert _read(text, checks, QuickCheck(checks).stretch) == _read(text, checks, no_stretch)


@pytest.mark.parametrize("style", FILE_STYLES, ids=["spaces", "compact", "escaped", "wide"])
def test_sound_customers_are_judged_at_once_whatever_their_white_space(
    style: dict[str, Any],
) -> None:
    text = "".join(pieces(range(200), style, {})).encode()
    found = list(customers(cast("Any", text), "file", GK.envelopes, [], QuickCheck(GK).stretch))
    at_once = sum(len(each.stretch.raws) for each in found if isinstance(each, Run))
    assert at_once > 150


# In a process of its own, since one with threads (as the tests' are) does not fork.
CHECK = """
import errno, hashlib, os, signal, sys
from pathlib import Path
from imports.customers.files import quick_check
from imports.customers.files.limits import GK_CHECKS
from imports.customers.files.reader import check_file

path, folder = map(Path, sys.argv[1:3])
smallest, kills, most = map(int, sys.argv[3:])
quick_check.PARALLEL_BYTES, quick_check.os.cpu_count = smallest, lambda: 2
others, begin, begun = [], quick_check.Ahead._begin, 0

def noted(self):
    global begun
    begun += 1
    if begun > most:
        raise OSError(errno.EAGAIN, "no more processes")
    others.append(begin(self))
    return others[-1]

def seen(records):
    if kills and others and records > 300:
        os.kill(others.pop()[0], signal.SIGKILL)

quick_check.Ahead._begin = noted
verdict = check_file(path, "file", GK_CHECKS, None, folder, seen)
(index,) = folder.iterdir()
print(verdict.records, verdict.refused, verdict.duplicated, verdict.warned, verdict.sha256)
print(hashlib.sha256(index.read_bytes()).hexdigest())
print(begun, file=sys.stderr)
"""


@pytest.mark.parametrize(("kills", "most"), [(0, 2), (1, 2), (0, 1)])
def test_other_processes_find_the_same_even_where_one_is_killed_or_cannot_begin(
    tmp_path: Path, kills: int, most: int
) -> None:
    text = "".join(pieces(range(2_000), FILE_STYLES[1], {}))
    for at in (100, 700, 701, 1_500):  # what the quick check leaves to the judge
        text = text.replace(f'"customerId":"{50_000_001_000 + at}"', '"customerId":[]')
    (tmp_path / "file.json").write_text(text)
    found = []
    for folder, smallest, kill in (("alone", 1 << 30, 0), ("others", 1, kills)):
        (tmp_path / folder).mkdir()
        numbers = [str(smallest), str(kill), str(most)]
        paths = [str(tmp_path / "file.json"), str(tmp_path / folder)]
        command = [sys.executable, "-c", CHECK, *paths]
        found.append(
            subprocess.run(
                [*command, *numbers], cwd=TREE, capture_output=True, text=True, check=True
            )
        )
    assert [each.stderr for each in found] == ["0\n", "2\n"]
    assert found[0].stdout == found[1].stdout
    assert found[0].stdout.startswith("2000 4 ")


def test_a_key_that_stands_twice_is_seen_among_many_records() -> None:
    records = [f'{{"id": "{n}", "a": {{"b": 1}}}}' for n in range(50)]
    records[20] = '{"id": "20", "a": {"b": 1, "b": 2}}'
    text = f"[{', '.join(records)}]".encode()
    found = _read(text, PLAIN, QuickCheck(PLAIN).stretch)
    assert [r.refusal.code for r in found if isinstance(r, Record) and r.refusal] == [
        "DUPLICATE_KEY"
    ]
