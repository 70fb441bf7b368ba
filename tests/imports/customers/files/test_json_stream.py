"""Finding records: byte for byte, in order, however they are laid out, and in little memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from imports.customers.files.errors import UnreadableFile
from imports.customers.files.limits import Checks
from tests.imports.customers.written import customer, envelope, read

ANYTHING = Checks(id_required=False, max_record_bytes=1 << 24)
TREE = Path(__file__).parents[4]

ODD = [
    '{"a":1}',
    '{ "a" :\t1 ,\r\n"b":[ ] }',
    '{"a":"}{][\\"\\\\"}',
    '{"a":"},{\\"a\\":"}',
    '{"\\u00e5":"\\/ \\u00F6 ö 😀"}',
    '{"a":[{"a":[{}]},{"a":{}}]}',
    '{"a":1E+2,"b":-0.0,"c":1.10}',
    '{"a":"\u2028"}',
    "{}",
]


@pytest.mark.parametrize("separator", [",", " , ", ",\n  ", "\r\n\t,\r\n", ",\n\n"])
def test_each_record_is_byte_for_byte_what_stands_in_the_file(
    tmp_path: Path, separator: str
) -> None:
    content = f'\n{{ "data" : [ {separator.join(ODD)}\n ] }}\n'.encode()
    records = read(tmp_path, content, ANYTHING)
    assert [record.raw.decode() for record in records] == ODD
    assert [record.position for record in records] == list(range(1, len(ODD) + 1))
    for record in records:
        assert content[record.offset : record.offset + record.size] == record.raw


def some_value(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value whose texts are full of what JSON itself is made of."""
    kind = rng.randrange(4 if depth < 4 else 2)
    if kind == 0:
        return rng.choice([True, None, 0, -1.5, 12345, 1e22])
    if kind == 1:
        return "".join(rng.choices('ab"\\{}[],:\n åö😀', k=rng.randrange(9)))
    if kind == 2:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {f"k{n}": some_value(rng, depth + 1) for n in range(rng.randrange(4))}


@pytest.mark.parametrize("seed", range(30))
def test_any_list_of_records_is_taken_apart_as_it_was_put_together(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    separator = rng.choice([",", ", ", ",\n"])
    ascii_only, indent = rng.random() < 0.5, rng.choice([None, 2])
    written = [
        json.dumps(
            {"k0": some_value(rng), "x": some_value(rng)}, ensure_ascii=ascii_only, indent=indent
        )
        for _ in range(rng.randrange(1, 60))
    ]
    content = f'{{"data":[{separator.join(written)}]}}'.encode()
    assert [record.raw.decode() for record in read(tmp_path, content, ANYTHING)] == written


def test_what_looks_like_the_end_of_a_record_inside_one_is_not_taken_for_it(
    tmp_path: Path,
) -> None:
    # The first two teach the reader `},{"a"`; the third has it inside a list, and in a text.
    written = ['{"a":1}', '{"a":2}', '{"a":[{"a":1},{"a":2}],"b":"},{\\"a\\""}', '{"a":3}']
    content = f"[{','.join(written)}]".encode()
    assert [record.raw.decode() for record in read(tmp_path, content, ANYTHING)] == written


@pytest.mark.parametrize("depth", [3, 100_000])
def test_brackets_that_do_not_match_refuse_the_file_however_deep(
    tmp_path: Path, depth: int
) -> None:
    content = envelope('{"a": ' + "[" * depth + "}" * depth + "}", customer())
    with pytest.raises(UnreadableFile, match=r"record 1 \(line 1, byte \d+\): this is not JSON"):
        read(tmp_path, content, ANYTHING)


def test_records_keep_their_order_and_do_not_overlap(tmp_path: Path) -> None:
    records = read(tmp_path, envelope(*(customer(str(number)) for number in range(500))))
    assert [record.key for record in records] == [str(number) for number in range(500)]
    assert all(one.offset + one.size < two.offset for one, two in pairwise(records))


# Linux counts a peak from exec on only in /proc; getrusage there begins with the parent's.
MEASURE = """
import re, resource, sys
from pathlib import Path
from imports.customers.files.limits import GK_CHECKS
from imports.customers.files.reader import check_file

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
verdict = check_file(Path(sys.argv[1]), "large.json", GK_CHECKS)
print(verdict.records, peak() - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    padding = "x" * 3_000
    with (tmp_path / "large.json").open("w") as file:
        file.write('{"data": [')
        file.write(",\n".join(customer(str(n), note=padding) for n in range(20_000)))
        file.write("]}")
    size = (tmp_path / "large.json").stat().st_size
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.json")]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True)
    records, grown = map(int, done.stdout.split())
    assert (records, size > 60_000_000) == (20_000, True)
    assert grown < 40_000_000  # mapped pages are given back on the way; a whole load takes more
